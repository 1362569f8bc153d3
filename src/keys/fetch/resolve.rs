//! From names to addresses that may be connected to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::Service;

use super::address::is_global;
use crate::keys::KeyError;

/// The system's resolver without the addresses that are not global.
///
/// What is connected to is what was judged: the name is not resolved again.
#[derive(Clone, Debug)]
pub(super) struct GlobalResolver {
    pinned: Arc<HashMap<String, SocketAddr>>,
    system: GaiResolver,
}

impl GlobalResolver {
    pub(super) fn new(pinned: HashMap<String, SocketAddr>) -> Self {
        Self {
            pinned: Arc::new(pinned),
            system: GaiResolver::new(),
        }
    }
}

impl Service<Name> for GlobalResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = KeyError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, KeyError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), KeyError>> {
        self.system.poll_ready(cx).map_err(KeyError::new)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        if let Some(address) = self.pinned.get(name.as_str()) {
            let address = *address;
            return Box::pin(async move { Ok(vec![address].into_iter()) });
        }
        let found = self.system.call(name);
        Box::pin(async move {
            let found = found.await.map_err(KeyError::new)?;
            let global: Vec<SocketAddr> = found.filter(|address| is_global(address.ip())).collect();
            match global.is_empty() {
                true => Err(KeyError::new("the host has no global address")),
                false => Ok(global.into_iter()),
            }
        })
    }
}
