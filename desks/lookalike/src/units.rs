//! What of a protected name can stand in somebody else's: its units.

use std::collections::{BTreeMap, HashMap};

use pollwatch_model::register::TargetKind;
use pollwatch_model::{Problem, Register};
use pollwatch_names::{ParsedName, fold_byte};

use crate::words::{Background, WordClass, Words};

/// Where a unit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The label that the owner registered: `senate` of `senate.gov`.
    Label = 0,
    /// A label beneath it: `durbin` of `durbin.senate.gov`.
    SubLabel = 1,
    /// Another word by which the target is known: `ms365`.
    Alias = 2,
    /// The first letters of the organisation's name.
    Initials = 3,
    /// The organisation's name or a person's, written together.
    Words = 4,
    /// The whole name with its dots: `senate.gov`.
    Dotted = 5,
    /// The whole name with hyphens for dots: `senate-gov`.
    Hyphened = 6,
    /// The whole name run together: `senategov`.
    Glued = 7,
    /// Some of the name's labels, or all in another order: `gov-senate`, `mofa-gov` of `mofa.gov.pk`.
    Parts = 8,
    /// A whole name of three labels and more, with hyphens for dots or run together: `mofagovpk`.
    LongName = 9,
}

impl Origin {
    /// Every origin, in the order of the weights' table.
    pub const ALL: [Origin; 10] = [
        Origin::Label,
        Origin::SubLabel,
        Origin::Alias,
        Origin::Initials,
        Origin::Words,
        Origin::Dotted,
        Origin::Hyphened,
        Origin::Glued,
        Origin::Parts,
        Origin::LongName,
    ];

    /// Its name in the weights' table.
    pub fn word(self) -> &'static str {
        match self {
            Origin::Label => "label",
            Origin::SubLabel => "sub-label",
            Origin::Alias => "alias",
            Origin::Initials => "initials",
            Origin::Words => "organisation-words",
            Origin::Dotted => "full-dotted",
            Origin::Hyphened => "full-hyphened",
            Origin::Glued => "full-glued",
            Origin::Parts => "parts",
            Origin::LongName => "full-of-three-labels",
        }
    }

    /// Whether the unit carries the protected name's suffix, or parts of it.
    pub fn is_full(self) -> bool {
        self >= Origin::Dotted
    }
}

/// One protected name.
#[derive(Debug, Clone)]
pub struct Protected {
    /// The name: lower case, A-labels.
    pub domain: String,
    /// Its registrable domain, or itself where it is a government's suffix.
    pub registrable: String,
    /// Its public suffix.
    pub suffix: String,
    /// Its target, as an index into the register.
    pub target: u32,
    /// Targets of one organisation name share a number.
    pub owner: u32,
    /// What the target is.
    pub kind: TargetKind,
}

/// Letters that stand for a protected name.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The letters, lower case.
    pub text: Box<str>,
    /// The letters, folded byte by byte.
    pub folded: Box<[u8]>,
    /// Where it comes from.
    pub origin: Origin,
    /// The protected names that it stands for: the first is the one named when nothing tells them apart.
    pub protected: Vec<u32>,
    /// Twice the binary logarithm of the number of ordinary labels that hold it.
    pub run_level: u8,
    /// Twice the binary logarithm of the number of ordinary names in which it stands alone.
    pub token_level: u8,
    /// Whether it is itself a word of the list.
    pub class: Option<WordClass>,
    /// Whether a hyphen is among its letters, or was before it was taken out: such a unit is never part of a longer run.
    pub has_hyphen: bool,
    /// Whether a digit is among its letters.
    pub has_digit: bool,
    /// Whether its protected name belongs to an office or jurisdiction: thousands of them, made of common words.
    pub is_civic: bool,
}

/// Shortest unit, in bytes.
const MIN_UNIT_BYTES: usize = 2;

/// Everything that is compiled from a register.
pub(crate) struct Compiled {
    pub protected: Vec<Protected>,
    pub units: Vec<Unit>,
    /// Names whose owners are known, and why nothing under them alarms.
    pub quiet: HashMap<Box<str>, Quiet, rustc_hash::FxBuildHasher>,
    pub problems: Vec<Problem>,
}

