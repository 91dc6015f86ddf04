//! Times as logs write them, read without the help of a locale.

/// A moment, and the offset from UTC that was written with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since 1970 UTC.
    pub ms: i64,
    /// Minutes east of UTC.
    pub offset: i16,
}

/// Days since 1970-01-01 of a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = i64::from((153 * ((month + 9) % 12) + 2) / 5 + day - 1);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[expect(clippy::too_many_arguments, reason = "a date has that many parts")]
fn moment(
    year: i64,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    millis: u32,
    offset: i16,
) -> Option<Moment> {
    // 60: a leap second.
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day) && (1..=9999).contains(&year);
    if !is_date || hour > 23 || minute > 59 || second > 60 || offset.abs() > 24 * 60 {
        return None;
    }
    let days = days_from_civil(year, month, day);
    let seconds = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second) - i64::from(offset) * 60;
    Some(Moment {
        ms: seconds * 1000 + i64::from(millis),
        offset,
    })
}

fn digits(text: &[u8], at: usize, count: usize) -> Option<u32> {
    let mut value = 0;
    for byte in text.get(at..at + count)? {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u32::from(byte - b'0');
    }
    Some(value)
}

fn month(text: &[u8]) -> Option<u32> {
    Some(match text {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

/// Minutes of `+0200`, `+02:00` or `Z`, and how many bytes they take; 0 bytes where there is none.
fn offset(text: &[u8]) -> (i16, usize) {
    let sign = match text.first() {
        Some(b'Z' | b'z') => return (0, 1),
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return (0, 0),
    };
    let colon = usize::from(text.get(3) == Some(&b':'));
    match (digits(text, 1, 2), digits(text, 3 + colon, 2)) {
        (Some(hours), Some(minutes)) => (sign * (hours * 60 + minutes) as i16, 5 + colon),
        _ => (0, 0),
    }
}

/// A fraction of a second behind `.` or `,`: milliseconds, and how many bytes it takes.
fn fraction(text: &[u8]) -> (u32, usize) {
    if !matches!(text.first(), Some(b'.' | b',')) {
        return (0, 0);
    }
    let count = text[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return (0, 0);
    }
    let mut millis = 0;
    for place in 0..3 {
        let digit = text[1..1 + count]
            .get(place)
            .map_or(0, |byte| u32::from(byte - b'0'));
        millis = millis * 10 + digit;
    }
    (millis, 1 + count)
}

/// `08/Jun/2020:06:49:01 +0000`, or without the offset and with a fraction as HAProxy writes it.
pub fn clf(text: &[u8]) -> Option<Moment> {
    if text.len() < 20 || text[2] != b'/' || text[6] != b'/' || text[11] != b':' {
        return None;
    }
    let (millis, taken) = fraction(&text[20..]);
    let rest = text[20 + taken..].trim_ascii_start();
    let (offset, _) = offset(rest);
    moment(
        i64::from(digits(text, 7, 4)?),
        month(&text[3..6])?,
        digits(text, 0, 2)?,
        digits(text, 12, 2)?,
        digits(text, 15, 2)?,
        digits(text, 18, 2)?,
        millis,
        offset,
    )
}

/// `2026-09-01T00:37:08.426Z`, with a blank for the T, slashes for the dashes, a comma for the point; UTC where no offset is
/// written. Also gives how many bytes it takes.
pub fn iso(text: &[u8]) -> Option<(Moment, usize)> {
    if text.len() < 19
        || !matches!(text[4], b'-' | b'/')
        || text[7] != text[4]
        || !matches!(text[10], b'T' | b't' | b' ')
        || text[13] != b':'
        || text[16] != b':'
    {
        return None;
    }
    let (millis, taken) = fraction(&text[19..]);
    let after = 19 + taken;
    let blank =
        usize::from(text.get(after) == Some(&b' ') && matches!(text.get(after + 1), Some(b'+' | b'-')));
    let (minutes, offset_taken) = offset(&text[after + blank..]);
    let end = if offset_taken > 0 {
        after + blank + offset_taken
    } else {
        after
    };
    let found = moment(
        i64::from(digits(text, 0, 4)?),
        digits(text, 5, 2)?,
        digits(text, 8, 2)?,
        digits(text, 11, 2)?,
        digits(text, 14, 2)?,
        digits(text, 17, 2)?,
        millis,
        minutes,
    )?;
    Some((found, end))
}

/// `Jun  8 14:34:33` or `Nov 2 15:40:14` (RFC 3164, section 4.1.2): no year and no zone. The year is the last in which the
/// moment does not lie after `now_ms` by more than a day; the zone is taken for UTC. Also gives how many bytes it takes.
pub fn rfc3164(text: &[u8], now_ms: i64) -> Option<(Moment, usize)> {
    let month = month(text.get(..3)?)?;
    if text.get(3) != Some(&b' ') {
        return None;
    }
    let mut at = 4 + text[4..].iter().take_while(|byte| **byte == b' ').count();
    let day_digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=2).contains(&day_digits) {
        return None;
    }
    let day = digits(text, at, day_digits)?;
    at += day_digits;
    if text.get(at) != Some(&b' ') {
        return None;
    }
    at += 1;
    // Some senders put the year before the time.
    let written = digits(text, at, 4).filter(|_| text.get(at + 4) == Some(&b' '));
    if written.is_some() {
        at += 5;
    }
    if text.get(at + 2) != Some(&b':') || text.get(at + 5) != Some(&b':') {
        return None;
    }
    let (hour, minute, second) = (
        digits(text, at, 2)?,
        digits(text, at + 3, 2)?,
        digits(text, at + 6, 2)?,
    );
    let (millis, taken) = fraction(&text[at + 8..]);
    let end = at + 8 + taken;
    const DAY_MS: i64 = 86_400_000;
    let year = match written {
        Some(year) => i64::from(year),
        None => {
            let this = 1970 + now_ms.div_euclid(DAY_MS * 365);
            (this - 3..=this + 1)
                .rev()
                .find(|year| {
                    moment(*year, month, day, hour, minute, second, millis, 0)
                        .is_some_and(|found| found.ms <= now_ms + DAY_MS)
                })
                .unwrap_or(this)
        }
    };
    Some((moment(year, month, day, hour, minute, second, millis, 0)?, end))
}

/// `Thu Oct 13 12:24:49.880562 2022`, as Apache's error log writes it.
pub fn ctime(text: &[u8]) -> Option<Moment> {
    let rest = text.get(4..)?;
    let year_at = memchr::memrchr(b' ', rest)?;
    let year = digits(rest, year_at + 1, 4)?;
    let (found, _) = rfc3164(rest, 0)?;
    let month = month(rest.get(..3)?)?;
    let day_at = 4 + rest[4..].iter().take_while(|byte| **byte == b' ').count();
    let day_digits = rest[day_at..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let day = digits(rest, day_at, day_digits)?;
    let in_day = found.ms.rem_euclid(86_400_000);
    let midnight = moment(i64::from(year), month, day, 0, 0, 0, 0, 0)?;
    Some(Moment {
        ms: midnight.ms + in_day,
        offset: 0,
    })
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size; a fraction is allowed.
pub fn epoch(text: &[u8]) -> Option<Moment> {
    let whole = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = super::fields::read_number(&text[..whole])?;
    let ms = match whole {
        9..=10 => {
            let (millis, _) = fraction(&text[whole..]);
            number as i64 * 1000 + i64::from(millis)
        }
        12..=13 => number as i64,
        15..=16 => (number / 1000) as i64,
        18..=19 => (number / 1_000_000) as i64,
        _ => return None,
    };
    Some(Moment { ms, offset: 0 })
}

/// A time in any of the forms above.
pub fn any(text: &[u8], now_ms: i64) -> Option<Moment> {
    let text = text.trim_ascii();
    iso(text)
        .map(|(found, _)| found)
        .or_else(|| clf(text))
        .or_else(|| epoch(text))
        .or_else(|| rfc3164(text, now_ms).map(|(found, _)| found))
        .or_else(|| ctime(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(moment: Moment) -> String {
        jiff::Timestamp::from_millisecond(moment.ms).unwrap().to_string()
    }

    #[test]
    fn every_form_of_the_same_moment_is_the_same() {
        let now = 1_800_000_000_000;
        for text in [
            "08/Jun/2020:06:49:01 +0000",
            "08/Jun/2020:08:49:01 +0200",
            "2020-06-08T06:49:01Z",
            "2020-06-08 06:49:01",
            "2020/06/08 06:49:01",
            "2020-06-08T01:49:01-05:00",
            "2020-06-08T08:49:01+0200",
            "1591598941",
            "1591598941000",
            "Mon Jun 08 06:49:01.000000 2020",
            "Jun  8 2020 06:49:01",
        ] {
            let found = any(text.as_bytes(), now).unwrap_or_else(|| panic!("{text} was not read"));
            assert_eq!(written(found), "2020-06-08T06:49:01Z", "{text}");
        }
    }

    #[test]
    fn a_time_without_a_year_lies_in_the_past() {
        let now = jiff::Timestamp::from_second(1_780_000_000).unwrap();
        assert_eq!(now.to_string(), "2026-05-28T20:26:40Z");
        let read = |text: &str| written(rfc3164(text.as_bytes(), now.as_millisecond()).unwrap().0);
        assert_eq!(read("May 28 14:10:21 host"), "2026-05-28T14:10:21Z");
        assert_eq!(read("May 30 14:10:21 host"), "2025-05-30T14:10:21Z");
        assert_eq!(read("Nov 2 15:40:14 host"), "2025-11-02T15:40:14Z");
    }

    #[test]
    fn nonsense_is_no_time() {
        for text in [
            "",
            "99/Jun/2020:06:49:01 +0000",
            "2020-13-08T06:49:01Z",
            "hello",
            "12",
            "08/Jun/2020:26:49:01 +0000",
        ] {
            assert_eq!(any(text.as_bytes(), 0), None, "{text}");
        }
    }
}
