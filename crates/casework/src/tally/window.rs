//! The span of time that a count speaks of.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// A span of time, from its first moment to the one after its last.
///
/// Text form: `FROM..TO`; each end is a day of UTC (`2026-09-01..2026-09-21` holds both days whole) or a moment of RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Window {
    from: Timestamp,
    to: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Written {
    from: Timestamp,
    to: Timestamp,
}

impl From<Window> for Written {
    fn from(window: Window) -> Written {
        Written {
            from: window.from,
            to: window.to,
        }
    }
}

impl TryFrom<Written> for Window {
    type Error = WindowError;

    fn try_from(written: Written) -> Result<Window, WindowError> {
        Window::new(written.from, written.to)
    }
}

/// Why a text is not a window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Not `FROM..TO` with days or moments.
    #[error(
        "not a window: {0:?} (write two days as 2026-09-01..2026-09-21, or two moments such as 2026-09-01T06:00:00Z)"
    )]
    Form(String),
    /// It ends before it begins.
    #[error("the window ends before it begins: {0}")]
    Backwards(String),
}

impl Window {
    /// From `from` to the moment before `to`.
    ///
    /// Errors: [`WindowError::Backwards`] for a window that holds no moment.
    pub fn new(from: Timestamp, to: Timestamp) -> Result<Window, WindowError> {
        if from < to {
            Ok(Window { from, to })
        } else {
            Err(WindowError::Backwards(format!("{from}..{to}")))
        }
    }

    /// Its first moment.
    pub fn from(&self) -> Timestamp {
        self.from
    }

    /// The moment after its last.
    pub fn to(&self) -> Timestamp {
        self.to
    }

    /// Its two days when it begins and ends at midnight of UTC.
    fn days(&self) -> Option<(Date, Date)> {
        let from = TimeZone::UTC.to_datetime(self.from);
        let last = self.to.checked_sub(1.nanosecond()).ok()?;
        let to = TimeZone::UTC.to_datetime(self.to);
        let midnight = jiff::civil::Time::midnight();
        let last = TimeZone::UTC.to_datetime(last).date();
        (from.time() == midnight && to.time() == midnight).then_some((from.date(), last))
    }

    /// The window in words, such as `2026-09-01 to 2026-09-21 (UTC)`, or to the second where it is not of whole days.
    pub fn in_words(&self) -> String {
        match self.days() {
            Some((from, to)) if from == to => format!("{from} (UTC)"),
            Some((from, to)) => format!("{from} to {to} (UTC)"),
            None => format!(
                "{} to {}",
                self.from.strftime("%Y-%m-%d %H:%M:%SZ"),
                self.to.strftime("%Y-%m-%d %H:%M:%SZ")
            ),
        }
    }
}

impl Window {
    /// The days of UTC that it touches, such as `2026-09-01 to 2026-09-21 (UTC)`: for a page on which seconds say nothing.
    pub fn in_days(&self) -> String {
        let day = |moment: Timestamp| TimeZone::UTC.to_datetime(moment).date();
        let last = self.to.checked_sub(1.nanosecond()).unwrap_or(self.to);
        match (day(self.from), day(last)) {
            (from, to) if from == to => format!("{from} (UTC)"),
            (from, to) => format!("{from} to {to} (UTC)"),
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.days() {
            Some((from, to)) => write!(f, "{from}..{to}"),
            None => write!(f, "{}..{}", self.from, self.to),
        }
    }
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Window, WindowError> {
        let form = || WindowError::Form(text.to_owned());
        let (from, to) = text.split_once("..").ok_or_else(form)?;
        let from = moment(from.trim(), 0).ok_or_else(form)?;
        let to = moment(to.trim(), 1).ok_or_else(form)?;
        Window::new(from, to).map_err(|_| WindowError::Backwards(text.to_owned()))
    }
}

/// A moment, or midnight of a day of UTC and `days` later.
fn moment(text: &str, days: i64) -> Option<Timestamp> {
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    // jiff reads a civil date from longer texts too; a window's day is ten characters.
    let day: Date = (text.len() == 10).then(|| text.parse().ok()).flatten()?;
    let day = day.checked_add(days.days()).ok()?;
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_that_a_window_touches() {
        let window: Window = "2026-09-01T10:00:00Z..2026-09-03T00:00:01Z".parse().unwrap();
        assert_eq!(window.in_days(), "2026-09-01 to 2026-09-03 (UTC)");
        let window: Window = "2026-09-01..2026-09-02".parse().unwrap();
        assert_eq!(window.in_days(), window.in_words());
    }

    use proptest::prelude::*;

    #[test]
    fn days_are_whole_and_moments_exact() {
        let days: Window = "2026-09-01..2026-09-21".parse().unwrap();
        assert_eq!(days.from().to_string(), "2026-09-01T00:00:00Z");
        assert_eq!(days.to().to_string(), "2026-09-22T00:00:00Z");
        assert_eq!(days.in_words(), "2026-09-01 to 2026-09-21 (UTC)");
        let moments: Window = "2026-09-01T06:00:00-05:00..2026-09-02".parse().unwrap();
        assert_eq!(moments.from().to_string(), "2026-09-01T11:00:00Z");
        for bad in [
            "",
            "..",
            "2026-09-01",
            "2026-9-1..2026-9-2",
            "a..b",
            "2026-09-01..2026-13-01",
        ] {
            assert!(
                matches!(bad.parse::<Window>(), Err(WindowError::Form(_))),
                "{bad}"
            );
        }
        let backwards = "2026-09-21..2026-09-01".parse::<Window>();
        assert!(matches!(backwards, Err(WindowError::Backwards(_))));
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(from in -4_000_000_000i64..8_000_000_000, length in 1i64..40_000_000) {
            let at = |second| Timestamp::from_second(second).unwrap();
            let window = Window::new(at(from), at(from + length)).unwrap();
            prop_assert_eq!(window.to_string().parse::<Window>().unwrap(), window);
            let json = serde_json::to_string(&window).unwrap();
            prop_assert_eq!(serde_json::from_str::<Window>(&json).unwrap(), window);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = text.parse::<Window>();
        }
    }
}
