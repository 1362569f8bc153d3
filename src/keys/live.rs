use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::{ConfigError, Verifier};

/// A verifier that can be replaced while serving, to rotate secrets without a
/// restart.
///
/// Cloning is cheap, and clones share their content: what
/// [`replace`](Self::replace) is given holds for all of them at once.
#[derive(Clone)]
pub struct LiveVerifier {
    current: Arc<RwLock<Verifier>>,
}

impl LiveVerifier {
    /// Starts with `verifier`.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self {
            current: Arc::new(RwLock::new(verifier)),
        }
    }

    /// Verifies with `verifier` from the next request on.
    ///
    /// # Errors
    ///
    /// If it has another scheme: events of two schemes are told apart. What was
    /// there stays.
    pub fn replace(&self, verifier: Verifier) -> Result<(), ConfigError> {
        if verifier.scheme() != self.current().scheme() {
            return Err(ConfigError::InvalidScheme {
                scheme: verifier.scheme().name().to_owned(),
                reason: "it is not the one that is replaced".into(),
            });
        }
        // A panic cannot leave it half written: it is written by one move.
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, verifier);
        drop(current);
        drop(old);
        Ok(())
    }

    /// The verifier that holds now.
    #[must_use]
    pub fn current(&self) -> Verifier {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for LiveVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveVerifier")
            .field("current", &self.current())
            .finish()
    }
}
