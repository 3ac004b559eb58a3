// A Sigstore instance on 127.0.0.1: certificate authority, certificate log and transparency log of @sigstore/mock, time stamps by
// `openssl ts`. Run as `node services.js FOLDER`, with NODE_PATH naming the packages. Writes trusted_root.json, signing_config.json
// and trust_config.json into FOLDER, prints one line when it listens, and ends with its standard input.
'use strict';
const { execFileSync } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const mock = require('@sigstore/mock');

const folder = process.argv[2];
const inFolder = (name) => path.join(folder, name);
const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
const newKey = () => crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const validFor = { start: new Date(Date.now() - 3600e3).toISOString() };

// Real time stamp requests are DER, which the mock does not read.
function makeTimeStamps() {
    fs.writeFileSync(inFolder('tsa.cnf'), `
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
serial = ${inFolder('tsa.serial')}
signer_digest = sha256
default_policy = 1.3.6.1.4.1.57264.2
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
accuracy = secs:1
`);
    fs.writeFileSync(inFolder('tsa.serial'), '01\n');
    const p256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-config', 'tsa.cnf', '-sha256'];
    openssl('req', '-x509', ...p256, '-keyout', 'root.key', '-out', 'root.pem', '-subj', '/O=acme.example/CN=tsa root',
        '-extensions', 'root', '-days', '30');
    openssl('req', '-new', ...p256, '-keyout', 'tsa.key', '-out', 'tsa.csr', '-subj', '/O=acme.example/CN=tsa');
    openssl('x509', '-req', '-in', 'tsa.csr', '-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial', '-out', 'tsa.pem',
        '-extfile', 'tsa.cnf', '-extensions', 'leaf', '-days', '29', '-sha256');
    return ['tsa.pem', 'root.pem'].map((name) => ({ rawBytes: openssl('x509', '-in', name, '-outform', 'DER').toString('base64') }));
}

let stamps = 0;
function timeStamp(query) {
    const name = `query-${stamps++}`;
    fs.writeFileSync(inFolder(`${name}.tsq`), query);
    openssl('ts', '-reply', '-config', 'tsa.cnf', '-section', 'tsa', '-queryfile', `${name}.tsq`, '-signer', 'tsa.pem',
        '-inkey', 'tsa.key', '-out', `${name}.tsr`);
    return fs.readFileSync(inFolder(`${name}.tsr`));
}

// cosign and sigstore-python send the identity token as a header, the others in the body; sigstore-python names its key by a signing
// request, in base64 as every field of bytes. A real Fulcio takes all of it, the mock one form.
function withToken(request, body) {
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization || '');
    if (!bearer) {
        return body.toString();
    }
    const asked = { credentials: { oidcIdentityToken: bearer[1] }, ...JSON.parse(body) };
    if (asked.certificateSigningRequest) {
        asked.certificateSigningRequest = Buffer.from(asked.certificateSigningRequest, 'base64').toString();
    }
    return JSON.stringify(asked);
}

// Certificates in one way, whatever ends their lines: a real Rekor writes them anew.
function canonical(text) {
    const entry = JSON.parse(text);
    const key = entry.spec.signature.publicKey;
    key.content = Buffer.from(Buffer.from(key.content, 'base64').toString().replace(/\r/g, '')).toString('base64');
    return JSON.stringify(entry);
}

async function main() {
    const tsaChain = makeTimeStamps();
    const server = http.createServer();
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
    const base = `http://127.0.0.1:${server.address().port}`;

    const ctLog = await mock.initializeCTLog(newKey());
    const ca = await mock.initializeCA(newKey(), ctLog);
    const tLog = await mock.initializeTLog(base, newKey());
    const fulcio = mock.fulcioHandler(ca);
    const rekor = mock.rekorHandler(tLog);
    const handlers = [fulcio, rekor];
    server.on('request', (request, response) => {
        const chunks = [];
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', async () => {
            const body = Buffer.concat(chunks);
            const route = request.url.split('?')[0];
            let status = 404, type = 'text/plain', answer = 'no such service';
            try {
                const handler = handlers.find((h) => h.path === route);
                if (route === '/api/v1/timestamp') {
                    [status, type, answer] = [201, 'application/timestamp-reply', timeStamp(body)];
                } else if (route === '/token') {
                    // The identity token service of a runner of GitHub Actions.
                    const known = request.headers.authorization === 'Bearer runner' && /[?&]audience=sigstore(&|$)/.test(request.url);
                    const value = known ? fs.readFileSync(inFolder('token'), 'utf8') : '';
                    [status, type, answer] = [known ? 200 : 401, 'application/json', JSON.stringify({ value })];
                } else if (route === '/elsewhere/api/v2/signingCert') {
                    response.setHeader('Location', `${base}/api/v2/signingCert`);
                    [status, answer] = [307, ''];
                } else if (handler) {
                    const text = withToken(request, body);
                    const done = await handler.fn(route === rekor.path ? canonical(text) : text);
                    // A real Fulcio answers 200, and cosign takes nothing else.
                    status = route === fulcio.path && done.statusCode === 201 ? 200 : done.statusCode;
                    [type, answer] = [done.contentType || type, done.response];
                    if (route === rekor.path && status === 201) {
                        // A real Rekor names the new entry in a header, and cosign reads it there.
                        response.setHeader('ETag', Object.keys(JSON.parse(answer))[0]);
                    }
                }
            } catch (error) {
                [status, answer] = [500, String(error)];
            }
            response.writeHead(status, { 'Content-Type': type });
            response.end(answer);
        });
    });

    const keyOf = (der) => ({ rawBytes: Buffer.from(der).toString('base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor });
    const logId = (der) => ({ keyId: crypto.createHash('sha256').update(Buffer.from(der)).digest('base64') });
    const log = (der) => ({ baseUrl: base, hashAlgorithm: 'SHA2_256', publicKey: keyOf(der), logId: logId(der) });
    const subject = (commonName) => ({ organization: 'acme.example', commonName });
    const trustedRoot = {
        mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
        tlogs: [log(tLog.publicKey)],
        certificateAuthorities: [{
            subject: subject('sigstore'),
            uri: base,
            certChain: { certificates: [{ rawBytes: Buffer.from(ca.rootCertificate).toString('base64') }] },
            validFor,
        }],
        ctlogs: [log(ctLog.publicKey)],
        timestampAuthorities: [{ subject: subject('tsa'), uri: `${base}/api/v1/timestamp`, certChain: { certificates: tsaChain }, validFor }],
    };
    const service = (url) => [{ url, majorApiVersion: 1, validFor, operator: 'acme.example' }];
    const signingConfig = {
        mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
        caUrls: service(base),
        oidcUrls: service(`${base}/auth`),
        rekorTlogUrls: service(base),
        rekorTlogConfig: { selector: 'ANY' },
        tsaUrls: service(`${base}/api/v1/timestamp`),
        tsaConfig: { selector: 'ANY' },
    };
    const trustConfig = { mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json', trustedRoot, signingConfig };
    for (const [name, value] of Object.entries({ trusted_root: trustedRoot, signing_config: signingConfig, trust_config: trustConfig })) {
        fs.writeFileSync(inFolder(`${name}.json`), JSON.stringify(value));
    }
    process.stdin.resume();
    process.stdin.on('end', () => process.exit(0));
    console.log(base);
}

main().catch((error) => { console.error(error); process.exit(1); });