/// Why a name never alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quiet {
    /// It is a protected name or another name of this target, or beneath one.
    Owned(u32),
    /// It is on the allow list of this target.
    AllowedFor(u32),
    /// It is on the register's allow list.
    Allowed,
}

/// An alias that is built in.
struct BuiltInAlias {
    text: &'static str,
    domain: &'static str,
}

/// Which aliases are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Aliases {
    /// Those of the register and those built in (`data/aliases.csv`, each with its source).
    #[default]
    All,
    /// None: to measure what they add.
    None,
}

fn built_in_aliases() -> impl Iterator<Item = BuiltInAlias> {
    include_str!("../data/aliases.csv")
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut cells = line.split(',');
            Some(BuiltInAlias {
                text: cells.next()?,
                domain: cells.next()?,
            })
        })
}

pub(crate) fn compile(register: &Register, aliases: Aliases) -> Compiled {
    let mut compiler = Compiler {
        protected: Vec::new(),
        units: BTreeMap::new(),
        quiet: HashMap::default(),
        problems: Vec::new(),
    };
    compiler.read_targets(register);
    compiler.read_built_in_owned();
    compiler.make_units(register, aliases);
    let background = Background::built_in();
    let words = Words::built_in();
    let mut units: Vec<Unit> = Vec::with_capacity(compiler.units.len());
    for ((text, origin), mut named) in compiler.units {
        // The registrable domain comes before hosts beneath it, and the earlier entry before the later.
        named.sort_by_key(|index| (compiler.protected[*index as usize].domain.len(), *index));
        named.dedup();
        let is_civic = named.iter().all(|index| {
            matches!(
                compiler.protected[*index as usize].kind,
                TargetKind::Office | TargetKind::Jurisdiction
            )
        });
        units.push(Unit {
            folded: text.bytes().map(fold_byte).collect(),
            origin,
            run_level: background.run_level(text.as_bytes()),
            token_level: background.token_level(text.as_bytes()),
            class: words.class_of(text.as_bytes()),
            is_civic,
            has_hyphen: text.contains('-')
                || (origin == Origin::Label
                    && !compiler.protected[named[0] as usize]
                        .domain
                        .split('.')
                        .any(|label| label == text)),
            has_digit: text.bytes().any(|b| b.is_ascii_digit()),
            protected: named,
            text: text.into(),
        });
    }
    Compiled {
        protected: compiler.protected,
        units,
        quiet: compiler.quiet,
        problems: compiler.problems,
    }
}

struct Compiler {
    protected: Vec<Protected>,
    units: BTreeMap<(String, Origin), Vec<u32>>,
    quiet: HashMap<Box<str>, Quiet, rustc_hash::FxBuildHasher>,
    problems: Vec<Problem>,
}

impl Compiler {
    fn read_targets(&mut self, register: &Register) {
        let mut owners: HashMap<String, u32> = HashMap::new();
        let ids: HashMap<&str, u32> = register
            .targets
            .iter()
            .enumerate()
            .map(|(index, target)| (target.id.as_str(), index as u32))
            .collect();
        for (index, target) in register.targets.iter().enumerate() {
            // Findings about another name of a target are reported under the target itself; circles were cut on reading.
            let mut reported = index as u32;
            for _ in 0..register.targets.len().min(64) {
                match &register.targets[reported as usize].same_as {
                    Some(same) => match ids.get(same.as_str()) {
                        Some(next) => reported = *next,
                        None => break,
                    },
                    None => break,
                }
            }
            let next_owner = owners.len() as u32;
            let owner_name = register.targets[reported as usize].name.to_lowercase();
            let owner = *owners.entry(owner_name).or_insert(next_owner);
            for domain in &target.domains {
                match ParsedName::parse(domain) {
                    Ok(name) => {
                        self.quiet.insert(name.ascii().into(), Quiet::Owned(reported));
                        self.protected.push(Protected {
                            domain: name.ascii().to_owned(),
                            registrable: name.registrable().unwrap_or(name.ascii()).to_owned(),
                            suffix: name.suffix().to_owned(),
                            target: reported,
                            owner,
                            kind: target.kind,
                        });
                    }
                    Err(error) => self.problems.push(Problem::remark(
                        "register",
                        None,
                        format!("{domain:?} of {} cannot be protected: {error}", target.id),
                    )),
                }
            }
            let owned = target.owned.iter().map(|name| (name, Quiet::Owned(reported)));
            let allowed = target
                .allow
                .iter()
                .map(|name| (name, Quiet::AllowedFor(reported)));
            for (name, quiet) in owned.chain(allowed) {
                if let Ok(name) = ParsedName::parse(name) {
                    self.quiet.entry(name.ascii().into()).or_insert(quiet);
                }
            }
        }
        for name in &register.allow {
            if let Ok(name) = ParsedName::parse(name) {
                self.quiet.entry(name.ascii().into()).or_insert(Quiet::Allowed);
            }
        }
    }

