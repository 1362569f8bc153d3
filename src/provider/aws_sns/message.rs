//! A message of SNS, and what of it is signed.

use std::borrow::Cow;

use crate::rejection::{Rejection, RejectionKind};
use crate::signature::string_fields;

/// The members that are read, missing ones included.
#[derive(Debug)]
pub(super) struct Message<'b> {
    pub(super) kind: MessageKind,
    pub(super) topic: Cow<'b, str>,
    pub(super) timestamp: Cow<'b, str>,
    pub(super) version: Option<Cow<'b, str>>,
    pub(super) certificate_url: Option<Cow<'b, str>>,
    pub(super) subscribe_url: Option<Cow<'b, str>>,
    pub(super) signature: Option<Cow<'b, str>>,
    id: Cow<'b, str>,
    text: Cow<'b, str>,
    subject: Option<Cow<'b, str>>,
    token: Option<Cow<'b, str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageKind {
    Notification,
    SubscriptionConfirmation,
    UnsubscribeConfirmation,
}

impl MessageKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [
            Self::Notification,
            Self::SubscriptionConfirmation,
            Self::UnsubscribeConfirmation,
        ]
        .into_iter()
        .find(|kind| kind.name() == name)
    }
}

impl<'b> Message<'b> {
    pub(super) fn new(body: &'b [u8]) -> Result<Self, Rejection> {
        let names = [
            "Type",
            "MessageId",
            "TopicArn",
            "Timestamp",
            "Message",
            "Subject",
            "Token",
            "SubscribeURL",
            "SignatureVersion",
            "SigningCertURL",
            "Signature",
        ];
        let fields = string_fields(body, names);
        let [
            kind,
            id,
            topic,
            timestamp,
            text,
            subject,
            token,
            subscribe_url,
            version,
            certificate_url,
            signature,
        ] = fields.map_err(|_| Rejection::new(RejectionKind::MalformedBody))?;
        let kind = single_line(kind, "Type")?;
        let kind = MessageKind::named(&kind)
            .ok_or_else(|| Rejection::new(RejectionKind::UnexpectedValue).with_detail("Type"))?;
        let optional = |value: Option<_>, name| match value {
            Some(value) => single_line(Some(value), name).map(Some),
            None => Ok(None),
        };
        Ok(Self {
            kind,
            id: single_line(id, "MessageId")?,
            topic: single_line(topic, "TopicArn")?,
            timestamp: single_line(timestamp, "Timestamp")?,
            text: text.ok_or_else(|| missing("Message"))?,
            subject: optional(subject, "Subject")?,
            token: optional(token, "Token")?,
            subscribe_url: optional(subscribe_url, "SubscribeURL")?,
            version,
            certificate_url,
            signature,
        })
    }

    /// The lines that are signed: names and values in turn, in the order of the
    /// names.
    pub(super) fn signed_content(&self) -> Result<Vec<u8>, Rejection> {
        let confirms = self.kind != MessageKind::Notification;
        let (subscribe_url, token) = match confirms {
            true => (
                Some(
                    self.subscribe_url
                        .as_deref()
                        .ok_or_else(|| missing("SubscribeURL"))?,
                ),
                Some(self.token.as_deref().ok_or_else(|| missing("Token"))?),
            ),
            false => (None, None),
        };
        let lines = [
            ("Message", Some(&*self.text)),
            ("MessageId", Some(&*self.id)),
            ("Subject", self.subject.as_deref().filter(|_| !confirms)),
            ("SubscribeURL", subscribe_url),
            ("Timestamp", Some(&*self.timestamp)),
            ("Token", token),
            ("TopicArn", Some(&*self.topic)),
            ("Type", Some(self.kind.name())),
        ];
        let mut content = Vec::with_capacity(self.text.len() + 512);
        for (name, value) in lines {
            let Some(value) = value else { continue };
            for text in [name, value] {
                content.extend_from_slice(text.as_bytes());
                content.push(b'\n');
            }
        }
        Ok(content)
    }
}

/// Only the message may have several lines: otherwise the same signed lines
/// could be cut into other fields, such as another `MessageId`.
fn single_line<'b>(
    value: Option<Cow<'b, str>>,
    name: &'static str,
) -> Result<Cow<'b, str>, Rejection> {
    let value = value.ok_or_else(|| missing(name))?;
    match value.chars().any(char::is_control) {
        true => Err(Rejection::new(RejectionKind::MalformedSignedValue).with_detail(name)),
        false => Ok(value),
    }
}

fn missing(name: &'static str) -> Rejection {
    Rejection::new(RejectionKind::MissingSignedValue).with_detail(name)
}
