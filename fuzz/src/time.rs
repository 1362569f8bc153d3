//! Timestamps, in 128 bits so that nothing overflows.

/// Milliseconds from digits that count units of `unit` milliseconds.
pub fn digits(text: &[u8], unit: i128) -> Option<i128> {
    let readable = (1..=18).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    let number: i128 = str::from_utf8(text)
        .ok()?
        .parse()
        .ok()
        .filter(|_| readable)?;
    Some(clamp(number * unit))
}

/// The crate's timestamps saturate at the ends of 64 bits of milliseconds.
pub fn clamp(millis: i128) -> i128 {
    millis.clamp(i64::MIN.into(), i64::MAX.into())
}

/// RFC 3339 section 5.6, in milliseconds.
pub fn rfc3339(text: &[u8]) -> Option<i128> {
    let number = |from: usize, to: usize| -> Option<i128> {
        let digits = text.get(from..to)?;
        let all_digits = digits.iter().all(u8::is_ascii_digit);
        str::from_utf8(digits)
            .ok()?
            .parse()
            .ok()
            .filter(|_| all_digits)
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let separators = [text[4], text[7], text[10], text[13], text[16]];
    if !matches!(separators, [b'-', b'-', b'T' | b't' | b' ', b':', b':'])
        || !(1..=12).contains(&month)
        || !(1..=days_in(year, month)).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }

    let mut rest = &text[19..];
    let mut millis = 0;
    if let Some(behind) = rest.strip_prefix(b".") {
        let fraction = behind.iter().take_while(|byte| byte.is_ascii_digit());
        let fraction: Vec<i128> = fraction.map(|byte| i128::from(byte - b'0')).collect();
        if fraction.is_empty() {
            return None;
        }
        for place in 0..3 {
            millis = millis * 10 + fraction.get(place).unwrap_or(&0);
        }
        rest = &behind[fraction.len()..];
    }
    let offset = match *rest {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let at = text.len() - 5;
            let (hours, minutes) = (number(at, at + 2)?, number(at + 3, at + 5)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };

    let minutes = (days_before(year, month, day) * 24 + hour) * 60 + minute - offset;
    if second < 60 {
        return Some((minutes * 60 + second) * 1000 + millis);
    }
    // A leap second is the last of a month in UTC, and counts as the end of
    // the second before.
    let first_of_month = [month, month + 1]
        .iter()
        .any(|month| days_before(year, *month, 1) * 24 * 60 == minutes + 1);
    first_of_month.then_some((minutes * 60 + 59) * 1000 + 999)
}

fn is_leap(year: i128) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i128, month: i128) -> i128 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days from 1970-01-01 to this one.
fn days_before(year: i128, month: i128, day: i128) -> i128 {
    let before = |year: i128| {
        // Leap days before the year, from the year 0 on, which is one.
        let last = year - 1;
        year * 365 + last.div_euclid(4) - last.div_euclid(100) + last.div_euclid(400)
    };
    let months: i128 = (1..month).map(|month| days_in(year, month)).sum();
    before(year) - before(1970) + months + day - 1
}
