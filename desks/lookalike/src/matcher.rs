//! The matcher: compiled once from a register, it judges names one by one.

use std::collections::BTreeMap;

use daachorse::DoubleArrayAhoCorasick;
use pollwatch_model::register::TargetKind;
use pollwatch_model::{Problem, Register, Severity, TargetRef};
use pollwatch_names::{NameError, ParsedName, SuffixClass, fold_byte, fold_pairs, unicode_skeleton};
use rustc_hash::FxHashMap;

use crate::detect::edit::{common_misspellings, single_edit};
use crate::detect::neighbourhood::Neighbourhood;
use crate::detect::rest::{FoundWord, cut};
use crate::features::{Edit, FEATURES, Facts, Form, Levels, Rest};
use crate::score::Weights;
use crate::units::{Aliases, Origin, Protected, Quiet, Unit, compile};
use crate::words::Background;

/// Candidates that are weighed for one name; a name with more is judged by the first.
const MAX_CANDIDATES: usize = 32;

/// Shortest run of letters that is compared with one edit.
const MIN_EDITED_BYTES: usize = 5;

/// Shortest label of an office that is compared with one edit: short ones differ by a letter from each other.
const MIN_EDITED_CIVIC_BYTES: usize = 8;

/// Shortest unit whose halves are looked for inside longer runs of letters.
const MIN_HALVED_BYTES: usize = 8;

/// What a pattern of the automaton says.
#[derive(Debug, Clone, Copy)]
enum What {
    /// The unit's letters.
    Unit,
    /// A common misspelling of it.
    Misspelling(Edit),
    /// Its first half; the second follows within one edit.
    FirstHalf,
    /// Its second half; the first goes before within one edit.
    SecondHalf,
    /// The unit's first label; this many bytes more of it must follow. The full names of a register share their labels with
    /// other patterns: told so, the automaton is a third of the size.
    Begins(u16),
}

#[derive(Debug, Clone, Copy)]
struct Pattern {
    unit: u32,
    what: What,
}

/// Names that imitate the names of a register.
pub struct Matcher {
    targets: Vec<TargetRef>,
    protected: Vec<Protected>,
    units: Vec<Unit>,
    quiet: FxHashMap<Box<str>, Quiet>,
    automaton: Option<DoubleArrayAhoCorasick<u32>>,
    groups: Vec<(u32, u32)>,
    patterns: Vec<Pattern>,
    short_tokens: FxHashMap<[u8; 3], Vec<u32>>,
    near: Neighbourhood,
    weights: Weights,
    rest_bounds: [f32; 2],
}

/// Memory that is reused from name to name.
#[derive(Default)]
pub struct Scratch {
    name: ParsedName,
    text: Vec<u8>,
    folded: Vec<u8>,
    pairs: Vec<u8>,
    pairs_at: Vec<u16>,
    undashed: Vec<u8>,
    undashed_folded: Vec<u8>,
    pub(crate) candidates: Vec<Candidate>,
    words: Vec<FoundWord>,
    is_idn: bool,
    user_start: usize,
    suffix_start: usize,
    /// Whether candidates that cannot reach the lowest threshold are weighed to the end too.
    pub(crate) is_thorough: bool,
}

/// One unit found in a name.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    /// The unit.
    pub(crate) unit: u32,
    /// Where it stands in the name.
    pub(crate) start: u16,
    /// One past its end.
    pub(crate) end: u16,
    pub(crate) form: Form,
    pub(crate) edit: Edit,
    /// Position of the edit in the unit.
    pub(crate) edit_at: u16,
    pub(crate) rest: Rest,
    /// The levels that were scored.
    pub(crate) levels: Levels,
    /// Their points.
    pub(crate) score: f32,
}

/// A name that may imitate a protected one.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Points of the table of weights.
    pub score: f32,
    /// The calibrated probability.
    pub probability: f64,
    /// Low: watch only; medium: an alarm; high: the top tier.
    pub severity: Severity,
    /// The technique's name on the wire.
    pub technique: &'static str,
    /// Whom it imitates, as an index into the register's targets.
    pub target: u32,
    /// The protected name it imitates.
    pub imitates: u32,
    /// The best candidate, as an index into those that the scratch holds.
    pub candidate: usize,
}

/// What was found out about a name.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Nothing protected is found in it, or too little to keep.
    Nothing,
    /// Its owner is known, or it is on an allow list.
    Quiet(Quiet),
    /// It stands under a government's own suffix.
    Government,
    /// It is a public suffix itself.
    Suffix,
    /// It scores `low` or more.
    Hit(Hit),
}

impl Matcher {
    /// Compiles a register, with the built-in aliases and weights.
    pub fn compile(register: &Register) -> (Matcher, Vec<Problem>) {
        Self::compile_with(register, Aliases::All, Weights::built_in().clone())
    }

