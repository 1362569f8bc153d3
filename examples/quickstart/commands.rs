//! What to paste: genuine and bad requests, each with the status to expect.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use tower_webhook::clock::SystemClock;
use tower_webhook::testing::Signer;
use tower_webhook::{Clock, ConfigError, provider};

use crate::curl::curl;
use crate::secrets::Secrets;

const PAID: &str = r#"{"id":"evt_1","type":"invoice.paid"}"#;

pub(crate) fn print(server: SocketAddr, secrets: &Secrets) -> Result<(), ConfigError> {
    println!("Listening on http://{server}\n\nPaste these into another terminal, in this order:\n");

    let genuine = curl(server, &stripe(secrets)?.sign("/stripe", PAID));
    expect(
        "200: Stripe, genuine. The answer is the handler's",
        &genuine,
    );
    expect(
        "200: repeated. Acknowledged, but the handler does not run again",
        &genuine,
    );

    let forged = Signer::new(provider::stripe(), "a guess")?.sign("/stripe", PAID);
    let forged = curl(server, &forged);
    expect("401: forged, that is, signed with another secret", &forged);

    let then = SystemClock::default()
        .now()
        .saturating_sub(Duration::from_secs(600));
    let stale = stripe(secrets)?.at(then).sign("/stripe", PAID);
    expect(
        "401: stale, signed ten minutes ago. Only the log here tells it from a forged one",
        &curl(server, &stale),
    );
    expect(
        "413: too large, 20 kB where 16 are allowed. Refused before the body is read",
        &too_large(server, secrets)?,
    );

    for (provider, request) in others(secrets)? {
        expect(
            &format!("200: {provider}, genuine"),
            &curl(server, &request),
        );
    }

    // The last one: from then on Stripe's route refuses even genuine requests
    // from this address, until the quota has refilled.
    let forged = forged.replace("curl -i", r"curl -s -o /dev/null -w '%{http_code}\n'");
    expect(
        "401 then 429: too frequent. Ten failures a minute are allowed for each caller",
        &format!("for i in $(seq 20); do {forged}; done"),
    );

    println!("Signatures hold for five minutes; start again for new ones. Ctrl-C ends.");
    Ok(())
}

fn expect(outcome: &str, command: &str) {
    println!("# {outcome}\n{command}\n");
}

fn stripe(secrets: &Secrets) -> Result<Signer, ConfigError> {
    Signer::new(provider::stripe(), secrets.stripe.as_str())
}

/// `head` makes the body up, to keep the command short.
fn too_large(server: SocketAddr, secrets: &Secrets) -> Result<String, ConfigError> {
    let (parts, _zeros) = stripe(secrets)?
        .sign("/stripe", vec![0; 20_000])
        .into_parts();
    let command = curl(server, &Request::from_parts(parts, Bytes::new()));
    let command = command.replace("-d ''", "--data-binary @-");
    Ok(format!("head -c 20000 /dev/zero | {command}"))
}

fn others(secrets: &Secrets) -> Result<[(&'static str, Request<Bytes>); 5], ConfigError> {
    let mut github = Signer::new(provider::github(), secrets.github.as_str())?
        .with_event_id("72d3162e-cc78-11e3-81ab-4c9367dc0958")
        .sign("/github", r#"{"ref":"refs/heads/main"}"#);
    add_header(&mut github, "x-github-event", "push");

    let mut gitlab = Signer::new(provider::gitlab_token(), secrets.gitlab.as_str())?
        .with_event_id("f5e5f430-f57b-4e6e-9fac-d9128cd7232f")
        .sign("/gitlab", r#"{"object_kind":"push"}"#);
    add_header(&mut gitlab, "x-gitlab-event", "Push Hook");

    let mut shopify = Signer::new(provider::shopify(), secrets.shopify.as_str())?
        .with_event_id("b54557e4-bdd9-4b37-8a5f-bf7d70bcd043")
        .sign("/shopify", r#"{"id":820982911946154508}"#);
    add_header(&mut shopify, "shopify-topic", "orders/paid");

    let slack = Signer::new(provider::slack(), secrets.slack.as_str())?.sign(
        "/slack",
        r#"{"type":"event_callback","event_id":"Ev0PV52K21","event":{"type":"app_mention"}}"#,
    );

    let standard = Signer::new(provider::standard_webhooks(), secrets.standard.as_str())?
        .with_event_id("msg_p5jXN8AQM9LWM0D4loKWxJek")
        .sign("/standard", r#"{"type":"contact.created"}"#);

    Ok([
        ("GitHub", github),
        ("GitLab", gitlab),
        ("Shopify", shopify),
        ("Slack", slack),
        ("Standard Webhooks", standard),
    ])
}

/// Says what happened; the signatures do not cover it.
fn add_header(request: &mut Request<Bytes>, name: &'static str, value: &'static str) {
    request
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}
