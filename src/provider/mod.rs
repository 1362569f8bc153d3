//! Presets: how providers sign, as data.
//!
//! Each preset is a function in a file of its own that returns a
//! [`Scheme`]; what a provider signs, where its event id is and what it makes
//! of a status is all there and nowhere else. [`all`] and [`by_name`] are the
//! registry.
//!
//! ```
//! use tower_webhook::{RejectionKind, Timestamp, Verifier, provider};
//!
//! let gitlab = Verifier::new(provider::gitlab_token(), "the-token-from-the-form")?;
//! let now = Timestamp::from_unix_seconds(1_700_000_000);
//! let request = |token: &str| {
//!     let request = http::Request::post("/gitlab").header("x-gitlab-token", token);
//!     request.body(()).unwrap().into_parts().0
//! };
//!
//! assert!(gitlab.verify(&request("the-token-from-the-form"), b"{}", now).is_ok());
//! let refused = gitlab.verify(&request("another"), b"{}", now).unwrap_err();
//! assert_eq!(refused.kind(), RejectionKind::SignatureMismatch);
//!
//! assert!(provider::by_name("stripe").is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Providers that sign the URL
//!
//! A server does not know under which URL it is reached, and the request's own
//! word for it proves nothing. Those presets take it as a
//! [`PublicUrl`], from your configuration or from a
//! proxy that you trust:
//!
//! ```
//! use tower_webhook::signature::PublicUrl;
//! use tower_webhook::{Verifier, provider};
//!
//! let url = PublicUrl::registered("https://example.com/hooks/square")?;
//! let square = Verifier::new(provider::square(url), "the-signature-key")?;
//!
//! // No URL, no preset: nothing is guessed.
//! assert!(PublicUrl::registered("example.com/hooks/square").is_err());
//! # Ok::<(), tower_webhook::ConfigError>(())
//! ```
//!
//! # All presets
//!
//! "Replay protection" is how far a signed timestamp may be from now, where
//! there is one, and what is remembered of a delivery. Where the id is not
//! signed, somebody with a captured request could send it again under another
//! id, so the signed content is remembered, too. A token is no signature:
//! whoever sees it can send what they like. "Handshake" is the
//! challenge that is answered ([`handshake`](crate::handshake)). "Retries" is for how long the
//! provider goes on retrying; three days are assumed where it does not say. "Not
//! covered" is what somebody on the way could have changed.
//!
#![doc = include_str!("table.md")]
//!
//! # Signatures by RFC 9421
//!
//! HTTP Message Signatures leave too much to a provider to be a preset: module
//! `http_signature` (feature `http-signature`) builds a [`Scheme`] from what the
//! provider says.
//!
//! # Your own provider
//!
//! Presets have no privileges: describe yours with the same [`Scheme`], as its
//! documentation and the example `custom_provider` show.

use std::time::Duration;

use crate::signature::{PublicUrl, Scheme, Source};

#[macro_use]
mod example;

