//! Private keys that cannot leave their token: a YubiKey, an HSM, anything with a PKCS#11 module.
//!
//! A module is a shared library of the token's maker, and loading it runs its code. So only a command that uses a private key
//! loads one, only the one that the URI names, and only by its absolute path.

use super::SignError;
use super::uri::Pkcs11Uri;
use crate::digest::Digest;
use crate::text::{printable, printable_path};
use crate::trust::key::Password;
use crate::trust::sigstore::{self, SignatureBundle};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as ModuleError, RvError};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use pkcs8::der::asn1::UintRef;
use pkcs8::der::{self, Encode as _, Header, Tag};
use std::path::PathBuf;
use thiserror::Error;

/// DER of the object identifier of the curve P-256, as `CKA_EC_PARAMS` has it (RFC 5480).
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// What stands before the point in the SubjectPublicKeyInfo of a P-256 key (RFC 5480).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Length in bytes of an uncompressed P-256 point, and the byte it begins with (SEC 1).
const POINT_LENGTH: usize = 65;
const POINT_UNCOMPRESSED: u8 = 0x04;
/// What stands before the point where it is wrapped in an OCTET STRING, as PKCS#11 asks.
const POINT_WRAPPING: [u8; 2] = [0x04, 0x41];
/// Length in bytes of a raw P-256 signature: r and s, 32 each.
const SIGNATURE_LENGTH: usize = 64;

/// Why a key on a token cannot be used. Each names the module; the others say how far it got.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The module cannot be loaded.
    #[error("the module `{}` cannot be loaded: {}", printable_path(.module), printable(.why))]
    Module {
        /// Which.
        module: PathBuf,
        /// What the system says.
        why: String,
    },
    /// No token is as the URI says.
    #[error("the module `{}` has no token {}; it has {}", printable_path(.module), printable(.wanted), printable(.there))]
    NoToken {
        /// The module.
        module: PathBuf,
        /// What the URI asks for.
        wanted: String,
        /// What is there.
        there: String,
    },
    /// Several tokens are.
    #[error("several tokens {}: {}; name one by `serial` or `slot-id`", printable(.wanted), printable(.there))]
    SeveralTokens {
        /// What the URI asks for.
        wanted: String,
        /// What is there.
        there: String,
    },
    /// The PIN is wrong.
    #[error("{place}: the PIN is wrong{}", if *.last { "; one more wrong PIN locks the token" } else { "" })]
    Pin {
        /// Which token.
        place: Place,
        /// Only one try is left.
        last: bool,
    },
    /// Too many wrong PINs.
    #[error("{0}: the PIN is locked; its administrator can set a new one")]
    Locked(Place),
    /// No private key is as the URI says.
    #[error("{place} holds no private key{}; it holds {}", printable(.wanted), printable(.there))]
    NoKey {
        /// Which token.
        place: Place,
        /// What the URI asks for.
        wanted: String,
        /// What is there.
        there: String,
    },
    /// Several are.
    #[error("{place} holds several private keys{}: {}; name one by `object` or `id`", printable(.wanted), printable(.there))]
    SeveralKeys {
        /// Which token.
        place: Place,
        /// What the URI asks for.
        wanted: String,
        /// What is there.
        there: String,
    },
    /// Not ECDSA P-256.
    #[error("{place}: the key {} is {}; documents are signed with ECDSA P-256", printable(.object), printable(.found))]
    Algorithm {
        /// Which token.
        place: Place,
        /// Which key.
        object: String,
        /// What it is.
        found: String,
    },
    /// The public half is not there.
    #[error("{place}: the token does not give the public key of {}; put the public key or its object on it", printable(.object))]
    NoPublicKey {
        /// Which token.
        place: Place,
        /// Which key.
        object: String,
    },
    /// The key wants its PIN at every signature, and the module has no way for that.
    #[error("{place}: the key {} asks for its PIN at every signature, and the module cannot hash while it signs", printable(.object))]
    EverySignature {
        /// Which token.
        place: Place,
        /// Which key.
        object: String,
    },
    /// What the token returned is no signature by that key.
    #[error("{place}: what the token returned is no signature by the key {}", printable(.object))]
    NotASignature {
        /// Which token.
        place: Place,
        /// Which key.
        object: String,
    },
    /// Anything else that the module refused.
    #[error("{place}: {}", printable(.why))]
    Refused {
        /// Which token.
        place: Place,
        /// What the module says.
        why: String,
    },
}

/// Which token, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    module: PathBuf,
    slot: u64,
    token: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { module, slot, token } = self;
        write!(f, "token `{}` in slot {slot} of `{}`", printable(token), printable_path(module))
    }
}

