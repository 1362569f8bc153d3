//! The values of covered components (RFC 9421 section 2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sfv::{BareItemFromInput, ItemSerializer};

use super::fields::{Item, joined};
use crate::rejection::{Rejection, RejectionKind};
use crate::signature::{Received, original_uri};

/// The set of `application/x-www-form-urlencoded` (URL standard, section 1.3).
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// A covered component: its name, and the parameters that are understood.
#[derive(Debug)]
pub(super) struct Component<'h> {
    pub(super) name: &'h str,
    /// With its parameters, as it stands in the signature base.
    pub(super) identifier: String,
    parameter: Parameter<'h>,
}

#[derive(Debug)]
enum Parameter<'h> {
    None,
    /// `bs`: each line as a byte sequence.
    Bytes,
    /// `name` of `@query-param`.
    Name(&'h str),
}

impl<'h> Component<'h> {
    /// Reads an item of the list. Refused are the parameters `sf` and `key`,
    /// which need to know how the field is structured, and `req` and `tr`, which
    /// are not for requests without trailers.
    pub(super) fn new(item: &'h Item<'h>) -> Result<Self, Rejection> {
        let BareItemFromInput::String(name) = &item.value else {
            return Err(malformed("a covered component is not a string"));
        };
        let name: &str = name.as_str();
        let lower_case = name.bytes().all(|byte| !byte.is_ascii_uppercase());
        if name.is_empty() || !lower_case {
            return Err(malformed("a covered component has an invalid name"));
        }
        let parameter = match (name, item.parameters.as_slice()) {
            ("@query-param", [(key, BareItemFromInput::String(value))])
                if key.as_str() == "name" =>
            {
                Parameter::Name(value.as_str())
            }
            (_, []) if name != "@query-param" => Parameter::None,
            (_, [(key, BareItemFromInput::Boolean(true))])
                if key.as_str() == "bs" && !name.starts_with('@') =>
            {
                Parameter::Bytes
            }
            _ => {
                return Err(malformed(
                    "a covered component has an unsupported parameter",
                ));
            }
        };
        let identifier = ItemSerializer::new()
            .bare_item(&item.value)
            .parameters(item.parameters.iter().map(|(key, value)| (*key, value)))
            .finish();
        Ok(Self {
            name,
            identifier,
            parameter,
        })
    }

    /// Whether it is `name` with no parameters.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name && matches!(self.parameter, Parameter::None)
    }

    /// Its value in a request.
    pub(super) fn value(&self, received: &Received<'_>) -> Result<Vec<u8>, Rejection> {
        let parts = received.parts();
        if !self.name.starts_with('@') {
            return self.field(parts);
        }
        let text = match self.name {
            "@method" => parts.method.as_str().to_owned(),
            "@target-uri" => received.url()?,
            "@scheme" => public_uri(received)?.scheme_str().unwrap_or("").to_owned(),
            "@authority" => authority(&public_uri(received)?),
            "@request-target" => target(received)?,
            "@path" => target(received)?
                .split('?')
                .next()
                .unwrap_or("/")
                .to_owned(),
            "@query" => match target(received)?.split_once('?') {
                Some((_, query)) => format!("?{query}"),
                None => "?".to_owned(),
            },
            "@query-param" => self.query_parameter(&target(received)?)?,
            _ => return Err(malformed("an unknown derived component is covered")),
        };
        Ok(text.into_bytes())
    }

    fn field(&self, parts: &Parts) -> Result<Vec<u8>, Rejection> {
        let missing = || Rejection::new(RejectionKind::MissingSignedValue);
        if matches!(self.parameter, Parameter::Bytes) {
            let lines = parts.headers.get_all(self.name).iter();
            let lines: Vec<_> = lines
                .map(|line| format!(":{}:", STANDARD.encode(line.as_bytes().trim_ascii())))
                .collect();
            return match lines.is_empty() {
                true => Err(missing()),
                false => Ok(lines.join(", ").into_bytes()),
            };
        }
        let value = joined(&parts.headers, self.name).ok_or_else(missing)?;
        // A tab is white space within a value; anything else needs `bs`.
        let is_text = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
        match value.iter().all(is_text) {
            true => Ok(value),
            false => Err(malformed("a covered header is not ASCII text")),
        }
    }

    /// RFC 9421 section 2.2.8: decoded, and encoded again in the one form.
    fn query_parameter(&self, target: &str) -> Result<String, Rejection> {
        let Parameter::Name(wanted) = self.parameter else {
            return Err(malformed("a query parameter without a name is covered"));
        };
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let mut found = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if recoded(name) == wanted && found.replace(recoded(value)).is_some() {
                return Err(malformed("a covered query parameter is repeated"));
            }
        }
        found.ok_or_else(|| Rejection::new(RejectionKind::MissingSignedValue))
    }
}

fn recoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let decoded: Vec<u8> = percent_decode_str(&spaced).collect();
    percent_encode(&decoded, FORM).to_string()
}

/// The URL that the sender addressed; never what the request says of its host.
fn public_uri(received: &Received<'_>) -> Result<Uri, Rejection> {
    let unknown = || Rejection::new(RejectionKind::PublicUrlUnknown);
    received.url()?.parse().map_err(|_| unknown())
}

/// RFC 9421 section 2.2.3: in lower case, without the default port.
fn authority(uri: &Uri) -> String {
    let host = uri.host().unwrap_or("").to_ascii_lowercase();
    let default = match uri.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    };
    match uri.port_u16() {
        Some(port) if Some(port) != default => format!("{host}:{port}"),
        _ => host,
    }
}

/// Path and query as the sender wrote them: of the public URL, where that is
/// known, since a proxy may have changed them on the way.
fn target(received: &Received<'_>) -> Result<String, Rejection> {
    let uri = match received.scheme().public_url() {
        Some(_) => public_uri(received)?,
        None => original_uri(received.parts()).clone(),
    };
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    Ok(match target.starts_with('/') {
        true => target.to_owned(),
        false => format!("/{target}"),
    })
}

pub(super) fn malformed(what: &'static str) -> Rejection {
    Rejection::new(RejectionKind::MalformedSignedValue).with_detail(what)
}
