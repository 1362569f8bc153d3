//! Several signatures in several header lines: Docusign's and Mollie's.

use http::{HeaderName, HeaderValue, Request};
use tower_webhook::RejectionKind;

use super::{genuine, refusal, scheme, verifier};

fn numbered(number: usize) -> HeaderName {
    format!("x-docusign-signature-{number}").parse().unwrap()
}

const OTHER: &str = "DQPVGZcYnpy/DSdcEpdy0WtKbbNBQNXygJNBjgRIVw8=";

/// A genuine request with its signature at `number`, and `others` before it.
fn docusign(others: usize) -> Request<bytes::Bytes> {
    let mut request = genuine(&scheme("docusign"));
    let headers = request.headers_mut();
    let genuine = headers.remove(numbered(1)).unwrap();
    for number in 1..=others {
        headers.insert(numbered(number), HeaderValue::from_static(OTHER));
    }
    headers.insert(numbered(others + 1), genuine);
    request
}

#[test]
fn one_numbered_signature_of_several_is_enough() {
    let verifier = verifier(&scheme("docusign"));
    for others in [0, 1, 15] {
        assert_eq!(refusal(&verifier, &docusign(others)), None, "{others}");
    }
}

#[test]
fn a18_more_numbered_signatures_than_are_tried_are_not_read() {
    let verifier = verifier(&scheme("docusign"));
    let refused = refusal(&verifier, &docusign(16));
    assert_eq!(refused, Some(RejectionKind::SignatureMismatch));
}

#[test]
fn reading_ends_with_the_first_number_that_is_missing() {
    let verifier = verifier(&scheme("docusign"));
    let mut request = docusign(1);
    request.headers_mut().remove(numbered(1));
    assert_eq!(
        refusal(&verifier, &request),
        Some(RejectionKind::MissingSignature)
    );
}

#[test]
fn a17_a_numbered_header_comes_once() {
    let verifier = verifier(&scheme("docusign"));
    let mut request = docusign(1);
    request
        .headers_mut()
        .append(numbered(2), HeaderValue::from_static(OTHER));
    assert_eq!(
        refusal(&verifier, &request),
        Some(RejectionKind::RepeatedSignatureHeader)
    );
}

fn mollie(others: usize) -> Request<bytes::Bytes> {
    mollie_beside(&format!("sha256={}", "0".repeat(64)), others)
}

fn mollie_beside(other: &str, others: usize) -> Request<bytes::Bytes> {
    let mut request = genuine(&scheme("mollie"));
    for _ in 0..others {
        let other = HeaderValue::from_str(other).unwrap();
        request.headers_mut().append("x-mollie-signature", other);
    }
    request
}

/// A17 in reverse: this provider rotates its secret that way.
#[test]
fn a17_mollies_header_may_come_several_times() {
    let verifier = verifier(&scheme("mollie"));
    assert_eq!(refusal(&verifier, &mollie(0)), None);
    assert_eq!(refusal(&verifier, &mollie(15)), None);
    let refused = refusal(&verifier, &mollie(16));
    assert_eq!(refused, Some(RejectionKind::TooManySignatures));
}

#[test]
fn a18_lines_that_cannot_be_read_count_as_well() {
    let verifier = verifier(&scheme("mollie"));
    let refused = |others| refusal(&verifier, &mollie_beside("sha256=none", others));
    assert_eq!(refused(15), None);
    assert_eq!(refused(16), Some(RejectionKind::TooManySignatures));
}
