//! Why a name does or does not alarm, in words that a sceptic can check.

use std::fmt::Write as _;

use pollwatch_model::{
    Draft, Indicator, Observed, Polarity, Probability, Reason, Severity, Span, Stage, Tlp,
};
use pollwatch_names::NameError;
use serde_json::{Map, json};

use crate::detect::rest::{FoundWord, cut};
use crate::features::{CARDS, Edit, FEATURES, Form};
use crate::matcher::{Candidate, technique};
use crate::units::{Origin, Quiet};
use crate::{Hit, Matcher, Outcome, Scratch};

/// What was found out about one name: every candidate considered, with the points it got.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The name, in lower case and A-labels.
    pub name: String,
    /// The registrable domain, or the user's label under a private suffix.
    pub registrable: Option<String>,
    /// The outcome in one sentence.
    pub verdict: String,
    /// The severity, when it is kept at all.
    pub severity: Option<Severity>,
    /// Every candidate, highest score first.
    pub candidates: Vec<ExplainedCandidate>,
    /// From this score on a name is watched, alarms, and is of the top tier.
    pub thresholds: [f32; 3],
}

/// One candidate, explained.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainedCandidate {
    /// The protected name.
    pub imitates: String,
    /// The target's name for people.
    pub target: String,
    /// The technique.
    pub technique: &'static str,
    /// The letters in the name, and what they stand for.
    pub spans: Vec<Span>,
    /// Points by feature and level, those that are not zero, the strongest first.
    pub points: Vec<(&'static str, &'static str, f32)>,
    /// The sum, with the bias.
    pub score: f32,
    /// Two lines: the name, and beneath its letters those of the protected unit.
    pub aligned: String,
}