    /// Compiles a register with other aliases or weights: for measuring and fitting.
    pub fn compile_with(register: &Register, aliases: Aliases, weights: Weights) -> (Matcher, Vec<Problem>) {
        let compiled = compile(register, aliases);
        let mut by_text: BTreeMap<Vec<u8>, Vec<Pattern>> = BTreeMap::new();
        let mut short_tokens: FxHashMap<[u8; 3], Vec<u32>> = FxHashMap::default();
        // Of each full name the length of its first label, where the letters begin with it.
        let first_labels: FxHashMap<u32, usize> = compiled
            .units
            .iter()
            .enumerate()
            .filter(|(_, unit)| unit.origin.is_full())
            .filter_map(|(index, unit)| {
                let domain = &compiled.protected[unit.protected[0] as usize].domain;
                let label = domain.split('.').next()?;
                unit.text
                    .starts_with(label)
                    .then_some((index as u32, label.len()))
            })
            .collect();
        for (index, unit) in compiled.units.iter().enumerate() {
            let index = index as u32;
            let length = unit.folded.len();
            let is_login = unit
                .protected
                .iter()
                .any(|p| compiled.protected[*p as usize].kind == TargetKind::Login);
            if length <= 3 && !(unit.origin == Origin::Alias || (length == 3 && is_login)) {
                short_tokens
                    .entry(short_key(&unit.folded))
                    .or_default()
                    .push(index);
                continue;
            }
            let mut add = |text: Vec<u8>, what: What| {
                by_text
                    .entry(text)
                    .or_default()
                    .push(Pattern { unit: index, what });
            };
            let first_label = unit
                .origin
                .is_full()
                .then(|| first_labels.get(&index).copied())
                .flatten()
                .filter(|length| *length >= 4 && *length < length_of(unit));
            if let Some(first) = first_label {
                add(
                    unit.folded[..first].to_vec(),
                    What::Begins((length - first) as u16),
                );
                continue;
            }
            add(unit.folded.to_vec(), What::Unit);
            let is_edited_inside = !unit.is_civic && unit.origin == Origin::Label;
            if is_edited_inside && (6..=12).contains(&length) {
                for (text, edit) in common_misspellings(&unit.folded) {
                    add(text, What::Misspelling(edit));
                }
            }
            if is_edited_inside && length >= MIN_HALVED_BYTES {
                let (first, second) = unit.folded.split_at(length / 2);
                add(first.to_vec(), What::FirstHalf);
                add(second.to_vec(), What::SecondHalf);
            }
        }
        let mut patterns = Vec::new();
        let mut groups = Vec::new();
        for group in by_text.values() {
            groups.push((patterns.len() as u32, group.len() as u32));
            patterns.extend_from_slice(group);
        }
        let automaton = DoubleArrayAhoCorasick::with_values(
            by_text
                .keys()
                .enumerate()
                .map(|(value, text)| (text.as_slice(), value as u32)),
        )
        .ok();
        let near = Neighbourhood::of(compiled.units.iter().enumerate().filter_map(|(index, unit)| {
            let is_compared = matches!(unit.origin, Origin::Label | Origin::Words)
                && unit.folded.len() >= least_edited_bytes(unit);
            is_compared.then_some((index as u32, &unit.folded[..]))
        }));
        let matcher = Matcher {
            targets: register
                .targets
                .iter()
                .map(|target| TargetRef {
                    id: target.id.clone(),
                    name: target.name.clone(),
                })
                .collect(),
            protected: compiled.protected,
            units: compiled.units,
            quiet: compiled.quiet,
            automaton,
            groups,
            patterns,
            short_tokens,
            near,
            rest_bounds: [weights.rest_bound(false), weights.rest_bound(true)],
            weights,
        };
        (matcher, compiled.problems)
    }

    /// Judges one name as a feed writes it.
    ///
    /// Errors: [`NameError`] for what is not a host name.
    pub fn judge(&self, raw: &str, scratch: &mut Scratch) -> Result<Option<Hit>, NameError> {
        Ok(match self.look(raw, scratch)? {
            Outcome::Hit(hit) => Some(hit),
            _ => None,
        })
    }

    /// Judges one name and tells of each outcome. The candidates weighed stay in the scratch.
    ///
    /// Errors: as [`Matcher::judge`].
    pub fn look(&self, raw: &str, scratch: &mut Scratch) -> Result<Outcome, NameError> {
        scratch.candidates.clear();
        scratch.name.read(raw)?;
        if scratch.name.suffix_start() == 0 {
            return Ok(Outcome::Suffix);
        }
        if let Some(quiet) = self.quiet_reason(&scratch.name) {
            return Ok(Outcome::Quiet(quiet));
        }
        let class = scratch.name.suffix_class();
        if class == SuffixClass::Government {
            return Ok(Outcome::Government);
        }
        scratch.prepare();
        self.find(scratch);
        if scratch.candidates.is_empty() {
            return Ok(Outcome::Nothing);
        }
        self.weigh(scratch, class);
        Ok(self.choose(scratch).map_or(Outcome::Nothing, Outcome::Hit))
    }