impl Place {
    fn refused(&self, error: &ModuleError) -> TokenError {
        TokenError::Refused { place: self.clone(), why: error.to_string() }
    }
}

/// A token that was found, not yet logged in to.
#[derive(Debug)]
pub struct Token {
    module: Pkcs11,
    slot: Slot,
    info: TokenInfo,
    place: Place,
    uri: Pkcs11Uri,
}

impl Token {
    /// Load the module and find the token that the URI names.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn find(uri: Pkcs11Uri) -> Result<Self, TokenError> {
        let cannot = |why: &ModuleError| {
            // The wrapper's own words around what the system says add nothing.
            let why = if let ModuleError::LibraryLoading(why) = why { why.to_string() } else { why.to_string() };
            TokenError::Module { module: uri.module.clone(), why }
        };
        let module = Pkcs11::new(&uri.module).map_err(|e| cannot(&e))?;
        module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).map_err(|e| cannot(&e))?;
        let mut there = Vec::new();
        let mut found = Vec::new();
        for slot in module.get_slots_with_token().map_err(|e| cannot(&e))? {
            // A token that was just pulled out is none.
            let Ok(info) = module.get_token_info(slot) else { continue };
            if !info.token_initialized() {
                continue;
            }
            there.push(format!("`{}` (slot {}, serial {})", info.label(), slot.id(), info.serial_number()));
            if is_meant(&uri, slot, &info) {
                found.push((slot, info));
            }
        }
        let wanted = wanted_token(&uri);
        let listed = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        let last = found.pop();
        let Some((slot, info)) = last else {
            return Err(TokenError::NoToken { module: uri.module, wanted, there: listed });
        };
        if !found.is_empty() {
            return Err(TokenError::SeveralTokens { wanted, there: listed });
        }
        let place = Place { module: uri.module.clone(), slot: slot.id(), token: info.label().to_owned() };
        if info.user_pin_locked() {
            return Err(TokenError::Locked(place));
        }
        Ok(Self { module, slot, info, place, uri })
    }

    /// Which token it is, for people.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether a PIN has to be given to the program. A token with a PIN pad of its own asks by itself.
    #[must_use]
    pub fn needs_pin(&self) -> bool {
        self.info.login_required() && !self.info.protected_authentication_path()
    }

    /// Log in and find the key.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open(self, pin: Option<&Password>) -> Result<TokenKey, TokenError> {
        let session = self.module.open_ro_session(self.slot).map_err(|e| self.place.refused(&e))?;
        let pin = pin.and_then(|pin| std::str::from_utf8(pin.as_bytes()).ok()).map(|text| AuthPin::from(text.to_owned()));
        if self.info.login_required() {
            session.login(UserType::User, pin.as_ref()).map_err(|e| self.login_refused(&e))?;
        }
        let (key, object) = self.private_key(&session)?;
        let attributes =
            |handle, types: &[AttributeType]| session.get_attributes(handle, types).map_err(|e| self.place.refused(&e));
        let described = attributes(
            key,
            &[AttributeType::KeyType, AttributeType::Id, AttributeType::Label, AttributeType::AlwaysAuthenticate],
        )?;
        let found = described.iter().find_map(|a| if let Attribute::KeyType(kind) = a { Some(*kind) } else { None });
        if found != Some(KeyType::EC) {
            let found = found.map_or_else(
                || "of an unknown kind".to_owned(),
                |kind| format!("of the type {}", kind.to_string().trim_start_matches("CKK_")),
            );
            return Err(TokenError::Algorithm { place: self.place, object, found });
        }
        let spki = self.public_key(&session, key, &described, &object)?;
        let at_every_signature = described.contains(&Attribute::AlwaysAuthenticate(true));
        if at_every_signature {
            let known = self.module.get_mechanism_list(self.slot).map_err(|e| self.place.refused(&e))?;
            if !known.contains(&MechanismType::ECDSA_SHA256) {
                return Err(TokenError::EverySignature { place: self.place, object });
            }
        }
        let login = if at_every_signature { Login::EverySignature(pin) } else { Login::Once };
        Ok(TokenKey { session, key, spki, login, place: self.place, object, _module: self.module })
    }

    fn login_refused(&self, error: &ModuleError) -> TokenError {
        let place = self.place.clone();
        match error {
            ModuleError::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _) => {
                // The flags changed with this try.
                let last = self.module.get_token_info(self.slot).is_ok_and(|info| info.user_pin_final_try());
                TokenError::Pin { place, last }
            }
            ModuleError::Pkcs11(RvError::PinLocked, _) => TokenError::Locked(place),
            other => place.refused(other),
        }
    }

    /// The one private key that the URI names, and how it is called in messages.
    fn private_key(&self, session: &Session) -> Result<(ObjectHandle, String), TokenError> {
        let mut template = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
        template.extend(self.uri.object.iter().map(|label| Attribute::Label(label.clone().into_bytes())));
        template.extend(self.uri.id.iter().map(|id| Attribute::Id(id.clone())));
        let find = |template: &[Attribute]| session.find_objects(template).map_err(|e| self.place.refused(&e));
        let found = find(&template)?;
        let wanted = match (&self.uri.object, &self.uri.id) {
            (None, None) => String::new(),
            (Some(label), None) => format!(" `{label}`"),
            (None, Some(id)) => format!(" with the id {}", hex::encode(id)),
            (Some(label), Some(id)) => format!(" `{label}` with the id {}", hex::encode(id)),
        };
        let place = self.place.clone();
        match found[..] {
            [key] => Ok((key, self.name_of(session, key))),
            [] => {
                let all = find(&template[..1])?;
                let there = if all.is_empty() { "none".to_owned() } else { self.names_of(session, &all) };
                Err(TokenError::NoKey { place, wanted, there })
            }
            _ => Err(TokenError::SeveralKeys { place, wanted, there: self.names_of(session, &found) }),
        }
    }

    fn names_of(&self, session: &Session, keys: &[ObjectHandle]) -> String {
        keys.iter().map(|key| self.name_of(session, *key)).collect::<Vec<_>>().join(", ")
    }

    #[expect(clippy::unused_self, reason = "a name is one of this token")]
    fn name_of(&self, session: &Session, key: ObjectHandle) -> String {
        let (mut label, mut id) = (String::new(), String::new());
        for attribute in session.get_attributes(key, &[AttributeType::Label, AttributeType::Id]).unwrap_or_default() {
            match attribute {
                Attribute::Label(bytes) => label = String::from_utf8_lossy(&bytes).into_owned(),
                Attribute::Id(bytes) => id = hex::encode(bytes),
                _ => {}
            }
        }
        format!("`{label}` (id {id})")
    }

    /// The SubjectPublicKeyInfo: of the public key object with the same id and label, else of what the private key says.
    fn public_key(
        &self,
        session: &Session,
        key: ObjectHandle,
        described: &[Attribute],
        object: &str,
    ) -> Result<Vec<u8>, TokenError> {
        let mut template = vec![Attribute::Class(ObjectClass::PUBLIC_KEY)];
        // Without an id the label has to do; with one, the label of the public half may differ.
        let id = described.iter().find(|a| matches!(a, Attribute::Id(id) if !id.is_empty()));
        let name = id.or_else(|| described.iter().find(|a| matches!(a, Attribute::Label(_))));
        template.extend(name.cloned());
        let mut holders = session.find_objects(&template).map_err(|e| self.place.refused(&e))?;
        holders.push(key);
        for holder in holders {
            let found = session.get_attributes(holder, &[AttributeType::EcParams, AttributeType::EcPoint]);
            let (mut curve, mut point) = (None, None);
            for attribute in found.map_err(|e| self.place.refused(&e))? {
                match attribute {
                    Attribute::EcParams(bytes) => curve = Some(bytes),
                    Attribute::EcPoint(bytes) => point = Some(bytes),
                    _ => {}
                }
            }
            if let Some(curve) = curve.filter(|curve| *curve != P256) {
                let found = format!("of another curve (parameters {})", hex::encode(curve));
                return Err(TokenError::Algorithm { place: self.place.clone(), object: object.to_owned(), found });
            }
            if let Some(spki) = point.and_then(|point| spki_of(&point)) {
                return Ok(spki);
            }
        }
        Err(TokenError::NoPublicKey { place: self.place.clone(), object: object.to_owned() })
    }
}

