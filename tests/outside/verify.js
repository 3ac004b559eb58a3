// Verify a bundle with sigstore-js: `node verify.js (--root TRUSTED_ROOT --identity ID --issuer URL | --key PEM) BUNDLE FILE`, with
// NODE_PATH naming the packages. Ends with 0 where it is good, with 1 and the reason where it is not.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

const options = {};
const rest = process.argv.slice(2);
while (rest[0].startsWith('--')) {
    options[rest.shift().slice(2)] = rest.shift();
}
const [bundle, file] = rest.map((name) => fs.readFileSync(name));
try {
    const entity = toSignedEntity(bundleFromJSON(JSON.parse(bundle)), file);
    if (options.key) {
        // A key's bundle has neither log entry nor time stamp: nothing of an instance is asked.
        const publicKey = crypto.createPublicKey(fs.readFileSync(options.key));
        const material = toTrustMaterial({ tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] }, () => ({
            publicKey,
            validFor: () => true,
        }));
        new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 }).verify(entity);
    } else {
        const material = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(fs.readFileSync(options.root))));
        new Verifier(material).verify(entity, { subjectAlternativeName: options.identity, extensions: { issuer: options.issuer } });
    }
} catch (error) {
    console.error(`${error.code || error.name}: ${error.message}`);
    process.exit(1);
}
