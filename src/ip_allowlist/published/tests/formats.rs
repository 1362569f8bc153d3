use super::super::*;
use crate::ip_allowlist::IpAllowlist;

const GITHUB: &str = r#"{
  "verifiable_password_authentication": false,
  "ssh_key_fingerprints": { "SHA256_ED25519": "+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU" },
  "hooks": [
    "192.30.252.0/22",
    "185.199.108.0/22",
    "140.82.112.0/20",
    "143.55.64.0/20",
    "2a0a:a440::/29",
    "2606:50c0::/32"
  ],
  "web": [ "20.201.28.151/32" ],
  "domains": { "website": [ "*.github.com" ] }
}"#;

const STRIPE_TXT: &str = "3.18.12.63\n3.130.192.231\n13.235.14.237\n54.187.216.72\n";
const STRIPE_JSON: &str =
    r#"{"WEBHOOKS":["3.18.12.63","3.130.192.231","13.235.14.237","54.187.216.72"]}"#;

const AWS: &str = r#"{
  "syncToken": "1416435608", "createDate": "2014-11-19-23-29-02",
  "prefixes": [
    { "ip_prefix": "3.4.12.4/32", "region": "eu-west-1", "service": "AMAZON",
      "network_border_group": "eu-west-1" },
    { "ip_prefix": "15.230.39.208/31", "region": "us-east-2", "service": "EC2",
      "network_border_group": "us-east-2" },
    { "ip_prefix": "52.94.76.0/22", "region": "us-west-2", "service": "EC2",
      "network_border_group": "us-west-2" }
  ],
  "ipv6_prefixes": [
    { "ipv6_prefix": "2600:1f14::/36", "region": "us-west-2", "service": "EC2",
      "network_border_group": "us-west-2" },
    { "ipv6_prefix": "2a05:d07a:a000::/40", "region": "eu-south-1", "service": "S3",
      "network_border_group": "eu-south-1" }
  ]
}"#;

const ATLASSIAN: &str = r#"{
  "creationDate": "2026-02-11T17:28:52.000000", "syncToken": 1770830932,
  "items": [
    { "network": "104.192.136.0", "mask_len": 21, "cidr": "104.192.136.0/21",
      "mask": "255.255.248.0", "region": ["global"], "perimeter": "commercial",
      "product": ["bitbucket", "jira"], "direction": ["egress", "ingress"] },
    { "network": "185.166.140.0", "mask_len": 22, "cidr": "185.166.140.0/22",
      "mask": "255.255.252.0", "region": ["global"], "perimeter": "commercial",
      "product": ["bitbucket"], "direction": ["ingress"] },
    { "network": "2401:1d80:3230::", "mask_len": 64, "cidr": "2401:1d80:3230::/64",
      "mask": "ffff:ffff:ffff:ffff::", "region": ["eu-central-2"], "perimeter": "commercial",
      "product": ["jira"], "direction": ["egress"] }
  ]
}"#;

fn kind(format: &Format, document: impl AsRef<[u8]>) -> PublishedErrorKind {
    format.parse(document).unwrap_err().kind()
}

fn all() -> [Format; 6] {
    [
        Format::lines(),
        Format::github_meta(),
        Format::stripe_webhooks(),
        Format::aws_ip_ranges("EC2"),
        Format::atlassian("jira"),
        Format::json_list("hooks"),
    ]
}

#[test]
fn github_publishes_its_hooks_among_other_things() {
    let expected = [
        "140.82.112.0/20",
        "143.55.64.0/20",
        "185.199.108.0/22",
        "192.30.252.0/22",
        "2606:50c0::/32",
        "2a0a:a440::/29",
    ];
    assert_eq!(Format::github_meta().parse(GITHUB).unwrap(), expected);
    assert_eq!(Format::json_list("hooks").parse(GITHUB).unwrap(), expected);
}