impl Matcher {
    /// Tells why a name does or does not alarm, with every candidate considered.
    ///
    /// Errors: [`NameError`] for what is not a host name.
    pub fn explain(&self, raw: &str) -> Result<Explanation, NameError> {
        let mut scratch = Scratch::thorough();
        let outcome = self.look(raw, &mut scratch)?;
        let target_name = |target: u32| &self.targets()[target as usize].name;
        let (verdict, severity) = match &outcome {
            Outcome::Quiet(Quiet::Owned(target)) => (
                format!(
                    "never alarms: it belongs to {} by the register",
                    target_name(*target)
                ),
                None,
            ),
            Outcome::Quiet(Quiet::AllowedFor(target)) => (
                format!(
                    "never alarms: it is on the allow list of {}",
                    target_name(*target)
                ),
                None,
            ),
            Outcome::Quiet(Quiet::Allowed) => (
                "never alarms: it is on the register's allow list".to_owned(),
                None,
            ),
            Outcome::Government => (
                "never alarms: it stands under a suffix that a government keeps for itself".to_owned(),
                None,
            ),
            Outcome::Suffix => ("never alarms: it is a public suffix itself".to_owned(), None),
            Outcome::Nothing if scratch.candidates.is_empty() => (
                "does not alarm: nothing protected is found in it".to_owned(),
                None,
            ),
            Outcome::Nothing => (
                "does not alarm: what is found scores too little to be kept".to_owned(),
                None,
            ),
            Outcome::Hit(hit) => (
                match hit.severity {
                    Severity::Low => format!("is watched only: score {:.2}", hit.score),
                    Severity::Medium => format!("alarms: score {:.2}", hit.score),
                    _ => format!("alarms in the top tier: score {:.2}", hit.score),
                },
                Some(hit.severity),
            ),
        };
        let mut candidates: Vec<ExplainedCandidate> = scratch
            .candidates
            .iter()
            .map(|candidate| self.explained(candidate, &scratch))
            .collect();
        candidates.sort_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then_with(|| a.imitates.cmp(&b.imitates))
        });
        let weights = self.weights();
        Ok(Explanation {
            name: scratch.name().ascii().to_owned(),
            registrable: scratch.name().registrable().map(str::to_owned),
            verdict,
            severity,
            candidates,
            thresholds: [weights.low, weights.medium, weights.high],
        })
    }

    fn explained(&self, candidate: &Candidate, scratch: &Scratch) -> ExplainedCandidate {
        let unit = self.unit(candidate.unit);
        let protected = self.protected(self.protected_meant(unit, scratch.name().ascii()));
        let mut points: Vec<(&'static str, &'static str, f32)> = (0..FEATURES)
            .map(|feature| {
                let level = candidate.levels[feature] as usize;
                (
                    CARDS[feature].name,
                    CARDS[feature].levels.get(level).copied().unwrap_or("-"),
                    self.weights().points[feature][level],
                )
            })
            .filter(|(_, _, points)| points.abs() >= 0.005)
            .collect();
        points.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()).then(a.0.cmp(b.0)));
        ExplainedCandidate {
            imitates: protected.domain.clone(),
            target: self.targets()[protected.target as usize].name.clone(),
            technique: technique(candidate.form, candidate.edit, unit.origin),
            spans: self.spans(candidate, scratch),
            points,
            score: candidate.score,
            aligned: self.aligned(candidate, scratch),
        }
    }

    /// The letters of the unit and the words beside it, in bytes of the name's A-label form.
    fn spans(&self, candidate: &Candidate, scratch: &Scratch) -> Vec<Span> {
        let unit = self.unit(candidate.unit);
        let name = scratch.name().ascii();
        if candidate.edit == Edit::Idn || scratch.name().has_a_label() {
            // Letters of an A-label answer to no letters one by one: the whole name is the span.
            return vec![Span {
                start: 0,
                end: name.len() as u32,
                text: name.to_owned(),
                of: unit.text.to_string(),
            }];
        }
        let piece = |start: usize, end: usize, of: String| Span {
            start: start as u32,
            end: end as u32,
            text: name[start..end].to_owned(),
            of,
        };
        let mut spans = vec![piece(
            candidate.start as usize,
            candidate.end as usize,
            unit.text.to_string(),
        )];
        let mut words: Vec<FoundWord> = Vec::new();
        let end_of_labels = scratch.name().suffix_start().saturating_sub(1);
        let from = if candidate.form.is_sub() {
            0
        } else {
            scratch.name().user_start()
        };
        let text = name.as_bytes();
        cut(
            &text[from..(candidate.start as usize).max(from)],
            from,
            &mut words,
        );
        cut(
            &text[(candidate.end as usize).min(end_of_labels)..end_of_labels],
            candidate.end as usize,
            &mut words,
        );
        spans.extend(words.iter().filter_map(|word| {
            let class = word.class?;
            Some(piece(word.start, word.end, class.title().to_owned()))
        }));
        spans
    }

    /// Two lines for a fixed-width face: the name, and beneath its letters those that they imitate.
    fn aligned(&self, candidate: &Candidate, scratch: &Scratch) -> String {
        let unit = self.unit(candidate.unit);
        if scratch.name().has_a_label() {
            return format!("{}\n{}", scratch.name().unicode(), unit.text);
        }
        let name = scratch.name().ascii();
        let (start, end) = (candidate.start as usize, candidate.end as usize);
        let (mut above, mut beneath) = (name[..start].to_owned(), " ".repeat(start));
        for (seen, meant) in align(&name.as_bytes()[start..end], unit.text.as_bytes()) {
            above.push(seen);
            beneath.push(meant);
        }
        above.push_str(&name[end..]);
        format!("{above}\n{}", beneath.trim_end())
    }

    /// The draft of a finding: what a clerk reads about a hit. The scratch must still hold the name that was judged.
    pub fn draft(&self, hit: &Hit, scratch: &Scratch, observed: Observed) -> Draft {
        let candidate = &scratch.candidates[hit.candidate];
        let unit = self.unit(candidate.unit);
        let protected = self.protected(hit.imitates);
        let target = self.targets()[hit.target as usize].clone();
        let name = scratch.name().ascii();
        let registrable = scratch.name().registrable().unwrap_or(name).to_owned();
        let spans = self.spans(candidate, scratch);
        let (imitated, rest_spans) = spans.split_at(1);
        let points = |features: &[usize]| -> f64 {
            let sum: f32 = features
                .iter()
                .map(|feature| self.weights().points[*feature][candidate.levels[*feature] as usize])
                .sum();
            (f64::from(sum) * 100.0).round() / 100.0
        };
        let mut reasons = vec![Reason {
            code: hit.technique.to_owned(),
            text: self.sentence(candidate, &imitated[0].text, &protected.domain),
            weight: points(&[0, 1, 2, 15, 17, 19, 21, 23, 26, 29, 30]),
            spans: imitated.to_vec(),
        }];
        reasons.push(Reason {
            code: "how-distinct".to_owned(),
            text: match unit
                .run_level
                .max(if unit.text.len() <= 4 { unit.token_level } else { 0 })
            {
                0..=5 => format!("\"{}\" hardly ever occurs in ordinary names", unit.text),
                6..=11 => format!("\"{}\" occurs in some ordinary names", unit.text),
                _ => format!(
                    "\"{}\" is common in ordinary names, which counts against",
                    unit.text
                ),
            },
            weight: points(&[3, 4, 5, 6, 7, 14, 20]),
            spans: Vec::new(),
        });
        if !rest_spans.is_empty() {
            let words: Vec<String> = rest_spans
                .iter()
                .map(|span| format!("\"{}\"", span.text))
                .collect();
            reasons.push(Reason {
                code: "words-beside".to_owned(),
                text: format!(
                    "beside it stand words that such names often carry: {}",
                    words.join(", ")
                ),
                weight: points(&[8, 9, 10, 11, 18, 22, 25, 27, 31, 32, 33, 34, 35, 36]),
                spans: rest_spans.to_vec(),
            });
        } else if candidate.rest.unknown_letters > 0 {
            reasons.push(Reason {
                code: "letters-beside".to_owned(),
                text: "beside it stand letters that are no known word".to_owned(),
                weight: points(&[8, 9, 10, 11, 18, 22, 25, 27, 31, 32, 33, 34, 35, 36]),
                spans: Vec::new(),
            });
        }
        reasons.push(Reason {
            code: "suffix".to_owned(),
            text: format!(
                "it ends in .{}, and the protected name in .{}",
                scratch.name().suffix(),
                protected.suffix
            ),
            weight: points(&[12, 13, 24, 28]),
            spans: Vec::new(),
        });
        if candidate.levels[16] > 0 {
            reasons.push(Reason {
                code: "second-protected-name".to_owned(),
                text: "a second protected name stands in it too".to_owned(),
                weight: points(&[16]),
                spans: Vec::new(),
            });
        }
        reasons.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let mut details = Map::new();
        details.insert("name".into(), json!(name));
        details.insert("registrable".into(), json!(registrable));
        details.insert("imitates".into(), json!(protected.domain));
        details.insert("technique".into(), json!(hit.technique));
        details.insert("edit".into(), json!(candidate.edit.word()));
        details.insert("spans".into(), json!(spans));
        details.insert("aligned".into(), json!(self.aligned(candidate, scratch)));
        details.insert(
            "score".into(),
            json!((f64::from(hit.score) * 100.0).round() / 100.0),
        );
        if scratch.name().has_a_label() {
            details.insert("unicode".into(), json!(scratch.name().unicode()));
        }
        let shown = scratch.name().unicode();
        let mut indicators = vec![Indicator {
            kind: "domain-name".to_owned(),
            value: registrable.clone(),
        }];
        if name != registrable {
            indicators.push(Indicator {
                kind: "domain-name".to_owned(),
                value: name.to_owned(),
            });
        }
        // A sign-in service's page is imitated to collect passwords by a link; of other names the string does not tell.
        let mut techniques = vec!["T1583.001"];
        if protected.kind == pollwatch_model::register::TargetKind::Login && candidate.rest.signin_words > 0 {
            techniques.push("T1566.002");
        }
        Draft {
            kind: "lookalike-domain",
            polarity: Polarity::Threat,
            stage: Some(Stage::Prepared),
            target,
            subject: registrable,
            verdict: None,
            severity: hit.severity,
            confidence: Probability::rounded(hit.probability),
            tlp: Tlp::Amber,
            observed,
            summary: format!(
                "The name {shown} resembles {} of {}: {}.",
                protected.domain,
                self.targets()[hit.target as usize].name,
                short_way(candidate, unit.origin)
            ),
            reasons,
            alternatives: alternatives(candidate, unit.origin),
            next: "Do not open it on a work machine. Look up who registered it and when, ask the organisation it resembles \
                   whether the name is theirs, and block it in mail and web filters until that is known."
                .to_owned(),
            indicators,
            techniques,
            details,
        }
    }

    fn sentence(&self, candidate: &Candidate, seen: &str, domain: &str) -> String {
        let unit = self.unit(candidate.unit);
        let place = match candidate.form {
            Form::Whole => "is the whole registered label",
            Form::Undashed => "is the whole registered label once hyphens are moved",
            Form::Token => "stands between hyphens in the registered label",
            Form::Edge => "begins or ends a word of the registered label",
            Form::Inside => "stands inside the registered label",
            Form::SubWhole | Form::SubToken | Form::SubPart => {
                "stands in a label beneath somebody else's domain"
            }
            Form::DottedPrefix | Form::DottedHyphen => "begins the name, and somebody else's domain follows",
        };
        let mut text = match candidate.edit {
            Edit::Exact => format!("\"{seen}\" {place}"),
            Edit::Idn => format!(
                "letters that read as \"{}\" stand in the name; it {place}",
                unit.text
            ),
            edit => format!(
                "\"{seen}\" is \"{}\" but for one change ({}); it {place}",
                unit.text,
                edit.word()
            ),
        };
        let _ = match unit.origin {
            Origin::Label => write!(text, "; it is the registered label of {domain}"),
            Origin::SubLabel => write!(text, "; it is a label of {domain}"),
            Origin::Alias => write!(text, "; {domain} is known by it"),
            Origin::Initials => write!(text, "; it is the initials of the owner of {domain}"),
            Origin::Words => write!(text, "; it is the name of the owner of {domain}"),
            Origin::Dotted | Origin::Hyphened | Origin::Glued | Origin::LongName => {
                write!(text, "; it is {domain} written out")
            }
            Origin::Parts => write!(text, "; it is made of the labels of {domain}"),
        };
        text
    }
}

