// One DSSE verification after the other with sigstore-js: `node verify.js ROOT BUNDLE IDENTITY ISSUER SHA256`, with NODE_PATH naming
// the packages, then a number a line on standard input; for each, so many verifications from the text of the bundle on, and their CPU
// time in seconds as the answer.
'use strict';
const fs = require('fs');
const readline = require('readline');
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

const [root, bundle, identity, issuer, sha256] = process.argv.slice(2);
const text = fs.readFileSync(bundle, 'utf8');
const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(fs.readFileSync(root)))));
const policy = { subjectAlternativeName: identity, extensions: { issuer } };

function verify() {
    const parsed = bundleFromJSON(JSON.parse(text));
    verifier.verify(toSignedEntity(parsed), policy);
    const statement = JSON.parse(parsed.content.dsseEnvelope.payload);
    if (!statement.subject.some((subject) => subject.digest.sha256 === sha256)) {
        throw new Error('about another file');
    }
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const began = process.cpuUsage();
    for (let count = Number(line); count > 0; count -= 1) {
        verify();
    }
    const spent = process.cpuUsage(began);
    console.log((spent.user + spent.system) / 1e6);
});
