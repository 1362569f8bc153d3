//! What the README says, held against what is true.

use tower_webhook::provider::{self, Preset};
use tower_webhook::signature::{Algorithm, Coverage, Encoding, Hash, Part, Scheme, Source};

const README: &str = include_str!("../../README.md");
const LIB: &str = include_str!("../../src/lib.rs");

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
        Algorithm::Hmac(hash) => format!("HMAC-{} of {}", hash_name(hash), content(scheme)),
        Algorithm::Hash(hash) => format!("{} of {}", hash_name(hash), content(scheme)),
        _ => panic!("an algorithm that this test does not know"),
    };
    let headers: Vec<String> = scheme.signatures().iter().flat_map(names).collect();
    format!("{what} in {}", headers.join(" or "))
}

fn hash_name(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha1 => "SHA1",
        Hash::Sha256 => "SHA256",
        Hash::Sha512 => "SHA512",
        _ => panic!("a hash that this test does not know"),
    }
}

fn content(scheme: &Scheme) -> String {
    let parts: String = scheme.content().iter().map(part).collect();
    format!("`{parts}`")
}

fn part(part: &Part) -> String {
    match part {
        Part::Literal(text) => text.to_string(),
        Part::Timestamp => "{timestamp}".to_owned(),
        Part::EventId => "{id}".to_owned(),
        Part::Body => "{body}".to_owned(),
        Part::Secret => "{secret}".to_owned(),
        Part::Method => "{method}".to_owned(),
        Part::Url(_) => "{url}".to_owned(),
        Part::SortedForm { .. } => "{sorted form}".to_owned(),
        Part::Header(name) => format!("{{{name}}}"),
        Part::Value { pointer, .. } => format!("{{{pointer}}}"),
        _ => panic!("a part that this test does not know"),
    }
}

fn names(source: &Source) -> Vec<String> {
    match source {
        Source::Header(names) => names.iter().map(|name| format!("`{name}`")).collect(),
        _ => panic!("a signature outside a header"),
    }
}

/// What bounds a replay: how old it may be, and what is remembered of it.
fn replay_protection(scheme: &Scheme) -> String {
    let signed = scheme.coverage() != Coverage::Nothing;
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
