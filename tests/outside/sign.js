// Sign a file with sigstore-js: `node sign.js 0.2|0.3 BASE TOKEN FILE BUNDLE`, with NODE_PATH naming the packages. 0.2 is what its
// `sign` writes, a bundle with a chain of certificates; 0.3 is the same signer and the same log, packed by its own builder of bundles.
'use strict';
const fs = require('fs');
const { sign } = require('sigstore');
const { bundleToJSON, toMessageSignatureBundle } = require('@sigstore/bundle');
const { FulcioSigner, MessageSignatureBundleBuilder, RekorWitness } = require('@sigstore/sign');
const crypto = require('crypto');

const [version, base, tokenFile, file, bundle] = process.argv.slice(2);
const token = fs.readFileSync(tokenFile, 'utf8').trim();
const data = fs.readFileSync(file);

class Builder extends MessageSignatureBundleBuilder {
    async package(artifact, signature) {
        const pem = signature.key.certificate.replace(/-----[A-Z ]+-----|\s/g, '');
        return toMessageSignatureBundle({
            digest: crypto.createHash('sha256').update(artifact.data).digest(),
            signature: signature.signature,
            certificate: Buffer.from(pem, 'base64'),
            certificateChain: false,
        });
    }
}

async function made() {
    if (version === '0.2') {
        return sign(data, { fulcioURL: base, rekorURL: base, identityToken: token, tlogUpload: true });
    }
    const signer = new FulcioSigner({ fulcioBaseURL: base, identityProvider: { getToken: async () => token } });
    const builder = new Builder({ signer, witnesses: [new RekorWitness({ rekorBaseURL: base })] });
    return bundleToJSON(await builder.create({ data }));
}

made()
    .then((json) => fs.writeFileSync(bundle, JSON.stringify(json)))
    .catch((error) => { console.error(error); process.exit(1); });
