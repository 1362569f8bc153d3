use std::slice;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{PublicKeyData, SanType};
use sha2::{Digest, Sha256};

use super::*;

const OTHER_KEY: &str = "the certificate's key is not pinned";
const OTHER_NAME: &str = "the certificate is for another DNS name";
const OTHER_ISSUER: &str = "the certificate names another issuer";
const NO_PATH: &str = "the certificate does not lead to a configured issuer";

fn refused(reason: &str) -> Result<(), String> {
    Err(reason.to_owned())
}

#[tokio::test]
async fn a_pin_holds_for_one_key_in_every_certificate() {
    let key = KeyPair::generate().unwrap();
    let pin = Sha256::digest(key.subject_public_key_info());
    let base64 = BASE64_STANDARD.encode(pin);
    let certificate = |key: &KeyPair| params(&[HOST]).self_signed(key).unwrap().der().clone();
    for text in [
        hex::encode(pin),
        hex::encode_upper(pin),
        format!("pin-sha256=\"{base64}\""),
        base64,
    ] {
        let other = BASE64_STANDARD.encode([7; 32]);
        let rules = ClientCertRules::new()
            .with_spki_sha256([other, text])
            .unwrap();
        assert_eq!(judged(rules.clone(), &[certificate(&key)]).await, Ok(()));
        assert_eq!(judged(rules.clone(), &[certificate(&key)]).await, Ok(()));

        let another = certificate(&KeyPair::generate().unwrap());
        // The pinned key further up in the chain is not the caller's.
        let chain = [another, certificate(&key)];
        assert_eq!(judged(rules, &chain).await, refused(OTHER_KEY));
    }
}

#[tokio::test]
async fn a_dns_name_must_be_the_same() {
    let ca = Ca::root();
    for (names, allowed) in [
        (&["client.webhooks.example"][..], true),
        (&["other.example", "CLIENT.Webhooks.example"], true),
        (&["client.webhooks.example.attacker.test"], false),
        (&["x.client.webhooks.example"], false),
        (&["*.webhooks.example"], false),
        (&["webhooks.example"], false),
        (&["192.0.2.1"], false),
        (&[], false),
    ] {
        let judged = judged(for_host(), &[ca.sign(&params(names))]).await;
        let expected = if allowed { Ok(()) } else { refused(OTHER_NAME) };
        assert_eq!(judged, expected, "{names:?}");
    }
    // The right text as another kind of name.
    let mut elsewhere = params(&[]);
    elsewhere.distinguished_name.push(DnType::CommonName, HOST);
    let mail = HOST.try_into().unwrap();
    let uri = HOST.try_into().unwrap();
    elsewhere.subject_alt_names = vec![SanType::Rfc822Name(mail), SanType::URI(uri)];
    assert_eq!(
        judged(for_host(), &[ca.sign(&elsewhere)]).await,
        refused(OTHER_NAME)
    );
}

#[tokio::test]
async fn the_common_name_counts_if_there_is_one() {
    let rules = ClientCertRules::new().with_common_names([HOST]).unwrap();
    let ca = Ca::root();
    let named = |names: &[&str]| {
        let mut params = params(&[HOST]);
        params.distinguished_name = rcgen::DistinguishedName::new();
        // Of several of one kind, rcgen would keep the last.
        let kinds = [DnType::CommonName, DnType::CustomDnType(vec![2, 5, 4, 3])];
        for (kind, name) in kinds.into_iter().zip(names) {
            params.distinguished_name.push(kind, *name);
        }
        ca.sign(&params)
    };
    let other = refused("the certificate has another common name");
    assert_eq!(judged(rules.clone(), &[named(&[HOST])]).await, Ok(()));
    assert_eq!(judged(rules.clone(), &[named(&["Example"])]).await, other);
    assert_eq!(
        judged(rules.clone(), &[named(&["Example", HOST])]).await,
        other
    );
    assert_eq!(judged(rules, &[named(&[])]).await, other);
}

