use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::HandshakeError;
use crate::delivery::{Delivery, Tenant};

/// What [`ConfirmSubscription::confirm`] returns.
pub type ConfirmFuture<'a> = Pin<Box<dyn Future<Output = Result<(), HandshakeError>> + Send + 'a>>;

/// Does what a verified message asks for to confirm a subscription, such as
/// the request to the `SubscribeURL` of Amazon SNS.
///
/// That the message is signed proves who sent it, not that its URL is
/// harmless: an implementation checks the host before it calls it, or asks a
/// preset that does (`AwsSns::subscribe_url` in
/// [`provider`](crate::provider)).
pub trait ConfirmSubscription: fmt::Debug + Send + Sync {
    /// Confirms. An error is answered with 503, so that the provider sends the
    /// message again.
    fn confirm<'a>(&'a self, subscription: Subscription<'a>) -> ConfirmFuture<'a>;
}

/// A verified message that asks for confirmation.
#[derive(Clone, Copy, Debug)]
pub struct Subscription<'a> {
    pub(super) delivery: &'a Delivery,
    pub(super) tenant: Option<&'a Tenant>,
}

impl<'a> Subscription<'a> {
    /// The message.
    #[must_use]
    pub const fn delivery(&self) -> &'a Delivery {
        self.delivery
    }

    /// Whose endpoint it is for.
    #[must_use]
    pub const fn tenant(&self) -> Option<&'a Tenant> {
        self.tenant
    }
}
