//! What happens to a stack of layers, one after the other.

use arbitrary::Arbitrary;
use http::StatusCode;

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Provider {
    /// An id that is signed.
    StandardWebhooks,
    /// An id that is not signed.
    Github,
    /// An id in the body.
    Stripe,
    /// No id.
    Calendly,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Step {
    Deliver(Delivery),
    /// The same again, while the handler is still at it; then it goes on.
    Overtake(Delivery),
    Wait {
        sevens_of_hours: u8,
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Delivery {
    pub id: u8,
    pub body: u8,
    pub proof: Proof,
    pub from_elsewhere: bool,
    pub frames: [u8; 6],
    pub announced: u8,
    pub handler: Handler,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
pub enum Proof {
    Genuine,
    Forged,
    Stale,
}

/// What becomes of the handler.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Handler {
    Answers(u8),
    Fails,
    /// The caller goes away before it answers.
    LosesItsCaller(u8),
}

impl Handler {
    /// What it answers with; `None` if it fails.
    pub fn status(self) -> Option<StatusCode> {
        let statuses = [200, 202, 204, 301, 400, 404, 422, 500, 503];
        match self {
            Self::Answers(which) | Self::LosesItsCaller(which) => {
                let status = statuses[usize::from(which) % statuses.len()];
                StatusCode::from_u16(status).ok()
            }
            Self::Fails => None,
        }
    }
}