#[test]
fn stripe_publishes_the_same_twice() {
    let lines = Format::lines().parse(STRIPE_TXT).unwrap();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0], "3.18.12.63/32");
    assert_eq!(Format::stripe_webhooks().parse(STRIPE_JSON).unwrap(), lines);
}

#[test]
fn aws_is_filtered_by_service_and_region() {
    let found = |format: Format| format.parse(AWS).unwrap();
    assert_eq!(
        found(Format::aws_ip_ranges("EC2")),
        ["15.230.39.208/31", "52.94.76.0/22", "2600:1f14::/36"]
    );
    assert_eq!(
        found(Format::aws_ip_ranges_in("EC2", "us-east-2")),
        ["15.230.39.208/31"]
    );
    assert_eq!(found(Format::aws_ip_ranges("S3")), ["2a05:d07a:a000::/40"]);
}

#[test]
fn atlassian_is_filtered_by_product_and_only_what_it_sends_from_counts() {
    let found = |product: &str| Format::atlassian(product).parse(ATLASSIAN).unwrap();
    assert_eq!(found("bitbucket"), ["104.192.136.0/21"]);
    assert_eq!(found("jira"), ["104.192.136.0/21", "2401:1d80:3230::/64"]);
}

#[test]
fn lines_may_have_comments_and_commas() {
    let text =
        "# US\r\n162.247.240.0/22, 152.38.128.0/19 # both\r\n\r\n\t212.32.0.1/20,\n64.251.192.0/20";
    let mut found = Format::lines().parse(text).unwrap();
    let mut expected = NEW_RELIC.map(str::to_owned);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert!(IpAllowlist::new(NEW_RELIC).is_ok());
}

