//! Every text of the console in every language, and nothing else.
//!
//! The catalogue is a table that the compiler checks: a text without a translation does not compile, and a test sees to it that both
//! have the same gaps and forms. What desks and sources say (summaries, reasons, file names) stays as it was written.

mod catalogue;

use maud::{Markup, PreEscaped, html};

pub(crate) use catalogue::*;

/// A language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    #[default]
    English,
    Spanish,
}

/// A text in every language. `{}` is a gap; `one|other` are the forms for a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) en: &'static str,
    pub(crate) es: &'static str,
}

impl Language {
    pub(crate) const ALL: [Language; 2] = [Language::English, Language::Spanish];

    /// Its tag (RFC 5646).
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Spanish => "es",
        }
    }

    /// Its own name for itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Spanish => "Español",
        }
    }

    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        Language::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// The best of ours for an Accept-Language header (RFC 9110, section 12.5.4).
    pub(crate) fn accepted(header: &str) -> Self {
        let mut best = (0.0, Language::default());
        for part in header.split(',').take(32) {
            let mut fields = part.split(';');
            let tag = fields.next().unwrap_or_default().trim().to_ascii_lowercase();
            let quality =
                fields.find_map(|field| field.trim().strip_prefix("q=")?.trim().parse::<f64>().ok());
            let primary = tag.split('-').next().unwrap_or_default();
            if let Some(language) = Language::of_tag(primary)
                && quality.unwrap_or(1.0) > best.0
            {
                best = (quality.unwrap_or(1.0), language);
            }
        }
        best.1
    }

    /// The text.
    pub(crate) fn say(self, text: Text) -> &'static str {
        match self {
            Language::English => text.en,
            Language::Spanish => text.es,
        }
    }

    /// The text with its gaps filled, in their order.
    pub(crate) fn fill(self, text: Text, values: &[&str]) -> String {
        fill(self.say(text), values)
    }

    /// The form for `number` of a text `one|other`, its first gap filled with the number and the rest with `values`.
    pub(crate) fn count(self, number: u64, text: Text, values: &[&str]) -> String {
        let (one, other) = self
            .say(text)
            .split_once('|')
            .unwrap_or((self.say(text), self.say(text)));
        let number_text = self.number(number);
        let mut all = vec![number_text.as_str()];
        all.extend_from_slice(values);
        fill(if number == 1 { one } else { other }, &all)
    }

    /// The text as markup, its gaps filled with markup.
    pub(crate) fn mark(self, text: Text, values: &[Markup]) -> Markup {
        let mut pieces = self.say(text).split("{}");
        let first = pieces.next().unwrap_or_default();
        let mut out = html! { (first) }.into_string();
        for (place, piece) in pieces.enumerate() {
            if let Some(value) = values.get(place) {
                out.push_str(&value.0);
            }
            out.push_str(&html! { (piece) }.into_string());
        }
        PreEscaped(out)
    }

    /// A number with its digits in groups: `12,345`, in Spanish `12 345` from five digits on (Ortografía de la lengua
    /// española, 2010, chapter VIII, 2.1.2), with a space that does not break.
    pub(crate) fn number(self, number: u64) -> String {
        match self {
            Language::English => pollwatch_brief::grouped(number),
            Language::Spanish if number < 10_000 => number.to_string(),
            Language::Spanish => pollwatch_brief::grouped(number).replace(',', "\u{a0}"),
        }
    }

    /// A share in percent, one decimal.
    pub(crate) fn percent(self, share: f64) -> String {
        let text = format!("{:.1}", share * 100.0);
        match self {
            Language::English => format!("{text} %"),
            Language::Spanish => format!("{} %", text.replace('.', ",")),
        }
    }

    /// `a, b and c`.
    pub(crate) fn list(self, items: &[String]) -> String {
        let and = match (self, items.last()) {
            (Language::English, _) => "and",
            // "y" becomes "e" before the same sound.
            (Language::Spanish, Some(last)) if starts_with_i(last) => "e",
            (Language::Spanish, _) => "y",
        };
        match items {
            [] => String::new(),
            [one] => one.clone(),
            [head @ .., last] => format!("{} {and} {last}", head.join(", ")),
        }
    }
}

fn starts_with_i(word: &str) -> bool {
    let lower = word.to_lowercase();
    lower.starts_with('i') || (lower.starts_with("hi") && !lower.starts_with("hie"))
}

fn fill(template: &str, values: &[&str]) -> String {
    let mut pieces = template.split("{}");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for (place, piece) in pieces.enumerate() {
        out.push_str(values.get(place).copied().unwrap_or_default());
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_gaps_and_forms() {
        for (name, text) in EVERY_TEXT {
            let shape = |text: &str| -> Vec<usize> {
                text.split('|').map(|form| form.matches("{}").count()).collect()
            };
            assert_eq!(shape(text.en), shape(text.es), "{name}");
            assert!(!text.en.trim().is_empty() && !text.es.trim().is_empty(), "{name}");
            assert!(
                !text.en.contains('—') && !text.es.contains('—'),
                "{name}: no dashes for commas"
            );
        }
    }

    #[test]
    fn what_is_the_same_in_both_languages_is_meant_to_be() {
        let same: Vec<&str> = EVERY_TEXT
            .iter()
            .filter(|(_, text)| text.en == text.es)
            .map(|(name, _)| *name)
            .collect();
        insta::assert_snapshot!(same.join("\n"));
    }

    #[test]
    fn the_browser_is_asked_for_its_language() {
        let of = Language::accepted;
        assert_eq!(of("es-MX,es;q=0.9,en;q=0.8"), Language::Spanish);
        assert_eq!(of("en-US,en;q=0.5"), Language::English);
        assert_eq!(of("fr,es;q=0.3,en;q=0.2"), Language::Spanish);
        assert_eq!(of("*"), Language::English);
        assert_eq!(of(";;;,q=,,es;q=x"), Language::Spanish);
    }

    #[test]
    fn numbers_and_lists_are_written_as_the_language_writes_them() {
        assert_eq!(Language::Spanish.number(1_234), "1234");
        assert_eq!(Language::Spanish.number(1_234_567), "1\u{a0}234\u{a0}567");
        assert_eq!(
            Language::Spanish.list(&["correo".into(), "intrusión".into()]),
            "correo e intrusión"
        );
        assert_eq!(
            Language::English.list(&["a".into(), "b".into(), "c".into()]),
            "a, b and c"
        );
        assert_eq!(
            Language::English.count(
                1,
                Text {
                    en: "{} try|{} tries",
                    es: ""
                },
                &[]
            ),
            "1 try"
        );
    }
}