macro_rules! presets {
    ($($(#[$cfg:meta])* $module:ident: $($preset:ident $(($($argument:expr),+))?),+;)+) => {
        $(
            $(#[$cfg])*
            mod $module;
            $(#[$cfg])*
            pub use self::$module::{$($preset),+};
        )+

        /// Every preset, one call each. Presets that need a choice of the
        /// user's appear with a plain one.
        fn registry() -> Vec<fn() -> Preset> {
            let mut presets: Vec<fn() -> Preset> = Vec::new();
            $(
                $(#[$cfg])*
                presets.extend([$((|| $preset($($($argument),+)?).into()) as fn() -> Preset),+]);
            )+
            presets
        }
    };
}

presets! {
    adyen: adyen;
    adyen_platform: adyen_platform;
    airtable: airtable;
    asana: asana;
    ashby: ashby;
    #[cfg(feature = "certificate")]
    aws_sns: aws_sns(EXAMPLE_TOPIC);
    azure_devops: azure_devops;
    azure_event_grid: azure_event_grid_query, azure_event_grid_header;
    bird: bird, bird_notifications(example_url());
    bitbucket: bitbucket;
    box_com: box_com;
    braintree: braintree("example_public_key");
    brex: brex;
    buildkite: buildkite_signature, buildkite_token;
    cal_com: cal_com;
    calendly: calendly;
    chargebee: chargebee;
    circleci: circleci;
    clerk: clerk;
    clickup: clickup;
    cloudflare: cloudflare_notifications, cloudflare_stream;
    cloudinary: cloudinary_sha1, cloudinary_sha256;
    coinbase_commerce: coinbase_commerce;
    commerce_layer: commerce_layer;
    contentful: contentful;
    customer_io: customer_io;
    deepgram: deepgram;
    #[cfg(feature = "public-key")]
    discord: discord;
    docusign: docusign;
    dropbox: dropbox;
    easypost: easypost;
    elevenlabs: elevenlabs;
    figma: figma;
    finch: finch;
    flutterwave: flutterwave_v3, flutterwave_v4;
    #[cfg(feature = "jwt")]
    fusionauth: fusionauth(crate::signature::JwtAlgorithm::Hs256);
    gitea: gitea, forgejo;
    github: github;
    gitlab: gitlab_token, gitlab_signing_token;
    gocardless: gocardless;
    #[cfg(feature = "jwt")]
    google_pubsub: google_pubsub("https://example.com/hook", "pusher@example.iam.gserviceaccount.com");
    heroku: heroku;
    hubspot: hubspot_v1, hubspot_v2(example_url()), hubspot_v3(example_url());
    intercom: intercom;
    jira: jira;
    knock: knock;
    lemon_squeezy: lemon_squeezy;
    line: line;
    linear: linear;
    lithic: lithic;
    liveblocks: liveblocks;
    #[cfg(feature = "jwt")]
    livekit: livekit("APIkey");
    logto: logto;
    mailchimp: mailchimp;
    mailgun: mailgun;
    mandrill: mandrill(example_url());
    #[cfg(feature = "jwt")]
    messagebird: messagebird(example_url());
    meta: meta;
    #[cfg(feature = "jwt")]
    microsoft_entra: microsoft_entra("00000000-0000-0000-0000-000000000000", "api://hook", "00000000-0000-0000-0000-000000000000");
    microsoft_graph: microsoft_graph;
    microsoft_teams: microsoft_teams;
    modern_treasury: modern_treasury;
    mollie: mollie;
    mux: mux;
    new_relic: new_relic_basic, new_relic_bearer, new_relic_header;
    notion: notion;
    okta: okta;
    openai: openai;
    orb: orb;
    paddle: paddle;
    pagerduty: pagerduty;
    #[cfg(feature = "certificate")]
    paypal: paypal("WEBHOOK-ID");
    paystack: paystack;
    persona: persona;
    pingdom: pingdom;
    pipedrive: pipedrive;
    #[cfg(feature = "jwt")]
    plaid: plaid;
    plain: plain;
    plivo: plivo(example_url());
    polar: polar;
    postmark: postmark;
    pusher: pusher;
    quickbooks: quickbooks;
    razorpay: razorpay;
    recall_ai: recall_ai;
    replicate: replicate;
    resend: resend;
    retell: retell;
    sanity: sanity;
    #[cfg(feature = "public-key")]
    sendgrid: sendgrid;
    sentry: sentry;
    shopify: shopify;
    slack: slack;
    square: square(example_url());
    standard_webhooks: standard_webhooks;
    #[cfg(feature = "public-key")]
    standard_webhooks_asymmetric: standard_webhooks_asymmetric;
    stripe: stripe;
    svix: svix;
    tally: tally;
    telegram: telegram;
    #[cfg(feature = "public-key")]
    telnyx: telnyx;
    terraform: terraform, terraform_run_task;
    trello: trello(example_url());
    twilio: twilio(example_url());
    twitch: twitch;
    typeform: typeform;
    vapi: vapi_bearer, vapi_secret;
    vercel: vercel;
    webex: webex;
    webflow: webflow;
    #[cfg(feature = "public-key")]
    wise: wise;
    woocommerce: woocommerce;
    workos: workos;
    x_twitter: x_twitter;
    xero: xero;
    zendesk: zendesk;
    zoom: zoom;
}

#[cfg(feature = "http-signature")]
pub mod http_signature;

#[cfg(feature = "certificate")]
pub use self::aws_sns::AwsSns;
pub use self::contentful::Contentful;
#[cfg(feature = "certificate")]
pub use self::paypal::PayPal;

/// The URL that the registry's presets have. Set your own with
/// [`Scheme::with_public_url`].
fn example_url() -> PublicUrl {
    PublicUrl::example()
}

/// A preset of the registry.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Preset {
    /// The provider authenticates its deliveries.
    Signed(Scheme),
    /// The provider does not; something has to be added before its
    /// deliveries can be told from anybody's.
    Unsigned(Unsigned),
}

impl Preset {
    /// The preset's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Signed(scheme) => scheme.name(),
            Self::Unsigned(unsigned) => unsigned.name(),
        }
    }
}

impl From<Scheme> for Preset {
    fn from(scheme: Scheme) -> Self {
        Self::Signed(scheme)
    }
}

impl From<Unsigned> for Preset {
    fn from(unsigned: Unsigned) -> Self {
        Self::Unsigned(unsigned)
    }
}

/// A provider that neither signs its deliveries nor sends a secret along.
///
/// It is not a [`Scheme`], so no verifier can be built from it by accident.
/// All that can be done is to hide the endpoint: give the provider a URL with
/// a secret token in its query, and demand that token. Whoever sees the URL (a
/// proxy's log, a browser's history) can forge deliveries.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsigned {
    with_token: Scheme,
}

impl Unsigned {
    pub(crate) fn new(with_token: Scheme) -> Self {
        Self { with_token }
    }

    /// The provider's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.with_token.name()
    }

    /// Where the provider documents its deliveries.
    #[must_use]
    pub fn reference(&self) -> &str {
        self.with_token.reference()
    }

    /// A scheme that demands a secret token in the query parameter
    /// `parameter` of the URL that the provider was given, as in
    /// `https://example.com/pingdom?token=…`. The token is the verifier's
    /// secret, of letters, digits, `-`, `.`, `_` and `~`.
    #[must_use]
    pub fn with_token_in_query(self, parameter: &str) -> Scheme {
        self.with_token.with_signature(
            Source::query(parameter.to_owned()),
            crate::signature::Grammar::Plain,
        )
    }
}

/// Every preset. Those that sign a URL have `https://example.com` for its base.
pub fn all() -> impl Iterator<Item = Preset> {
    registry().into_iter().map(|preset| preset())
}

/// The preset called `name`, such as `stripe` or `gitlab_token`. Where it signs
/// a URL ([`Scheme::public_url`] is not `None`), set yours with
/// [`Scheme::with_public_url`].
#[must_use]
pub fn by_name(name: &str) -> Option<Preset> {
    all().find(|preset| preset.name() == name)
}

/// The topic of the registry's entry, which nobody has.
#[cfg(feature = "certificate")]
const EXAMPLE_TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:topic";

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests;
