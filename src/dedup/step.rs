//! One step of the store, whatever the store does.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::guard::{Panicked, catch};
use crate::store::StoreError;

/// The answer of the store, if it comes within `timeout`.
pub(crate) async fn step<T>(
    timeout: Duration,
    step: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let mut step = pin!(step);
    // A store in memory answers at once, and needs no timer.
    let mut deadline: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        match catch(|| step.as_mut().poll(cx)) {
            Err(Panicked) => {
                return Poll::Ready(Err(StoreError::unavailable("the store panicked")));
            }
            Ok(Poll::Ready(answer)) => return Poll::Ready(answer),
            Ok(Poll::Pending) => {}
        }
        let deadline = deadline.get_or_insert_with(|| Box::pin(sleep(timeout)));
        let late = |()| Err(StoreError::unavailable("the store did not answer in time"));
        deadline.as_mut().poll(cx).map(late)
    })
    .await
}