fn short_way(candidate: &Candidate, origin: Origin) -> &'static str {
    match (candidate.form, candidate.edit, origin) {
        (_, Edit::Idn, _) => "it uses letters of other scripts that look the same",
        (Form::DottedPrefix | Form::DottedHyphen, _, _) => {
            "it begins with the full name, but belongs to another domain"
        }
        (_, Edit::Lookalike, _) => "letters are replaced by ones that look alike",
        (_, edit, _) if edit.is_fuzzy() => "it differs by one letter",
        (Form::Whole | Form::Undashed, _, Origin::Label) => "it has the same label under another ending",
        (_, _, Origin::Hyphened | Origin::Glued | Origin::Parts | Origin::LongName) => {
            "it is built from the labels of that name"
        }
        (form, _, _) if form.is_sub() => "it carries the name in front of somebody else's domain",
        _ => "it carries the name beside other words",
    }
}

fn alternatives(candidate: &Candidate, origin: Origin) -> Vec<String> {
    let mut all =
        vec!["The organisation itself registered it and has not listed it in the register yet.".to_owned()];
    match (candidate.form, candidate.edit) {
        (Form::Whole | Form::Undashed, edit) if !edit.is_fuzzy() => {
            all.push("Another business or person of the same name owns it.".to_owned());
        }
        (_, edit) if edit.is_fuzzy() => {
            all.push("It is an ordinary word or name that happens to differ by one letter.".to_owned());
        }
        (form, _) if form.is_sub() => {
            all.push(
                "A hosting or proxy service carries the organisation's own site under its domain.".to_owned(),
            );
        }
        _ => all.push("A reseller, consultant, fan site or critic uses the name openly.".to_owned()),
    }
    if matches!(origin, Origin::Alias | Origin::Initials | Origin::Parts) {
        all.push("The short form means something else.".to_owned());
    }
    all
}

