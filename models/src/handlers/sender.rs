//! What is sent, by the sender and by whoever captured it.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tower_webhook::signature::{Part, Scheme, Source, TimestampRule};
use tower_webhook::{VerifiedBody, provider};

/// Signed bytes, under an id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    pub bytes: u8,
    pub id: u8,
}

/// The event, and each time it is sent again.
pub const GENUINE: Sent = Sent { bytes: 0, id: 0 };
/// It was captured, and is sent under an id that was made up.
pub const REPLAY: Sent = Sent { bytes: 0, id: 1 };
/// The event, signed anew: other bytes.
pub const ANEW: Sent = Sent { bytes: 1, id: 0 };
/// That, too, was captured.
pub const ANEW_REPLAYED: Sent = Sent { bytes: 1, id: 1 };
/// Signed anew once more, when everything is over.
pub const LAST: Sent = Sent { bytes: 2, id: 0 };

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "bytes {} as id {}", self.bytes, self.id)
    }
}

impl Sent {
    /// Whether both are the same event to somebody who knows no secret and no sender.
    pub fn is_related(self, other: Self) -> bool {
        self.bytes == other.bytes || self.id == other.id
    }
}

/// What the sender means, which no receiver can know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// One event, in as many attempts as there are bytes.
    OneEvent,
    /// The same, and a rule that no receiver keeps: nothing runs after its effect.
    OneRun,
    /// As many events as there are bytes, which are the numbers of their ids. The
    /// first is what is looked at.
    TwoEvents,
    /// The same, and a rule that no receiver keeps: the second is not lost either, if
    /// the first was captured before it came.
    TwoIds,
}

/// How a sender signs, and what it may send, whoever sends it.
#[derive(Clone, Copy)]
pub struct Sender {
    pub scheme: fn() -> Scheme,
    pub sends: &'static [Sent],
    /// Whether what is signed is claimed apart from the id.
    pub two_rows: bool,
    pub means: Means,
}

impl Sender {
    /// Signs its ids: one row.
    pub const SIGNS_IDS: Self = Self {
        scheme: provider::stripe,
        sends: &[GENUINE],
        two_rows: false,
        means: Means::OneEvent,
    };

    /// Signs the body alone: two rows.
    pub const SIGNS_BODIES: Self = Self {
        scheme: provider::github,
        sends: &[GENUINE, REPLAY, ANEW],
        two_rows: true,
        means: Means::OneEvent,
    };

    /// Signs a time as well: a captured request is fresh for longer than a lease.
    pub const SIGNS_TIMES: Self = Self {
        scheme: || {
            let millis = TimestampRule::millis(Source::pointer("/webhookTimestamp"));
            provider::linear().with_timestamp(millis.with_tolerance(Duration::from_secs(3)))
        },
        sends: &[GENUINE, REPLAY, ANEW, ANEW_REPLAYED],
        ..Self::SIGNS_BODIES
    };

    /// Is said to sign its ids, and does not.
    pub const IS_MISJUDGED: Self = Self {
        scheme: || provider::github().with_content([Part::EventId, Part::literal("."), Part::Body]),
        ..Self::SIGNS_BODIES
    };

    /// Sends two events, and somebody puts the id of the second on the first.
    pub const IS_MISNAMED: Self = Self {
        sends: &[GENUINE, REPLAY, ANEW_REPLAYED],
        means: Means::TwoEvents,
        ..Self::SIGNS_BODIES
    };

    /// And does so before the second has come.
    pub const IS_ANTICIPATED: Self = Self {
        means: Means::TwoIds,
        ..Self::IS_MISNAMED
    };

    /// Signs each attempt anew, and somebody has captured the first.
    pub const IS_FOLLOWED: Self = Self {
        sends: &[GENUINE, REPLAY, ANEW],
        means: Means::OneRun,
        ..Self::SIGNS_TIMES
    };

    pub fn request(self, sent: Sent, number: usize) -> Request<VerifiedBody> {
        let body = Bytes::from(format!(r#"{{"id":"evt_1","attempt":{}}}"#, sent.bytes));
        let mut request = Request::new(body);
        for header in ["x-github-delivery", "linear-delivery"] {
            request
                .headers_mut()
                .insert(header, u16::from(sent.id).into());
        }
        request.extensions_mut().insert(number);
        let verified = VerifiedBody::assume_verified((self.scheme)(), request);
        verified.expect("a sound scheme")
    }

    pub fn sends_two_events(self) -> bool {
        matches!(self.means, Means::TwoEvents | Means::TwoIds)
    }

    /// For how long bytes that came too early are kept from use.
    pub fn hold(self, lease: Duration) -> Duration {
        match self.two_rows {
            true => (self.scheme)().freshness_window().max(lease),
            false => lease,
        }
    }
}
