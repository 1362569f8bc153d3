use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::SemaphorePermit;
use tokio::time::Sleep;

use super::layer::Limits;
use crate::rejection::{Rejection, RejectionKind, whole_seconds};

/// Refuses a body whose announced length alone is over the limit.
pub(crate) fn announced_too_large<B: Body>(body: &B, max: usize) -> Result<(), Rejection> {
    if body.size_hint().lower() > max as u64 {
        return Err(too_large(max));
    }
    Ok(())
}

fn too_large(max: usize) -> Rejection {
    Rejection::new(RejectionKind::BodyTooLarge).with_detail(format!("over {max} bytes"))
}

/// Frames that bring no bytes and so never come to the limit on those.
const MAX_EMPTY_FRAMES: usize = 1024;

fn too_many_empty_frames() -> Rejection {
    Rejection::new(RejectionKind::BodyUnreadable)
        .with_detail(format!("over {MAX_EMPTY_FRAMES} frames without data"))
}

/// Hands the body over as it arrives, within the limits; trailers are dropped.
pub(crate) async fn receive<B>(
    body: B,
    limits: &Limits,
    mut take: impl FnMut(Bytes),
) -> Result<(), Rejection>
where
    B: Body<Data = Bytes>,
{
    let mut body = pin!(body);
    let mut wait = Wait::default();
    let mut empty_frames = 0;
    let mut left = limits.max_body;
    while let Some(frame) = next_frame(body.as_mut(), &mut wait, limits).await? {
        let data = frame.into_data().unwrap_or_default();
        if data.is_empty() {
            empty_frames += 1;
            if empty_frames > MAX_EMPTY_FRAMES {
                return Err(too_many_empty_frames());
            }
        }
        left = match left.checked_sub(data.len()) {
            Some(left) => left,
            None => return Err(too_large(limits.max_body)),
        };
        take(data);
    }
    Ok(())
}

/// What a body that is not there yet costs: a timer and a place among the
/// slow ones. Neither is taken for a body that arrives with its headers.
#[derive(Default)]
struct Wait<'c> {
    yielded: bool,
    deadline: Option<Pin<Box<Sleep>>>,
    place: Option<SemaphorePermit<'c>>,
}

async fn next_frame<'c, B>(
    mut body: Pin<&mut B>,
    wait: &mut Wait<'c>,
    limits: &'c Limits,
) -> Result<Option<Frame<Bytes>>, Rejection>
where
    B: Body<Data = Bytes>,
{
    poll_fn(|cx| {
        if let Poll::Ready(frame) = body.as_mut().poll_frame(cx) {
            let frame = frame
                .transpose()
                .map_err(|_| Rejection::new(RejectionKind::BodyUnreadable));
            return Poll::Ready(frame);
        }
        // hyper holds the end of a chunked body back until its last chunk was
        // taken. Whoever sent both at once is not slow.
        if !std::mem::replace(&mut wait.yielded, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if wait.place.is_none() {
            let Ok(place) = limits.slow_bodies.try_acquire() else {
                let rejection = Rejection::new(RejectionKind::TooManySlowBodies);
                return Poll::Ready(Err(rejection.with_retry_after(limits.body_timeout)));
            };
            wait.place = Some(place);
        }
        let deadline = wait
            .deadline
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limits.body_timeout)));
        deadline.as_mut().poll(cx).map(|()| {
            let seconds = whole_seconds(limits.body_timeout);
            Err(Rejection::new(RejectionKind::BodyTimeout)
                .with_detail(format!("over {seconds} seconds")))
        })
    })
    .await
}