fn is_meant(uri: &Pkcs11Uri, slot: Slot, info: &TokenInfo) -> bool {
    let fits = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    fits(&uri.token, info.label())
        && fits(&uri.manufacturer, info.manufacturer_id())
        && fits(&uri.model, info.model())
        && fits(&uri.serial, info.serial_number())
        && uri.slot.is_none_or(|wanted| wanted == slot.id())
}

fn wanted_token(uri: &Pkcs11Uri) -> String {
    let texts = [("label", &uri.token), ("manufacturer", &uri.manufacturer), ("model", &uri.model), ("serial", &uri.serial)];
    let mut parts: Vec<_> = texts.iter().filter_map(|(name, value)| Some(format!("{name} `{}`", value.as_ref()?))).collect();
    parts.extend(uri.slot.map(|slot| format!("slot {slot}")));
    if parts.is_empty() { "that is initialised".to_owned() } else { format!("with {}", parts.join(", ")) }
}

/// The SubjectPublicKeyInfo of an uncompressed P-256 point, wrapped as PKCS#11 asks or bare as some modules give it.
fn spki_of(point: &[u8]) -> Option<Vec<u8>> {
    let bare = point.strip_prefix(&POINT_WRAPPING).filter(|bare| bare.len() == POINT_LENGTH).unwrap_or(point);
    let fits = bare.len() == POINT_LENGTH && bare.first() == Some(&POINT_UNCOMPRESSED);
    fits.then(|| [&SPKI_PREFIX[..], bare].concat())
}

