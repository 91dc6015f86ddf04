//! Dates in fields and in the names of files.

use jiff::civil::Date;

use crate::layout::Dates;

/// The date that a field says. A year alone is its first of January. `None` for anything else.
pub fn parse_date(text: &str, form: Dates) -> Option<Date> {
    let number = |part: &str| -> Option<i16> { if part.len() > 4 { None } else { part.parse().ok() } };
    // A time of day may follow.
    let text = text.split([' ', 'T']).next().unwrap_or_default();
    if text.len() == 4 {
        return make(number(text)?, 1, 1);
    }
    match form {
        Dates::Compact => make(
            number(text.get(..4)?)?,
            number(text.get(4..6)?)?,
            number(text.get(6..8)?)?,
        ),
        Dates::Iso => {
            let mut parts = text.split('-');
            make(
                number(parts.next()?)?,
                number(parts.next()?)?,
                number(parts.next()?)?,
            )
        }
        Dates::MonthDayYear | Dates::DayMonthYear => {
            let mut parts = text.split(['/', '-']);
            let (first, second) = (number(parts.next()?)?, number(parts.next()?)?);
            let year = number(parts.next()?)?;
            if form == Dates::MonthDayYear {
                make(year, first, second)
            } else {
                make(year, second, first)
            }
        }
    }
}

fn make(year: i16, month: i16, day: i16) -> Option<Date> {
    if !(1850..=2200).contains(&year) {
        return None;
    }
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// The last date in the name of a file, written `2026-08-03`, `2026_08_03` or `20260803`.
pub fn date_in_name(name: &str) -> Option<Date> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let bytes = file.as_bytes();
    let digits = |from: usize, count: usize| -> Option<i16> {
        let part = bytes.get(from..from + count)?;
        if !part.iter().all(u8::is_ascii_digit) {
            return None;
        }
        std::str::from_utf8(part).ok()?.parse().ok()
    };
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let mut found = None;
    for start in 0..bytes.len() {
        if is_digit(start.checked_sub(1)) {
            continue;
        }
        let long = || {
            let between = |at: usize| {
                bytes
                    .get(at)
                    .is_some_and(|byte| matches!(byte, b'-' | b'_' | b'.'))
            };
            if !between(start + 4) || !between(start + 7) || is_digit(Some(start + 10)) {
                return None;
            }
            make(digits(start, 4)?, digits(start + 5, 2)?, digits(start + 8, 2)?)
        };
        let short = || {
            if is_digit(Some(start + 8)) {
                return None;
            }
            make(digits(start, 4)?, digits(start + 4, 2)?, digits(start + 6, 2)?)
        };
        if let Some(date) = long().or_else(short) {
            found = Some(date);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_found_in_names_and_fields() {
        let day = |text: &str| Some(text.parse::<Date>().expect("a date"));
        assert_eq!(date_in_name("a/nc_2026-08-03.txt.gz"), day("2026-08-03"));
        assert_eq!(date_in_name("ADAMS FVE 20260803.txt"), day("2026-08-03"));
        assert_eq!(date_in_name("2025_01_01/roll_123456789.txt"), None);
        assert_eq!(parse_date("12/31/1970", Dates::MonthDayYear), day("1970-12-31"));
        assert_eq!(parse_date("19701231", Dates::Compact), day("1970-12-31"));
        assert_eq!(parse_date("1970", Dates::MonthDayYear), day("1970-01-01"));
        assert_eq!(parse_date("13/31/1970", Dates::MonthDayYear), None);
        assert_eq!(parse_date("99999-1-1", Dates::Iso), None);
    }
}
