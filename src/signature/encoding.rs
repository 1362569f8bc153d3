use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha1::{Digest, Sha1};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// Secrets are typed and pasted by people: padding may be missing.
const STANDARD_ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a signature is written as text.
///
/// What does not decode to exactly the length of the MAC is not a signature:
/// base64 with wrong padding, white space, the other alphabet or stray bits in
/// its last digit is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Hexadecimal; either case is read, lower case is written.
    Hex,
    /// Base64 with the standard alphabet and padding (RFC 4648 section 4).
    Base64,
    /// Base64 with the URL-safe alphabet, without padding (RFC 4648 section 5).
    Base64Url,
    /// The text itself. For tokens only.
    Text,
}

impl Encoding {
    /// Decodes `text` into `out`; `None` unless it fills `out` exactly.
    pub(crate) fn decode_exact(self, text: &[u8], out: &mut [u8]) -> Option<()> {
        let written = match self {
            Self::Hex => return decode_hex(text, out),
            Self::Base64 => STANDARD.decode_slice(text, out).ok()?,
            Self::Base64Url => URL_SAFE_NO_PAD.decode_slice(text, out).ok()?,
            Self::Text => {
                out.get_mut(..text.len())?.copy_from_slice(text);
                text.len()
            }
        };
        (written == out.len()).then_some(())
    }

    /// Decodes `text` of any length; `None` if it is malformed.
    pub(crate) fn decode(self, text: &[u8]) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Hex => {
                let mut out = vec![0; text.len() / 2];
                decode_hex(text, &mut out).map(|()| Cow::Owned(out))
            }
            Self::Base64 => STANDARD.decode(text).ok().map(Cow::Owned),
            Self::Base64Url => URL_SAFE_NO_PAD.decode(text).ok().map(Cow::Owned),
            Self::Text => Some(Cow::Borrowed(text)),
        }
    }

    pub(crate) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex::encode(bytes),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(bytes),
            Self::Text => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

