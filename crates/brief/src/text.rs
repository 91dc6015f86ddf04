//! Every text of the page passes through here: what cannot be seen is made visible, what could be followed is defanged.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use pollwatch_model::{Finding, Register};
use pollwatch_names::{Lines, defang, defang_schemes, shown};

/// Most characters of one text that the page shows; the rest is counted.
const MAX_TEXT_CHARS: usize = 1200;

/// Most characters of one excerpt that the page shows; the rest is counted.
const MAX_EXCERPT_CHARS: usize = 3000;

/// Longest name that is judged label by label; a longer one is defanged unseen (RFC 1035 allows 127 labels).
const MAX_JUDGED_LABELS: usize = 24;

/// Most names in a running list.
pub(crate) const MAX_LISTED_NAMES: usize = 24;

/// The dots that separate labels in what people type (UTS 46, section 4).
const LABEL_DOTS: [char; 4] = ['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'];

/// `text` as [`pollwatch_names::visible`], cut where a page would only be filled.
pub(crate) fn visible(text: &str) -> String {
    shown(text, MAX_TEXT_CHARS, Lines::Joined)
}

/// `text` with its lines kept and nothing cut: for what has to be copied as it is.
pub(crate) fn verbatim(text: &str) -> String {
    shown(text, usize::MAX, Lines::Kept)
}

/// Knows which names are hostile and which are ours, and writes texts so that no hostile one can be followed.
#[derive(Debug, Default)]
pub struct Veil {
    hostile: BTreeSet<String>,
    ours: BTreeSet<String>,
}

impl Veil {
    /// Takes the hostile names from `threats` (subject, indicators, `details.name`, `details.registrable`) and ours from
    /// the register.
    pub fn new<'a>(register: &Register, threats: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut veil = Veil::default();
        for target in &register.targets {
            for name in target.domains.iter().chain(&target.owned) {
                veil.ours.insert(name.to_lowercase());
            }
        }
        for finding in threats {
            let details = ["name", "registrable"]
                .into_iter()
                .filter_map(|key| finding.details.get(key)?.as_str());
            let values = finding.indicators.iter().map(|i| i.value.as_str());
            for value in details.chain(values).chain([finding.subject.as_str()]) {
                for_each_name(value, |piece| {
                    if let Piece::Name(name) = piece {
                        veil.hostile.insert(name.to_lowercase());
                    }
                });
            }
        }
        veil
    }

    /// Running text: hostile names and all URLs defanged, and [`visible`].
    pub fn text(&self, text: &str) -> String {
        visible(&self.defang_where(text, |name| self.is_hostile(name)))
    }

    /// A value that is itself hostile, such as a finding's subject: every dot of it defanged.
    pub fn value(&self, value: &str) -> String {
        visible(&defang(value))
    }

    /// Bytes of a source: every name that is not ours defanged, bytes that are not UTF-8 written as `⟨x9F⟩`.
    pub fn excerpt(&self, bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            for byte in chunk.invalid() {
                let _ = write!(text, "⟨x{byte:02X}⟩");
            }
        }
        let safe = self.defang_where(&text, |name| {
            self.is_hostile(name) || (looks_like_a_host(name) && !self.is_ours(name))
        });
        shown(&safe, MAX_EXCERPT_CHARS, Lines::Kept)
    }

    fn is_ours(&self, name: &str) -> bool {
        let below = name.match_indices('.').map(|(at, _)| &name[at + 1..]);
        std::iter::once(name)
            .chain(below)
            .any(|suffix| self.ours.contains(suffix))
    }

    /// Whether any run of labels of `name` is a hostile name, or it is written so that nobody can judge it by eye.
    fn is_hostile(&self, name: &str) -> bool {
        if !name.is_ascii() || name.contains("xn--") {
            return true;
        }
        let mut starts = vec![0];
        starts.extend(name.match_indices('.').map(|(at, _)| at + 1));
        if starts.len() > MAX_JUDGED_LABELS {
            return true;
        }
        let ends = starts.iter().skip(1).map(|start| start - 1).chain([name.len()]);
        let ends: Vec<usize> = ends.collect();
        starts.iter().enumerate().any(|(i, start)| {
            ends[i..]
                .iter()
                .any(|end| self.hostile.contains(&name[*start..*end]))
        })
    }

    fn defang_where(&self, text: &str, is_unsafe: impl Fn(&str) -> bool) -> String {
        let mut out = String::with_capacity(text.len() + 16);
        for_each_name(text, |piece| match piece {
            Piece::Name(name) if is_unsafe(&name.to_lowercase()) => {
                for c in name.chars() {
                    if LABEL_DOTS.contains(&c) {
                        out.extend(['[', c, ']']);
                    } else {
                        out.push(c);
                    }
                }
            }
            Piece::Name(other) | Piece::Other(other) => out.push_str(other),
        });
        defang_schemes(&out)
    }
}