    fn quiet_reason(&self, name: &ParsedName) -> Option<Quiet> {
        let ascii = name.ascii();
        // The name and everything that it stands beneath, companies' suffixes and their parents included, but for the
        // last label: nobody's register holds a top-level domain.
        let mut start = 0;
        while let Some(dot) = memchr::memchr(b'.', &ascii.as_bytes()[start..]) {
            if let Some(quiet) = self.quiet.get(&ascii[start..]) {
                return Some(*quiet);
            }
            start += dot + 1;
        }
        None
    }

    fn find(&self, scratch: &mut Scratch) {
        if let Some(automaton) = &self.automaton {
            for found in
                automaton.find_overlapping_iter(&scratch.folded[..scratch.suffix_start.saturating_sub(1)])
            {
                let (first, count) = self.groups[found.value() as usize];
                for pattern in &self.patterns[first as usize..(first + count) as usize] {
                    let (start, end) = (found.start(), found.end());
                    self.consider_pattern(
                        *pattern,
                        start,
                        end,
                        Span::Plain,
                        &mut scratch.candidates,
                        &scratch.text,
                        &scratch.folded,
                        scratch.user_start,
                        scratch.suffix_start,
                        scratch.is_idn,
                    );
                }
                if scratch.candidates.len() >= MAX_CANDIDATES {
                    return;
                }
            }
            // Second pass over the registrable label with rn read as m, vv as w.
            let label = &scratch.folded[scratch.user_start..scratch.suffix_start - 1];
            let has_pair = label
                .windows(2)
                .any(|two| matches!(two, b"rn" | b"vv" | b"cl" | b"nn"));
            if has_pair && fold_pairs(label, &mut scratch.pairs, &mut scratch.pairs_at) {
                for found in automaton.find_overlapping_iter(&scratch.pairs) {
                    let start = scratch.user_start + scratch.pairs_at[found.start()] as usize;
                    let end = scratch
                        .pairs_at
                        .get(found.end())
                        .map_or(scratch.suffix_start - 1, |at| scratch.user_start + *at as usize);
                    // Only what the pairs changed is new.
                    if end - start == found.end() - found.start() {
                        continue;
                    }
                    let (first, count) = self.groups[found.value() as usize];
                    for pattern in &self.patterns[first as usize..(first + count) as usize] {
                        if matches!(pattern.what, What::Unit)
                            && self.units[pattern.unit as usize].folded.len() >= 5
                        {
                            self.consider_pattern(
                                *pattern,
                                start,
                                end,
                                Span::Pairs,
                                &mut scratch.candidates,
                                &scratch.text,
                                &scratch.folded,
                                scratch.user_start,
                                scratch.suffix_start,
                                scratch.is_idn,
                            );
                        }
                    }
                    if scratch.candidates.len() >= MAX_CANDIDATES {
                        return;
                    }
                }
            }
        }
        self.find_by_token(scratch);
    }

