//! Verification alone: a request's headers and its whole body, and a verdict.

use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tower_webhook::Verifier;
use tower_webhook::clock::{Clock, SystemClock};

use crate::deliveries::{Deliveries, Kind, Provider, SECRET, SIZES};
use crate::report::{Group, Report};
use crate::turns::{Effort, case, measure};
use crate::versions::{version, versions};

pub const OURS: &str = "**tower-webhook**";
pub const OURS_AT: &str = "**tower-webhook**, the time given";
pub const RAW: &str = "bare HMAC, key set up before";
pub const RAW_KEYED: &str = "bare HMAC, key set up for each";
pub const RING: &str = "bare HMAC of ring, key set up before";
pub const AWS: &str = "bare HMAC of aws-lc-rs, key set up before";
pub const WEBHOOK_VERIFY: &str = "webhook-verify";
pub const STANDARD_WEBHOOKS: &str = "standardwebhooks";
pub const SVIX: &str = "svix";
pub const STRIPE: &str = "async-stripe-webhook (parses the event)";
pub const STRIPE_ALONE: &str = "async-stripe-webhook, its signature check alone";
const BY_HAND: &str = "look-up, hex, HMAC, comparison, and nothing else";

/// One delivery, and what of it is signed.
struct Sample {
    parts: Parts,
    body: Bytes,
    /// What is signed in front of the body.
    before: Vec<u8>,
    /// The signature in the header, decoded.
    tag: Vec<u8>,
}

impl Sample {
    fn new(provider: Provider, size: usize, kind: Kind) -> Self {
        let (parts, body) = Deliveries::new(provider, size).make(kind).into_parts();
        let text = |name: &str| parts.headers[name].to_str().unwrap();
        let signature = text(provider.signature_header());
        let (before, tag) = match provider {
            Provider::GitHub => (String::new(), hex::decode(&signature[7..]).unwrap()),
            Provider::Stripe => {
                let (timestamp, tag) = signature.split_once(",v1=").unwrap();
                (format!("{}.", &timestamp[2..]), hex::decode(tag).unwrap())
            }
            Provider::StandardWebhooks => (
                format!("{}.{}.", text("webhook-id"), text("webhook-timestamp")),
                STANDARD.decode(&signature[3..]).unwrap(),
            ),
        };
        Self {
            before: before.into_bytes(),
            tag,
            parts,
            body,
        }
    }

    /// The same request with a body that is no JSON, signed.
    fn not_json(&self, provider: Provider) -> Self {
        let mut body = self.body.to_vec();
        body[0] = b'x';
        let mut mac = Hmac::<Sha256>::new_from_slice(&provider.key()).unwrap();
        mac.update(&self.before);
        mac.update(&body);
        let tag = mac.finalize().into_bytes().to_vec();
        let mut parts = self.parts.clone();
        let before = String::from_utf8(self.before.clone()).unwrap();
        let header = format!(
            "t={},v1={}",
            before.trim_end_matches('.'),
            hex::encode(&tag)
        );
        parts
            .headers
            .insert("stripe-signature", header.parse().unwrap());
        Self {
            before: self.before.clone(),
            body: body.into(),
            parts,
            tag,
        }
    }
}

struct Candidate {
    name: &'static str,
    version: String,
    accepts: Box<dyn Fn(&Sample) -> bool>,
    not_json: bool,
}

impl Candidate {
    fn new(
        name: &'static str,
        version: impl Into<String>,
        accepts: impl Fn(&Sample) -> bool + 'static,
    ) -> Self {
        Self {
            name,
            version: version.into(),
            accepts: Box::new(accepts),
            not_json: false,
        }
    }
}

fn everybody(provider: Provider) -> Vec<Candidate> {
    let ours = || Verifier::new(provider.scheme(), SECRET).unwrap();
    let (verifier, verifier_at, started) = (ours(), ours(), SystemClock::default().now());
    let mut all = vec![
        // As the peers do, which ask for the time themselves.
        Candidate::new(OURS, version("tower-webhook"), move |sample| {
            let now = SystemClock::default().now();
            verifier.verify(&sample.parts, &sample.body, now).is_ok()
        }),
        Candidate::new(OURS_AT, version("tower-webhook"), move |sample| {
            let verdict = verifier_at.verify(&sample.parts, &sample.body, started);
            verdict.is_ok()
        }),
    ];
    all.extend(peers(provider));
    all.extend(raw(provider));
    all
}

