//! The time at which a source says that it saw a name.

use jiff::Timestamp;

/// Reads RFC 3339, the same with a space in place of the `T`, without a zone (taken as UTC), or a plain date (its first
/// moment, UTC).
pub(super) fn read_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()
}

/// Reads a count of seconds or milliseconds since 1970; which of the two is told by the size.
pub(super) fn read_unix_time(number: f64) -> Option<Timestamp> {
    /// As seconds, this is the year 5138; as milliseconds, March 1973, before there were domain names.
    const FIRST_MILLISECONDS: f64 = 1e11;
    let milliseconds = if number < FIRST_MILLISECONDS {
        number * 1000.0
    } else {
        number
    };
    // No certificate or registration is older than 1970; a zero means "not known".
    if !(1.0..=1e15).contains(&milliseconds) {
        return None;
    }
    Timestamp::from_millisecond(milliseconds.round() as i64).ok()
}
