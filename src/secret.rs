//! Secrets: what a provider and its receiver share.
//!
//! ```
//! use tower_webhook::{Secret, Secrets};
//!
//! // During a rotation both are tried, the order does not matter:
//! let secrets = Secrets::from([
//!     Secret::new("the-new-one").with_label("2026-11"),
//!     Secret::new("the-old-one").with_label("2026-05"),
//! ]);
//! assert_eq!(format!("{:?}", Secret::new("hunter2")), r#"Secret { label: None, expires_at: None, .. }"#);
//! # assert_eq!(secrets.len(), 2);
//! ```

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::Timestamp;

/// One secret, as the provider shows it.
///
/// How the text becomes a key (as it is, base64, hex, with or without a
/// `whsec_` prefix) is stated by the scheme and happens when the
/// [`Verifier`](crate::Verifier) is built; so does the check that the secret
/// is not empty. The bytes are overwritten when the last copy is dropped, and
/// never appear in `Debug`.
#[derive(Clone)]
pub struct Secret {
    material: Material,
    label: Option<Arc<str>>,
    expires_at: Option<Timestamp>,
}

#[derive(Clone)]
enum Material {
    Text(Arc<Zeroizing<String>>),
    Bytes(Arc<Zeroizing<Vec<u8>>>),
}

impl Secret {
    /// A secret as the provider's dashboard shows it, prefix included.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self::from_material(Material::Text(Arc::new(Zeroizing::new(text.into()))))
    }

    /// The key itself, which is used without any decoding.
    #[must_use]
    pub fn from_bytes(key: impl Into<Vec<u8>>) -> Self {
        Self::from_material(Material::Bytes(Arc::new(Zeroizing::new(key.into()))))
    }

    /// The credentials of HTTP Basic authentication (RFC 7617).
    #[must_use]
    pub fn basic(user: &str, password: &str) -> Self {
        let mut text = String::with_capacity(user.len() + 1 + password.len());
        text.push_str(user);
        text.push(':');
        text.push_str(password);
        Self::from_material(Material::Text(Arc::new(Zeroizing::new(text))))
    }

    fn from_material(material: Material) -> Self {
        Self {
            material,
            label: None,
            expires_at: None,
        }
    }

    /// Names the secret, so that logs can tell which one matched. The label
    /// is not secret.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Stops using the secret at `at`, for the end of a rotation.
    ///
    /// When all secrets have expired, every request is refused.
    #[must_use]
    pub fn with_expiry(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// The name given with [`with_label`](Self::with_label).
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// The end given with [`with_expiry`](Self::with_expiry).
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    pub(crate) fn label_arc(&self) -> Option<Arc<str>> {
        self.label.clone()
    }

    /// The text, or `None` for a key given as bytes.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.material {
            Material::Text(text) => Some(text.as_str()),
            Material::Bytes(_) => None,
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.material {
            Material::Text(text) => text.as_bytes(),
            Material::Bytes(bytes) => bytes.as_slice(),
        }
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("label", &self.label)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The secrets that are active at the same time: one, or several during a
/// rotation.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Vec<Secret>);

impl Secrets {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none; a verifier cannot be built from that.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Secret> {
        self.0.iter()
    }
}

impl<S: Into<Secret>> From<S> for Secrets {
    fn from(secret: S) -> Self {
        Self(vec![secret.into()])
    }
}

impl<S: Into<Secret>, const N: usize> From<[S; N]> for Secrets {
    fn from(secrets: [S; N]) -> Self {
        secrets.into_iter().collect()
    }
}

impl<S: Into<Secret>> From<Vec<S>> for Secrets {
    fn from(secrets: Vec<S>) -> Self {
        secrets.into_iter().collect()
    }
}

impl<S: Into<Secret>> FromIterator<S> for Secrets {
    fn from_iter<I: IntoIterator<Item = S>>(secrets: I) -> Self {
        Self(secrets.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_material() {
        let secrets = Secrets::from(vec![
            Secret::new("tell-nobody").with_label("a"),
            Secret::from_bytes(*b"raw-key"),
            Secret::basic("user", "pass"),
        ]);
        let shown = format!("{secrets:?}");
        for part in ["tell", "nobody", "raw", "pass", "user", "114"] {
            assert!(!shown.contains(part), "{shown}");
        }
    }
}
