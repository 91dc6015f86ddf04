//! Which files are one log: what rotation leaves of a log that one program writes.

use std::sync::LazyLock;

use regex::Regex;

/// What packing and rotation put behind a name: `.gz`, `.3`, `.old`.
static BEHIND: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)(?:\.(?:gz|gzip|zst|zstd|bz2|xz|z|old|bak)|\.[0-9]{1,5})$").ok());

/// A date or serial number with what parts it from the rest: `_2018-09-01T13`, `-20180901`, the `180901` of IIS, seconds since 1970.
/// Fewer than six digits are none: `web1.log` and `web2.log` are the logs of two servers.
static DATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"[-_.]?(?:19|20)[0-9]{2}[-_.][0-9]{2}[-_.][0-9]{2}(?:[-_.T]?[0-9]{2}(?:[-_.:]?[0-9]{2}){0,2}Z?)?",
        r"|[-_.]?[0-9]{6,}(?:T[0-9]{2,6}Z?)?",
    ))
    .ok()
});

/// A folder for a year, a month, a day or a date.
fn is_dated(folder: &str) -> bool {
    !folder.is_empty()
        && (folder.len() <= 10 && folder.len() != 3)
        && folder
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"-_.".contains(&byte))
}

/// The log that a file is a piece of: its name without packing, number and date of rotation, and without folders that are dates.
///
/// Names alone decide. Where they mislead, two logs are taken for one, and then only a time in which both are silent is told.
pub fn series_of(name: &str) -> String {
    let (folders, base) = match name.rfind(['/', '\\']) {
        Some(at) => name.split_at(at + 1),
        None => ("", name),
    };
    let mut rest = base;
    if let Some(behind) = BEHIND.as_ref() {
        while let Some(found) = behind.find(rest) {
            // Something has to remain.
            if found.start() == 0 {
                break;
            }
            rest = &rest[..found.start()];
        }
    }
    let undated = DATE
        .as_ref()
        .map_or_else(|| rest.to_owned(), |date| date.replace_all(rest, "").into_owned());
    let undated = if undated.is_empty() {
        rest.to_owned()
    } else {
        undated
    };
    let mut series = String::with_capacity(name.len());
    for folder in folders.split_inclusive(['/', '\\']) {
        if !is_dated(folder.trim_end_matches(['/', '\\'])) {
            series.push_str(folder);
        }
    }
    series.push_str(&undated);
    if series.is_empty() {
        name.to_owned()
    } else {
        series
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_of_a_log_are_one_and_servers_are_not() {
        let same = [
            ("logs/access.log", "logs/access.log.1"),
            ("logs/access.log", "logs/access.log.12.gz"),
            ("access.log", "access.log-20180901.gz"),
            ("access.log", "access.log-20180901-1535760000.gz"),
            ("access.log", "access-2018-09-01.log"),
            ("u_ex180901.log", "u_ex18090213.log"),
            (
                "elb/2018/09/01/app_20180901T0000Z.log.gz",
                "elb/2018/09/02/app_20180902T0005Z.log.gz",
            ),
        ];
        for (a, b) in same {
            assert_eq!(series_of(a), series_of(b), "{a} and {b}");
        }
        let apart = [
            ("web1.log", "web2.log"),
            ("web1/access.log", "web2/access.log"),
            ("access.log", "error.log"),
            ("10.0.0.1.log", "10.0.0.2.log"),
            ("county-001/access.log", "county-002/access.log"),
        ];
        for (a, b) in apart {
            assert_ne!(series_of(a), series_of(b), "{a} and {b}");
        }
    }

    proptest! {
        #[test]
        fn a_series_is_no_longer_than_its_name_and_never_empty(name in "[a-z0-9./_-]{1,40}") {
            let series = series_of(&name);
            prop_assert!(!series.is_empty());
            prop_assert!(series.len() <= name.len());
        }
    }
}