    /// Turns a pattern found in the text into a candidate, where its place allows it.
    #[allow(clippy::too_many_arguments)]
    #[inline]
    fn consider_pattern(
        &self,
        pattern: Pattern,
        mut start: usize,
        mut end: usize,
        span: Span,
        candidates: &mut Vec<Candidate>,
        text: &[u8],
        folded: &[u8],
        user_start: usize,
        suffix_start: usize,
        is_idn: bool,
    ) {
        let unit = &self.units[pattern.unit as usize];
        let label_end = suffix_start - 1;
        let mut edit_at = 0;
        if let What::Begins(more) = pattern.what {
            let full_end = end + more as usize;
            if full_end > label_end || folded[end..full_end] != unit.folded[end - start..] {
                return;
            }
            end = full_end;
        }
        let mut edit = match pattern.what {
            What::Unit if span == Span::Pairs => Edit::Lookalike,
            What::Unit | What::Begins(_) if text[start..end] == *unit.text.as_bytes() => Edit::Exact,
            What::Unit | What::Begins(_) => Edit::Lookalike,
            What::Misspelling(edit) => {
                if let Some((_, at)) = single_edit(&text[start..end], unit.text.as_bytes()) {
                    edit_at = at;
                }
                edit
            }
            What::FirstHalf | What::SecondHalf => {
                let is_first = matches!(pattern.what, What::FirstHalf);
                let Some((new_start, new_end)) = widen(folded, start, end, &unit.folded, is_first, label_end)
                else {
                    return;
                };
                (start, end) = (new_start, new_end);
                let Some((edit, at)) = single_edit(&text[start..end], unit.text.as_bytes()) else {
                    return;
                };
                if !edit.is_fuzzy() {
                    return;
                }
                edit_at = at;
                edit
            }
        };
        if is_idn && !edit.is_fuzzy() {
            edit = Edit::Idn;
        }
        // A short form glued to a word begins it, or follows digits: blogdrive is blog and drive, not gdrive.
        let is_alias = unit.origin == Origin::Alias;
        let is_start = start == 0
            || matches!(text[start - 1], b'.' | b'-' | b'_')
            || (is_alias && text[start - 1].is_ascii_digit());
        if is_alias && !is_start && length_of(unit) < 10 {
            return;
        }
        if unit.origin == Origin::Initials && edit != Edit::Exact {
            return;
        }
        let is_end = end == label_end || matches!(text[end], b'.' | b'-' | b'_');
        let is_label_start = start == 0 || text[start - 1] == b'.';
        let is_label_end = end == label_end || text[end] == b'.';
        let length = unit.folded.len();
        let form = if unit.origin == Origin::Dotted {
            if !is_start || end >= label_end || edit == Edit::Idn {
                return;
            }
            match text[end] {
                // The name that follows must be somebody else's registrable domain.
                b'.' if end < user_start => Form::DottedPrefix,
                b'-' => Form::DottedHyphen,
                _ => return,
            }
        } else {
            let is_sub = end < user_start;
            match (is_start, is_end) {
                (true, true) if is_label_start && is_label_end => {
                    if is_sub {
                        Form::SubWhole
                    } else {
                        Form::Whole
                    }
                }
                (true, true) => {
                    if is_sub {
                        Form::SubToken
                    } else {
                        Form::Token
                    }
                }
                (true, false) | (false, true) => {
                    let least = match unit.origin {
                        Origin::Hyphened | Origin::Parts | Origin::Glued | Origin::LongName => 8,
                        _ if unit.has_hyphen => return,
                        Origin::SubLabel => 7,
                        Origin::Initials => 6,
                        _ if unit.is_civic => 6,
                        Origin::Alias => 2,
                        _ => 3,
                    };
                    if length < least {
                        return;
                    }
                    if is_sub { Form::SubPart } else { Form::Edge }
                }
                (false, false) if unit.has_hyphen && unit.origin != Origin::LongName => return,
                (false, false) => {
                    let least = match unit.origin {
                        Origin::Alias => 7,
                        Origin::Label | Origin::Words if !unit.is_civic => 5,
                        Origin::SubLabel | Origin::Initials => 64,
                        _ => 8,
                    };
                    if length < least {
                        return;
                    }
                    if is_sub { Form::SubPart } else { Form::Inside }
                }
            }
        };
        // A word in which the unit's digit stands as a letter is the ordinary word: author is not auth0.
        if edit == Edit::Lookalike
            && unit.has_digit
            && matches!(form, Form::Edge | Form::Inside | Form::SubPart)
        {
            return;
        }
        // A two- or three-letter word that only looks alike is no evidence.
        if edit == Edit::Lookalike && length <= 3 {
            return;
        }
        // In four letters a 3 or a 5 is as likely a number as a letter.
        if edit == Edit::Lookalike && length == 4 && text[start..end].iter().any(|b| matches!(b, b'3' | b'5'))
        {
            return;
        }
        push(
            candidates,
            Candidate::new(pattern.unit, start, end, form, edit, edit_at),
        );
    }

    /// Looks at whole labels and at what stands between hyphens: short units, and units within one edit.
    fn find_by_token(&self, scratch: &mut Scratch) {
        let end_of_labels = scratch.suffix_start - 1;
        let mut start = 0;
        for at in 0..=end_of_labels {
            if at < end_of_labels && !matches!(scratch.text[at], b'.' | b'-' | b'_') {
                continue;
            }
            let (token_start, token_end) = (start, at);
            start = at + 1;
            let length = token_end - token_start;
            if length < 2 {
                continue;
            }
            let is_sub = token_end < scratch.user_start;
            let is_label = (token_start == 0 || scratch.text[token_start - 1] == b'.')
                && (token_end == end_of_labels || scratch.text[token_end] == b'.');
            let form = match (is_sub, is_label) {
                (true, true) => Form::SubWhole,
                (true, false) => Form::SubToken,
                (false, true) => Form::Whole,
                (false, false) => Form::Token,
            };
            if length <= 3 {
                if let Some(units) = self
                    .short_tokens
                    .get(&short_key(&scratch.folded[token_start..token_end]))
                {
                    for unit in units {
                        if scratch.text[token_start..token_end] == *self.units[*unit as usize].text.as_bytes()
                        {
                            push(
                                &mut scratch.candidates,
                                Candidate::new(*unit, token_start, token_end, form, Edit::Exact, 0),
                            );
                        }
                    }
                }
            } else if length >= MIN_EDITED_BYTES {
                self.find_near(
                    &scratch.text,
                    &scratch.folded,
                    token_start,
                    token_end,
                    form,
                    &mut scratch.candidates,
                );
            }
            if scratch.candidates.len() >= MAX_CANDIDATES {
                return;
            }
        }
        // The registrable label with its hyphens taken out, and with them.
        let (user_start, is_hyphenated) = (
            scratch.user_start,
            scratch.text[scratch.user_start..end_of_labels].contains(&b'-'),
        );
        if !is_hyphenated {
            return;
        }
        self.find_near(
            &scratch.text,
            &scratch.folded,
            user_start,
            end_of_labels,
            Form::Whole,
            &mut scratch.candidates,
        );
        scratch.undashed.clear();
        scratch.undashed.extend(
            scratch.text[user_start..end_of_labels]
                .iter()
                .filter(|b| **b != b'-'),
        );
        scratch.undashed_folded.clear();
        scratch
            .undashed_folded
            .extend(scratch.undashed.iter().map(|b| fold_byte(*b)));
        let (undashed, candidates) = (&scratch.undashed, &mut scratch.candidates);
        self.near.near(&scratch.undashed_folded, |index| {
            let unit = &self.units[index as usize];
            if let Some((edit, at)) = single_edit(undashed, unit.text.as_bytes()) {
                push(
                    candidates,
                    Candidate::new(index, user_start, end_of_labels, Form::Undashed, edit, at),
                );
            }
        });
    }

