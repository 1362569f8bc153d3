//! The examples on the pages of presets.

/// The example on a preset's page: `example!(preset, secret, body)`, or
/// `example!(url preset, secret, body)` for a preset that takes a `PublicUrl`,
/// or `example!(public preset, key, body)` where a public key takes the secret's
/// place; `key` is one of `tests/keys`.
///
/// `body` holds what the preset reads from it; the request is made at
/// 2023-11-14T22:13:20Z.
macro_rules! example {
    (public $preset:literal, $key:literal, $body:literal) => {
        concat!(
            "\n# Example\n\n```\n# #[cfg(feature = \"testing\")] {\n",
            "use tower_webhook::testing::Signer;\n",
            "use tower_webhook::{Timestamp, Verifier, provider};\n\n",
            "# macro_rules! key { ($n:literal) => { include_str!(concat!(\n",
            "#     env!(\"CARGO_MANIFEST_DIR\"), \"/tests/keys/",
            $key,
            "_\", $n, \".pem\")) } }\n",
            "# let (private_key, somebody_elses_key) = (key!(\"1\"), key!(\"2\"));\n",
            "let now = Timestamp::from_unix_seconds(1_700_000_000);\n",
            "let sender = Signer::new(provider::",
            $preset,
            "(), private_key)?.at(now);\n",
            "let (parts, body) = sender.sign(\"/hook\", r#\"",
            $body,
            "\"#).into_parts();\n\n",
            "let public_key = sender.verifying_secret();\n",
            "let verifier = Verifier::new(provider::",
            $preset,
            "(), public_key)?;\n",
            "assert!(verifier.verify(&parts, &body, now).is_ok());\n\n",
            "// A sender with another private key is refused:\n",
            "let impostor = Signer::new(provider::",
            $preset,
            "(), somebody_elses_key)?.at(now);\n",
            "let (parts, body) = impostor.sign(\"/hook\", body).into_parts();\n",
            "assert!(verifier.verify(&parts, &body, now).is_err());\n",
            "# }\n# Ok::<(), tower_webhook::ConfigError>(())\n```\n",
        )
    };
    ($preset:literal, $secret:literal, $body:literal) => {
        example!(@ concat!($preset, "()"), "", $secret, $body)
    };
    (url $preset:literal, $secret:literal, $body:literal) => {
        example!(
            @ concat!($preset, "(url.clone())"),
            "use tower_webhook::signature::PublicUrl;\n\n\
             let url = PublicUrl::base(\"https://example.com\")?;\n",
            $secret,
            $body
        )
    };
    (@ $call:expr, $before:literal, $secret:literal, $body:literal) => {
        concat!(
            "\n# Example\n\n```\n# #[cfg(feature = \"testing\")] {\n",
            "use tower_webhook::testing::Signer;\n",
            "use tower_webhook::{Timestamp, Verifier, provider};\n",
            $before,
            "\nlet now = Timestamp::from_unix_seconds(1_700_000_000);\n",
            "let sender = Signer::new(provider::",
            $call,
            ", \"",
            $secret,
            "\")?.at(now);\n",
            "let (parts, body) = sender.sign(\"/hook\", r#\"",
            $body,
            "\"#).into_parts();\n\n",
            "let verifier = Verifier::new(provider::",
            $call,
            ", \"",
            $secret,
            "\")?;\n",
            "assert!(verifier.verify(&parts, &body, now).is_ok());\n\n",
            "// A sender that does not know the secret is refused:\n",
            "let verifier = Verifier::new(provider::",
            $call,
            ", \"0ddba11c0ffee00d\")?;\n",
            "assert!(verifier.verify(&parts, &body, now).is_err());\n",
            "# }\n# Ok::<(), tower_webhook::ConfigError>(())\n```\n",
        )
    };
}
