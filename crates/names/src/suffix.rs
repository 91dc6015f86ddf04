//! What kind of place a public suffix is. Classes go by rule, not by reputation lists.

/// What kind of place a suffix is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SuffixClass {
    /// Kept for governments, armed forces and treaty bodies: `gov`, `mil`, `int`, `gov.xx`, `gouv.fr`.
    Government,
    /// Kept for schools and universities: `edu`, `edu.xx`, `ac.xx`, and the `k12` trees.
    Academic,
    /// A country's own suffix, such as `de` or `co.uk`.
    Country,
    /// A country code that is sold world-wide as if it were generic, such as `me` or `co`.
    CountrySoldAsGeneric,
    /// The generic suffixes from before 2012: `com`, `net`, `org`, `info`, `biz` and their like.
    Legacy,
    /// The generic suffixes since the 2012 round, such as `cloud` or `site`.
    NewGeneric,
    /// Handed out by a company under its own name: hosting, dynamic DNS (the list's private section).
    Hosting,
}

/// Country codes that search engines treat as generic because most of their names have no tie to the country.
/// Source: Google Search Central, "Managing multi-regional and multilingual sites", list of generic ccTLDs; and the five
/// that Freenom gave away (tk, ml, ga, cf, gq; Interisle, "Phishing Landscape 2023").
const SOLD_AS_GENERIC: &[&str] = &[
    "ad", "ai", "as", "bz", "cc", "cd", "cf", "co", "dj", "fm", "ga", "gg", "gq", "io", "la", "me", "ml",
    "ms", "nu", "pw", "sc", "sr", "st", "su", "tk", "to", "tv", "vc", "ws",
];

/// Generic suffixes delegated before the round of 2012 (IANA root zone database).
const LEGACY: &[&str] = &[
    "aero", "arpa", "asia", "biz", "cat", "com", "coop", "info", "jobs", "mobi", "museum", "name", "net",
    "org", "post", "pro", "tel", "travel", "xxx",
];

/// Second-level words under which countries keep their government's names.
const GOVERNMENT_WORDS: &[&str] = &["gov", "gob", "gouv", "gv", "govt", "gub", "mil", "gc", "dep"];

/// Countries whose governments use `go.xx`; elsewhere the two letters mean something else (Gorizia in `go.it`).
const GO_COUNTRIES: &[&str] = &["jp", "kr", "th", "id", "tz", "ke", "ug", "cr", "ci"];

/// Whether a public suffix is kept for one government: `gov`, `mil`, `int`, and `gov.xx` and its like.
pub fn is_government_suffix(suffix: &str) -> bool {
    match suffix.split_once('.') {
        None => matches!(suffix, "gov" | "mil" | "int"),
        Some(("go", country)) => GO_COUNTRIES.contains(&country),
        Some((first, country)) => country.len() == 2 && GOVERNMENT_WORDS.contains(&first),
    }
}

impl SuffixClass {
    /// The class of a public suffix.
    pub fn of(suffix: &str, is_private: bool) -> Self {
        let top = suffix.rsplit('.').next().unwrap_or(suffix);
        if is_government_suffix(suffix) || matches!(top, "gov" | "mil" | "int") {
            return SuffixClass::Government;
        }
        if is_private {
            return SuffixClass::Hosting;
        }
        if top == "edu"
            || suffix.starts_with("edu.")
            || suffix.starts_with("ac.")
            || suffix.starts_with("k12.")
        {
            return SuffixClass::Academic;
        }
        if top.len() == 2 {
            let is_sold = suffix.len() == 2 && SOLD_AS_GENERIC.contains(&top);
            return if is_sold {
                SuffixClass::CountrySoldAsGeneric
            } else {
                SuffixClass::Country
            };
        }
        if LEGACY.contains(&top) {
            return SuffixClass::Legacy;
        }
        // Internationalised country codes are A-labels; they are countries' own.
        if top.starts_with("xn--") {
            return SuffixClass::Country;
        }
        SuffixClass::NewGeneric
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_go_by_rule() {
        for (suffix, is_private, class) in [
            ("gov", false, SuffixClass::Government),
            ("gov.ua", false, SuffixClass::Government),
            ("gouv.fr", false, SuffixClass::Government),
            ("ac.uk", false, SuffixClass::Academic),
            ("edu", false, SuffixClass::Academic),
            ("de", false, SuffixClass::Country),
            ("co.uk", false, SuffixClass::Country),
            ("me", false, SuffixClass::CountrySoldAsGeneric),
            ("com", false, SuffixClass::Legacy),
            ("cloud", false, SuffixClass::NewGeneric),
            ("workers.dev", true, SuffixClass::Hosting),
        ] {
            assert_eq!(SuffixClass::of(suffix, is_private), class, "{suffix}");
        }
    }
}
