// Sign a file with sigstore-js: `node sign.js BASE TOKEN FILE BUNDLE`, with NODE_PATH naming the packages.
'use strict';
const fs = require('fs');
const { sign } = require('sigstore');

const [base, token, file, bundle] = process.argv.slice(2);
const options = { fulcioURL: base, rekorURL: base, identityToken: fs.readFileSync(token, 'utf8').trim(), tlogUpload: true };
sign(fs.readFileSync(file), options)
    .then((made) => fs.writeFileSync(bundle, JSON.stringify(made)))
    .catch((error) => { console.error(error); process.exit(1); });