/// Whether the last label could be a top-level domain, or the whole an IPv4 address.
fn looks_like_a_host(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    (last.len() >= 2 && last.chars().all(char::is_alphabetic))
        || (name.split('.').count() == 4 && name.split('.').all(|label| label.parse::<u8>().is_ok()))
}

/// A piece of running text.
enum Piece<'a> {
    /// Labels with dots between them: perhaps a domain name, perhaps a file name or a number.
    Name(&'a str),
    /// What lies between two of those.
    Other(&'a str),
}

fn for_each_name(text: &str, mut see: impl FnMut(Piece<'_>)) {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_') || LABEL_DOTS.contains(&c);
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let (other, run) = rest.split_at(start);
        if !other.is_empty() {
            see(Piece::Other(other));
        }
        let (run, after) = run.split_at(run.find(|c| !is_part(c)).unwrap_or(run.len()));
        let name = run.trim_matches(LABEL_DOTS);
        if name.contains(LABEL_DOTS) {
            let lead = run.len() - run.trim_start_matches(LABEL_DOTS).len();
            see(Piece::Other(&run[..lead]));
            see(Piece::Name(name));
            see(Piece::Other(&run[lead + name.len()..]));
        } else {
            see(Piece::Other(run));
        }
        rest = after;
    }
    if !rest.is_empty() {
        see(Piece::Other(rest));
    }
}

/// `12345` as `12,345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + 4);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 finding`, `12,345 findings`: the plural is the singular with `s`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", grouped(number))
}

/// `a, b and c`.
pub(crate) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// The first names of a list, and how many more there are.
pub(crate) fn some_of(names: &[String]) -> String {
    if names.len() <= MAX_LISTED_NAMES {
        return listed(names);
    }
    let more = grouped((names.len() - MAX_LISTED_NAMES) as u64);
    format!("{} and {more} more", names[..MAX_LISTED_NAMES].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn veil() -> Veil {
        Veil {
            hostile: ["evil.example".to_owned(), "192.0.2.7".to_owned()].into(),
            ours: ["senate.gov".to_owned()].into(),
        }
    }

    #[test]
    fn a_long_text_is_cut_and_counted() {
        assert!(visible(&"x".repeat(5000)).ends_with("… ⟨3800 more characters⟩"));
    }

    #[test]
    fn hostile_names_are_defanged_wherever_they_stand() {
        let veil = veil();
        assert_eq!(veil.text("See EVIL.example."), "See EVIL[.]example.");
        assert_eq!(
            veil.text("(login.evil.example.senate.gov)"),
            "(login[.]evil[.]example[.]senate[.]gov)"
        );
        assert_eq!(
            veil.text("notevil.example, names.txt"),
            "notevil.example, names.txt"
        );
        assert_eq!(veil.text("from 192.0.2.7"), "from 192[.]0[.]2[.]7");
        assert_eq!(veil.text("sеnate.gov"), "sеnate[.]gov");
        assert_eq!(veil.text("at hTTps://x.y"), "at hxxps://x.y");
        assert_eq!(veil.text("https://x http://y é://z"), "hxxps://x hxxp://y é://z");
    }

    #[test]
    fn an_excerpt_defangs_all_that_is_not_ours() {
        assert_eq!(
            veil().excerpt(b"www.senate.gov other.test\n3.14 \xff"),
            "www.senate.gov other[.]test\n3.14 ⟨xFF⟩"
        );
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 1234567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
