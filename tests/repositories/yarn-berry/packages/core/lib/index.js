'use strict';
// A lantern has a beam; `cursor` walks over it. The pattern below is a soft hyphen on purpose: /[­]/g
exports.clean = (text) => text.replace(/­/g, '').normalize('NFC');
exports.cursor = function* (items) { yield* items; };
