//! Whether a certificate satisfies the rules at a time. Pure.

use std::time::Duration;

use rustls_pki_types::UnixTime;
use sha2::{Digest, Sha256};
use webpki::{EndEntityCert, KeyUsage};
use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::{Decode, Encode, Tag, Tagged};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

use super::chain::Shown;
use super::rules::{ClientCertRules, Issuers};
use crate::Timestamp;

const UNREADABLE: &str = "the certificate cannot be read";

/// Cheap checks first; says which one failed.
pub(super) fn judge(
    rules: &ClientCertRules,
    shown: &Shown,
    now: Timestamp,
) -> Result<(), &'static str> {
    let certificate = Certificate::from_der(&shown.leaf).map_err(|_| UNREADABLE)?;
    let leaf = certificate.tbs_certificate();
    valid_at(leaf, now)?;
    if !rules.pins.is_empty() {
        let key = leaf.subject_public_key_info().to_der();
        let pin: [u8; 32] = Sha256::digest(key.map_err(|_| UNREADABLE)?).into();
        if !rules.pins.contains(&pin) {
            return Err("the certificate's key is not pinned");
        }
    }
    if !rules.dns_names.is_empty() && !has_dns_name(leaf, rules)? {
        return Err("the certificate is for another DNS name");
    }
    if !rules.common_names.is_empty() && !has_common_name(leaf.subject(), &rules.common_names) {
        return Err("the certificate has another common name");
    }
    if !rules.issuer_names.is_empty()
        && !rules
            .issuer_names
            .iter()
            .any(|name| same_name(name, leaf.issuer()))
    {
        return Err("the certificate names another issuer");
    }
    if !rules.issuers.is_empty()
        && !rules
            .issuers
            .iter()
            .any(|issuers| leads_to(issuers, shown, now))
    {
        return Err("the certificate does not lead to a configured issuer");
    }
    Ok(())
}

/// Both ends belong to the period (RFC 5280 section 4.1.2.5).
fn valid_at(leaf: &TbsCertificate, now: Timestamp) -> Result<(), &'static str> {
    let now = u64::try_from(now.unix_seconds()).unwrap_or_default();
    let validity = leaf.validity();
    if now < validity.not_before.to_unix_duration().as_secs() {
        return Err("the certificate is not valid yet");
    }
    if now > validity.not_after.to_unix_duration().as_secs() {
        return Err("the certificate has expired");
    }
    Ok(())
}

fn has_dns_name(leaf: &TbsCertificate, rules: &ClientCertRules) -> Result<bool, &'static str> {
    let names = leaf
        .get_extension::<SubjectAltName>()
        .map_err(|_| UNREADABLE)?;
    let Some((_, SubjectAltName(names))) = names else {
        return Ok(false);
    };
    Ok(names.iter().any(|name| match name {
        GeneralName::DnsName(found) => rules
            .dns_names
            .iter()
            .any(|rule| rule.as_ref().eq_ignore_ascii_case(found.as_str())),
        _ => false,
    }))
}

/// Of several common names each reader would take another, so none counts.
fn has_common_name(subject: &Name, rules: &[String]) -> bool {
    let mut found = subject.iter().filter(|part| part.oid == COMMON_NAME);
    match (found.next(), found.next()) {
        (Some(only), None) => text(only)
            .is_some_and(|found| rules.iter().any(|rule| rule.eq_ignore_ascii_case(found))),
        _ => false,
    }
}

fn same_name(rule: &Name, found: &Name) -> bool {
    rule.iter_rdn().count() == found.iter_rdn().count()
        && rule.iter_rdn().zip(found.iter_rdn()).all(|(rule, found)| {
            rule.len() == found.len()
                && rule
                    .iter()
                    .all(|rule| found.iter().any(|found| same_part(rule, found)))
        })
}

/// A rule is text, and does not know which kind of string the issuer used.
fn same_part(rule: &AttributeTypeAndValue, found: &AttributeTypeAndValue) -> bool {
    rule.oid == found.oid
        && match (text(rule), text(found)) {
            (Some(rule), Some(found)) => rule == found,
            _ => rule.value == found.value,
        }
}

fn text(part: &AttributeTypeAndValue) -> Option<&str> {
    let value = &part.value;
    match value.tag() {
        Tag::Utf8String => Utf8StringRef::try_from(value)
            .ok()
            .map(|text| text.as_str()),
        Tag::PrintableString => PrintableStringRef::try_from(value)
            .ok()
            .map(|text| text.as_str()),
        Tag::Ia5String => Ia5StringRef::try_from(value).ok().map(|text| text.as_str()),
        Tag::TeletexString => TeletexStringRef::try_from(value)
            .ok()
            .map(|text| text.as_str()),
        _ => None,
    }
}

fn leads_to(issuers: &Issuers, shown: &Shown, now: Timestamp) -> bool {
    let now = u64::try_from(now.unix_seconds()).unwrap_or_default();
    let Ok(leaf) = EndEntityCert::try_from(&shown.leaf) else {
        return false;
    };
    leaf.verify_for_usage(
        issuers.algorithms,
        &issuers.anchors,
        &shown.intermediates,
        UnixTime::since_unix_epoch(Duration::from_secs(now)),
        KeyUsage::client_auth(),
        None,
        None,
    )
    .is_ok()
}