    /// Further names that the big services say are theirs (`data/owned.csv`), for the services that the register protects.
    fn read_built_in_owned(&mut self) {
        let rows = include_str!("../data/owned.csv").lines().skip(1);
        for (domain, owner) in rows.filter_map(|line| line.split_once(',')) {
            let owner = owner.split(',').next().unwrap_or(owner);
            if let Some(quiet) = self.quiet.get(owner).copied() {
                self.quiet.entry(domain.into()).or_insert(quiet);
            }
        }
    }

    fn add(&mut self, text: &str, origin: Origin, protected: u32) {
        if (MIN_UNIT_BYTES..=63).contains(&text.len()) || (origin == Origin::Dotted && text.len() <= 100) {
            self.units
                .entry((text.to_owned(), origin))
                .or_default()
                .push(protected);
        }
    }

    fn make_units(&mut self, register: &Register, aliases: Aliases) {
        for index in 0..self.protected.len() {
            self.units_of_name(index as u32);
        }
        // The first protected name of each target stands for its aliases, people and words.
        let mut first_of: HashMap<u32, u32> = HashMap::new();
        for (index, protected) in self.protected.iter().enumerate() {
            first_of.entry(protected.target).or_insert(index as u32);
        }
        for (index, target) in register.targets.iter().enumerate() {
            let Some(protected) = first_of.get(&(index as u32)).copied() else {
                continue;
            };
            if aliases == Aliases::All {
                for alias in &target.aliases {
                    self.add(&alias.text, Origin::Alias, protected);
                }
            }
            for person in &target.people {
                let joined: String = person
                    .name
                    .to_lowercase()
                    .chars()
                    .filter(char::is_ascii_alphanumeric)
                    .collect();
                if joined.len() >= 8 {
                    self.add(&joined, Origin::Words, protected);
                }
            }
            self.units_of_organisation(&target.name, target.kind, protected);
        }
        if aliases == Aliases::All {
            let by_domain: HashMap<String, u32> = self
                .protected
                .iter()
                .enumerate()
                .map(|(index, protected)| (protected.domain.clone(), index as u32))
                .collect();
            for alias in built_in_aliases() {
                if let Some(protected) = by_domain.get(alias.domain) {
                    self.add(alias.text, Origin::Alias, *protected);
                }
            }
        }
        // An alias that is some protected name's own label adds nothing.
        let labels: Vec<String> = self
            .units
            .keys()
            .filter(|(_, origin)| *origin == Origin::Label)
            .map(|(text, _)| text.clone())
            .collect();
        for text in labels {
            for origin in [Origin::Alias, Origin::SubLabel, Origin::Initials, Origin::Words] {
                // A label of two or three letters is looked for only between hyphens; its alias elsewhere too.
                if origin == Origin::Alias && text.len() <= 3 {
                    continue;
                }
                self.units.remove(&(text.clone(), origin));
            }
        }
        let sub_labels: Vec<String> = self
            .units
            .keys()
            .filter(|(_, origin)| *origin == Origin::Alias)
            .map(|(text, _)| text.clone())
            .collect();
        for text in sub_labels {
            self.units.remove(&(text.clone(), Origin::SubLabel));
            self.units.remove(&(text, Origin::Words));
        }
    }