/// What no hex digit stands for.
const NOT_HEX: u8 = 0xff;

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const HEX_DIGITS: [u8; 256] = {
    let mut digits = [NOT_HEX; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        digits[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

/// Branches on no digit. `hex::decode_to_slice` does, which alone cost half as
/// much as the HMAC of a small body.
#[expect(clippy::indexing_slicing, reason = "a byte indexes 256 entries")]
fn decode_hex(text: &[u8], out: &mut [u8]) -> Option<()> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != out.len() {
        return None;
    }
    let mut seen = 0;
    for ([high, low], byte) in pairs.iter().zip(out) {
        let high = HEX_DIGITS[usize::from(*high)];
        let low = HEX_DIGITS[usize::from(*low)];
        seen |= high | low;
        *byte = high << 4 | low;
    }
    (seen != NOT_HEX).then_some(())
}

/// How the text of a secret becomes a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretEncoding {
    /// The UTF-8 bytes of the text, prefix included.
    Text,
    /// The bytes of a text of exactly so many bytes, where a provider's secrets
    /// all have one length: another is a part of one, or something else.
    TextOfLength(usize),
    /// Base64, padded or not, after a prefix such as `whsec_`. The prefix may
    /// be missing.
    Base64 {
        /// The prefix; may be empty.
        prefix: Cow<'static, str>,
    },
    /// Hexadecimal.
    Hex,
    /// The SHA-1 digest of the text's UTF-8 bytes, as Braintree has it.
    Sha1,
    /// A public key in PEM (`BEGIN PUBLIC KEY`, RFC 7468 section 13).
    Pem,
}

impl SecretEncoding {
    /// The key in `text`; `None` if it is not in this encoding.
    pub(crate) fn decode(&self, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let key = match self {
            Self::Text => text.as_bytes().to_vec(),
            Self::TextOfLength(length) if text.len() == *length => text.as_bytes().to_vec(),
            Self::TextOfLength(_) => return None,
            Self::Base64 { prefix } => STANDARD_ANY_PADDING
                .decode(text.strip_prefix(prefix.as_ref()).unwrap_or(text))
                .ok()?,
            Self::Hex => hex::decode(text).ok()?,
            // The digest of nothing is a key, but not a secret one.
            Self::Sha1 if text.is_empty() => return None,
            Self::Sha1 => Sha1::digest(text).to_vec(),
            #[cfg(feature = "public-key")]
            Self::Pem => super::public_key::spki_of_pem(text)?,
            #[cfg(not(feature = "public-key"))]
            Self::Pem => return None,
        };
        Some(Zeroizing::new(key))
    }

    /// The text of a secret that is made of `letters`; `None` if there is none.
    pub(crate) fn stand_in(&self, letters: &str) -> Option<String> {
        Some(match self {
            Self::Text | Self::Sha1 => letters.to_owned(),
            Self::TextOfLength(length) => letters.chars().cycle().take(*length).collect(),
            Self::Base64 { prefix } => format!("{prefix}{}", STANDARD.encode(letters)),
            Self::Hex => hex::encode(letters),
            Self::Pem => return None,
        })
    }

    /// The text of `key`, the other way round.
    #[cfg(all(feature = "public-key", any(test, feature = "testing")))]
    pub(crate) fn encode(&self, key: &[u8]) -> String {
        match self {
            Self::Text | Self::TextOfLength(_) | Self::Sha1 => {
                String::from_utf8_lossy(key).into_owned()
            }
            Self::Base64 { prefix } => format!("{prefix}{}", STANDARD.encode(key)),
            Self::Hex => hex::encode(key),
            Self::Pem => format!(
                "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
                STANDARD.encode(key)
            ),
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Text | Self::Sha1 => "text",
            Self::TextOfLength(_) => "text of the length that the provider's secrets have",
            Self::Base64 { .. } => "base64",
            Self::Hex => "hex",
            Self::Pem => "a public key in PEM",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decodes(encoding: Encoding, text: &str) -> bool {
        encoding
            .decode_exact(text.as_bytes(), &mut [0; 4])
            .is_some()
    }

    #[test]
    fn a9_hex_is_read_in_either_case() {
        assert!(decodes(Encoding::Hex, "DEADbeef"));
    }

    #[test]
    fn a10_what_is_not_hex_is_refused() {
        for text in ["", "deadbee", "deadbeef00", "deadbeeg", "déadbee"] {
            assert!(!decodes(Encoding::Hex, text), "{text}");
        }
    }

    #[test]
    fn hex_is_decoded_as_the_hex_crate_does() {
        for first in 0..=u8::MAX {
            for second in [first, b'0', b'f', b'G', 0x80] {
                let text = [first, second];
                let mut ours = [0];
                let mut theirs = [0];
                let decoded = decode_hex(&text, &mut ours).map(|()| ours);
                let expected = hex::decode_to_slice(text, &mut theirs)
                    .ok()
                    .map(|()| theirs);
                assert_eq!(decoded, expected, "{text:?}");
            }
        }
    }

    #[test]
    fn a11_base64_is_read_in_its_one_canonical_form() {
        assert!(decodes(Encoding::Base64, "+/+/AA=="));
        for text in [
            "+/+/AA",
            "+/+/AA=",
            "-_-_AA==",
            "+/+/ AA==",
            "+/+/AB==",
            "+/+/AA==\n",
            "",
        ] {
            assert!(!decodes(Encoding::Base64, text), "{text:?}");
        }
        assert!(decodes(Encoding::Base64Url, "-_-_AA"));
        assert!(!decodes(Encoding::Base64Url, "-_-_AA=="));
    }

    #[test]
    fn secrets_are_read_with_and_without_prefix_and_padding() {
        let encoding = SecretEncoding::Base64 {
            prefix: "whsec_".into(),
        };
        for text in ["whsec_AAEC/w==", "whsec_AAEC/w", "AAEC/w=="] {
            let key = encoding.decode(text).map(|key| key.to_vec());
            assert_eq!(key, Some(vec![0, 1, 2, 255]), "{text}");
        }
        assert!(encoding.decode("whsec_*").is_none());
    }

    #[test]
    fn h4_the_secret_of_nobody_is_decoded_as_any_other() {
        let letters = "0123456789abcdef";
        let prefix = "whsec_".into();
        for (encoding, key) in [
            (SecretEncoding::Text, letters),
            (SecretEncoding::TextOfLength(20), "0123456789abcdef0123"),
            (SecretEncoding::Base64 { prefix }, letters),
            (SecretEncoding::Hex, letters),
        ] {
            let text = encoding.stand_in(letters);
            let decoded = text.and_then(|text| encoding.decode(&text));
            let decoded = decoded.map(|key| key.to_vec());
            assert_eq!(decoded.as_deref(), Some(key.as_bytes()), "{encoding:?}");
        }
        assert!(SecretEncoding::Pem.stand_in(letters).is_none());
    }

    #[test]
    fn a_secret_can_be_hashed_into_its_key() {
        // printf secret | sha1sum
        let digest = "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4";
        let key = SecretEncoding::Sha1.decode("secret");
        assert_eq!(key.map(hex::encode).as_deref(), Some(digest));
        assert!(SecretEncoding::Sha1.decode("").is_none());
    }
}