/// Letters seen beside the letters meant: `·` where a letter is missing from the name, `^` beneath one that it has too many.
fn align(seen: &[u8], meant: &[u8]) -> Vec<(char, char)> {
    let shorter = seen.len().min(meant.len());
    let prefix = (0..shorter).take_while(|i| seen[*i] == meant[*i]).count();
    let suffix = (0..shorter - prefix)
        .take_while(|i| seen[seen.len() - 1 - i] == meant[meant.len() - 1 - i])
        .count();
    let mut pairs: Vec<(char, char)> = (0..prefix)
        .map(|i| (char::from(seen[i]), char::from(meant[i])))
        .collect();
    let (middle_seen, middle_meant) = (
        &seen[prefix..seen.len() - suffix],
        &meant[prefix..meant.len() - suffix],
    );
    for i in 0..middle_seen.len().max(middle_meant.len()) {
        pairs.push((
            middle_seen.get(i).map_or('·', |b| char::from(*b)),
            middle_meant.get(i).map_or('^', |b| char::from(*b)),
        ));
    }
    pairs.extend((0..suffix).map(|i| {
        (
            char::from(seen[seen.len() - suffix + i]),
            char::from(meant[meant.len() - suffix + i]),
        )
    }));
    pairs
}

impl Explanation {
    /// The explanation as a terminal shows it.
    pub fn to_text(&self) -> String {
        let mut text = format!("{} {}\n", self.name, self.verdict);
        if let Some(registrable) = &self.registrable {
            let _ = writeln!(text, "registrable domain: {registrable}");
        }
        let [low, medium, high] = self.thresholds;
        let _ = writeln!(
            text,
            "watched from {low:.2}, alarm from {medium:.2}, top tier from {high:.2}"
        );
        for candidate in &self.candidates {
            let _ = writeln!(
                text,
                "\n{:>6.2}  {} ({}), {}",
                candidate.score, candidate.imitates, candidate.target, candidate.technique
            );
            for line in candidate.aligned.lines() {
                let _ = writeln!(text, "        {line}");
            }
            for (feature, level, points) in &candidate.points {
                let _ = writeln!(text, "        {points:>+6.2}  {feature}: {level}");
            }
        }
        text
    }
}