    fn find_near(
        &self,
        text: &[u8],
        folded: &[u8],
        start: usize,
        end: usize,
        form: Form,
        candidates: &mut Vec<Candidate>,
    ) {
        self.near.near(&folded[start..end], |index| {
            let unit = &self.units[index as usize];
            let Some((edit, at)) = single_edit(&text[start..end], unit.text.as_bytes()) else {
                return;
            };
            if !edit.is_fuzzy() {
                return;
            }
            if unit.is_civic && changes_a_state_code(unit.text.as_bytes(), at) {
                return;
            }
            push(candidates, Candidate::new(index, start, end, form, edit, at));
        });
    }

    fn weigh(&self, scratch: &mut Scratch, class: SuffixClass) {
        let suffix = scratch.name.suffix();
        let (is_com, is_org) = (suffix == "com", suffix == "org");
        let label_end = scratch.suffix_start - 1;
        let hyphens = scratch.text[scratch.user_start..label_end]
            .iter()
            .filter(|b| **b == b'-')
            .count();
        let background = Background::built_in();
        for index in 0..scratch.candidates.len() {
            let candidate = scratch.candidates[index];
            let unit = &self.units[candidate.unit as usize];
            let first = &self.protected[unit.protected[0] as usize];
            let (start, end) = (candidate.start as usize, candidate.end as usize);
            let seen_level = if matches!(candidate.edit, Edit::Exact | Edit::Idn) {
                0
            } else {
                let seen = &scratch.text[start..end];
                background.run_level(seen).max(background.token_level(seen))
            };
            let end_edit = match candidate.edit {
                edit if !edit.is_fuzzy() => 0,
                _ if candidate.edit_at == 0 => 2,
                _ if candidate.edit_at as usize + 1 >= unit.text.len() => 1,
                _ => 0,
            };
            let mut facts = Facts {
                form: candidate.form,
                edit: candidate.edit,
                origin: unit.origin,
                unit_letters: unit.text.len(),
                run_level: unit.run_level,
                token_level: unit.token_level,
                is_civic: unit.is_civic,
                kind: first.kind,
                rest: Rest::default(),
                suffix: class,
                is_listed: unit.class.is_some(),
                seen_level,
                place: match (
                    start == 0 || scratch.text[start - 1] == b'.',
                    end >= label_end || scratch.text[end] == b'.',
                ) {
                    (true, true) => 0,
                    (true, false) => 1,
                    (false, true) => 2,
                    (false, false) => 3,
                },
                looks_alike_by: looks_alike_by(
                    candidate.edit,
                    &scratch.text[start..end],
                    unit.text.as_bytes(),
                ),
                is_com,
                is_org,
                is_same_suffix: first.suffix == suffix,
                second_unit: 0,
                end_edit,
                hyphens,
            };
            if !scratch.is_thorough {
                let bound = self.weights.upper_bound(
                    &facts.levels(),
                    self.rest_bounds[usize::from(unit.text.len() <= 4)],
                );
                // A second unit beside it may bring more.
                if bound + self.second_unit_bound() < self.weights.low {
                    scratch.candidates[index].score = f32::MIN;
                    continue;
                }
            }
            // What else of the name is to be explained.
            let (from, to) = match candidate.form {
                Form::DottedPrefix | Form::DottedHyphen => (end, label_end),
                form if form.is_sub() => (
                    scratch.text[..start]
                        .iter()
                        .rposition(|b| *b == b'.')
                        .map_or(0, |dot| dot + 1),
                    label_end,
                ),
                _ => (scratch.user_start, label_end),
            };
            let mut second_unit = 0;
            let mut second: Option<(usize, usize)> = None;
            for other in &scratch.candidates {
                let other_unit = &self.units[other.unit as usize];
                let is_apart = other.end <= candidate.start || other.start >= candidate.end;
                let is_strong = other_unit.folded.len() >= 5
                    && other_unit.class.is_none()
                    && !other.edit.is_fuzzy()
                    && matches!(other_unit.origin, Origin::Label | Origin::Alias)
                    && !matches!(other.form, Form::Inside | Form::SubPart);
                if !is_apart || !is_strong || (other.start as usize) < from {
                    continue;
                }
                let other_first = &self.protected[other_unit.protected[0] as usize];
                let level = if other_first.owner == first.owner { 1 } else { 2 };
                if level > second_unit {
                    second_unit = level;
                    second = Some((other.start as usize, other.end as usize));
                }
            }
            scratch.words.clear();
            let mut rest = Rest::default();
            let mut cut_piece = |piece_start: usize, piece_end: usize| {
                if piece_start < piece_end {
                    rest.add(cut(
                        &scratch.text[piece_start..piece_end],
                        piece_start,
                        &mut scratch.words,
                    ));
                }
            };
            let (before, after) = ((from, start.max(from)), (end.min(to), to));
            for (piece_start, piece_end) in [before, after] {
                match second {
                    Some((s, e)) if s >= piece_start && e <= piece_end => {
                        cut_piece(piece_start, s);
                        cut_piece(e, piece_end);
                    }
                    _ => cut_piece(piece_start, piece_end),
                }
            }
            facts.rest = rest;
            facts.second_unit = second_unit;
            let levels = facts.levels();
            let scored = &mut scratch.candidates[index];
            scored.rest = rest;
            scored.levels = levels;
            scored.score = self.weights.score(&levels);
        }
    }