#[test]
fn d7_a_list_without_a_network_is_refused() {
    for (format, document) in [
        (Format::lines(), ""),
        (Format::lines(), "# moved\n\n,\n"),
        (Format::github_meta(), r#"{"hooks": []}"#),
        (Format::aws_ip_ranges("ec2"), AWS),
        (Format::aws_ip_ranges_in("S3", "us-west-2"), AWS),
        (Format::atlassian("trello"), ATLASSIAN),
    ] {
        assert_eq!(kind(&format, document), PublishedErrorKind::Empty);
    }
}

#[test]
fn d7_a_list_of_everybody_is_refused() {
    for document in [
        "192.0.2.1\n0.0.0.0/0",
        "::/0",
        "10.1.2.3/0",
        "::ffff:0.0.0.0/96",
        "0.0.0.0/1 128.0.0.0/1",
        "::/2 4000::/2 8000::/1",
    ] {
        let everybody = PublishedErrorKind::EveryAddress;
        assert_eq!(kind(&Format::lines(), document), everybody, "{document}");
        let json = serde_json::json!({ "hooks": document.split([' ', '\n']).collect::<Vec<_>>() });
        assert_eq!(
            kind(&Format::github_meta(), json.to_string()),
            everybody,
            "{document}"
        );
    }
}

#[test]
fn d7_an_error_page_is_refused_by_every_format() {
    for format in all() {
        for document in [
            "<!DOCTYPE html><html><body>503</body></html>",
            "\u{feff}{\"hooks\": [\"192.0.2.1\"]}",
            "\u{feff}192.0.2.1",
            "null",
            "[]",
            "{}",
            "{\"message\": \"Not Found\"}",
            "{\"hooks\": [\"192.0.2.1\"]",
            "{\"hooks\": [\"192.0.2.1\"]} trailing",
            "{\"hooks\": \"192.0.2.1\"}",
            "{\"hooks\": [[\"192.0.2.1\"]]}",
            "{\"hooks\": [{\"cidr\": \"192.0.2.1\"}]}",
            "{\"hooks\": [null]}",
            "{\"hooks\": [\"192.0.2.1\", 3221225985]}",
        ] {
            assert!(format.parse(document).is_err(), "{document}");
        }
        assert_eq!(
            kind(&format, b"192.0.2.1\n\xff"),
            PublishedErrorKind::NotUtf8
        );
    }
}

#[test]
fn what_is_said_twice_or_not_at_all_is_refused() {
    let aws = |items: &str| {
        let document = format!(r#"{{"prefixes": [{items}], "ipv6_prefixes": []}}"#);
        kind(&Format::aws_ip_ranges("EC2"), document)
    };
    assert_eq!(
        aws(r#"{"ip_prefix": "192.0.2.1", "ip_prefix": "192.0.2.2", "service": "EC2"}"#),
        PublishedErrorKind::Repeated
    );
    assert_eq!(
        aws(r#"{"ip_prefix": "192.0.2.1", "service": "S3", "service": "EC2"}"#),
        PublishedErrorKind::Repeated
    );
    assert_eq!(aws(r#"{"service": "EC2"}"#), PublishedErrorKind::Malformed);
    assert_eq!(
        aws(r#"{"ip_prefix": "192.0.2.1"}"#),
        PublishedErrorKind::Empty
    );
    assert_eq!(
        kind(
            &Format::github_meta(),
            r#"{"hooks": ["192.0.2.1"], "hooks": ["198.51.100.1"]}"#
        ),
        PublishedErrorKind::Repeated
    );
    assert_eq!(
        kind(&Format::aws_ip_ranges("EC2"), r#"{"prefixes": []}"#),
        PublishedErrorKind::MissingList
    );
}

#[test]
fn an_error_names_the_format_and_the_place_and_not_the_text() {
    let error = Format::lines()
        .parse("192.0.2.1\n192.0.2.2, sw0rdfish")
        .unwrap_err();
    assert_eq!(error.line_and_column(), Some((2, 12)));
    assert_eq!(
        error.to_string(),
        "lines: an entry is neither an address nor a network (line 2, column 12)"
    );
    let document = "{\n  \"hooks\": [\n    \"sw0rdfish\"\n  ]\n}";
    let error = Format::github_meta().parse(document).unwrap_err();
    assert_eq!(error.format(), "github_meta");
    assert_eq!(error.kind(), PublishedErrorKind::NotANetwork);
    assert_eq!(error.line_and_column().unwrap().0, 3);
    assert!(!format!("{error} {error:?}").contains("sw0rdfish"));
}

#[test]
fn large_and_deep_documents_are_refused_without_harm() {
    let too_large = vec![b' '; 8 * 1024 * 1024 + 1];
    let deep = "[".repeat(100_000);
    let deep_objects = r#"{"a":"#.repeat(100_000);
    let deep_inside = format!(r#"{{"x": {deep}{}, "hooks": []}}"#, "]".repeat(100_000));
    let deep_list = format!(r#"{{"hooks": {deep}"#);
    for format in all() {
        assert_eq!(kind(&format, &too_large), PublishedErrorKind::TooLarge);
        for document in [&deep, &deep_objects, &deep_inside, &deep_list] {
            assert!(format.parse(document).is_err());
        }
    }
    let many = |count: u32| {
        let each = |number| std::net::Ipv4Addr::from_bits(number * 2).to_string() + "\n";
        Format::lines().parse((0..count).map(each).collect::<String>())
    };
    assert_eq!(many(16_384).unwrap().len(), 16_384);
    let error = many(16_385).unwrap_err();
    assert_eq!(error.kind(), PublishedErrorKind::TooManyNetworks);
}

proptest::proptest! {
    #[test]
    fn garbage_never_panics(document: Vec<u8>, text: String) {
        for format in all() {
            let _ = format.parse(&document);
            let _ = format.parse(&text);
        }
    }

    #[test]
    fn a_damaged_document_is_read_as_a_whole_or_refused(at in 0..GITHUB.len(), byte: u8) {
        let mut document = GITHUB.as_bytes().to_vec();
        document[at] = byte;
        if let Ok(networks) = Format::github_meta().parse(&document) {
            proptest::prop_assert!(IpAllowlist::new(networks).is_ok());
        }
    }
}