#[tokio::test]
async fn outside_its_period_a_certificate_is_refused() {
    let chain = [Ca::root().sign(&params(&[HOST]))];
    let first = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let last = Timestamp::parse_rfc3339("2027-01-01T00:00:00Z").unwrap();
    let second = std::time::Duration::from_secs(1);
    for (now, expected) in [
        (
            first.saturating_sub(second),
            Some("the certificate is not valid yet"),
        ),
        (first, None),
        (last, None),
        (
            last.saturating_add(second),
            Some("the certificate has expired"),
        ),
        (
            Timestamp::from_unix_seconds(i64::MIN),
            Some("the certificate is not valid yet"),
        ),
        (
            Timestamp::from_unix_seconds(i64::MAX),
            Some("the certificate has expired"),
        ),
    ] {
        let layer = layer(for_host()).with_clock(Arc::new(ManualClock::new(now)));
        let refusal = refusal(&layer, direct(&chain)).await;
        let detail = refusal.map(|(_, detail)| detail);
        assert_eq!(detail.as_deref(), expected, "{now}");
    }
}

#[tokio::test]
async fn an_issuer_is_told_by_its_name() {
    let chain = [Ca::root().sign(&params(&[HOST]))];
    for (name, allowed) in [
        (CA_NAME, true),
        ("2.5.4.3=Webhook CA,O=Example", true),
        ("O=Example,CN=Webhook CA", false),
        ("CN=Webhook CA", false),
        ("CN=webhook ca,O=Example", false),
        ("CN=Webhook CA,O=Example,C=US", false),
        ("CN=Webhook CA\\,O=Example", false),
    ] {
        let rules = ClientCertRules::new().with_issuer_names([name]).unwrap();
        let expected = if allowed {
            Ok(())
        } else {
            refused(OTHER_ISSUER)
        };
        assert_eq!(judged(rules, &chain).await, expected, "{name}");
    }
}

fn by(ca: &Ca) -> ClientCertRules {
    for_host()
        .with_issuer_certificates([&ca.certificate], algorithms())
        .unwrap()
}

#[tokio::test]
async fn an_issuer_of_the_same_name_is_not_the_issuer() {
    let (real, look_alike) = (Ca::root(), Ca::root());
    let forged = look_alike.sign(&params(&[HOST]));
    let by_name = for_host().with_issuer_names([CA_NAME]).unwrap();
    // As documented: a name proves nothing.
    assert_eq!(judged(by_name, slice::from_ref(&forged)).await, Ok(()));
    let (ours, theirs) = (&real.certificate, &look_alike.certificate);
    for chain in [
        vec![&forged],
        vec![&forged, theirs],
        vec![&forged, ours],
        vec![&forged, ours, theirs],
    ] {
        let chain: Vec<_> = chain.into_iter().cloned().collect();
        assert_eq!(judged(by(&real), &chain).await, refused(NO_PATH));
    }
    let genuine = real.sign(&params(&[HOST]));
    assert_eq!(judged(by(&real), &[genuine]).await, Ok(()));

    // Signed with its own key, under the name of the issuer.
    let mut own = params(&[HOST]);
    own.distinguished_name = Ca::params("Webhook CA").distinguished_name;
    let own = own.self_signed(&KeyPair::generate().unwrap()).unwrap();
    assert_eq!(
        judged(by(&real), &[own.der().clone()]).await,
        refused(NO_PATH)
    );
}

#[tokio::test]
async fn the_path_to_the_issuer_is_validated() {
    let root = Ca::root();
    let intermediate = root.intermediate();
    let leaf = intermediate.sign(&params(&[HOST]));
    let chain = [leaf.clone(), intermediate.certificate.clone()];
    assert_eq!(judged(by(&root), &chain).await, Ok(()));
    assert_eq!(judged(by(&intermediate), &chain).await, Ok(()));
    assert_eq!(judged(by(&root), &[leaf]).await, refused(NO_PATH));

    let mut for_servers = params(&[HOST]);
    for_servers.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let for_servers = root.sign(&for_servers);
    assert_eq!(judged(by(&root), &[for_servers]).await, refused(NO_PATH));

    // Signed by a certificate that is no authority.
    let key = KeyPair::generate().unwrap();
    let no_ca = params(&["other.example"])
        .signed_by(&key, &root.issuer)
        .unwrap();
    let issuer = Issuer::new(params(&["other.example"]), key);
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = params(&[HOST]).signed_by(&leaf_key, &issuer).unwrap();
    let chain = [leaf.der().clone(), no_ca.der().clone()];
    assert_eq!(judged(by(&root), &chain).await, refused(NO_PATH));
}

