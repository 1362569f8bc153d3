use crate::signature::Hash;
#[cfg(feature = "public-key")]
use crate::signature::PublicKeyAlgorithm;

/// What proves that a request is genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// An HMAC (RFC 2104) over the signed content.
    Hmac(Hash),
    /// A plain hash over the signed content, of which the secret is a part
    /// ([`Part::Secret`](super::Part)). Weaker than an HMAC: where the secret
    /// comes first, whoever has one genuine request can compute the hash of
    /// some longer contents.
    Hash(Hash),
    /// A signature with the provider's private key, over the signed content.
    /// What is called secret elsewhere is the public key here.
    #[cfg(feature = "public-key")]
    PublicKey(PublicKeyAlgorithm),
    /// A shared token, sent along as it is. It proves who sent the request,
    /// not that nobody changed it on the way.
    Token,
}
