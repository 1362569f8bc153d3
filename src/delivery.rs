//! placeholder of branch `limit`: take branch `main`'s file.
#![allow(missing_docs)]
use std::sync::Arc;

use http::StatusCode;

#[derive(Clone, Debug)]
pub struct Delivery {
    pub(crate) provider: &'static str,
    pub(crate) overload_status: StatusCode,
}

impl Delivery {
    pub(crate) fn provider(&self) -> &str {
        self.provider
    }

    pub(crate) fn overload_status(&self) -> StatusCode {
        self.overload_status
    }
}

#[derive(Clone, Debug)]
pub struct Tenant(Arc<str>);

impl Tenant {
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
