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
        let built = Verifier::without_keys(scheme);
        built.unwrap_or_else(|error| panic!("{name}: {error}"));
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
        (openai(), true),
        (clerk(), true),
        (workos(), true),
        (mux(), true),
        (heroku(), true),
        (intercom(), true),
        (coinbase_commerce(), true),
        (github(), false),
        (shopify(), false),
        (linear(), false),
        (box_com(), false),
        (bitbucket(), false),
        (gitlab_token(), false),
        (lithic(), true),
        (recall_ai(), true),
        (easypost(), true),
        (chargebee(), false),
        (finch(), true),
        (plain(), true),
        (customer_io(), true),
        (gocardless(), true),
        (line(), true),
        (twitch(), true),
        (orb(), true),
        (azure_event_grid_query(), false),
        (retell(), false),
        (meta(), false),
        (square(example_url()), true),
        (trello(example_url()), true),
        (twilio(example_url()), false),
        (adyen(), true),
        (mailgun(), false),
        (mollie(), true),
        (figma(), false),
        (razorpay(), false),
        (zendesk(), false),
        (sanity(), false),
        (jira(), false),
        (gitea(), false),
        (telegram(), false),
        (dropbox(), false),
    ] {
        assert_eq!(scheme.signs_event_id(), signed, "{}", scheme.name());
    }
}
