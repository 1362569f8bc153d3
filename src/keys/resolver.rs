use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::KeyError;
use crate::signature::{KeyName, PublicKey};

/// What [`KeyResolver::resolve`] returns.
pub type KeyFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Option<PublicKey>, KeyError>> + Send + 'a>>;

/// Finds the public keys that requests name.
///
/// The name is chosen by the sender, and nothing about it is proved: an
/// implementation decides which names it looks at at all, and bounds what it
/// fetches.
pub trait KeyResolver: fmt::Debug + Send + Sync {
    /// The key called `name`; `None` if there is no such key, or it may not be
    /// fetched.
    fn resolve<'a>(&'a self, name: &'a KeyName) -> KeyFuture<'a>;
}
