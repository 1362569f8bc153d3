//! What a challenge is answered.

use http::header::{ALLOW, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use subtle::ConstantTimeEq;

use super::ask::{Asked, Found};
use super::{Handshake, REQUEST_ORIGIN, Reply, ReplyValue};
use crate::secret::Secret;
use crate::signature::Source;
use crate::signature::key::MacKey;
use crate::signature::mac::token_tag;

/// The longest value that is sent back, in bytes.
const MAX_ECHO: usize = 4096;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The answer to a challenge, whatever type bodies have.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

/// A challenge of which something cannot be read; with the place of it.
#[derive(Debug)]
pub(crate) struct InvalidChallenge(pub(crate) String);

impl Answer {
    pub(crate) fn into_response<B: From<String>>(self) -> Response<B> {
        let mut response = Response::new(B::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

impl Handshake {
    /// What this challenge is answered. `allow` lists the methods of the
    /// endpoint; `key` is there if the answer [needs](Self::needs_key) one.
    pub(crate) fn answer(
        &self,
        asked: &Asked<'_>,
        key: Option<&MacKey>,
        allow: &str,
    ) -> Result<Answer, InvalidChallenge> {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONTENT_TYPE, TEXT);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let mut body = String::new();
        match &self.reply {
            Reply::Empty => {}
            Reply::Text(value) => body = asked.text(value, key)?,
            Reply::Json(members) => {
                headers.insert(CONTENT_TYPE, JSON);
                body.push('{');
                for (position, (name, value)) in members.iter().enumerate() {
                    if position > 0 {
                        body.push(',');
                    }
                    body.push_str(&json(name));
                    body.push(':');
                    let text = asked.text(value, key)?;
                    match value {
                        ReplyValue::Number(_) => body.push_str(&text),
                        ReplyValue::Echo(_) | ReplyValue::Mac { .. } => body.push_str(&json(&text)),
                    }
                }
                body.push('}');
            }
            Reply::Header(name) => {
                let value = asked.echo(&Source::header(name.clone()))?;
                let (Ok(value), Ok(name)) =
                    (HeaderValue::try_from(value), HeaderName::try_from(&**name))
                else {
                    return Err(InvalidChallenge(name.to_string()));
                };
                headers.insert(name, value);
            }
            Reply::AllowedOrigin => {
                let origin = asked.echo(&Source::header(REQUEST_ORIGIN))?;
                let (Ok(origin), Ok(allow)) =
                    (HeaderValue::try_from(origin), HeaderValue::try_from(allow))
                else {
                    return Err(InvalidChallenge(REQUEST_ORIGIN.to_owned()));
                };
                headers.insert("webhook-allowed-origin", origin);
                headers.insert("webhook-allowed-rate", HeaderValue::from_static("*"));
                headers.insert(ALLOW, allow);
            }
        }
        Ok(Answer {
            status: self.status,
            headers,
            body,
        })
    }

    /// Whether the request knows `token`, if the challenge demands that.
    pub(crate) fn knows(&self, asked: &Asked<'_>, token: Option<&Secret>) -> bool {
        let Some(source) = &self.verify_token else {
            return true;
        };
        match (asked.read(source), token) {
            // Digests, so that the time tells nothing of the token's length.
            (Found::One(sent), Some(token)) => {
                let expected = token_tag(token.as_bytes());
                token_tag(sent.as_bytes()).ct_eq(&expected).into()
            }
            _ => false,
        }
    }

    /// Whether the request comes from one of `origins`, if the challenge
    /// demands that.
    pub(crate) fn is_from(&self, asked: &Asked<'_>, origins: &[String]) -> bool {
        !self.needs_origins()
            || match asked.read(&Source::header(REQUEST_ORIGIN)) {
                Found::One(sent) => origins.iter().any(|it| it.eq_ignore_ascii_case(&sent)),
                Found::Absent | Found::Unusable => false,
            }
    }

    /// The secret that the challenge offers.
    pub(crate) fn offered(&self, asked: &Asked<'_>) -> Result<Option<Secret>, InvalidChallenge> {
        let source = self.capture.as_ref();
        source.map(|at| asked.echo(at).map(Secret::new)).transpose()
    }
}

impl Asked<'_> {
    fn text(&self, value: &ReplyValue, key: Option<&MacKey>) -> Result<String, InvalidChallenge> {
        match value {
            ReplyValue::Number(number) => Ok(number.to_string()),
            ReplyValue::Echo(source) => self.echo(source),
            ReplyValue::Mac {
                of,
                encoding,
                prefix,
            } => {
                let invalid = || InvalidChallenge(of.describe());
                let message = self.echo(of)?;
                if !is_opaque(&message) {
                    return Err(invalid());
                }
                let tag = key.and_then(|key| key.tag(message.as_bytes()));
                Ok(format!(
                    "{prefix}{}",
                    encoding.encode(&tag.ok_or_else(invalid)?)
                ))
            }
        }
    }

    /// The value at `source`, fit to be sent back.
    fn echo(&self, source: &Source) -> Result<String, InvalidChallenge> {
        match self.read(source) {
            Found::One(value) if (1..=MAX_ECHO).contains(&value.len()) => Ok(value),
            _ => Err(InvalidChallenge(source.describe())),
        }
    }
}

/// Whether `text` is a token and nothing that a provider signs: neither JSON
/// with anything in it nor a form.
fn is_opaque(text: &str) -> bool {
    let token = text.trim_end_matches('=');
    text.len() - token.len() <= 2
        && !token.is_empty()
        && token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte))
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Source {
    /// What the operator calls it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Header(names) => names.join(" or "),
            Self::Lines(name)
            | Self::Numbered(name)
            | Self::Field(name)
            | Self::Pointer(name)
            | Self::Query(name)
            | Self::Form(name) => name.to_string(),
        }
    }
}
