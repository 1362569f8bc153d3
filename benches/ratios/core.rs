//! Verification against a raw HMAC of the same bytes.

use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use sha2::Sha256;
use tower_webhook::signature::Scheme;
use tower_webhook::testing::Signer;
use tower_webhook::{Timestamp, Verifier, provider};

use crate::turns::{case, measure};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SIZES: [usize; 5] = [256, 1024, 16 * 1024, 256 * 1024, 1024 * 1024];

fn signed(scheme: &Scheme, size: usize) -> (Verifier, Parts, Vec<u8>) {
    let body = format!(r#"{{"id":"evt_1","x":"{}"}}"#, "x".repeat(size - 21));
    assert_eq!(body.len(), size);
    let mut request = Signer::new(scheme.clone(), SECRET)
        .unwrap()
        .at(NOW)
        .sign("/webhook", body);
    // A delivery has other headers as well.
    for name in [
        "host",
        "user-agent",
        "accept",
        "content-type",
        "content-length",
    ] {
        request.headers_mut().insert(name, "x".parse().unwrap());
    }
    let (parts, body) = request.into_parts();
    let verifier = Verifier::new(scheme.clone(), SECRET).unwrap();
    (verifier, parts, body.to_vec())
}

pub fn run() {
    println!(
        "\nverification ÷ raw HMAC-SHA256, pre-keyed, of the same bytes (hmac 0.13, sha2 0.11)\n"
    );
    println!(
        "| body | raw HMAC | + look-up, hex, comparison | GitHub | Stripe | Standard Webhooks |"
    );
    println!("|---:|---:|---:|---:|---:|---:|");
    for size in SIZES {
        let raw = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        let schemes = [
            provider::github(),
            provider::stripe(),
            provider::standard_webhooks(),
        ];
        let requests = schemes.each_ref().map(|scheme| signed(scheme, size));
        let body = requests[0].2.clone();
        let mut cases = vec![case(|| {
            let mut mac = raw.clone();
            mac.update(&body);
            mac.finalize().into_bytes()
        })];
        // The least that a check can do, with nothing refused but a mismatch.
        let headers = &requests[0].1.headers;
        cases.push(case(|| {
            let value = headers.get("x-hub-signature-256").unwrap().as_bytes();
            let mut signature = [0; 32];
            hex::decode_to_slice(value.strip_prefix(b"sha256=").unwrap(), &mut signature).unwrap();
            let mut mac = raw.clone();
            mac.update(&body);
            mac.verify_slice(&signature).unwrap();
        }));
        for (verifier, parts, body) in &requests {
            cases.push(case(|| {
                verifier.verify(parts, body, NOW).unwrap().timestamp()
            }));
        }
        let times = measure(&mut cases, None);
        println!(
            "| {size} B | {:.0} ns | {:.2}× | {:.2}× | {:.2}× | {:.2}× |",
            times.nanos(0),
            times.ratio(1, 0),
            times.ratio(2, 0),
            times.ratio(3, 0),
            times.ratio(4, 0),
        );
    }
    let (verifier, parts, body) = signed(&provider::github(), 1024);
    let allocations = allocation_counter::measure(|| {
        assert!(verifier.verify(&parts, &body, NOW).is_ok());
    });
    println!(
        "\nheap allocations in one verification: {}",
        allocations.count_total
    );
}
