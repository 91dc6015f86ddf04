//! The count in one sentence.

use super::Level;
use super::basis::Scale;
use super::count::{ByConfidence, FieldTally, Place, WANTED_PERMILLE};

/// Thousandths as people read them: `57.1 %`, `100 %`.
pub fn percent(permille: u32) -> String {
    match (permille / 10, permille % 10) {
        (whole, 0) => format!("{whole} %"),
        (whole, tenth) => format!("{whole}.{tenth} %"),
    }
}

impl ByConfidence {
    /// Such as `14 (high 11, medium 3)`; a zero is left out, and a lone zero is `0`.
    pub fn in_words(&self) -> String {
        let parts: Vec<String> = [("high", self.high), ("medium", self.medium), ("low", self.low)]
            .into_iter()
            .filter(|(_, number)| *number > 0)
            .map(|(word, number)| format!("{word} {number}"))
            .collect();
        if parts.is_empty() {
            return self.total.to_string();
        }
        format!("{} ({})", self.total, parts.join(", "))
    }
}

impl FieldTally {
    /// The word for a level on this field's scale.
    pub fn word(&self, level: Level) -> &'static str {
        match self.field.scale {
            Scale::Verdicts => level.word(),
            Scale::Stages => level.stage().word(),
        }
    }

    /// The count in one sentence, such as `scanned or worse: 14 (high 11, medium 3); contact only: 6; no sign: 25, of which 9
    /// have logs for under 80 % of the window; no data: 5`.
    ///
    /// It never says that nothing happened.
    pub fn sentence(&self) -> String {
        let mut parts = Vec::new();
        match self.field.scale {
            Scale::Verdicts => {
                parts.push(format!(
                    "scanned or worse: {}",
                    self.from(Level::Scanned).in_words()
                ));
                parts.push(format!("contact only: {}", self.at(Level::Contact).in_words()));
                self.some(&mut parts, Level::Prepared, "prepared only");
            }
            Scale::Stages => {
                let mut stages: Vec<Level> = Level::ALL.to_vec();
                stages.retain(|level| *level > Level::Unknown && *level != Level::Exfiltrated);
                for level in stages.into_iter().rev() {
                    self.some(&mut parts, level, level.stage().word());
                }
            }
        }
        self.some(&mut parts, Level::Unknown, "how far is unknown");
        parts.push(self.no_sign());
        let withheld = self.standing(Place::Withheld).count();
        if withheld > 0 {
            parts.push(format!("findings withheld by their office: {withheld}"));
        }
        parts.push(format!("no data: {}", self.standing(Place::NoData).count()));
        let authorised = self.rows.iter().filter(|row| !row.authorised.is_empty()).count();
        if authorised > 0 {
            parts.push(format!("authorised tests, not counted: {authorised}"));
        }
        parts.join("; ")
    }

    fn some(&self, parts: &mut Vec<String>, level: Level, words: &str) {
        let mut at = self.at(level);
        if level == Level::Breached && self.field.scale == Scale::Stages {
            let more = self.at(Level::Exfiltrated);
            at.total += more.total;
            at.high += more.high;
            at.medium += more.medium;
            at.low += more.low;
        }
        if at.total > 0 {
            parts.push(format!("{words}: {}", at.in_words()));
        }
    }

    fn no_sign(&self) -> String {
        let all = self.standing(Place::NoSign).count();
        let thin = self.standing(Place::NoSign).filter(|row| row.is_thin()).count();
        let untold = self
            .standing(Place::NoSign)
            .filter(|row| self.has_window && row.covered.permille.is_none())
            .count();
        let what = match self.field.scale {
            Scale::Verdicts => "have logs",
            Scale::Stages => "were looked at",
        };
        let mut notes = Vec::new();
        if thin > 0 {
            let verb = if thin == 1 {
                what.replace("have", "has").replace("were", "was")
            } else {
                what.to_owned()
            };
            notes.push(format!(
                "{thin} {verb} for under {} of the window",
                percent(WANTED_PERMILLE)
            ));
        }
        if untold > 0 {
            let have = if untold == 1 { "has" } else { "have" };
            notes.push(format!("{untold} {have} sources that tell no time"));
        }
        match notes.len() {
            0 => format!("no sign: {all}"),
            _ => format!("no sign: {all}, of which {}", notes.join(" and ")),
        }
    }
}
