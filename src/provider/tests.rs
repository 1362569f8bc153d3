use super::*;
use crate::Verifier;

fn schemes() -> Vec<Scheme> {
    all()
        .map(|preset| match preset {
            Preset::Signed(scheme) => scheme,
            Preset::Unsigned(unsigned) => unsigned.with_token_in_query("token"),
        })
        .collect()
}

#[test]
fn every_preset_builds_a_verifier() {
    for scheme in schemes() {
        let name = scheme.name().to_owned();
        Verifier::new(scheme, "c2VjcmV0").unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn names_are_unique_and_found() {
    let names: Vec<_> = all().map(|preset| preset.name().to_owned()).collect();
    for name in &names {
        assert_eq!(
            names.iter().filter(|other| *other == name).count(),
            1,
            "{name}"
        );
        assert!(by_name(name).is_some());
        assert!(
            name.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
            "{name}"
        );
    }
    assert!(by_name("nobody").is_none());
}

#[test]
fn every_preset_says_where_it_is_documented() {
    for scheme in schemes() {
        assert!(
            scheme.reference().starts_with("https://"),
            "{}",
            scheme.name()
        );
    }
}

#[test]
fn signed_ids_are_told_from_unsigned_ones() {
    for (scheme, signed) in [
        (stripe(), true),
        (standard_webhooks(), true),
        (svix(), true),
        (slack(), true),
        (paddle(), true),
        (github(), false),
        (shopify(), false),
        (linear(), false),
        (box_com(), false),
        (bitbucket(), false),
        (gitlab_token(), false),
        (meta(), false),
        (square(example_url()), true),
        (trello(example_url()), true),
        (twilio(example_url()), false),
    ] {
        assert_eq!(scheme.signs_event_id(), signed, "{}", scheme.name());
    }
}
