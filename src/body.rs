//! placeholder of branch `limit`: take branch `main`'s file.
#![allow(missing_docs)]
use crate::delivery::Delivery;

#[derive(Clone, Debug)]
pub struct VerifiedBody(pub(crate) Delivery);

impl VerifiedBody {
    pub(crate) fn delivery(&self) -> &Delivery {
        &self.0
    }
}
