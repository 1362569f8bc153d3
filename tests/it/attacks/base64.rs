//! A11: base64.

use tower_webhook::provider;
use tower_webhook::signature::Encoding;
use tower_webhook::testing::Signer;

use crate::support::forge::Forgery;
use crate::support::route::Route;
use crate::support::{SECRET, accepts, hmac_schemes, signer, verifier};

/// The decision: standard alphabet, padded, canonical. One spelling a MAC.
#[tokio::test]
async fn a11_base64_has_one_spelling() {
    for scheme in hmac_schemes() {
        let forged = Forgery::of(&scheme);
        if scheme.encoding() != Encoding::Base64 {
            continue;
        }
        let route = Route::new(verifier(&scheme));
        let text = forged.text();
        let (digits, _) = text.split_at(43);
        let mut spellings = vec![
            digits.to_owned(),
            format!("{digits}=="),
            format!("{} {}", &text[..20], &text[20..]),
            format!("{}\t{}", &text[..20], &text[20..]),
            text.replace('=', "%3D"),
            hex::encode(&forged.mac),
        ];
        // 32 bytes leave two bits of the last digit unused.
        let last = digits.as_bytes()[42];
        for other in [last + 1, last + 2, last + 3] {
            spellings.push(format!("{}{}=", &digits[..42], other as char));
        }
        let url_safe = text.replace('+', "-").replace('/', "_");
        if url_safe != text {
            spellings.push(url_safe);
        }
        for spelling in spellings {
            let what = format!("{} {spelling}", scheme.name());
            route.refuses(forged.with_text(&spelling), what).await;
        }
    }
}

/// Bytes whose base64 has digits in which the two alphabets differ.
#[test]
fn a11_the_url_safe_alphabet_is_another_one() {
    let scheme = provider::shopify();
    let verifier = verifier(&scheme);
    let mut seen = 0;
    for n in 0..50 {
        let request = Signer::new(scheme.clone(), SECRET)
            .unwrap()
            .sign("/", n.to_string());
        assert!(accepts(&verifier, &request));
        let mut other = request.clone();
        let value = other.headers_mut().get_mut("shopify-hmac-sha256").unwrap();
        let text = value.to_str().unwrap().to_owned();
        if text.contains(['+', '/']) {
            seen += 1;
            *value = text.replace('+', "-").replace('/', "_").parse().unwrap();
            assert!(!accepts(&verifier, &other), "{text}");
        }
    }
    assert!(seen > 0);
}

#[test]
fn a11_where_the_url_safe_alphabet_is_meant_the_standard_one_is_not_read() {
    let scheme = provider::sanity();
    let verifier = verifier(&scheme);
    let mut seen = 0;
    for n in 0..50 {
        let request = signer(&scheme).sign("/", n.to_string());
        assert!(accepts(&verifier, &request));
        let header = "sanity-webhook-signature";
        let value = request.headers()[header].to_str().unwrap().to_owned();
        let mut spellings = vec![format!("{value}="), format!("{value}==")];
        let (prefix, text) = value.split_at(value.len() - 43);
        if text.contains(['-', '_']) {
            seen += 1;
            let standard = text.replace('-', "+").replace('_', "/");
            spellings.push(format!("{prefix}{standard}"));
            spellings.push(format!("{prefix}{standard}="));
        }
        for spelling in spellings {
            let mut other = request.clone();
            other
                .headers_mut()
                .insert(header, spelling.parse().unwrap());
            assert!(!accepts(&verifier, &other), "{spelling}");
        }
    }
    assert!(seen > 0);
}
