//! One secret for each provider, as its dashboard would show it.

use std::hash::{BuildHasher, RandomState};

/// Yours come from the environment or a secret manager.
pub(crate) struct Secrets {
    pub(crate) stripe: String,
    pub(crate) github: String,
    pub(crate) gitlab: String,
    pub(crate) shopify: String,
    pub(crate) slack: String,
    pub(crate) standard: String,
}

impl Secrets {
    /// Others each time the example is started.
    pub(crate) fn random() -> Self {
        Self {
            stripe: random(),
            github: random(),
            gitlab: random(),
            shopify: random(),
            slack: random(),
            standard: random(),
        }
    }
}

/// Random enough for a demonstration. `whsec_` and base64, which hex digits
/// are, too, suits every scheme here.
fn random() -> String {
    let word = || RandomState::new().hash_one(());
    format!("whsec_{:016x}{:016x}", word(), word())
}
