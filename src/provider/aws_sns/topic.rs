//! What the ARN of a topic says about who signs its messages.

/// A topic, taken apart: `arn:aws:sns:us-east-1:123456789012:orders`.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub(super) arn: String,
    /// `sns.us-east-1.amazonaws.com`.
    host: String,
    /// The names that a signing certificate may have.
    signers: Vec<String>,
}

impl Topic {
    /// `None` if the text is not an ARN of a topic, or of a topic in a partition
    /// whose signing certificates AWS does not document.
    pub(super) fn new(arn: &str) -> Option<Self> {
        let mut fields = arn.split(':');
        let mut next = || fields.next();
        let (Some("arn"), Some(partition), Some("sns")) = (next(), next(), next()) else {
            return None;
        };
        let (region, account, name) = (next()?, next()?, next()?);
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let in_region =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let holds = next().is_none()
            && region.len() >= 3
            && region.bytes().all(in_region)
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && !name.is_empty()
            && name.bytes().all(in_name);
        let suffix = match partition {
            "aws" | "aws-us-gov" => "amazonaws.com",
            "aws-cn" => "amazonaws.com.cn",
            "aws-eusc" => "amazonaws.eu",
            _ => return None,
        };
        holds.then(|| Self {
            arn: arn.to_owned(),
            host: format!("sns.{region}.{suffix}"),
            signers: vec![
                format!("sns.{suffix}"),
                format!("sns-{region}.{suffix}"),
                format!("sns-signing.{region}.{suffix}"),
                // One certificate for both regions of that partition.
                match partition {
                    "aws-us-gov" => format!("sns-us-gov-west-1.{suffix}"),
                    _ => format!("sns.{suffix}"),
                },
            ],
        })
    }

    /// Whether a certificate for `name` may sign.
    pub(super) fn may_sign(&self, name: &str) -> bool {
        let mut signers = self.signers.iter();
        signers.any(|signer| signer.eq_ignore_ascii_case(name))
    }

    /// Whether `url` is that of a certificate on the topic's host.
    ///
    /// Compared as a text, from its start: there is no second reading of it in
    /// which the host is another.
    pub(super) fn is_certificate_url(&self, url: &str) -> bool {
        let file = self.path(url).and_then(|path| path.strip_suffix(".pem"));
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        file.is_some_and(|file| !file.is_empty() && file.bytes().all(in_name))
    }

