//! Every preset that hashes the body as it is, against a raw HMAC with the same
//! hash.

use hmac::Hmac;
use hmac::digest::{FixedOutput, KeyInit, Update};
use tower_webhook::provider::{self, Preset};
use tower_webhook::signature::{Algorithm, Coverage, Hash, Scheme};
use tower_webhook::testing::Signer;
use tower_webhook::{Timestamp, Verifier};

use crate::turns::{Case, case, measure};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
/// Hex and base64 as well as plain text.
const SECRET: &str = "5EC2E75EC2E70123456789ABCDEF5EC2E7FF";

fn raw<'a, M: KeyInit + Update + FixedOutput + Clone + 'a>(body: &'a [u8]) -> Case<'a> {
    let key = M::new_from_slice(SECRET.as_bytes()).ok().unwrap();
    case(move || {
        let mut mac = key.clone();
        mac.update(body);
        mac.finalize_fixed()
    })
}

fn body() -> String {
    let known = r#"{"id":"evt_1","webhookTimestamp":1700000000000,"webhookMetadata":{"webhookDeliveryAttemptTimestamp":"2023-11-14T22:13:20Z"},"x":""#;
    format!(r#"{known}{}"}}"#, "x".repeat(1022 - known.len()))
}

pub fn run() {
    let hmac = provider::all().filter_map(|preset| match preset {
        Preset::Signed(scheme) => match scheme.algorithm() {
            Algorithm::Hmac(hash)
                if scheme.coverage() == Coverage::Body
                    && scheme.protocol().is_none()
                    && scheme.each().is_none() =>
            {
                Some((scheme, hash))
            }
            _ => None,
        },
        _ => None,
    });
    let mut ratios: Vec<(String, f64)> = hmac
        .map(|(scheme, hash)| (scheme.name().to_owned(), ratio(scheme, hash)))
        .collect();
    ratios.sort_by(|a, b| a.1.total_cmp(&b.1));
    println!("\nverification of 1 KiB ÷ raw HMAC with the same hash, for every such preset\n");
    for (name, ratio) in &ratios {
        println!("{ratio:.2}× {name}");
    }
}

fn ratio(scheme: Scheme, hash: Hash) -> f64 {
    let signer = Signer::new(scheme.clone(), SECRET).unwrap().at(NOW);
    let (parts, body) = signer.sign("/hook", body()).into_parts();
    let verifier = Verifier::new(scheme, SECRET).unwrap();
    let raw = match hash {
        Hash::Sha1 => raw::<Hmac<sha1::Sha1>>(&body),
        Hash::Sha256 => raw::<Hmac<sha2::Sha256>>(&body),
        Hash::Sha512 => raw::<Hmac<sha2::Sha512>>(&body),
        _ => panic!("a hash that this bench does not know"),
    };
    let mut cases = [
        raw,
        case(|| verifier.verify(&parts, &body, NOW).unwrap().timestamp()),
    ];
    measure(&mut cases, None).ratio(1, 0)
}
