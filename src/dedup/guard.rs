//! Panics of others' code end here.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

/// The code that was called panicked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panicked;

/// Calls `code`.
pub(crate) fn catch<T>(code: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(code)).map_err(discard)
}

/// The payload of a panic can panic in turn when it is dropped.
fn discard(payload: Box<dyn Any + Send>) -> Panicked {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(another);
    }
    Panicked
}

/// Runs `handler` to its end, and what `meanwhile` returns beside it once the
/// handler has to wait: most handlers are done before a timer would pay.
///
/// `handler` is emptied at its end.
pub(crate) async fn run<T, M>(
    mut handler: Pin<&mut Option<impl Future<Output = T>>>,
    meanwhile: impl Fn() -> M,
) -> Result<T, Panicked>
where
    M: Future<Output = ()>,
{
    let mut beside: Option<Pin<Box<M>>> = None;
    let mut beside_ended = false;
    poll_fn(|cx| {
        let polled = catch(|| match handler.as_mut().as_pin_mut() {
            Some(handler) => handler.poll(cx),
            None => Poll::Pending,
        });
        let ended = match polled {
            Ok(Poll::Pending) => None,
            Ok(Poll::Ready(output)) => Some(Ok(output)),
            Err(Panicked) => Some(Err(Panicked)),
        };
        if let Some(output) = ended {
            // Its drop is its own code, too.
            let dropped = catch(|| handler.set(None));
            return Poll::Ready(dropped.and(output));
        }
        if !beside_ended {
            let beside = beside.get_or_insert_with(|| Box::pin(meanwhile()));
            beside_ended = beside.as_mut().poll(cx).is_ready();
        }
        Poll::Pending
    })
    .await
}
