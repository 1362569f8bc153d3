//! A5–A10, A12–A14: the text of a signature.

use tower_webhook::provider;
use tower_webhook::signature::{Encoding, Grammar, Hash, Scheme, Source};
use tower_webhook::testing::Signer;
use tower_webhook::{RejectionKind, Secret, Verifier};

use crate::support::forge::{Forgery, skips_white_space};
use crate::support::route::Route;
use crate::support::{BODY, SECRET, accepts, genuine, hmac_schemes, verifier};

#[tokio::test]
async fn a5_an_empty_signature_is_refused() {
    for scheme in hmac_schemes() {
        let name = scheme.name();
        let forged = Forgery::of(&scheme);
        let route = Route::new(verifier(&scheme));
        for text in ["", "=", "==", ",", "v1,", " "] {
            let kind = route.refuses(forged.with_text(text), name).await;
            assert_eq!(kind, RejectionKind::MalformedSignature, "{name} {text:?}");
        }
        for value in ["", " ", ",", ";", "=", "v1", "v1=", "v1,", "v0=", "sha256="] {
            route.refuses(forged.with_value(value), name).await;
        }
    }
}

#[tokio::test]
async fn a6_a_truncated_mac_is_refused() {
    for scheme in hmac_schemes() {
        let forged = Forgery::of(&scheme);
        let route = Route::new(verifier(&scheme));
        let lengths = [1, 8, 16, 20, 31, 32, 63];
        for length in lengths.into_iter().filter(|n| *n < forged.mac.len()) {
            let short = forged.with_mac(&forged.mac[..length]);
            let what = format!("{} {length}", scheme.name());
            let kind = route.refuses(short, &what).await;
            assert_eq!(kind, RejectionKind::MalformedSignature, "{what}");
        }
    }
}

#[tokio::test]
async fn a7_a_mac_with_more_behind_it_is_refused() {
    for scheme in hmac_schemes() {
        let name = scheme.name();
        let forged = Forgery::of(&scheme);
        let route = Route::new(verifier(&scheme));
        for more in [&[0][..], &[0; 32], &forged.mac] {
            let long = forged.with_mac(&[&forged.mac, more].concat());
            route.refuses(long, name).await;
            let before = forged.with_mac(&[more, &forged.mac[..]].concat());
            route.refuses(before, name).await;
        }
        for more in ["0", "00", "A", "=", "==", "%00", ":", "'", "\"", "\t", "é"] {
            let text = format!("{}{more}", forged.text());
            if more == "\t" && skips_white_space(&scheme) {
                continue;
            }
            let what = format!("{name} {more:?}");
            route.refuses(forged.with_text(text), what).await;
        }
    }
}

