//! Whether a host imitates a name of the register or a well-known brand: what the mail desk can say on its own register.
//!
//! The lookalike desk says it better; where it is at hand its judgement is asked as well ([`pollwatch_model::NameJudge`]).

use pollwatch_names::{ParsedName, is_mixed_script, unicode_skeleton};

use crate::known::{HostKind, Kind, Known, Label, fold_label};

/// How a host imitates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Letters of another script that look like the protected ones, or a mix of scripts.
    Homograph,
    /// Letters and digits that look alike.
    LookalikeLetters,
    /// One or two letters differ.
    Misspelling,
    /// The protected label beside other words.
    WithWords,
    /// The same label under another suffix.
    OtherSuffix,
    /// The whole protected name with hyphens for dots.
    Hyphened,
    /// The protected name stands left of somebody else's domain.
    InFront,
}

/// A host that imitates an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imitation {
    /// The identity.
    pub identity: u32,
    /// How.
    pub how: How,
    /// The protected domain.
    pub of: String,
    /// From 1, an innocent reading is easy, to 3, there is hardly one.
    pub strength: u8,
}

/// Words that stand beside a protected label in names made to deceive.
const LURE_WORDS: &[&str] = &[
    "access",
    "account",
    "accounts",
    "admin",
    "alert",
    "alerts",
    "auth",
    "ballot",
    "billing",
    "bank",
    "campaign",
    "center",
    "centre",
    "check",
    "cloud",
    "com",
    "confirm",
    "contact",
    "customer",
    "data",
    "desk",
    "docs",
    "document",
    "documents",
    "donate",
    "election",
    "elections",
    "email",
    "file",
    "files",
    "form",
    "forms",
    "gov",
    "help",
    "helpdesk",
    "hr",
    "id",
    "info",
    "invoice",
    "invoices",
    "it",
    "login",
    "logon",
    "mail",
    "mailbox",
    "mfa",
    "migrate",
    "my",
    "net",
    "news",
    "notice",
    "notification",
    "notify",
    "office",
    "online",
    "org",
    "owa",
    "pay",
    "payment",
    "payments",
    "payroll",
    "portal",
    "post",
    "print",
    "reset",
    "results",
    "safe",
    "sec",
    "secure",
    "security",
    "server",
    "service",
    "services",
    "share",
    "sign",
    "signin",
    "sso",
    "staff",
    "status",
    "support",
    "team",
    "update",
    "updates",
    "us",
    "verify",
    "verification",
    "vote",
    "voter",
    "web",
    "webmail",
    "www",
];

impl Known {
    /// How `host` imitates an identity; the strongest reading. `None` for hosts that belong to an identity.
    pub fn imitation(&self, host: &str) -> Option<Imitation> {
        let name = ParsedName::parse(host).ok()?;
        let ascii = name.ascii();
        let is_freemail = self.is_kind(ascii, &HostKind::Freemail);
        if is_freemail || self.is_own(ascii) || self.owners(ascii).next().is_some() {
            return None;
        }
        let label = name.user_label()?;
        let unicode = name.unicode();
        let unicode_label = unicode
            .split('.')
            .nth(ascii[..name.user_start()].matches('.').count())
            .unwrap_or_default();
        let skeleton = label
            .starts_with("xn--")
            .then(|| unicode_skeleton(unicode_label))
            .flatten();
        let folded = fold_label(skeleton.as_deref().unwrap_or(label));
        let front = ascii
            .get(..name.user_start().saturating_sub(1))
            .unwrap_or_default();
        let mut best: Option<Imitation> = None;
        for known in self.labels() {
            let kind = self.identities[known.identity as usize].kind;
            let how = read_label(label, &folded, skeleton.as_deref(), &name, known, kind)
                .or_else(|| read_front(front, known, kind));
            let Some((how, strength)) = how else { continue };
            let found = Imitation {
                identity: known.identity,
                how,
                of: known.domain.clone(),
                strength,
            };
            let is_better = best.as_ref().is_none_or(|best| {
                (found.strength, std::cmp::Reverse(found.how)) > (best.strength, std::cmp::Reverse(best.how))
            });
            if is_better {
                best = Some(found);
            }
        }
        best
    }