#[tokio::test]
async fn every_kind_must_hold_and_one_of_its_alternatives() {
    let ca = Ca::root();
    let chain = [ca.sign(&params(&[HOST]))];
    let several = ClientCertRules::new()
        .with_dns_names(["other.example", HOST])
        .unwrap()
        .with_issuer_names(["CN=Other"])
        .unwrap();
    assert_eq!(judged(several.clone(), &chain).await, refused(OTHER_ISSUER));
    let several = several.with_issuer_names([CA_NAME]).unwrap();
    assert_eq!(judged(several.clone(), &chain).await, Ok(()));
    let several = several
        .with_spki_sha256([BASE64_STANDARD.encode([7; 32])])
        .unwrap();
    assert_eq!(judged(several, &chain).await, refused(OTHER_KEY));
    let two = by(&Ca::root()).with_issuer_certificates([&ca.certificate], algorithms());
    assert_eq!(judged(two.unwrap(), &chain).await, Ok(()));
}

#[tokio::test]
async fn what_is_not_a_certificate_is_refused() {
    let certificate = Ca::root().sign(&params(&[HOST]));
    for bytes in [
        Vec::new(),
        vec![0x30],
        vec![0x30; 100_000],
        vec![0xff; 1000],
        certificate[..certificate.len() - 1].to_vec(),
        [&certificate[..], &[0]].concat(),
    ] {
        let judged = judged(for_host(), &[bytes.into()]).await;
        assert_eq!(judged, refused("the certificate cannot be read"));
    }
}

#[test]
fn rules_that_cannot_hold_are_refused_at_start() {
    let new = ClientCertRules::new;
    let none: [&str; 0] = [];
    for empty in [
        new().with_spki_sha256(none),
        new().with_dns_names(none),
        new().with_common_names(none),
        new().with_issuer_names(none),
        new().with_issuer_certificates([], algorithms()),
        new().with_issuer_certificates([&Ca::root().certificate], &[]),
        RequireClientCertLayer::new(new()).map(|_| new()),
    ] {
        assert_eq!(empty.err(), Some(ConfigError::NoClientCertRule));
    }
    let not_der = CertificateDer::from(b"-----BEGIN CERTIFICATE-----".to_vec());
    for invalid in [
        new().with_spki_sha256([""]),
        new().with_spki_sha256(["47DEQpj8HBSa"]),
        new().with_spki_sha256(["x".repeat(64)]),
        new().with_spki_sha256(["pin-sha256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]),
        new().with_dns_names([""]),
        new().with_dns_names(["*.example"]),
        new().with_dns_names([HOST, "client.webhooks.example."]),
        new().with_dns_names(["client webhooks"]),
        new().with_common_names([""]),
        new().with_issuer_names([""]),
        new().with_issuer_names(["Webhook CA"]),
        new().with_issuer_names(["CN=Webhook CA, O=Example"]),
        new().with_issuer_certificates([&not_der], algorithms()),
    ] {
        let error = invalid.err();
        assert!(
            matches!(error, Some(ConfigError::InvalidClientCertRule { .. })),
            "{error:?}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn no_name_of_an_issuer_panics(text: String, parts in "(CN|O|1\\.2|x)=[^a-z]{0,9}[,+;/]?.{0,9}") {
        let _ = ClientCertRules::new().with_issuer_names([text]);
        let _ = ClientCertRules::new().with_issuer_names([parts]);
    }

    #[test]
    fn a_damaged_certificate_is_refused(at: proptest::sample::Index, flip in 1..=255_u8) {
        static CA: std::sync::LazyLock<(Ca, Vec<u8>)> = std::sync::LazyLock::new(|| {
            let ca = Ca::root();
            let leaf = ca.sign(&params(&[HOST])).to_vec();
            (ca, leaf)
        });
        let (ca, leaf) = &*CA;
        let mut damaged = leaf.clone();
        let at = at.index(damaged.len());
        damaged[at] ^= flip;
        let shown = super::super::chain::Shown {
            leaf: damaged.into(),
            intermediates: Vec::new(),
        };
        let judged = super::super::judge::judge(&by(ca), &shown, NOW);
        proptest::prop_assert!(judged.is_err());
    }
}
