//! What the README says, held against what is true.

use tower_webhook::provider::{self, Preset};
use tower_webhook::signature::{Algorithm, Encoding, Hash, Part, Scheme, Source};

const README: &str = include_str!("../../README.md");
const LIB: &str = include_str!("../../src/lib.rs");
const CONTRIBUTING: &str = include_str!("../../CONTRIBUTING.md");

#[test]
fn the_table_of_presets_is_that_of_the_registry() {
    let rows: String = provider::all().map(|preset| row(&preset)).collect();
    let expected = format!(
        "\n| preset | signature | replay protection | id signed |\n|---|---|---|---|\n{rows}"
    );
    let found = between("<!-- presets -->", "<!-- /presets -->");
    assert!(
        found == expected,
        "between the markers, README.md should say:\n{expected}"
    );
}

fn row(preset: &Preset) -> String {
    match preset {
        Preset::Signed(scheme) => format!(
            "| [`{}`]({}) | {} | {} | {} |\n",
            scheme.name(),
            scheme.reference(),
            signature(scheme),
            replay_protection(scheme),
            match scheme.event_id() {
                [] => "no id",
                _ if scheme.signs_event_id() => "yes",
                _ => "no",
            },
        ),
        Preset::Unsigned(unsigned) => format!(
            "| [`{}`]({}) | none: a token in the URL hides the endpoint | {} | no |\n",
            unsigned.name(),
            unsigned.reference(),
            replay_protection(&unsigned.clone().with_token_in_query("token")),
        ),
        _ => panic!("a kind of preset that this test does not know"),
    }
}

fn signature(scheme: &Scheme) -> String {
    let what = match scheme.algorithm() {
        Algorithm::Token => match scheme.encoding() {
            Encoding::Base64 => "user and password".to_owned(),
            _ => "token".to_owned(),
        },
        Algorithm::Hmac(hash) => {
            let hash = match hash {
                Hash::Sha1 => "SHA1",
                Hash::Sha256 => "SHA256",
                Hash::Sha512 => "SHA512",
                _ => panic!("a hash that this test does not know"),
            };
            let content: String = scheme.content().iter().map(part).collect();
            format!("HMAC-{hash} of `{content}`")
        }
        _ => panic!("an algorithm that this test does not know"),
    };
    let headers: Vec<String> = scheme.signatures().iter().flat_map(names).collect();
    format!("{what} in {}", headers.join(" or "))
}

fn part(part: &Part) -> &str {
    match part {
        Part::Literal(text) => text,
        Part::Timestamp => "{timestamp}",
        Part::EventId => "{id}",
        Part::Body => "{body}",
        _ => panic!("a part that this test does not know"),
    }
}

fn names(source: &Source) -> Vec<String> {
    match source {
        Source::Header(names) => names.iter().map(|name| format!("`{name}`")).collect(),
        Source::Query(name) => vec![format!("`?{name}=`")],
        _ => panic!("a signature outside header and query"),
    }
}

/// What bounds a replay: how old it may be, and what is remembered of it.
fn replay_protection(scheme: &Scheme) -> String {
    let signed = matches!(scheme.algorithm(), Algorithm::Hmac(_));
    let remembered = match scheme.event_id() {
        [] => "content",
        _ if signed && !scheme.signs_event_id() => "id and signed content",
        _ if scheme.requires_event_id() => "id",
        _ => "id, else content",
    };
    match scheme.timestamp() {
        Some(rule) => format!("{} s, {remembered}", rule.past_tolerance().as_secs()),
        None => remembered.to_owned(),
    }
}

/// One text for both: the crate's own page has it first.
#[test]
fn the_readme_says_what_the_crate_docs_say() {
    let mut in_code = false;
    let mut docs = String::new();
    for line in LIB.lines().map_while(|line| line.strip_prefix("//!")) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        in_code ^= line.starts_with("```");
        let hidden = in_code && line.starts_with("# ");
        if !hidden {
            docs.push_str(line);
            docs.push('\n');
        }
    }
    for shared in README.split("<!-- shared -->\n").skip(1) {
        let (shared, _) = shared.split_once("<!-- /shared -->").unwrap();
        let shared = shared.replace("```rust\n", "```\n");
        assert!(docs.contains(&shared), "not in src/lib.rs:\n{shared}");
    }
}

/// The worked example of a new provider is a provider.
#[test]
fn contributing_shows_a_preset_as_it_is() {
    let preset = include_str!("../../src/provider/razorpay.rs");
    assert!(CONTRIBUTING.contains(&format!("```rust\n{preset}```\n")));
    let line = "    razorpay: razorpay;\n";
    assert!(CONTRIBUTING.contains(&format!("```rust\n{line}```\n")));
    let presets = include_str!("../../src/provider/mod.rs");
    assert!(presets.contains(line));
}

#[test]
fn the_first_two_commands_are_for_running_and_for_testing() {
    let mut commands = README.split("```sh\n").skip(1);
    let mut next = || commands.next().unwrap().split("```").next().unwrap();
    assert_eq!(
        next(),
        "cargo run --example quickstart --features axum,testing,tracing\n"
    );
    assert_eq!(next(), "cargo test --all-features\n");
}

/// Every relative link leads to a file of this repository.
#[test]
fn the_links_lead_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for link in README.split("](").skip(1) {
        let link = link.split(')').next().unwrap();
        let file = link.split('#').next().unwrap();
        if !link.starts_with("https://") && !file.is_empty() {
            assert!(root.join(file).exists(), "{link}");
        }
    }
}

fn between(start: &str, end: &str) -> &'static str {
    let (_, rest) = README.split_once(start).unwrap();
    rest.split_once(end).unwrap().0
}