    fn second_unit_bound(&self) -> f32 {
        self.weights.points[16][2]
    }

    fn choose(&self, scratch: &Scratch) -> Option<Hit> {
        let (mut best, mut score) = (0, f32::MIN);
        for (index, candidate) in scratch.candidates.iter().enumerate() {
            if candidate.score > score {
                (best, score) = (index, candidate.score);
            }
        }
        if score < self.weights.low {
            return None;
        }
        // Of two units, one within the other, the longer is named: microsoftonline rather than microsoft.
        let mut named = best;
        for (index, candidate) in scratch.candidates.iter().enumerate() {
            let chosen = &scratch.candidates[named];
            let holds = candidate.start <= chosen.start
                && candidate.end >= chosen.end
                && (candidate.end - candidate.start) > (chosen.end - chosen.start);
            if holds && candidate.score >= score - LONGER_UNIT_MARGIN {
                named = index;
            }
        }
        // Of two protected names glued together, the victim is whoever is not the sign-in service.
        let kind_of = |candidate: &Candidate| {
            self.protected[self.units[candidate.unit as usize].protected[0] as usize].kind
        };
        if kind_of(&scratch.candidates[named]) == TargetKind::Login {
            let chosen = scratch.candidates[named];
            let victim = scratch.candidates.iter().enumerate().filter(|(_, other)| {
                (other.end <= chosen.start || other.start >= chosen.end)
                    && !other.edit.is_fuzzy()
                    && other.levels[16] == 2
                    && !matches!(kind_of(other), TargetKind::Login | TargetKind::Vendor)
                    && other.score >= self.weights.medium
            });
            if let Some((index, _)) = victim.max_by(|a, b| a.1.score.total_cmp(&b.1.score)) {
                named = index;
            }
        }
        let candidate = &scratch.candidates[named];
        let unit = &self.units[candidate.unit as usize];
        let imitates = self.protected_meant(unit, scratch.name.ascii());
        // A word that ordinary names are full of says nothing by itself, unless it is the name of a sign-in service, which is
        // common because it is imitated.
        let is_bare_word = unit.run_level >= COMMON_RUN_LEVEL
            && candidate.levels[16] == 0
            && matches!(unit.origin, Origin::Label | Origin::SubLabel)
            && kind_of(candidate) != TargetKind::Login;
        let severity = if is_bare_word {
            Severity::Low
        } else if score >= self.weights.high {
            Severity::High
        } else if score >= self.weights.medium {
            Severity::Medium
        } else {
            Severity::Low
        };
        Some(Hit {
            score,
            probability: self.weights.probability(score),
            severity,
            technique: technique(candidate.form, candidate.edit, unit.origin),
            target: self.protected[imitates as usize].target,
            imitates,
            candidate: named,
        })
    }