/// When the token wants its PIN.
#[derive(Debug)]
enum Login {
    Once,
    /// Before every signature, too (`CKA_ALWAYS_AUTHENTICATE`, as a YubiKey's slot 9c has it). `None` where a PIN pad asks.
    EverySignature(Option<AuthPin>),
}

/// A private key on a token, ready to sign.
#[derive(Debug)]
pub struct TokenKey {
    session: Session,
    key: ObjectHandle,
    spki: Vec<u8>,
    login: Login,
    place: Place,
    object: String,
    /// Unloaded after the session has ended.
    _module: Pkcs11,
}

impl TokenKey {
    /// DER of the public key's SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Sign a document: a bundle as one line of JSON. A token that wants to be touched waits for it here.
    ///
    /// # Errors
    /// [`SignError::Token`].
    pub fn sign(&self, document: &[u8]) -> Result<String, SignError> {
        let raw = self.raw_signature(document).map_err(|e| SignError::Token(self.place.refused(&e)))?;
        let not_one = || SignError::Token(TokenError::NotASignature { place: self.place.clone(), object: self.object.clone() });
        let signature = der_of(&raw).ok_or_else(not_one)?;
        let line = sigstore::key_bundle(&self.spki, document, &signature).ok_or_else(not_one)?;
        match SignatureBundle::parse(&line) {
            Ok(SignatureBundle::Key(bundle)) if bundle.is_by(&self.spki, document) => Ok(line),
            _ => Err(not_one()),
        }
    }

    fn raw_signature(&self, document: &[u8]) -> Result<Vec<u8>, ModuleError> {
        match &self.login {
            Login::Once => self.session.sign(&Mechanism::Ecdsa, self.key, Digest::sha256_of(document).as_bytes()),
            Login::EverySignature(pin) => {
                self.session.sign_init(&Mechanism::EcdsaSha256, self.key)?;
                self.session.login(UserType::ContextSpecific, pin.as_ref())?;
                self.session.sign_update(document)?;
                self.session.sign_final()
            }
        }
    }
}

/// r and s as PKCS#11 puts them side by side, as the DER that everybody else reads (RFC 3279).
fn der_of(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.len() != SIGNATURE_LENGTH {
        return None;
    }
    let (r, s) = raw.split_at(SIGNATURE_LENGTH / 2);
    let encode = || -> der::Result<Vec<u8>> {
        let (r, s) = (UintRef::new(r)?, UintRef::new(s)?);
        let length = (r.encoded_len()? + s.encoded_len()?)?;
        let mut der = Header::new(Tag::Sequence, length).to_der()?;
        r.encode_to_vec(&mut der)?;
        s.encode_to_vec(&mut der)?;
        Ok(der)
    };
    encode().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_can_be_and_never_negative() {
        let mut raw = [0; SIGNATURE_LENGTH];
        raw[31] = 0x7f;
        raw[63] = 0x80;
        assert_eq!(der_of(&raw).unwrap(), [0x30, 7, 2, 1, 0x7f, 2, 2, 0, 0x80]);
        assert_eq!(der_of(&[0xff; 64]).unwrap()[..6], [0x30, 70, 2, 33, 0, 0xff]);
        assert_eq!(der_of(&raw[..63]), None);
    }

    #[test]
    fn a_point_is_read_wrapped_and_bare_and_nothing_else_is_one() {
        let mut bare = vec![1; POINT_LENGTH];
        bare[0] = POINT_UNCOMPRESSED;
        let wrapped = [&POINT_WRAPPING[..], &bare].concat();
        assert_eq!(spki_of(&bare), spki_of(&wrapped));
        assert!(spki_of(&bare).unwrap().ends_with(&bare));
        bare[0] = 2;
        for other in [&bare[..], &bare[..33], &[], &wrapped[..66]] {
            assert_eq!(spki_of(other), None);
        }
    }
}