    fn units_of_name(&mut self, index: u32) {
        let Protected { domain, suffix, .. } = self.protected[index as usize].clone();
        let words = Words::built_in();
        let labels: Vec<&str> = domain.split('.').collect();
        let mut suffix_labels = suffix.split('.').count();
        // A company's own domain beneath which it hands out names: its label is the one before the last dot.
        if suffix == domain && !pollwatch_names::is_government_suffix(&domain) {
            suffix_labels = labels.len() - 1;
        }
        let own = &labels[..labels.len() - suffix_labels.min(labels.len())];
        if let Some(label) = own.last() {
            // An office's label that is a word of everyday use (capital, drive), and two letters that are a word, a state or
            // an office, are found only with the rest of their name.
            let is_civic = matches!(
                self.protected[index as usize].kind,
                TargetKind::Office | TargetKind::Jurisdiction
            );
            let class = words.class_of(label.as_bytes());
            let is_everyday = class.is_some_and(|class| class != WordClass::Civic);
            if !(is_civic && is_everyday) && (label.len() > 2 || !(is_civic || class.is_some())) {
                self.add(label, Origin::Label, index);
            }
            if label.contains('-') {
                self.add(&label.replace('-', ""), Origin::Label, index);
            }
            for sub in &own[..own.len() - 1] {
                if words.class_of(sub.as_bytes()).is_none() {
                    self.add(sub, Origin::SubLabel, index);
                }
            }
            if own.len() > 1
                && !own[..own.len() - 1]
                    .iter()
                    .any(|sub| words.class_of(sub.as_bytes()).is_some())
            {
                self.add(&own.join("-"), Origin::Parts, index);
                self.add(&own.concat(), Origin::Parts, index);
            }
        }
        self.add(&domain, Origin::Dotted, index);
        let (hyphened, run_together) = if labels.len() >= 3 || domain == suffix {
            (Origin::LongName, Origin::LongName)
        } else {
            (Origin::Hyphened, Origin::Glued)
        };
        self.add(&domain.replace('.', "-"), hyphened, index);
        let glued = domain.replace(['.', '-'], "");
        if glued.len() >= 5 {
            self.add(&glued, run_together, index);
        }
        let is_government = pollwatch_names::is_government_suffix(&suffix);
        if labels.len() == 2 && is_government {
            self.add(&format!("{}-{}", labels[1], labels[0]), Origin::Parts, index);
        }
        if labels.len() == 3 && is_government && suffix_labels == 2 {
            let [a, b, c] = [labels[0], labels[1], labels[2]];
            for parts in [
                vec![a, b],
                vec![a, c],
                vec![b, a],
                vec![c, a],
                vec![a, c, b],
                vec![b, c, a],
                vec![c, b, a],
            ] {
                self.add(&parts.join("-"), Origin::Parts, index);
                if parts.concat().len() >= 6 {
                    self.add(&parts.concat(), Origin::Parts, index);
                }
            }
        }
    }

    fn units_of_organisation(&mut self, name: &str, kind: TargetKind, protected: u32) {
        // Offices are thousands and their names are common words in a row; only others are known by initials.
        if matches!(
            kind,
            TargetKind::Office | TargetKind::Jurisdiction | TargetKind::Login | TargetKind::Other
        ) {
            return;
        }
        let name = name.split('(').next().unwrap_or(name).trim().to_lowercase();
        let name: String = name
            .split(' ')
            .map(|word| pollwatch_names::unicode_skeleton(word).unwrap_or_else(|| word.to_owned()))
            .collect::<Vec<_>>()
            .join(" ");
        let all: Vec<&str> = name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let significant: Vec<&str> = all
            .iter()
            .copied()
            .filter(|word| {
                !matches!(
                    *word,
                    "of" | "the" | "for" | "and" | "in" | "on" | "a" | "de" | "la"
                )
            })
            .collect();
        if significant.len() >= 4 {
            let initials: String = significant
                .iter()
                .filter_map(|word| word.chars().next())
                .collect();
            self.add(&initials, Origin::Initials, protected);
        }
        let joined = all.concat();
        if all.len() >= 2 && joined.len() >= 8 && all.len() <= 5 {
            self.add(&joined, Origin::Words, protected);
        }
    }
}