    /// Of the protected names that a unit stands for, the one whose other labels stand in the name too; else the first.
    pub(crate) fn protected_meant(&self, unit: &Unit, seen: &str) -> u32 {
        let mut meant = unit.protected[0];
        let mut most = 0;
        for index in &unit.protected {
            let protected = &self.protected[*index as usize];
            let own = protected
                .domain
                .strip_suffix(&protected.suffix)
                .unwrap_or(&protected.domain);
            let letters: usize = own
                .split('.')
                .filter(|label| label.len() >= 2 && **label != *unit.text && seen.contains(label))
                .map(str::len)
                .sum();
            if letters > most {
                (meant, most) = (*index, letters);
            }
        }
        meant
    }

    /// The register's targets, for people.
    pub fn targets(&self) -> &[TargetRef] {
        &self.targets
    }

    /// A protected name by its index.
    pub fn protected(&self, index: u32) -> &Protected {
        &self.protected[index as usize]
    }

    /// How many protected names were compiled.
    pub fn protected_count(&self) -> usize {
        self.protected.len()
    }

    /// A unit by its index.
    pub(crate) fn unit(&self, index: u32) -> &Unit {
        &self.units[index as usize]
    }

    /// The protected names that a unit stands for, by the index that [`Scratch::candidate_levels`] gives.
    pub fn unit_protected(&self, unit: u32) -> &[u32] {
        &self.units[unit as usize].protected
    }

    /// The weights in use.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// How many units were compiled, for the curious.
    pub fn unit_count(&self) -> usize {
        self.units.len()
    }
}

/// Two-letter codes of the states, the District of Columbia and the territories (USPS Publication 28, appendix B), in order.
const STATE_CODES: [&[u8; 2]; 56] = [
    b"ak", b"al", b"ar", b"as", b"az", b"ca", b"co", b"ct", b"dc", b"de", b"fl", b"ga", b"gu", b"hi", b"ia",
    b"id", b"il", b"in", b"ks", b"ky", b"la", b"ma", b"md", b"me", b"mi", b"mn", b"mo", b"mp", b"ms", b"mt",
    b"nc", b"nd", b"ne", b"nh", b"nj", b"nm", b"nv", b"ny", b"oh", b"ok", b"or", b"pa", b"pr", b"ri", b"sc",
    b"sd", b"tn", b"tx", b"ut", b"va", b"vi", b"vt", b"wa", b"wi", b"wv", b"wy",
];

/// Whether an edit at letter `at` falls into a state's code at either end of an office's label: another code there
/// is another office (claycountymn, claycountyin).
fn changes_a_state_code(label: &[u8], at: usize) -> bool {
    let is_code = |two: &[u8]| STATE_CODES.iter().any(|code| *code == two);
    let length = label.len();
    length > 4 && ((at < 2 && is_code(&label[..2])) || (at + 2 >= length && is_code(&label[length - 2..])))
}

/// From this level of [`crate::words::Background::run_level`] on, 512 ordinary labels of the background, a run is a word of the
/// language rather than anybody's name.
const COMMON_RUN_LEVEL: u8 = 18;

/// Points that a longer unit may fall behind a shorter one within it and still be the one named.
const LONGER_UNIT_MARGIN: f32 = 2.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    Plain,
    Pairs,
}

fn least_edited_bytes(unit: &Unit) -> usize {
    if unit.is_civic {
        MIN_EDITED_CIVIC_BYTES
    } else {
        MIN_EDITED_BYTES
    }
}

fn length_of(unit: &Unit) -> usize {
    unit.folded.len()
}

fn short_key(folded: &[u8]) -> [u8; 3] {
    let mut key = [0; 3];
    for (to, from) in key.iter_mut().zip(folded) {
        *to = *from;
    }
    key
}

/// The span around one half of a unit that holds the other half within one edit: the same length first, then one less, one
/// more.
fn widen(
    folded: &[u8],
    start: usize,
    end: usize,
    unit: &[u8],
    is_first: bool,
    label_end: usize,
) -> Option<(usize, usize)> {
    let half = unit.len() / 2;
    let (other, room) = if is_first {
        let stop = folded[end..label_end]
            .iter()
            .position(|b| *b == b'.')
            .map_or(label_end, |dot| end + dot);
        (&unit[half..], stop - end)
    } else {
        let begin = folded[..start]
            .iter()
            .rposition(|b| *b == b'.')
            .map_or(0, |dot| dot + 1);
        (&unit[..half], start - begin)
    };
    for length in [other.len(), other.len() - 1, other.len() + 1] {
        if length > room {
            continue;
        }
        let (from, to) = if is_first {
            (end, end + length)
        } else {
            (start - length, start)
        };
        if single_edit(&folded[from..to], other).is_some() {
            return Some(if is_first { (start, to) } else { (from, end) });
        }
    }
    None
}

