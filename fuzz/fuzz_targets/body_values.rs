//! Signatures, signed values and event ids in the body: JSON, forms and arrays
//! whose items are signed one by one, in schemes that a user could describe.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tower_webhook::Timestamp;
use tower_webhook::signature::{
    Encoding, Grammar, Hash, Part, PublicKeyAlgorithm, PublicUrl, RepeatedNames, Scheme,
    SecretEncoding, Source, TimestampRule, UrlForm,
};
use tower_webhook_fuzz::content::ORIGIN;
use tower_webhook_fuzz::oracle::{NOW, Preset};
use tower_webhook_fuzz::row::Row;
use tower_webhook_fuzz::text::Text;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    scheme: u8,
    late: i16,
    /// See [`Text`].
    text: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let scheme = &SCHEMES[usize::from(input.scheme) % SCHEMES.len()];
    let Some((parts, body)) = scheme.compose(&Text::split(input.text)) else {
        return;
    };
    let now = NOW + i64::from(input.late) * 1000;
    let at = Timestamp::from_unix_millis(now);
    let verified = scheme.verifier.verify(&parts, &body, at);
    scheme.compare(verified, &parts, &body, now);
});

/// A new one goes to the end: inputs name them by position.
static SCHEMES: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let hmac = || Scheme::hmac("test", Hash::Sha256);
    let json = Source::pointer;
    let url = || PublicUrl::base(ORIGIN).expect("a URL");
    let schemes = [
        (
            "values | hmac sha256 | text | json /s | plain | hex | {/a}.{/b/0?} | - | json /a",
            hmac()
                .with_content([
                    Part::value("/a"),
                    Part::literal("."),
                    Part::optional_value("/b/0"),
                ])
                .with_signature(json("/s"), Grammar::Plain)
                .with_event_id([json("/a")]),
        ),
        (
            "timed | hmac sha256 | text | json /s | fields , v1 | base64 | {/t}{/a} | json /t s 5 | json? /e/*/id",
            hmac()
                .with_content([Part::value("/t"), Part::value("/a")])
                .with_signature(json("/s"), Grammar::fields(',', "v1"))
                .with_encoding(Encoding::Base64)
                .with_timestamp(TimestampRule::seconds(json("/t")))
                .with_optional_event_id([json("/e/*/id")]),
        ),
        (
            "each | hmac sha256 | text | json /s of /e | plain | hex | {/a}:{/b?} | - | json /e/*/a /e/*/c/*/d",
            hmac()
                .with_content([
                    Part::value("/a"),
                    Part::literal(":"),
                    Part::optional_value("/b"),
                ])
                .with_each("/e")
                .with_signature(json("/s"), Grammar::Plain)
                .with_event_id([json("/e/*/a"), json("/e/*/c/*/d")]),
        ),
        (
            "each_token | token | text | json /s of  | plain | text | - | - | json /*/id",
            Scheme::token("test")
                .with_each("")
                .with_signature(json("/s"), Grammar::Plain)
                .with_event_id([json("/*/id")]),
        ),
        (
            "form_token | token | text | form s | plain | base64 | - | - | form id",
            Scheme::token("test")
                .with_signature(Source::form("s"), Grammar::Plain)
                .with_encoding(Encoding::Base64)
                .with_event_id([Source::form("id")]),
        ),
        (
            "form_prefix | token | text | form s | prefix x= | text | - | - | -",
            Scheme::token("test").with_signature(Source::form("s"), Grammar::prefixed("x=")),
        ),
        (
            "hashed | hash sha256 | text | header x-s | plain | hex | {body}{secret}{/a?} | - | json /a /b",
            Scheme::hash("test", Hash::Sha256)
                .with_content([Part::Body, Part::Secret, Part::optional_value("/a")])
                .with_signature(Source::header("x-s"), Grammar::Plain)
                .with_event_id([json("/a"), json("/b")]),
        ),
        (
            "numbered | hmac sha1 | text | numbered x-s- | fields , v1 | base64url | {body} | - | form id",
            Scheme::hmac("test", Hash::Sha1)
                .with_signature(Source::numbered("x-s-"), Grammar::fields(',', "v1"))
                .with_encoding(Encoding::Base64Url)
                .with_event_id([Source::form("id")]),
        ),
        (
            "lines | hmac sha512 | text | lines x-s | items v1 | hex | {body} | json /t ms 1 | json /id",
            Scheme::hmac("test", Hash::Sha512)
                .with_signature(Source::lines("x-s"), Grammar::versioned("v1"))
                .with_timestamp(
                    TimestampRule::millis(json("/t")).with_tolerance(Duration::from_secs(60)),
                )
                .with_event_id([json("/id")]),
        ),
        (
            "keyed | ed25519 | hex | json /s of /e | plain | base64 | {/a}.{/b} | - | json /e/*/a",
            Scheme::public_key("test", PublicKeyAlgorithm::Ed25519)
                .with_secret_encoding(SecretEncoding::Hex)
                .with_content([Part::value("/a"), Part::literal("."), Part::value("/b")])
                .with_each("/e")
                .with_signature(json("/s"), Grammar::Plain)
                .with_encoding(Encoding::Base64)
                .with_event_id([json("/e/*/a")]),
        ),
        (
            "sorted | hmac sha1 | text | header x-s | plain | base64 | {url}{form once digest} | - | form id",
            Scheme::hmac("test", Hash::Sha1)
                .with_content([
                    Part::Url(UrlForm::AsIs),
                    Part::SortedForm {
                        repeated: RepeatedNames::EachPairOnce,
                        digest: Some("digest".into()),
                    },
                ])
                .with_public_url(url())
                .with_signature(Source::header("x-s"), Grammar::Plain)
                .with_encoding(Encoding::Base64)
                .with_event_id([Source::form("id")]),
        ),
        (
            "unique | hmac sha512 | text | header x-s | plain | base64url | {form unique}.{url} | - | -",
            Scheme::hmac("test", Hash::Sha512)
                .with_content([
                    Part::SortedForm {
                        repeated: RepeatedNames::Refused,
                        digest: None,
                    },
                    Part::literal("."),
                    Part::Url(UrlForm::AsIs),
                ])
                .with_public_url(url())
                .with_signature(Source::header("x-s"), Grammar::Plain)
                .with_encoding(Encoding::Base64Url),
        ),
    ];
    let read = |(row, scheme)| Preset::new(Row::read(row), scheme);
    schemes.into_iter().map(read).collect()
});
