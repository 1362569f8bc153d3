//! What makes two deliveries the same event.

use sha2::{Digest, Sha256};
use twox_hash::XxHash3_64;

use crate::delivery::{Delivery, EventId, Tenant};
use crate::rejection::RejectionKind;
use crate::signature::{ConflictPolicy, Coverage, Grammar, Scheme, Source};
use crate::store::{DedupKey, Fingerprint};

/// The rows a delivery claims.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity<'a> {
    /// The event, by its id, or by its content where it has none.
    pub(crate) event: DedupKey,
    /// The signed bytes, where the id is not among them: a replay under
    /// another id still claims this row.
    pub(crate) replay: Option<DedupKey>,
    pub(crate) fingerprint: Fingerprint,
    scope: Scope<'a>,
    id: Option<&'a EventId>,
}

/// Where ids are unique.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    pub(super) provider: &'a str,
    pub(super) endpoint: &'a str,
    pub(super) tenant: Option<&'a Tenant>,
}

impl<'a> Identity<'a> {
    /// `None` where nothing tells the delivery from another event's.
    pub(crate) fn of(
        delivery: &'a Delivery,
        endpoint: &'a str,
        tenant: Option<&'a Tenant>,
    ) -> Result<Option<Self>, RejectionKind> {
        let scheme = delivery.scheme();
        let scope = Scope {
            provider: scheme.name(),
            endpoint,
            tenant,
        };
        let id = delivery
            .usable_event_id()
            .map_err(|_| RejectionKind::InvalidEventId)?;
        if id.is_none() && scheme.requires_event_id() {
            return Err(RejectionKind::MissingEventId);
        }
        if id.is_none() && !scheme.has_content_identity() {
            return Ok(None);
        }
        Ok(Some(Self {
            event: match id {
                Some(id) => scope.id(id),
                None => content_key(scope, Kind::Content, delivery),
            },
            replay: scheme
                .has_replaceable_id()
                .then(|| replay_key(scope, delivery)),
            fingerprint: match scheme.conflict() {
                ConflictPolicy::Ignore => Fingerprint::NONE,
                ConflictPolicy::Reject => fingerprint(delivery.body()),
            },
            scope,
            id,
        }))
    }

    /// The operator's permit to process the event again although its content
    /// is known.
    pub(crate) fn rerun(&self) -> Option<DedupKey> {
        self.id.map(|id| self.scope.rerun(id))
    }
}

/// The MAC is at hand and stands for what was signed, but only where a request
/// has one. Of several signatures, whoever replays the request can leave out
/// the one that counted. Where the body was judged as a whole, a digest of what
/// was signed stands in the MAC's place.
fn replay_key(scope: Scope<'_>, delivery: &Delivery) -> DedupKey {
    match delivery.was_judged_whole() || has_one_signature(delivery.scheme()) {
        true => scope.key(Kind::Replay, &[&delivery.mac()]),
        false => content_key(scope, Kind::Replay, delivery),
    }
}

/// Whether the signed content says better than the bytes of the body what was
/// sent: a form in another order is signed by the same signature, and so is a
/// body around signed values, while what is signed of a GET is in its URL. What
/// stands in the MAC's place is a digest of that content, without the secret.
fn signs_more_or_less_than_the_body(delivery: &Delivery) -> bool {
    let scheme = delivery.scheme();
    let known_by_content = match scheme.protocol() {
        Some(protocol) => protocol.is_known_by_content(),
        None => delivery.was_judged_whole(),
    };
    known_by_content && scheme.coverage() != Coverage::Nothing
}

fn has_one_signature(scheme: &Scheme) -> bool {
    let one_place = matches!(
        scheme.signatures.as_slice(),
        [Source::Header(_) | Source::Query(_)]
    );
    one_place
        && matches!(
            scheme.grammar,
            Grammar::Plain | Grammar::Prefixed(_) | Grammar::Authorization { .. }
        )
}

/// Not by the MAC: during a rotation a retry is signed with another secret.
fn content_key(scope: Scope<'_>, kind: Kind, delivery: &Delivery) -> DedupKey {
    if signs_more_or_less_than_the_body(delivery) {
        return scope.key(kind, &[&delivery.mac()]);
    }
    let sent = delivery
        .timestamp()
        .map_or(0, |timestamp| timestamp.unix_millis());
    let body: [u8; 32] = Sha256::digest(delivery.body()).into();
    scope.key(kind, &[&sent.to_be_bytes(), &body])
}

/// A fast digest is enough: it is compared only between bodies that the
/// provider itself signed under one id.
fn fingerprint(body: &[u8]) -> Fingerprint {
    Fingerprint::from_u64(XxHash3_64::oneshot(body).max(1))
}

#[derive(Clone, Copy)]
enum Kind {
    Id = 1,
    Content = 2,
    Replay = 3,
    Rerun = 4,
}

impl Scope<'_> {
    pub(super) fn id(self, id: &EventId) -> DedupKey {
        self.key(Kind::Id, &[id.as_str().as_bytes()])
    }

    pub(super) fn rerun(self, id: &EventId) -> DedupKey {
        self.key(Kind::Rerun, &[id.as_str().as_bytes()])
    }

    /// Every text goes in with its length: concatenation cannot make two
    /// events one. The secret that matched is left out: a retry after a
    /// rotation is the same event.
    fn key(self, kind: Kind, values: &[&[u8]]) -> DedupKey {
        let tenant = self.tenant.map_or("", Tenant::as_str);
        let common: [&[u8]; 5] = [
            b"tower-webhook/1",
            &[kind as u8, u8::from(self.tenant.is_some())],
            self.provider.as_bytes(),
            self.endpoint.as_bytes(),
            tenant.as_bytes(),
        ];
        // At once: each small update of a hash costs as much as a copy.
        let mut material = Vec::with_capacity(192);
        for bytes in common.iter().chain(values) {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            material.extend_from_slice(&length.to_be_bytes());
            material.extend_from_slice(bytes);
        }
        DedupKey::from_bytes(Sha256::digest(&material).into())
    }
}
