//! Where a key on a token is: `pkcs11:token=…;object=…?module-path=…` (RFC 7512).

use std::path::PathBuf;
use thiserror::Error;

/// A PKCS#11 URI. What it does not name may be anything, as long as one key is left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pkcs11Uri {
    /// The module: the shared library of the token's maker. Absolute.
    pub module: PathBuf,
    /// Label of the token.
    pub token: Option<String>,
    /// Its maker.
    pub manufacturer: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Number of the slot it is in.
    pub slot: Option<u64>,
    /// Label of the key.
    pub object: Option<String>,
    /// Id of the key.
    pub id: Option<Vec<u8>>,
    /// File with the PIN.
    pub pin_source: Option<PathBuf>,
}

/// Why a text is no PKCS#11 URI that names a private key.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum UriError {
    /// Another scheme, or none.
    #[error("it does not begin with `pkcs11:`")]
    Scheme,
    /// A part without `=`, or with something else than a value after it.
    #[error("`{}` is no `name=value`", crate::text::printable(.0))]
    Pair(String),
    /// A name that is not known. What is not understood could be what tells two keys apart.
    #[error("`{}` is no attribute that vetted reads", crate::text::printable(.0))]
    Unknown(String),
    /// One name twice.
    #[error("`{}` stands there twice", crate::text::printable(.0))]
    Twice(String),
    /// `%` without two hex digits, or bytes that are no UTF-8 where text is meant.
    #[error("the value of `{0}` is not percent-encoded text")]
    Encoding(String),
    /// The PIN itself.
    #[error(
        "it holds a PIN (`pin-value`): everybody who sees the list of processes or the history of the shell would have it; use \
         `--password-file`, `VETTED_KEY_PASSWORD` or `pin-source`"
    )]
    PinValue,
    /// No module.
    #[error("it does not say which module to load: add `?module-path=/absolute/path/of/the/module.so`")]
    NoModule,
    /// A module that would be searched for.
    #[error("the module path `{}` is not absolute, and no module is searched for: loading one runs its code", crate::text::printable(.0))]
    Module(String),
    /// Something else than a private key.
    #[error("it names an object of the type `{}`; a `private` key signs", crate::text::printable(.0))]
    Type(String),
    /// No number.
    #[error("`slot-id` is no number")]
    Slot,
    /// A PIN somewhere else than in a file.
    #[error("`pin-source` is no absolute path or `file:` URI")]
    PinSource,
}

impl std::str::FromStr for Pkcs11Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let rest = text.strip_prefix("pkcs11:").ok_or(UriError::Scheme)?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        let mut seen = Vec::new();
        let pairs = path.split(';').chain(query.split('&')).filter(|pair| !pair.is_empty());
        for pair in pairs {
            let (name, value) = pair.split_once('=').ok_or_else(|| UriError::Pair(pair.to_owned()))?;
            if seen.contains(&name) {
                return Err(UriError::Twice(name.to_owned()));
            }
            seen.push(name);
            uri.take(name, value)?;
        }
        if uri.module.as_os_str().is_empty() {
            return Err(UriError::NoModule);
        }
        Ok(uri)
    }
}

impl Pkcs11Uri {
    fn take(&mut self, name: &str, value: &str) -> Result<(), UriError> {
        let encoding = || UriError::Encoding(name.to_owned());
        let bytes = || decoded(value).ok_or_else(encoding);
        let text = || String::from_utf8(bytes()?).map_err(|_| encoding());
        match name {
            "token" => self.token = Some(text()?),
            "manufacturer" => self.manufacturer = Some(text()?),
            "model" => self.model = Some(text()?),
            "serial" => self.serial = Some(text()?),
            "object" => self.object = Some(text()?),
            "id" => self.id = Some(bytes()?),
            "slot-id" => self.slot = Some(text()?.parse().map_err(|_| UriError::Slot)?),
            "type" => match text()? {
                kind if kind == "private" => {}
                other => return Err(UriError::Type(other)),
            },
            "pin-value" => return Err(UriError::PinValue),
            "pin-source" => {
                let source = text()?;
                let path = source.strip_prefix("file://").or(source.strip_prefix("file:")).unwrap_or(&source);
                self.pin_source = Some(absolute(path).ok_or(UriError::PinSource)?);
            }
            "module-path" => {
                let path = text()?;
                self.module = absolute(&path).ok_or(UriError::Module(path))?;
            }
            other => return Err(UriError::Unknown(other.to_owned())),
        }
        Ok(())
    }
}

fn absolute(path: &str) -> Option<PathBuf> {
    // A NUL would end the name early where the system reads it.
    (!path.contains('\0')).then(|| PathBuf::from(path)).filter(|path| path.is_absolute())
}

/// The bytes of a percent-encoded value.
fn decoded(value: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
            bytes.push(digit()? << 4 | digit()?);
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read_and_decoded() {
        let uri: Pkcs11Uri =
            "pkcs11:token=The%20token;manufacturer=M;model=m;serial=01;slot-id=7;object=a%3Bb;id=%01%fF;type=private\
                              ?pin-source=file:/run/pin&module-path=/usr/lib/a%2fm.so"
                .parse()
                .unwrap();
        assert_eq!(
            uri,
            Pkcs11Uri {
                module: "/usr/lib/a/m.so".into(),
                token: Some("The token".into()),
                manufacturer: Some("M".into()),
                model: Some("m".into()),
                serial: Some("01".into()),
                slot: Some(7),
                object: Some("a;b".into()),
                id: Some(vec![1, 255]),
                pin_source: Some("/run/pin".into()),
            }
        );
    }

    #[test]
    fn each_mistake_has_its_reason() {
        let refused = |text: &str| text.parse::<Pkcs11Uri>().unwrap_err();
        let module = "?module-path=/m.so";
        assert_eq!(refused("token=x"), UriError::Scheme);
        assert_eq!(refused(&format!("pkcs11:token{module}")), UriError::Pair("token".into()));
        assert_eq!(refused(&format!("pkcs11:x-vendor=1{module}")), UriError::Unknown("x-vendor".into()));
        assert_eq!(refused(&format!("pkcs11:token=a;token=b{module}")), UriError::Twice("token".into()));
        for value in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(refused(&format!("pkcs11:token={value}{module}")), UriError::Encoding("token".into()), "{value}");
        }
        assert_eq!(refused(&format!("pkcs11:token=x{module}&pin-value=1234")), UriError::PinValue);
        assert_eq!(refused("pkcs11:token=x"), UriError::NoModule);
        assert_eq!(refused("pkcs11:?module-path=softhsm.so"), UriError::Module("softhsm.so".into()));
        assert!(matches!(refused("pkcs11:?module-path=/a%00b"), UriError::Module(_)));
        assert_eq!(refused(&format!("pkcs11:type=cert{module}")), UriError::Type("cert".into()));
        assert_eq!(refused(&format!("pkcs11:slot-id=one{module}")), UriError::Slot);
        assert_eq!(refused(&format!("pkcs11:{module}&pin-source=pin")), UriError::PinSource);
        assert_eq!(refused(&format!("pkcs11:{module}&pin-source=|ask")), UriError::PinSource);
    }
}
