use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;

use super::*;
use crate::client_ip::{ClientIp, PeerAddr, TrustedProxies};

const PROXY: [u8; 4] = [10, 0, 0, 1];
const STRANGER: [u8; 4] = [198, 51, 100, 9];

fn behind_proxy(rules: ClientCertRules) -> RequireClientCertLayer {
    let proxies = TrustedProxies::x_forwarded_for(["10.0.0.0/8"]).unwrap();
    layer(rules).with_forwarded_by(ClientIp::behind(proxies))
}

fn field(certificate: &CertificateDer<'_>) -> String {
    format!(":{}:", BASE64_STANDARD.encode(certificate))
}

fn from(peer: [u8; 4], fields: &[(&'static str, &str)]) -> Request<Untouched> {
    let mut request = Request::post("/hooks")
        .extension(PeerAddr::new((peer, 443).into()))
        .body(Untouched)
        .unwrap();
    for (name, value) in fields {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        request.headers_mut().append(*name, value);
    }
    request
}

fn with_connection(
    mut request: Request<Untouched>,
    certificate: &CertificateDer<'static>,
) -> Request<Untouched> {
    let chain = ClientCertChain::new([certificate.clone()]);
    request.extensions_mut().insert(chain);
    request
}

fn missing(detail: &str) -> Option<(RejectionKind, String)> {
    Some((RejectionKind::MissingClientCert, detail.to_owned()))
}

fn not_allowed(detail: &str) -> Option<(RejectionKind, String)> {
    Some((RejectionKind::ClientCertNotAllowed, detail.to_owned()))
}

const NONE_SHOWN: &str = "the connection shows no client certificate";
const NONE_SENT: &str = "the trusted proxy sent no Client-Cert";
const OTHER_NAME: &str = "the certificate is for another DNS name";

#[tokio::test]
async fn only_a_trusted_proxy_speaks_for_the_caller() {
    let certificate = Ca::root().sign(&params(&[HOST]));
    let field = field(&certificate);
    let sent = [("client-cert", &*field)];
    let layer_behind = behind_proxy(for_host());
    assert_eq!(refusal(&layer_behind, from(PROXY, &sent)).await, None);
    let padded = format!(" {field}\t");
    let padded = from(PROXY, &[("client-cert", &*padded)]);
    assert_eq!(refusal(&layer_behind, padded).await, None);

    let forged = from(STRANGER, &sent);
    assert_eq!(refusal(&layer_behind, forged).await, missing(NONE_SHOWN));
    // Nobody is trusted unless the layer is told so.
    let forged = from(PROXY, &sent);
    assert_eq!(
        refusal(&layer(for_host()), forged).await,
        missing(NONE_SHOWN)
    );
}

#[tokio::test]
async fn the_connection_of_a_proxy_is_not_the_callers() {
    let ca = Ca::root();
    let right = ca.sign(&params(&[HOST]));
    let other = ca.sign(&params(&["other.example"]));
    let layer = behind_proxy(for_host());
    let sent = |certificate| vec![("client-cert", field(certificate))];
    let request = |peer, fields: Vec<(&'static str, String)>| {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        from(peer, &fields)
    };

    let silent = with_connection(request(PROXY, vec![]), &right);
    assert_eq!(refusal(&layer, silent).await, missing(NONE_SENT));
    let both = with_connection(request(PROXY, sent(&other)), &right);
    assert_eq!(refusal(&layer, both).await, not_allowed(OTHER_NAME));
    let both = with_connection(request(PROXY, sent(&right)), &other);
    assert_eq!(refusal(&layer, both).await, None);

    // A caller that connects directly is judged by its connection alone.
    let both = with_connection(request(STRANGER, sent(&right)), &other);
    assert_eq!(refusal(&layer, both).await, not_allowed(OTHER_NAME));
    let both = with_connection(request(STRANGER, sent(&other)), &right);
    assert_eq!(refusal(&layer, both).await, None);
}

#[tokio::test]
async fn d9_an_unknown_peer_is_refused_where_proxies_are_trusted() {
    let certificate = Ca::root().sign(&params(&[HOST]));
    let layer = behind_proxy(for_host());
    let (kind, _) = refusal(&layer, direct(&[certificate])).await.unwrap();
    assert_eq!(kind, RejectionKind::AddressUnknown);
}

#[tokio::test]
async fn garbage_is_refused() {
    let layer = behind_proxy(for_host());
    let garbage = "Client-Cert is not a byte sequence";
    let certificate = Ca::root().sign(&params(&[HOST]));
    let base64 = BASE64_STANDARD.encode(&certificate);
    for value in [
        base64.clone(),
        format!(":{base64}"),
        format!("{base64}:"),
        format!("\":{base64}:\""),
        format!(":{base64}:;a=1"),
        format!(":{base64}:, :{base64}:"),
        format!(":{}:", base64.replace('+', "-").replace('/', "_") + "-"),
        format!(": {base64}:"),
        format!(":-----BEGIN CERTIFICATE-----{base64}:"),
        format!(":{}:", "A".repeat(100_000)),
        "A".repeat(100_000),
        ":".to_owned(),
        "-".to_owned(),
        "\u{fc}\u{fc}".to_owned(),
        "(null)".to_owned(),
    ] {
        let refusal = refusal(&layer, from(PROXY, &[("client-cert", &value)])).await;
        let shown: String = value.chars().take(40).collect();
        assert_eq!(refusal, not_allowed(garbage), "{shown}");
    }
    for value in ["::", ":AAAA:", ":MIIB:"] {
        let refusal = refusal(&layer, from(PROXY, &[("client-cert", value)])).await;
        assert_eq!(
            refusal,
            not_allowed("the certificate cannot be read"),
            "{value}"
        );
    }
    for value in ["", "  "] {
        let refusal = refusal(&layer, from(PROXY, &[("client-cert", value)])).await;
        assert_eq!(refusal, missing(NONE_SENT));
    }
}

#[tokio::test]
async fn two_headers_are_refused() {
    let field = field(&Ca::root().sign(&params(&[HOST])));
    let layer = behind_proxy(for_host());
    let twice = "Client-Cert came more than once";
    for (first, second) in [(&*field, &*field), (&field, ""), (&field, "x")] {
        let request = from(PROXY, &[("client-cert", first), ("client-cert", second)]);
        assert_eq!(refusal(&layer, request).await, not_allowed(twice));
    }
}

#[tokio::test]
async fn the_chain_comes_in_a_list_over_several_lines() {
    let root = Ca::root();
    let intermediate = root.intermediate();
    let leaf = field(&intermediate.sign(&params(&[HOST])));
    let between = field(&intermediate.certificate);
    let other = field(&Ca::root().certificate);
    let rules = for_host().with_issuer_certificates([&root.certificate], algorithms());
    let layer = behind_proxy(rules.unwrap());
    let with = async |lines: &[&str]| {
        let mut fields = vec![("client-cert", &*leaf)];
        fields.extend(lines.iter().map(|line| ("client-cert-chain", *line)));
        refusal(&layer, from(PROXY, &fields)).await
    };
    assert_eq!(with(&[&between]).await, None);
    assert_eq!(with(&[&format!("{other} ,\t{between}")]).await, None);
    assert_eq!(with(&[&other, "", &between]).await, None);

    let no_path = "the certificate does not lead to a configured issuer";
    assert_eq!(with(&[]).await, not_allowed(no_path));
    assert_eq!(with(&[&other]).await, not_allowed(no_path));

    let garbage = "Client-Cert-Chain is not a list of byte sequences";
    for lines in [
        &[&*format!("{between},")][..],
        &[&format!("{between} {other}")],
        &[&between, "x"],
        &["?0"],
        &[&[&*between; 11].join(",")],
        &[&format!("{between}, :{}:", "A".repeat(100_000))],
        &[&[":AAAA:"; 11].join(",")],
        &[&*"A".repeat(40_000), &*"A".repeat(40_000)],
    ] {
        assert_eq!(with(lines).await, not_allowed(garbage));
    }
}

proptest::proptest! {
    #[test]
    fn no_header_panics(value: Vec<u8>, lines: Vec<Vec<u8>>) {
        let _ = super::super::field::byte_sequence(&value);
        let _ = super::super::field::byte_sequences(lines.iter().map(|line| &**line));
    }

    #[test]
    fn what_is_written_is_read(items in proptest::collection::vec(proptest::prelude::any::<Vec<u8>>(), 1..10)) {
        let fields: Vec<String> = items.iter().map(|item| field(&item.clone().into())).collect();
        let line = fields.join(", ");
        let read = super::super::field::byte_sequences([line.as_bytes()].into_iter());
        proptest::prop_assert_eq!(read, Some(items));
    }
}
