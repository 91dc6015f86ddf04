//! Dates as screens show them, in the languages whose forwards are read.

use jiff::Timestamp;
use jiff::civil;

/// First letters of the months' names, unambiguous among the languages read (en, es, de, fr, pt, it), accents folded.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen"],
    &["feb", "fev", "fév"],
    &["mar", "mär", "mrz"],
    &["apr", "abr", "avr"],
    &["may", "mai", "mag"],
    &["jun", "juin", "giu"],
    &["jul", "juil", "lug"],
    &["aug", "ago", "aou", "aoû"],
    &["sep", "set"],
    &["oct", "okt", "out", "ott"],
    &["nov"],
    &["dec", "dic", "dez", "déc"],
];

/// Whether `word` is a month's name as RFC 5322, section 3.3, writes it.
pub(super) fn is_short_month(word: &str) -> bool {
    const SHORT: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    SHORT.iter().any(|month| word.eq_ignore_ascii_case(month))
}

/// Whether `value` has day, month, year in the order of RFC 5322, section 3.3.
pub(super) fn has_rfc_order(value: &str) -> bool {
    let words: Vec<&str> = value
        .split([' ', ',', '-'])
        .filter(|word| !word.is_empty())
        .take(6)
        .collect();
    words.windows(3).any(|three| {
        three[0].len() <= 2
            && three[0].bytes().all(|byte| byte.is_ascii_digit())
            && is_short_month(three[1])
            && three[2].bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Reads a date with a month's name or in ISO order; the zone is not shown on screens, so it is taken as UTC.
///
/// Dates of digits only (`3/4/24`) are not read: which of them is the month depends on the screen.
pub(super) fn date(value: &str) -> Option<Timestamp> {
    let lower = value.to_lowercase();
    let mut month = None;
    let mut numbers: Vec<i32> = Vec::new();
    let mut time = None;
    let mut is_afternoon = None;
    for word in lower.split(|char: char| char.is_whitespace() || matches!(char, ',' | '(' | ')')) {
        let word = word.trim_matches(['.', ',']);
        if let Some(moment) = clock(word) {
            time.get_or_insert(moment);
            if word.ends_with("pm") {
                is_afternoon = Some(true);
            } else if word.ends_with("am") {
                is_afternoon = Some(false);
            }
        } else if matches!(word, "am" | "a.m" | "pm" | "p.m") {
            is_afternoon = Some(word.starts_with('p'));
        } else if let Some(iso) = iso_day(word) {
            return at(iso, time.or_else(|| clock_of(&lower)));
        } else if let Ok(number) = word.trim_end_matches(['º', 'ª']).parse::<i32>() {
            numbers.push(number);
        } else if month.is_none() {
            month = month_of(word);
        }
    }
    let year = *numbers.iter().find(|number| (1970..=2200).contains(*number))?;
    let day = *numbers.iter().find(|number| (1..=31).contains(*number))?;
    let day = civil::Date::new(year as i16, month?, day as i8).ok()?;
    let time = time.map(|(hour, minute)| match is_afternoon {
        Some(true) if hour < 12 => (hour + 12, minute),
        Some(false) if hour == 12 => (0, minute),
        _ => (hour, minute),
    });
    at(day, time)
}

fn at(day: civil::Date, time: Option<(i8, i8)>) -> Option<Timestamp> {
    let (hour, minute) = time.unwrap_or((0, 0));
    let time = civil::Time::new(hour, minute, 0, 0).ok()?;
    jiff::tz::Offset::UTC.to_timestamp(day.to_datetime(time)).ok()
}

fn clock_of(value: &str) -> Option<(i8, i8)> {
    value
        .split(|char: char| char.is_whitespace() || char == 't')
        .find_map(clock)
}

fn clock(word: &str) -> Option<(i8, i8)> {
    let (hour, rest) = word.split_once([':', 'h'])?;
    let minute = rest.get(..2)?;
    Some((
        hour.parse().ok().filter(|hour| (0..24).contains(hour))?,
        minute.parse().ok()?,
    ))
}

fn iso_day(word: &str) -> Option<civil::Date> {
    word.get(..10)?.parse().ok()
}

fn month_of(word: &str) -> Option<i8> {
    // Words of at least three letters only: "de", "a" and "um" are not months; weekdays share no beginning with a month
    // except Mardi, Martes and Marte-dì.
    if word.chars().count() < 3
        || ["mardi", "martes", "marte", "mars "]
            .iter()
            .any(|day| word.starts_with(day))
    {
        return None;
    }
    let found = MONTHS
        .iter()
        .position(|names| names.iter().any(|name| word.starts_with(name)))?;
    Some(found as i8 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_five_languages_are_read() {
        for shown in [
            "Sat, Mar 19, 2016 at 4:34 AM",
            "sábado, 19 de marzo de 2016 4:34",
            "Samstag, 19. März 2016 04:34",
            "samedi 19 mars 2016 04:34",
            "sábado, 19 de março de 2016 04:34",
            "2016-03-19 04:34",
        ] {
            assert_eq!(
                date(shown).map(|at| at.to_string()).as_deref(),
                Some("2016-03-19T04:34:00Z"),
                "{shown}"
            );
        }
        assert_eq!(date("03/04/2016 4:34"), None);
        assert_eq!(
            date("Friday, October 18, 2024 2:05 PM")
                .map(|at| at.to_string())
                .as_deref(),
            Some("2024-10-18T14:05:00Z")
        );
        assert_eq!(
            date("mardi 1 octobre 2024 14:05")
                .map(|at| at.to_string())
                .as_deref(),
            Some("2024-10-01T14:05:00Z")
        );
    }
}