    /// Whether `url` is an API call on the topic's host.
    pub(super) fn is_api_url(&self, url: &str) -> bool {
        let query = self.path(url).and_then(|path| path.strip_prefix('?'));
        query.is_some_and(|query| {
            query
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'#')
        })
    }

    /// What follows `https://host/`.
    fn path<'u>(&self, url: &'u str) -> Option<&'u str> {
        url.strip_prefix("https://")?
            .strip_prefix(self.host.as_str())?
            .strip_prefix('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:sns:us-east-1:123456789012:orders";

    #[test]
    fn only_topics_are_topics() {
        for arn in [
            "",
            "orders",
            "arn:aws:sqs:us-east-1:123456789012:orders",
            "arn:aws:sns:us-east-1:123456789012",
            "arn:aws:sns:us-east-1:123456789012:",
            "arn:aws:sns:us-east-1:123456789012:orders:0b3a",
            "arn:aws:sns:us-east-1:12345678901:orders",
            "arn:aws:sns:us-east-1:12345678901x:orders",
            "arn:aws:sns::123456789012:orders",
            "arn:aws:sns:evil.test/:123456789012:orders",
            "arn:aws:sns:US-EAST-1:123456789012:orders",
            "arn:aws-iso:sns:us-iso-east-1:123456789012:orders",
            "arn:evil:sns:us-east-1:123456789012:orders",
            " arn:aws:sns:us-east-1:123456789012:orders",
            "arn:aws:sns:us-east-1:123456789012:*",
        ] {
            assert!(Topic::new(arn).is_none(), "{arn}");
        }
        assert!(Topic::new(ARN).is_some());
    }

    /// The names are those of `SnsHostProvider` in AWS's SDK for Java 2.
    #[test]
    fn signers_are_those_of_the_region() {
        for (partition, region, signer) in [
            ("aws", "us-east-1", "sns.amazonaws.com"),
            ("aws", "ap-east-1", "sns-signing.ap-east-1.amazonaws.com"),
            ("aws-cn", "cn-north-1", "sns-cn-north-1.amazonaws.com.cn"),
            (
                "aws-us-gov",
                "us-gov-east-1",
                "sns-us-gov-west-1.amazonaws.com",
            ),
            (
                "aws-eusc",
                "eusc-de-east-1",
                "sns-signing.eusc-de-east-1.amazonaws.eu",
            ),
        ] {
            let topic = Topic::new(&format!("arn:{partition}:sns:{region}:123456789012:t"));
            assert!(topic.unwrap().may_sign(signer), "{region}");
        }
        let topic = Topic::new(ARN).unwrap();
        for name in [
            "messageverificationcerts.paypal.com",
            "sns.amazonaws.com.evil.test",
            "*.amazonaws.com",
            "amazonaws.com",
            "sns-signing.eu-west-1.amazonaws.com",
            "",
        ] {
            assert!(!topic.may_sign(name), "{name}");
        }
    }

    #[test]
    fn a16_certificates_come_from_the_topics_host_alone() {
        let topic = Topic::new(ARN).unwrap();
        let genuine = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a1b.pem";
        assert!(topic.is_certificate_url(genuine));
        for url in [
            "",
            "https://",
            "http://sns.us-east-1.amazonaws.com/a.pem",
            "HTTPS://sns.us-east-1.amazonaws.com/a.pem",
            "https://SNS.us-east-1.amazonaws.com/a.pem",
            "https://sns.us-east-1.amazonaws.com./a.pem",
            "https://sns.us-east-1.amazonaws.com:443/a.pem",
            "https://sns.us-east-1.amazonaws.com:8443/a.pem",
            "https://sns.us-east-1.amazonaws.com.evil.test/a.pem",
            "https://sns.us-east-1.amazonaws.com@evil.test/a.pem",
            "https://u:p@sns.us-east-1.amazonaws.com/a.pem",
            "https://evil.test/sns.us-east-1.amazonaws.com/a.pem",
            "https://evil.test#sns.us-east-1.amazonaws.com/a.pem",
            "https://evil.test?sns.us-east-1.amazonaws.com/a.pem",
            "https://sns.us-east-1.amazonaws.com\\@evil.test/a.pem",
            "https://sns.us-west-2.amazonaws.com/a.pem",
            "https://xsns.us-east-1.amazonaws.com/a.pem",
            "https://sns.amazonaws.com/a.pem",
            "https://s3.amazonaws.com/sns.us-east-1/a.pem",
            "https://127.0.0.1/a.pem",
            "https://[::1]/a.pem",
            "https://169.254.169.254/latest/a.pem",
            "https://sns.us-east-1.amazonaws.com/a.pem?x=.pem",
            "https://sns.us-east-1.amazonaws.com/a.pem#.pem",
            "https://sns.us-east-1.amazonaws.com/?Action=x.pem",
            "https://sns.us-east-1.amazonaws.com/../a.pem",
            "https://sns.us-east-1.amazonaws.com/%2e%2e/a.pem",
            "https://sns.us-east-1.amazonaws.com//evil.test/a.pem",
            "https://sns.us-east-1.amazonaws.com/a.pem\n",
            "https://sns.us-east-1.amazonaws.com/a.pem ",
            " https://sns.us-east-1.amazonaws.com/a.pem",
            "https://sns.us-east-1.amazonaws.com/.pem",
            "https://sns.us-east-1.amazonaws.com/a",
            "https://sns.us-east-1.amazonaws.com",
            "https://sns.us-east-1.amazonaws\u{3002}com/a.pem",
            "file:///a.pem",
        ] {
            assert!(!topic.is_certificate_url(url), "{url}");
        }
    }

    #[test]
    fn a16_confirmations_lead_to_the_topics_host_alone() {
        let topic = Topic::new(ARN).unwrap();
        let genuine = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=0";
        assert!(topic.is_api_url(genuine));
        for url in [
            "https://sns.us-east-1.amazonaws.com.evil.test/?Action=ConfirmSubscription",
            "https://sns.us-east-1.amazonaws.com@evil.test/?Action=ConfirmSubscription",
            "http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription",
            "https://sns.us-east-1.amazonaws.com/",
            "https://sns.us-east-1.amazonaws.com/?a\r\nHost: evil.test",
            "https://sns.us-east-1.amazonaws.com/?a#b",
            "https://sns.us-east-1.amazonaws.com/x?a",
        ] {
            assert!(!topic.is_api_url(url), "{url}");
        }
    }
}