    /// Whether an internationalised host mixes scripts as no language does.
    pub fn mixes_scripts(host: &str) -> bool {
        ParsedName::parse(host).is_ok_and(|name| name.unicode().split('.').any(is_mixed_script))
    }
}

fn read_label(
    label: &str,
    folded: &(Vec<u8>, Vec<u8>),
    skeleton: Option<&str>,
    name: &ParsedName,
    known: &Label,
    kind: Kind,
) -> Option<(How, u8)> {
    let wanted = known.label.as_str();
    if let Some(skeleton) = skeleton
        && (skeleton == wanted || (wanted.len() >= 5 && skeleton.split('-').any(|word| word == wanted)))
    {
        return Some((How::Homograph, 3));
    }
    if !known.hyphened.is_empty() && (label == known.hyphened || contains_words(label, &known.hyphened)) {
        return Some((How::Hyphened, 3));
    }
    if label == wanted {
        // Brands own their label in most countries; the lists do not know them all.
        let is_country = name.suffix().len() == 2 || name.suffix().contains('.');
        let is_weak = known.is_ordinary || wanted.len() < 5;
        return match kind {
            Kind::Brand if is_country || is_weak => None,
            _ if wanted.len() < 4 => None,
            _ => Some((How::OtherSuffix, if kind == Kind::Brand { 1 } else { 2 })),
        };
    }
    if wanted.len() >= 5 {
        if folded.0 == known.folded.0 || folded.1 == known.folded.1 {
            return Some((How::LookalikeLetters, 3));
        }
        let is_one_of_many = label.contains('-')
            && label
                .split('-')
                .filter(|word| *word != wanted && word.len() >= 5 && word.len().abs_diff(wanted.len()) <= 2)
                .any(|word| {
                    let word = fold_label(word);
                    word.0 == known.folded.0 || word.1 == known.folded.1
                });
        if is_one_of_many {
            return Some((How::LookalikeLetters, 3));
        }
    }
    if label.contains('-') && wanted.len() >= 4 && contains_words(label, wanted) {
        let others: Vec<&str> = label
            .split('-')
            .filter(|word| !wanted.split('-').any(|part| part == *word))
            .collect();
        let is_lure = others.iter().any(|word| LURE_WORDS.contains(word));
        return match kind {
            Kind::Brand if known.is_ordinary && !is_lure => None,
            Kind::Brand if !is_lure => Some((How::WithWords, 1)),
            Kind::Brand if known.is_ordinary => Some((How::WithWords, 1)),
            _ => Some((How::WithWords, if is_lure { 3 } else { 2 })),
        };
    }
    if wanted.len() >= 6 && label.len() > wanted.len() && !known.is_ordinary {
        let rest = label.strip_prefix(wanted).or_else(|| label.strip_suffix(wanted));
        let rest = rest.map(|rest| rest.trim_matches('-'));
        if rest.is_some_and(|rest| LURE_WORDS.contains(&rest)) {
            // Companies run such words on to their own name as well: tiscalinet, vodafoneus.
            let is_usual = rest.is_some_and(|rest| {
                matches!(rest, "net" | "com" | "web" | "us" | "online" | "mail" | "group")
            });
            return match kind {
                Kind::Brand if is_usual => None,
                Kind::Brand => Some((How::WithWords, 2)),
                _ => Some((How::WithWords, 3)),
            };
        }
    }
    let reach = match wanted.len() {
        0..=5 => 0,
        6..=9 => 1,
        _ if kind == Kind::Brand => 1,
        _ => 2,
    };
    let begins_alike = label.as_bytes().first() == wanted.as_bytes().first()
        || label.as_bytes().last() == wanted.as_bytes().last();
    if reach > 0 && begins_alike && !known.is_ordinary && label.len().abs_diff(wanted.len()) <= reach {
        let distance = edit_distance(label.as_bytes(), wanted.as_bytes(), reach);
        if distance <= reach {
            let strength = match (distance, kind) {
                (1, _) if wanted.len() >= 8 => 3,
                (1, Kind::Brand) => 1,
                (1, _) => 2,
                _ => 1,
            };
            return Some((How::Misspelling, strength));
        }
    }
    None
}