fn push(candidates: &mut Vec<Candidate>, candidate: Candidate) {
    let is_known = candidates.iter().any(|known| {
        known.unit == candidate.unit
            && known.start == candidate.start
            && known.end == candidate.end
            && known.form == candidate.form
    });
    if !is_known && candidates.len() < MAX_CANDIDATES {
        candidates.push(candidate);
    }
}

impl Candidate {
    fn new(unit: u32, start: usize, end: usize, form: Form, edit: Edit, edit_at: usize) -> Self {
        Candidate {
            unit,
            start: start as u16,
            end: end as u16,
            form,
            edit,
            edit_at: edit_at as u16,
            rest: Rest::default(),
            levels: [0; FEATURES],
            score: 0.0,
        }
    }
}

impl Scratch {
    /// Memory for weighing every candidate to the end, hopeless ones too: for explaining and fitting.
    pub fn thorough() -> Self {
        Scratch {
            is_thorough: true,
            ..Scratch::default()
        }
    }

    /// The name last judged.
    pub fn name(&self) -> &ParsedName {
        &self.name
    }

    /// The candidates last weighed, as level vectors with the protected names they stand for: what the weights are fitted on.
    pub fn candidate_levels(&self) -> impl Iterator<Item = (&Levels, u32)> {
        self.candidates
            .iter()
            .map(|candidate| (&candidate.levels, candidate.unit))
    }

    fn prepare(&mut self) {
        self.text.clear();
        self.is_idn = false;
        if self.name.has_a_label() {
            let ascii = self.name.ascii();
            let (mut user_start, mut suffix_start) = (0, 0);
            let mut at = 0;
            for label in ascii.split('.') {
                if at == self.name.user_start() {
                    user_start = self.text.len();
                }
                if at == self.name.suffix_start() {
                    suffix_start = self.text.len();
                }
                at += label.len() + 1;
                let skeleton = label
                    .starts_with("xn--")
                    .then(|| unicode_skeleton(&idna_label(label)))
                    .flatten();
                match skeleton {
                    Some(skeleton) => {
                        self.is_idn = true;
                        self.text.extend_from_slice(skeleton.as_bytes());
                    }
                    None => self.text.extend_from_slice(label.as_bytes()),
                }
                self.text.push(b'.');
            }
            self.text.pop();
            (self.user_start, self.suffix_start) = (user_start, suffix_start);
        } else {
            self.text.extend_from_slice(self.name.ascii().as_bytes());
            (self.user_start, self.suffix_start) = (self.name.user_start(), self.name.suffix_start());
        }
        self.folded.clear();
        self.folded.extend(self.text.iter().map(|b| fold_byte(*b)));
    }
}

fn idna_label(label: &str) -> String {
    ParsedName::parse(&format!("{label}.test"))
        .map(|name| name.unicode().trim_end_matches(".test").to_owned())
        .unwrap_or_default()
}

/// What looks alike: 0 nothing, 1 a letter for a letter, 2 a digit for a letter, 3 two letters for one.
fn looks_alike_by(edit: Edit, seen: &[u8], unit: &[u8]) -> u8 {
    if edit != Edit::Lookalike {
        return 0;
    }
    if seen.len() != unit.len() {
        return 3;
    }
    let is_digit = seen.iter().zip(unit).any(|(a, b)| a != b && a.is_ascii_digit());
    if is_digit { 2 } else { 1 }
}

/// The technique's name on the wire.
pub(crate) fn technique(form: Form, edit: Edit, origin: Origin) -> &'static str {
    if edit == Edit::Idn {
        return "idn-homograph";
    }
    if form == Form::DottedPrefix || form == Form::DottedHyphen {
        return "full-name-prefix";
    }
    if edit == Edit::Lookalike {
        return "ascii-lookalike";
    }
    if edit.is_fuzzy() {
        return match (form, edit) {
            (Form::Whole | Form::Undashed, Edit::BitFlip) => "bit-flip",
            (Form::Whole | Form::Undashed, Edit::Repetition) => "typo-repetition",
            (Form::Whole | Form::Undashed, Edit::Transposition) => "typo-transposition",
            (Form::Whole | Form::Undashed, Edit::Omission) => "typo-omission",
            (Form::Whole | Form::Undashed, Edit::Insertion) => "typo-insertion",
            (Form::Whole | Form::Undashed, Edit::AdjacentKey) => "typo-adjacent-key",
            (Form::Whole | Form::Undashed, _) => "typo-substitution",
            _ => "typo-in-longer-label",
        };
    }
    match (form, origin) {
        (_, Origin::Parts) => "name-parts",
        (_, Origin::Hyphened | Origin::Glued | Origin::LongName) => "dots-replaced",
        (Form::Undashed, _) => "hyphens-moved",
        (_, Origin::Alias | Origin::Initials | Origin::Words) => "alias",
        (Form::Whole, _) => "tld-swap",
        (form, _) if form.is_sub() => "brand-in-sub-label",
        _ => "combosquat",
    }
}
