//! Forms (`application/x-www-form-urlencoded`), with the reference parser of the
//! URL standard.

/// The names and values, decoded; `None` if one of them is not UTF-8: the
/// parser would replace what is wrong in it.
pub fn pairs(body: &[u8]) -> Option<Vec<(String, String)>> {
    let mut position = 0;
    let mut decoded = Vec::new();
    while let Some(byte) = body.get(position) {
        let digits = body
            .get(position + 1..position + 3)
            .filter(|_| *byte == b'%');
        let digits = digits.and_then(|digits| str::from_utf8(digits).ok());
        let digits = digits.filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|text| u8::from_str_radix(text, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                position += 3;
            }
            None => {
                // Ends what comes before: no character goes over a separator.
                decoded.push(*byte);
                position += 1;
            }
        }
    }
    str::from_utf8(&decoded).ok()?;
    Some(form_urlencoded::parse(body).into_owned().collect())
}

/// The value of a field that comes once.
pub fn text(body: &[u8], name: &str) -> Result<Option<String>, ()> {
    let pairs = pairs(body).ok_or(())?;
    let mut named = pairs.into_iter().filter(|pair| pair.0 == name);
    match (named.next(), named.next()) {
        (pair, None) => Ok(pair.map(|pair| pair.1)),
        (_, Some(_)) => Err(()),
    }
}