/// A protected name in the labels left of somebody else's registrable domain.
fn read_front(front: &str, known: &Label, kind: Kind) -> Option<(How, u8)> {
    if front.is_empty() {
        return None;
    }
    if !front.contains(known.label.as_str()) && !front.contains(known.dashed.as_str()) {
        return None;
    }
    let labels: Vec<&str> = front.split('.').collect();
    // The whole domain, between dots.
    let whole = front.match_indices(known.domain.as_str()).any(|(at, domain)| {
        let end = at + domain.len();
        (at == 0 || front.as_bytes()[at - 1] == b'.') && (end == front.len() || front.as_bytes()[end] == b'.')
    });
    if whole || labels.iter().any(|label| contains_words(label, &known.dashed)) {
        return Some((How::InFront, 3));
    }
    if known.is_ordinary || known.label.len() < 5 {
        return None;
    }
    labels
        .iter()
        .any(|label| *label == known.label || contains_words(label, &known.label))
        .then_some((How::InFront, if kind == Kind::Brand { 2 } else { 3 }))
}

/// Whether the hyphen-separated words of `label` contain those of `wanted` in a row.
fn contains_words(label: &str, wanted: &str) -> bool {
    let mut from = 0;
    while let Some(at) = label
        .get(from..)
        .and_then(|rest| rest.find(wanted))
        .map(|step| from + step)
    {
        let end = at + wanted.len();
        let starts = at == 0 || label.as_bytes()[at - 1] == b'-';
        let ends = end == label.len() || label.as_bytes()[end] == b'-';
        if starts && ends {
            return true;
        }
        from = at + 1;
    }
    false
}

/// Edits between two labels, a swap of neighbours counted as one (optimal string alignment); more than `most` is `most + 1`.
fn edit_distance(a: &[u8], b: &[u8], most: usize) -> usize {
    let mut two_before: Vec<usize> = Vec::new();
    let mut before: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut current = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut value = (before[j] + 1).min(current[j - 1] + 1).min(before[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                value = value.min(two_before[j - 2] + 1);
            }
            current[j] = value;
        }
        if current.iter().min().is_some_and(|least| *least > most) {
            return most + 1;
        }
        two_before = std::mem::replace(&mut before, current);
    }
    before[b.len()].min(most + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pollwatch_model::Register;

    fn known() -> Known {
        let text = r#"
schema = 1
owner = "test"
[[target]]
id = "harbor"
name = "Harbor County Elections"
kind = "office"
state = "OH"
domains = ["harborcounty.example"]
partners = ["sos.lakeland.example"]
"#;
        let (register, problems) =
            Register::parse("r", text, &|name| pollwatch_names::protectable(name)).expect("a register");
        assert!(problems.is_empty(), "{problems:?}");
        Known::compile(&register)
    }

    #[test]
    fn imitations_are_told_by_how() {
        let known = known();
        for (host, how) in [
            ("harborcounty-support.example", How::WithWords),
            ("harborc0unty.example", How::LookalikeLetters),
            ("harborcoutny.example", How::Misspelling),
            ("harborcounty.com", How::OtherSuffix),
            ("harborcounty.example.reset.example", How::InFront),
            ("sos-lakeland.example", How::WithWords),
            ("login.paypal.com.verify.example", How::InFront),
            ("paypai.example", How::LookalikeLetters),
        ] {
            let found = known.imitation(host);
            assert!(found.is_some(), "{host}");
            if host != "sos-lakeland.example" {
                assert_eq!(found.map(|found| found.how), Some(how), "{host}");
            }
        }
        for host in [
            "mail.harborcounty.example",
            "www.paypal.com",
            "sos.lakeland.example",
            "harvest.example",
            "unrelated.org",
        ] {
            assert_eq!(known.imitation(host), None, "{host}");
        }
    }

    #[test]
    fn distance_counts_a_swap_once() {
        assert_eq!(edit_distance(b"coutny", b"county", 2), 1);
        assert_eq!(edit_distance(b"abcdef", b"county", 2), 3);
    }
}
