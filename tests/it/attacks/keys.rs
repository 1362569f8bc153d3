//! A1–A4, A21, A22, A27, H3: who holds which secret.

use std::time::Duration;

use tower_webhook::provider;
use tower_webhook::signature::{Grammar, Hash, Scheme, SecretEncoding, Source};
use tower_webhook::testing::Signer;
use tower_webhook::{ConfigError, RejectionKind, Secret, Secrets, Verifier};

use crate::support::forge::signature_header;
use crate::support::route::Route;
use crate::support::{
    BODY, NOW, OTHER_SECRET, SECRET, accepts, genuine, hmac_schemes, schemes, signer, verifier,
};

#[tokio::test]
async fn a1_a_request_without_a_signature_is_refused() {
    for scheme in schemes() {
        let name = scheme.name();
        let mut request = genuine(&scheme);
        match signature_header(&scheme) {
            Some(header) => assert!(request.headers_mut().remove(header).is_some()),
            None => *request.uri_mut() = "/hook".parse().unwrap(),
        }
        let route = Route::new(verifier(&scheme));
        let kind = route.refuses(request, name).await;
        assert!(
            matches!(
                kind,
                RejectionKind::MissingSignature | RejectionKind::UnexpectedHeader
            ),
            "{name}: {kind}"
        );
    }
}

#[test]
fn a2_no_verifier_is_built_without_a_secret() {
    for scheme in schemes() {
        for none in [Secrets::default(), Secrets::from(Vec::<Secret>::new())] {
            let built = Verifier::new(scheme.clone(), none);
            assert_eq!(built.unwrap_err(), ConfigError::NoSecret);
        }
    }
}

#[test]
fn a3_a_secret_without_content_is_a_configuration_error() {
    let texts = ["", " ", "\t", "\n", "\r\n", "\u{a0}", "\u{2003}", "whsec_"];
    for scheme in schemes() {
        let name = scheme.name().to_owned();
        for text in &texts {
            let built = Verifier::new(scheme.clone(), *text);
            assert!(built.is_err(), "{name} takes {text:?}");
            let rotation = Verifier::new(scheme.clone(), [SECRET, *text]);
            assert!(rotation.is_err(), "{name} takes {text:?} beside another");
        }
        for bytes in [&b""[..], b"   ", b"\r\n"] {
            let built = Verifier::new(scheme.clone(), Secret::from_bytes(bytes));
            assert!(
                matches!(built, Err(ConfigError::EmptySecret { .. })),
                "{name}"
            );
        }
    }
}

/// HMAC pads its key with zeros, so a key of zeros is the empty key.
#[test]
fn a3_a_key_of_zeros_is_the_empty_key() {
    for scheme in hmac_schemes() {
        for length in [1, 32, 64, 65] {
            let built = Verifier::new(scheme.clone(), Secret::from_bytes(vec![0; length]));
            assert!(
                matches!(built, Err(ConfigError::EmptySecret { .. })),
                "{} {length}",
                scheme.name()
            );
        }
    }
    let hex = Scheme::hmac("hex", Hash::Sha256)
        .with_signature(Source::header("x"), Grammar::Plain)
        .with_secret_encoding(SecretEncoding::Hex);
    assert!(Verifier::new(hex, "0000").is_err());
    assert!(Verifier::new(provider::svix(), "whsec_AAAA").is_err());
}

#[tokio::test]
async fn a4_when_every_secret_has_expired_everything_is_refused() {
    for scheme in schemes() {
        let name = scheme.name().to_owned();
        let end = NOW.saturating_add(Duration::from_secs(1));
        let expiring = [
            Secret::new(SECRET).with_expiry(end),
            Secret::new(OTHER_SECRET).with_expiry(end),
        ];
        let route = Route::new(Verifier::new(scheme.clone(), expiring).unwrap());
        route.accepts(genuine(&scheme), &name).await;

        route.clock.set(end);
        for request in [
            genuine(&scheme),
            signer(&scheme).at(end).sign("/hook", BODY),
        ] {
            let kind = route.refuses(request, &name).await;
            assert_eq!(kind, RejectionKind::NoActiveSecret, "{name}");
        }
    }
}

#[tokio::test]
async fn a4_an_expired_secret_is_not_tried_beside_an_active_one() {
    let scheme = provider::stripe();
    let secrets = [
        Secret::new(OTHER_SECRET).with_label("new"),
        Secret::new(SECRET).with_label("old").with_expiry(NOW),
    ];
    let verifier = Verifier::new(scheme.clone(), secrets).unwrap();
    let kind = Route::new(verifier.clone())
        .refuses(genuine(&scheme), "the old one")
        .await;
    assert_eq!(kind, RejectionKind::SignatureMismatch);

    let new = Signer::new(scheme, OTHER_SECRET).unwrap().at(NOW);
    Route::new(verifier)
        .accepts(new.sign("/hook", BODY), "the new one")
        .await;
}

