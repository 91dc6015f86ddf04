//! The words for the person who reported a message: what it is, why, and what to do now; in English and Spanish.
//!
//! Two sentences and a few steps. The words never call a message harmless: the strongest thing that is said is that no sign
//! of phishing was found, and why. Names that the message gives itself are cleaned and taken out of reach of a click.

mod english;
mod spanish;

use serde::{Deserialize, Serialize};

use crate::campaign::Outcome;

/// The language of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Spanish.
    Spanish,
}

/// What the judgement came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictWord {
    /// Phishing.
    Phishing,
    /// It may be.
    Suspicious,
    /// Bulk mail or a common swindle.
    Unwanted,
    /// No sign of phishing was found.
    NoSign,
    /// What came in is not enough to tell.
    CannotTell,
}

/// What the message wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// A password, a code or a sign-in.
    Password,
    /// Money, gift cards or other bank details.
    Payment,
    /// That a file is opened.
    OpenFile,
    /// A call.
    Call,
    /// That a code is scanned.
    Scan,
    /// An answer.
    Reply,
    /// Nothing that could be made out.
    #[default]
    None,
}

/// What an answer is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What the judgement came to.
    pub verdict: VerdictWord,
    /// Who it says that it is from.
    pub claimed: Option<String>,
    /// The host that it leads to.
    pub leads_to: Option<String>,
    /// What it wants.
    pub asks_for: Ask,
    /// The deciding reasons, one English sentence each, the strongest first.
    pub deciding: Vec<String>,
    /// The domain that it was shown to come from.
    pub proven: Option<String>,
    /// What could not be looked at, as English noun phrases.
    pub not_checked: Vec<String>,
    /// Whether forwarding took away the header.
    pub headers_lost: bool,
    /// Whether a real partner's account seems to send it.
    pub is_compromised_partner: bool,
    /// What the reporter says that they did.
    pub own_action: Outcome,
    /// How many messages the report held.
    pub several: usize,
}

impl Facts {
    /// Facts with a verdict and nothing else.
    pub fn new(verdict: VerdictWord) -> Self {
        Facts {
            verdict,
            claimed: None,
            leads_to: None,
            asks_for: Ask::None,
            deciding: Vec::new(),
            proven: None,
            not_checked: Vec::new(),
            headers_lost: false,
            is_compromised_partner: false,
            own_action: Outcome::Unknown,
            several: 1,
        }
    }

    /// Whether somebody may know the reporter's password now.
    fn is_urgent(&self) -> bool {
        self.own_action >= Outcome::CredentialsEntered
            && (self.verdict != VerdictWord::NoSign || self.own_action > Outcome::CredentialsEntered)
    }

    fn is_bad(&self) -> bool {
        matches!(self.verdict, VerdictWord::Phishing | VerdictWord::Suspicious)
    }

    fn needs_original(&self) -> bool {
        self.headers_lost || self.verdict == VerdictWord::CannotTell
    }
}

/// The words for the reporter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// A few words: what it is.
    pub headline: String,
    /// What it is and the strongest reason; what to do now.
    pub sentences: [String; 2],
    /// What to do, in order.
    pub steps: Vec<String>,
}

/// The answer to a reporter.
pub fn answer(facts: &Facts, language: Language) -> Answer {
    let facts = cleaned(facts);
    match language {
        Language::English => english::answer(&facts),
        Language::Spanish => spanish::answer(&facts),
    }
}

/// Longest name that is repeated, in characters.
const MAX_NAME_CHARS: usize = 60;
/// Longest reason that is repeated, in characters.
const MAX_REASON_CHARS: usize = 240;
/// Most things that are named as not checked.
const MAX_NOT_CHECKED: usize = 5;

fn cleaned(facts: &Facts) -> Facts {
    let name = |text: &Option<String>| {
        text.as_deref()
            .map(|text| out_of_reach(&plain(text, MAX_NAME_CHARS)))
            .filter(|text| !text.is_empty())
    };
    Facts {
        claimed: name(&facts.claimed),
        leads_to: name(&facts.leads_to),
        proven: facts
            .proven
            .as_deref()
            .map(|domain| plain(domain, MAX_NAME_CHARS))
            .filter(|domain| !domain.is_empty()),
        deciding: reasons(&facts.deciding),
        not_checked: reasons(&facts.not_checked)
            .into_iter()
            .take(MAX_NOT_CHECKED)
            .collect(),
        ..facts.clone()
    }
}

fn reasons(all: &[String]) -> Vec<String> {
    all.iter()
        .map(|reason| plain(reason, MAX_REASON_CHARS))
        .map(|reason| out_of_reach(reason.trim_end_matches(['.', ' '])))
        .filter(|reason| !reason.is_empty())
        .collect()
}

/// `text` on one line, without control and format characters.
fn plain(text: &str, longest: usize) -> String {
    let kept: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| {
            !c.is_control()
                && !matches!(*c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '<' | '>')
        })
        .take(longest)
        .collect();
    kept.split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// `text` with dots and at signs inside words, and web schemes, written so that no mail program makes a link of them.
fn out_of_reach(text: &str) -> String {
    let text = text.replace("http://", "hxxp://").replace("https://", "hxxps://");
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let joins = before.is_alphanumeric() && chars.peek().is_some_and(|next| next.is_alphanumeric());
        match c {
            '.' if joins => out.push_str("[.]"),
            '@' if joins => out.push_str("[@]"),
            _ => out.push(c),
        }
        before = c;
    }
    out
}

/// The language of a reporter's own words: Spanish when more of its small words are there than English ones.
pub fn language_of(text: &str) -> Language {
    const ENGLISH: &[&str] = &[
        "the", "is", "this", "i", "it", "and", "to", "of", "did", "not", "you", "my", "we", "was", "have",
        "please", "a", "in", "for", "that", "on", "real", "got", "with", "clicked", "hi", "thanks",
    ];
    const SPANISH: &[&str] = &[
        "el",
        "la",
        "los",
        "las",
        "es",
        "esto",
        "este",
        "un",
        "una",
        "y",
        "de",
        "que",
        "qu\u{e9}",
        "en",
        "mi",
        "lo",
        "se",
        "por",
        "para",
        "con",
        "hice",
        "he",
        "recib\u{ed}",
        "correo",
        "favor",
        "hola",
        "gracias",
        "esta",
        "est\u{e1}",
        "del",
        "al",
        "me",
        "clic",
        "contrase\u{f1}a",
        "mensaje",
        "verdadero",
        "puse",
    ];
    let mut english = 0_usize;
    let mut spanish = 0_usize;
    for word in text
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .take(5_000)
    {
        let word = word.to_lowercase();
        english += usize::from(ENGLISH.contains(&word.as_str()));
        spanish += usize::from(SPANISH.contains(&word.as_str()));
    }
    if text.contains(['\u{bf}', '\u{a1}']) {
        spanish += 2;
    }
    if spanish > english {
        Language::Spanish
    } else {
        Language::English
    }
}

#[cfg(test)]
mod tests;
