//! Headers as JSON.

#[cfg(any(feature = "postgres", test))]
use http::HeaderName;
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};

/// As `{"name": ["value", …]}`. Values are bytes, not text: each byte becomes
/// the character of its number (ISO 8859-1), so that none is lost.
pub(super) fn to_json(headers: &HeaderMap) -> String {
    let text = |value: &HeaderValue| {
        value
            .as_bytes()
            .iter()
            .map(|byte| char::from(*byte))
            .collect()
    };
    let object: Map<String, Value> = headers
        .keys()
        .map(|name| {
            let values = headers
                .get_all(name)
                .iter()
                .map(|value| Value::String(text(value)));
            (name.as_str().to_owned(), Value::Array(values.collect()))
        })
        .collect();
    Value::Object(object).to_string()
}

/// What [`to_json`] wrote. What it cannot have written is left out.
#[cfg(any(feature = "postgres", test))]
pub(super) fn from_json(json: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Ok(object) = serde_json::from_str::<Map<String, Value>>(json) else {
        return headers;
    };
    for (name, values) in &object {
        for text in values
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            let bytes: Option<Vec<u8>> = text.chars().map(|char| u8::try_from(char).ok()).collect();
            let value = bytes.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
            if let (Ok(name), Some(value)) = (HeaderName::try_from(name), value) {
                headers.append(name, value);
            }
        }
    }
    headers
}
