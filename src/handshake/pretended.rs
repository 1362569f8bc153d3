use super::{
    CaptureFuture, Captured, ConfirmFuture, ConfirmSubscription, OfferedSecret, SecretCapture,
    Subscription,
};

/// Does nothing, for a guard that is observed.
#[derive(Debug)]
pub(super) struct Pretended;

impl SecretCapture for Pretended {
    fn capture<'a>(&'a self, _offer: OfferedSecret<'a>) -> CaptureFuture<'a> {
        Box::pin(std::future::ready(Ok(Captured::Accepted)))
    }
}

impl ConfirmSubscription for Pretended {
    fn confirm<'a>(&'a self, _subscription: Subscription<'a>) -> ConfirmFuture<'a> {
        Box::pin(std::future::ready(Ok(())))
    }
}
