//! Hours in which people sleep.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// Hours of the day, in a time zone, in which only what is critical is told.
#[derive(Debug, Clone)]
pub struct QuietHours {
    zone: TimeZone,
    hours: Option<(Time, Time)>,
}

impl QuietHours {
    /// Reads `22:00-06:00` and `America/Chicago`; empty hours are none.
    pub fn parse(hours: &str, zone: &str) -> Result<Self, String> {
        let zone = TimeZone::get(zone).map_err(|_| {
            format!("there is no time zone {zone:?}: give a name such as America/Chicago, or UTC")
        })?;
        if hours.trim().is_empty() {
            return Ok(QuietHours { zone, hours: None });
        }
        let wrong = || format!("quiet_hours {hours:?} cannot be read: write them as 22:00-06:00");
        let (from, to) = hours.split_once('-').ok_or_else(wrong)?;
        let read = |text: &str| text.trim().parse::<Time>().map_err(|_| wrong());
        let (from, to) = (read(from)?, read(to)?);
        if from == to {
            return Err(format!("quiet_hours {hours:?} begin and end at the same time"));
        }
        Ok(QuietHours {
            zone,
            hours: Some((from, to)),
        })
    }

    /// Whether `now` lies in them. Their end does not.
    pub fn is_quiet(&self, now: Timestamp) -> bool {
        let Some((from, to)) = self.hours else {
            return false;
        };
        let time = self.zone.to_datetime(now).time();
        if from < to {
            from <= time && time < to
        } else {
            from <= time || time < to
        }
    }

    /// A time as people of that zone read it, with the zone.
    pub fn show(&self, at: Timestamp) -> String {
        let time = self.zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string();
        format!("{time} {}", self.zone.to_offset_info(at).abbreviation())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_over_midnight_follow_the_zone_and_its_summer_time() {
        let quiet = QuietHours::parse("22:00-06:00", "America/Chicago").unwrap();
        let at = |text: &str| quiet.is_quiet(text.parse().unwrap());
        // Winter: six hours behind UTC.
        assert!(!at("2026-11-03T03:59:00Z"));
        assert!(at("2026-11-03T04:00:00Z"));
        assert!(at("2026-11-03T11:59:00Z"));
        assert!(!at("2026-11-03T12:00:00Z"));
        // Summer: five.
        let shown = quiet.show("2026-11-03T04:00:00Z".parse().unwrap());
        assert_eq!(shown, "2026-11-02 22:00 CST");
        assert!(at("2026-07-03T03:00:00Z"));
        assert!(!at("2026-07-03T11:00:00Z"));
    }

    #[test]
    fn hours_within_a_day_and_none_at_all() {
        let quiet = QuietHours::parse("12:00-13:30", "UTC").unwrap();
        assert!(quiet.is_quiet("2026-11-03T13:29:59Z".parse().unwrap()));
        assert!(!quiet.is_quiet("2026-11-03T13:30:00Z".parse().unwrap()));
        let never = QuietHours::parse("", "UTC").unwrap();
        assert!(!never.is_quiet("2026-11-03T03:00:00Z".parse().unwrap()));
    }

    #[test]
    fn what_cannot_be_read_says_how_to_write_it() {
        assert!(
            QuietHours::parse("22-6", "UTC")
                .unwrap_err()
                .contains("22:00-06:00")
        );
        assert!(
            QuietHours::parse("", "Mars/Olympus")
                .unwrap_err()
                .contains("America/Chicago")
        );
        assert!(QuietHours::parse("06:00-06:00", "UTC").is_err());
    }
}