fn peers(provider: Provider) -> Vec<Candidate> {
    use webhook_verify::{Provider as Known, VerifyOptions};

    let known = move || match provider {
        Provider::GitHub => Known::GitHub,
        Provider::Stripe => Known::Stripe,
        Provider::StandardWebhooks => Known::StandardWebhooks,
    };
    let secret = webhook_verify::Secret::new(SECRET);
    let mut all = vec![Candidate::new(
        WEBHOOK_VERIFY,
        version("webhook-verify"),
        move |sample| {
            let options = VerifyOptions::default();
            let headers = &sample.parts.headers;
            webhook_verify::verify(known(), headers, &sample.body, &secret, options).is_ok()
        },
    )];
    match provider {
        Provider::GitHub => {}
        Provider::Stripe => {
            let stripe = || version("async-stripe-webhook");
            let event = |sample: &Sample| {
                let header = sample.parts.headers["stripe-signature"].to_str().unwrap();
                let Ok(body) = std::str::from_utf8(&sample.body) else {
                    panic!("not a body of this bench");
                };
                stripe_webhook::Webhook::construct_event(body, header, SECRET)
            };
            all.push(Candidate::new(STRIPE, stripe(), move |sample| {
                event(sample).is_ok()
            }));
            let alone = Candidate::new(STRIPE_ALONE, stripe(), move |sample| {
                matches!(
                    event(sample),
                    Err(stripe_webhook::WebhookError::BadParse(_))
                )
            });
            all.push(Candidate {
                not_json: true,
                ..alone
            });
        }
        Provider::StandardWebhooks => {
            let webhook = standardwebhooks::Webhook::new(SECRET).unwrap();
            all.push(Candidate::new(
                STANDARD_WEBHOOKS,
                version("standardwebhooks"),
                move |sample| webhook.verify(&sample.body, &sample.parts.headers).is_ok(),
            ));
            let webhook = svix::webhooks::Webhook::new(SECRET).unwrap();
            all.push(Candidate::new(SVIX, version("svix"), move |sample| {
                webhook.verify(&sample.body, &sample.parts.headers).is_ok()
            }));
        }
    }
    all
}

/// The hash that nobody comes round, and what is compared is there already.
fn raw(provider: Provider) -> Vec<Candidate> {
    let key = provider.key();
    let prepared = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let own = prepared.clone();
    let ring_key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    let aws_key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
    let mut all = Vec::new();
    if provider == Provider::GitHub {
        let least = Candidate::new(BY_HAND, versions(&["hmac", "sha2", "hex"]), move |sample| {
            let header = sample.parts.headers.get("x-hub-signature-256");
            let hex = header.and_then(|value| value.as_bytes().strip_prefix(b"sha256="));
            let mut tag = [0; 32];
            if hex.is_none_or(|hex| hex::decode_to_slice(hex, &mut tag).is_err()) {
                return false;
            }
            let mut mac = own.clone();
            mac.update(&sample.body);
            mac.verify_slice(&tag).is_ok()
        });
        all.push(least);
    }
    all.extend([
        Candidate::new(RAW, versions(&["hmac", "sha2"]), move |sample| {
            let mut mac = prepared.clone();
            mac.update(&sample.before);
            mac.update(&sample.body);
            mac.finalize().into_bytes()[..] == sample.tag
        }),
        Candidate::new(RAW_KEYED, versions(&["hmac", "sha2"]), move |sample| {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            mac.update(&sample.before);
            mac.update(&sample.body);
            mac.finalize().into_bytes()[..] == sample.tag
        }),
        Candidate::new(RING, version("ring"), move |sample| {
            let mut mac = ring::hmac::Context::with_key(&ring_key);
            mac.update(&sample.before);
            mac.update(&sample.body);
            mac.sign().as_ref() == sample.tag
        }),
        Candidate::new(AWS, version("aws-lc-rs"), move |sample| {
            let mut mac = aws_lc_rs::hmac::Context::with_key(&aws_key);
            mac.update(&sample.before);
            mac.update(&sample.body);
            mac.sign().as_ref() == sample.tag
        }),
    ]);
    all
}

pub fn run(report: &mut Report, effort: Effort) {
    for provider in Provider::ALL {
        let all = everybody(provider);
        let rows = all.iter();
        let rows = rows.map(|one| (one.name.to_owned(), one.version.clone()));
        let mut group = Group::new(format!("verify, {}", provider.name()), rows, OURS);
        for size in SIZES {
            let genuine = Sample::new(provider, size, Kind::Genuine);
            let forged = Sample::new(provider, size, Kind::Forged);
            let not_json = (provider == Provider::Stripe).then(|| genuine.not_json(provider));
            let mut cases = Vec::new();
            for one in &all {
                let genuine = match &not_json {
                    Some(not_json) if one.not_json => not_json,
                    _ => &genuine,
                };
                let named = || format!("{} {}, {size} B", one.name, one.version);
                assert!((one.accepts)(genuine), "refused genuine: {}", named());
                assert!(!(one.accepts)(&forged), "accepted forged: {}", named());
                cases.push(case(|| (one.accepts)(genuine)));
            }
            group.push(size, measure(&mut cases, None, effort));
        }
        report.push(group);
    }
}