#[tokio::test]
async fn a8_a_mac_with_any_one_bit_flipped_is_refused() {
    for scheme in hmac_schemes() {
        let forged = Forgery::of(&scheme);
        let route = Route::new(verifier(&scheme));
        for position in 0..forged.mac.len() {
            for bit in 0..8 {
                let mut other = forged.mac.clone();
                other[position] ^= 1 << bit;
                let what = format!("{} byte {position} bit {bit}", scheme.name());
                let kind = route.refuses(forged.with_mac(&other), &what).await;
                assert_eq!(kind, RejectionKind::SignatureMismatch, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a9_hex_is_read_in_either_case_and_prefixes_are_not() {
    for scheme in hmac_schemes() {
        let forged = Forgery::of(&scheme);
        let (text, name) = (forged.text(), scheme.name());
        if forged.is_hex {
            let mixed: String = text
                .char_indices()
                .map(|(at, digit)| match at % 2 {
                    0 => digit.to_ascii_uppercase(),
                    _ => digit,
                })
                .collect();
            for text in [text.to_ascii_uppercase(), mixed] {
                let route = Route::new(verifier(&scheme));
                route.accepts(forged.with_text(text), name).await;
            }
        } else {
            for text in [text.to_ascii_uppercase(), text.to_ascii_lowercase()] {
                let route = Route::new(verifier(&scheme));
                route.refuses(forged.with_text(text), name).await;
            }
        }
        let shouted = format!("{}{text}", forged.prefix.to_ascii_uppercase());
        // The name of an authorization scheme has no case.
        let has_case = !matches!(scheme.grammar(), Grammar::Authorization { .. });
        if !forged.prefix.is_empty() && has_case {
            let route = Route::new(verifier(&scheme));
            route.refuses(forged.with_value(shouted), name).await;
        }
    }
}

#[tokio::test]
async fn a10_what_is_not_an_encoding_is_refused() {
    for scheme in hmac_schemes() {
        let name = scheme.name();
        let forged = Forgery::of(&scheme);
        let route = Route::new(verifier(&scheme));
        let mut texts: Vec<Vec<u8>> = vec![
            b"z".repeat(64),
            b"f".repeat(63),
            b"f".repeat(65),
            "é".repeat(32).into_bytes(),
            vec![0x80; 64],
            vec![0xff; 44],
            b"0x".repeat(32),
            b"A".repeat(1_000_000),
        ];
        // One odd byte anywhere, also across what a decoder takes as a unit.
        for at in 0..forged.text().len() {
            let mut text = forged.text().into_bytes();
            text[at] = 0xe9;
            texts.push(text);
        }
        for text in texts {
            route.refuses(forged.with_text(text), name).await;
        }
        for byte in (0x20..=0xff).filter(|byte| *byte != 0x7f) {
            let what = format!("{name} {byte:#x}");
            route.refuses(forged.with_value([byte]), what).await;
        }
    }
}

#[tokio::test]
async fn a12_a_signature_of_another_version_does_not_count() {
    for (scheme, known, others) in [
        (
            provider::stripe(),
            "v1=",
            &["v0=", "v2=", "V1=", "v11=", "v="][..],
        ),
        (provider::paddle(), "h1=", &["h0=", "h2=", "H1=", "h="]),
        (provider::slack(), "v0=", &["v1=", "V0=", "v00=", "="]),
        (provider::zoom(), "v0=", &["v1=", "V0="]),
        (provider::pagerduty(), "v1=", &["v0=", "v2=", "V1=", "="]),
        (provider::circleci(), "v1=", &["v0=", "v2=", "sha256="]),
        (provider::cloudflare_stream(), "sig1=", &["sig2=", "sig="]),
        (provider::intercom(), "sha1=", &["sha256=", "SHA1=", "="]),
        (provider::airtable(), "hmac-sha256=", &["sha256=", "="]),
        (
            provider::standard_webhooks(),
            "v1,",
            &["v0,", "v2,", "v1a,", "V1,", "v1=", ","],
        ),
        (provider::svix(), "v1,", &["v2,", "v1a,", "v1,v1,"]),
        (
            provider::github(),
            "sha256=",
            &["sha1=", "sha512=", "SHA256=", "sha-256="],
        ),
    ] {
        let forged = Forgery::of(&scheme);
        let route = Route::new(verifier(&scheme));
        assert!(forged.prefix.ends_with(known));
        for other in others {
            let prefix = forged.prefix.replace(known, other);
            let what = format!("{} {other}", scheme.name());
            let request = forged.with_value(prefix + &forged.text());
            let kind = route.refuses(request, &what).await;
            assert_eq!(kind, RejectionKind::MalformedSignature, "{what}");
        }
    }
}

#[tokio::test]
async fn a13_a_valid_sha1_is_not_taken_for_a_missing_sha256() {
    let sha1 = Scheme::hmac("sha1", Hash::Sha1).with_signature(
        Source::header("x-hub-signature"),
        Grammar::prefixed("sha1="),
    );
    for scheme in [
        provider::github(),
        provider::meta(),
        provider::bitbucket(),
        provider::jira(),
    ] {
        let route = Route::new(verifier(&scheme));
        route.refuses(genuine(&sha1), scheme.name()).await;
    }
    // Switched on explicitly, or where nothing else is offered:
    assert!(accepts(&verifier(&sha1), &genuine(&sha1)));
    assert!(accepts(&verifier(&provider::intercom()), &genuine(&sha1)));
}

#[tokio::test]
async fn a14_a_mac_of_another_hash_is_refused() {
    for hash in [Hash::Sha1, Hash::Sha512] {
        let other = Scheme::hmac("other", hash).with_signature(
            Source::header("x-hub-signature-256"),
            Grammar::prefixed("sha256="),
        );
        let signed = genuine(&other);
        let value = signed.headers()["x-hub-signature-256"].to_str().unwrap();
        let (prefix, digits) = value.split_at(7);
        let padded = format!("{digits:0<64}");
        let route = Route::new(verifier(&provider::github()));
        for digits in [digits, &padded[..64]] {
            let mut request = signed.clone();
            let value = format!("{prefix}{digits}").parse().unwrap();
            request.headers_mut().insert("x-hub-signature-256", value);
            route.refuses(request, format!("{hash:?} {digits}")).await;
        }
    }
}

/// A shorter MAC is compared whole too, not with the zeros behind it.
#[test]
fn a14_a_short_hash_is_not_padded() {
    let sha1 = Scheme::hmac("sha1", Hash::Sha1)
        .with_signature(Source::header("s"), Grammar::Plain)
        .with_encoding(Encoding::Hex);
    let verifier = Verifier::new(sha1.clone(), Secret::new(SECRET)).unwrap();
    let request = Signer::new(sha1, SECRET).unwrap().sign("/", BODY);
    assert!(accepts(&verifier, &request));
    let text = request.headers()["s"].to_str().unwrap().to_owned();
    for other in [format!("{text}00"), format!("{text:0<128}"), "0".repeat(40)] {
        let mut request = request.clone();
        request.headers_mut().insert("s", other.parse().unwrap());
        assert!(!accepts(&verifier, &request), "{other}");
    }
}