#[test]
fn each_of_sixteen_secrets_is_tried_and_the_matching_one_named() {
    let scheme = provider::github();
    let texts: Vec<String> = (0..17).map(|n| format!("secret-{n}")).collect();
    let secrets = |count: usize| -> Secrets {
        texts[..count]
            .iter()
            .map(|text| Secret::new(text.as_str()).with_label(text.as_str()))
            .collect()
    };
    let verifier = Verifier::new(scheme.clone(), secrets(16)).unwrap();
    for (position, text) in texts.iter().enumerate() {
        let signer = Signer::new(scheme.clone(), text.as_str()).unwrap();
        let (parts, body) = signer.sign("/", BODY).into_parts();
        let verified = verifier.verify(&parts, &body, NOW);
        match position {
            16 => assert!(verified.is_err(), "a secret that was not given"),
            _ => assert_eq!(verified.unwrap().key_label(), Some(text.as_str())),
        }
    }
    assert_eq!(
        Verifier::new(scheme, secrets(17)).unwrap_err(),
        ConfigError::TooManySecrets { given: 17 }
    );
}

#[tokio::test]
async fn a21_a_delivery_for_one_tenant_is_not_for_another() {
    for scheme in schemes() {
        let theirs = Verifier::new(scheme.clone(), OTHER_SECRET).unwrap();
        let kind = Route::new(theirs)
            .refuses(genuine(&scheme), scheme.name())
            .await;
        assert_eq!(kind, RejectionKind::SignatureMismatch, "{}", scheme.name());
    }
}

/// Whose requests look the same: one provider's, on another's route. With one
/// secret for both, nothing but the route could tell them apart.
const ALIKE: &[&[&str]] = &[
    STANDARD,
    SVIX,
    &["github", "meta"],
    &["bitbucket", "jira"],
    &["clickup", "lemon_squeezy", "modern_treasury"],
    &["new_relic_bearer", "vapi_bearer"],
    &[
        "azure_devops",
        "chargebee",
        "new_relic_basic",
        "pipedrive",
        "postmark",
    ],
    &["mailchimp", "pingdom"],
];

/// Those that send under the names `webhook-*`.
const STANDARD: &[&str] = &[
    "bird",
    "brex",
    "gitlab_signing_token",
    "lithic",
    "liveblocks",
    "openai",
    "recall_ai",
    "replicate",
    "standard_webhooks",
];

/// Those that send under the names `svix-*`.
const SVIX: &[&str] = &["clerk", "resend", "svix"];

/// Those that read either names.
const READ_BOTH: &[&str] = &["brex", "recall_ai", "svix"];

fn are_alike(theirs: &str, ours: &str) -> bool {
    let both = READ_BOTH.contains(&ours) && [STANDARD, SVIX].concat().contains(&theirs);
    both || ALIKE
        .iter()
        .any(|group| group.contains(&theirs) && group.contains(&ours))
}

#[tokio::test]
async fn a22_a_request_of_one_provider_is_refused_on_the_route_of_another() {
    for theirs in schemes() {
        for ours in schemes().filter(|ours| ours.name() != theirs.name()) {
            let pair = (theirs.name(), ours.name());
            if are_alike(pair.0, pair.1) {
                assert!(accepts(&verifier(&ours), &genuine(&theirs)), "{pair:?}");
                continue;
            }
            Route::new(verifier(&ours))
                .refuses(genuine(&theirs), format!("{pair:?}"))
                .await;
        }
    }
}

#[test]
fn a27_no_feature_that_is_on_by_default_can_skip_verification() {
    let manifest = include_str!("../../../Cargo.toml");
    let features = manifest
        .split("[features]")
        .nth(1)
        .and_then(|rest| rest.split("\n[").next())
        .unwrap();
    assert!(features.contains("default = []"));
    let enabling = features
        .lines()
        .filter(|line| !line.starts_with('#') && line.contains("testing"))
        .collect::<Vec<_>>();
    assert_eq!(enabling, ["testing = []"]);
}

/// The bytes themselves cannot be looked at after a drop without `unsafe`;
/// what can be held is that the types promise it.
#[test]
fn h3_what_secrets_are_kept_in_overwrites_itself() {
    fn overwrites<T: zeroize::ZeroizeOnDrop>() {}
    overwrites::<zeroize::Zeroizing<String>>();
    overwrites::<zeroize::Zeroizing<Vec<u8>>>();
    // An HMAC is two of these, and its key is known from them.
    overwrites::<sha1::Sha1>();
    overwrites::<sha2::Sha256>();
    overwrites::<sha2::Sha512>();
}

#[test]
fn a_token_is_compared_whole() {
    for scheme in schemes().filter(|scheme| !crate::support::signs_body(scheme)) {
        let verifier = verifier(&scheme);
        for other in [
            &SECRET[..SECRET.len() - 1],
            &SECRET[1..],
            &format!("{SECRET}x"),
            &format!("{SECRET}{SECRET}"),
            &SECRET.to_ascii_lowercase(),
        ] {
            let request = Signer::new(scheme.clone(), other).unwrap().sign("/", BODY);
            assert!(!accepts(&verifier, &request), "{} {other}", scheme.name());
        }
    }
}
