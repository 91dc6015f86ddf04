//! What we protect: the types of `register.toml`, and their reading with errors that carry line numbers.
//!
//! Reading never stops at the first fault. TOML that does not parse is an error, for then nothing is known; an entry that
//! makes no sense (two owners of one name, a public suffix as a protected name, a circle of `same_as`) is a [`Problem`]
//! with file and line, is left out or cut where the circle closes, and the rest stands.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::{Problem, TargetId};

/// Version of the register format that this crate reads and writes.
pub const REGISTER_SCHEMA: u32 = 1;

/// What we protect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Register {
    /// The office, campaign or group that keeps the register, as the brief names it.
    pub owner: String,
    /// Every target, in the order of the file.
    pub targets: Vec<Target>,
    /// Names of others that are known to be honest and never alarm, whoever they resemble.
    pub allow: Vec<String>,
}

/// One entry of the register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its id: 1 to 64 of `a-z`, `0-9`, `-`; made from the name when left out.
    pub id: TargetId,
    /// Its name for people.
    pub name: String,
    /// What it is.
    pub kind: TargetKind,
    /// Two-letter USPS code of the state or territory, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// Registrable domains to be protected against imitation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// Further domains of the same owner: not protected themselves, never an alarm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owned: Vec<String>,
    /// Domains of others that resemble this target and are known to be honest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Other words by which it is known in domain names, such as `ms365`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Alias>,
    /// The target that this entry is another name of; its findings are reported there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<TargetId>,
    /// People who are likely to be imitated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Person>,
    /// Targets or domains with which it exchanges mail as a matter of course.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partners: Vec<String>,
    /// Where its mail enters.
    #[serde(default, skip_serializing_if = "MailBoundary::is_empty")]
    pub mail: MailBoundary,
    /// Who was asked to test it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assessors: Vec<Assessor>,
    /// Registered voters served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_voters: Option<u64>,
}

/// What a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// A state, county, city or other place that holds elections.
    Jurisdiction,
    /// A public office: an election office, a legislature, an agency.
    Office,
    /// A person who stands for election.
    Candidate,
    /// A campaign committee.
    Campaign,
    /// A political party or a body of one.
    Party,
    /// A maker or operator of election systems or of services to campaigns.
    Vendor,
    /// A news organisation.
    Media,
    /// A sign-in, mail or storage service that staff use, and whose page is imitated to get at them.
    Login,
    /// Anything else worth protecting.
    Other,
}

impl TargetKind {
    /// The kind in words, singular.
    pub fn title(self) -> &'static str {
        match self {
            TargetKind::Jurisdiction => "jurisdiction",
            TargetKind::Office => "public office",
            TargetKind::Candidate => "candidate",
            TargetKind::Campaign => "campaign",
            TargetKind::Party => "party",
            TargetKind::Vendor => "vendor",
            TargetKind::Media => "news organisation",
            TargetKind::Login => "sign-in service",
            TargetKind::Other => "organisation",
        }
    }

    /// The kind that the `category` column of a CSV list means, or `None` for a word that it does not know.
    pub fn from_category(category: &str) -> Option<Self> {
        Some(match category.trim().to_ascii_lowercase().as_str() {
            "jurisdiction" | "county" | "city" | "state" => TargetKind::Jurisdiction,
            "office" | "gov" | "government" => TargetKind::Office,
            "candidate" => TargetKind::Candidate,
            "campaign" => TargetKind::Campaign,
            "party" | "political" => TargetKind::Party,
            "vendor" => TargetKind::Vendor,
            "media" | "news" => TargetKind::Media,
            "login" | "service" => TargetKind::Login,
            "other" | "" => TargetKind::Other,
            _ => return None,
        })
    }
}

/// Another word by which a target is known in domain names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "AliasText", into = "AliasText")]
#[schemars(with = "AliasText")]
pub struct Alias {
    /// The word, lower case, such as `ms365`.
    pub text: String,
    /// A public source that shows the alias in use, or empty.
    pub source: String,
}

/// An alias as it is written: the word alone, or the word with its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum AliasText {
    /// The word alone.
    Word(String),
    /// The word with its source.
    Sourced {
        /// The word.
        text: String,
        /// A public source that shows it in use.
        source: String,
    },
}

impl From<AliasText> for Alias {
    fn from(written: AliasText) -> Self {
        match written {
            AliasText::Word(text) => Alias {
                text: text.to_lowercase(),
                source: String::new(),
            },
            AliasText::Sourced { text, source } => Alias {
                text: text.to_lowercase(),
                source,
            },
        }
    }
}

impl From<Alias> for AliasText {
    fn from(alias: Alias) -> Self {
        let Alias { text, source } = alias;
        if source.is_empty() {
            AliasText::Word(text)
        } else {
            AliasText::Sourced { text, source }
        }
    }
}

/// Somebody who is likely to be imitated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name as it stands in a From line.
    pub name: String,
    /// What the person does, such as "chief of staff".
    #[serde(default)]
    pub role: String,
    /// The person's own addresses.
    #[serde(default)]
    pub addresses: Vec<String>,
}

/// Where a target's mail enters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailBoundary {
    /// Names that its own mail servers write into Authentication-Results (RFC 8601, section 2.5).
    #[serde(default)]
    pub authserv_ids: Vec<String>,
    /// Domains of the services that hold its mail, such as `outlook.com`.
    #[serde(default)]
    pub hosted_by: Vec<String>,
}

impl MailBoundary {
    /// Whether nothing is known of it.
    pub fn is_empty(&self) -> bool {
        self.authserv_ids.is_empty() && self.hosted_by.is_empty()
    }
}

/// Somebody who was asked to test the target's systems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assessor {
    /// Who.
    pub name: String,
    /// Addresses or networks (CIDR) that they come from.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Begin of the agreed time.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub from: Option<Timestamp>,
    /// End of the agreed time.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub to: Option<Timestamp>,
}

/// Why a register cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// Not TOML, or a field of the wrong type, or an unknown field.
    #[error("{file}:{line}: {why}")]
    Toml {
        /// The file.
        file: String,
        /// Line, from 1.
        line: u64,
        /// What the reader expected there.
        why: String,
    },
    /// Written by a later version.
    #[error(
        "{file}: this register has schema {found}, and this program reads schema {REGISTER_SCHEMA}; use a newer pollwatch"
    )]
    Schema {
        /// The file.
        file: String,
        /// The version found.
        found: u32,
    },
}

/// The file as it is written: the same fields as [`Target`], with their places.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema: u32,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    allow: Vec<Spanned<String>>,
    #[serde(default, rename = "target")]
    targets: Vec<Spanned<WrittenTarget>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTarget {
    id: Option<Spanned<String>>,
    name: String,
    kind: TargetKind,
    state: Option<Spanned<String>>,
    #[serde(default)]
    domains: Vec<Spanned<String>>,
    #[serde(default)]
    owned: Vec<Spanned<String>>,
    #[serde(default)]
    allow: Vec<Spanned<String>>,
    #[serde(default)]
    aliases: Vec<Spanned<Alias>>,
    same_as: Option<Spanned<String>>,
    #[serde(default)]
    people: Vec<Person>,
    #[serde(default)]
    partners: Vec<String>,
    #[serde(default)]
    mail: MailBoundary,
    #[serde(default)]
    assessors: Vec<Assessor>,
    registered_voters: Option<u64>,
}

/// Decides whether a name can be protected: gives its canonical form, or says why not. The `names` crate has one.
pub type DomainCheck<'a> = &'a dyn Fn(&str) -> Result<String, String>;

impl Register {
    /// Reads `text`, the contents of `file`.
    ///
    /// `check_domain` gives a domain's canonical form (lower case, A-labels) or says why it cannot be protected.
    /// Errors: [`RegisterError`] when nothing can be read; every lesser fault is one of the problems returned.
    pub fn parse(
        file: &str,
        text: &str,
        check_domain: DomainCheck<'_>,
    ) -> Result<(Register, Vec<Problem>), RegisterError> {
        let lines = Lines::of(file, text);
        let written: Written = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| lines.line_at(span.start));
            RegisterError::Toml {
                file: file.to_owned(),
                line,
                why: error.message().trim().replace('\n', " "),
            }
        })?;
        if written.schema != REGISTER_SCHEMA {
            return Err(RegisterError::Schema {
                file: file.to_owned(),
                found: written.schema,
            });
        }
        let mut reader = Reader {
            lines,
            check_domain,
            problems: Vec::new(),
            owners: BTreeMap::new(),
        };
        let mut targets: Vec<(u64, Target)> = Vec::new();
        let mut lines_of_ids: BTreeMap<TargetId, u64> = BTreeMap::new();
        for entry in written.targets {
            let line = reader.lines.line_at(entry.span().start);
            let Some(target) = reader.target(line, entry.into_inner()) else {
                continue;
            };
            if let Some(earlier) = lines_of_ids.get(&target.id) {
                reader.problem(
                    line,
                    format!(
                        "there is a target {} already at line {earlier}; this one is left out (give it an id of its own)",
                        target.id
                    ),
                );
                continue;
            }
            lines_of_ids.insert(target.id.clone(), line);
            targets.push((line, target));
        }
        reader.resolve_same_as(&mut targets);
        let allow = written
            .allow
            .iter()
            .filter_map(|name| reader.domain(name))
            .collect();
        let targets = targets.into_iter().map(|(_, target)| target).collect();
        Ok((
            Register {
                owner: written.owner,
                targets,
                allow,
            },
            reader.problems,
        ))
    }

    /// The register as the text of a `register.toml` that [`Register::parse`] reads back.
    ///
    /// Errors: a value that TOML cannot hold, such as a number of voters beyond 2^63.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        #[derive(Serialize)]
        struct File<'a> {
            schema: u32,
            #[serde(skip_serializing_if = "str::is_empty")]
            owner: &'a str,
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            allow: &'a [String],
            target: &'a [Target],
        }
        let file = File {
            schema: REGISTER_SCHEMA,
            owner: &self.owner,
            allow: &self.allow,
            target: &self.targets,
        };
        toml::to_string(&file)
    }

    /// The target of an id.
    pub fn target(&self, id: &TargetId) -> Option<&Target> {
        self.targets.iter().find(|target| &target.id == id)
    }

    /// The target under which findings about `target` are reported: the end of its `same_as` chain.
    pub fn reported_as<'a>(&'a self, target: &'a Target) -> &'a Target {
        let mut current = target;
        // `parse` cuts circles; the bound keeps a register that was built by hand from looping.
        for _ in 0..self.targets.len() {
            match current.same_as.as_ref().and_then(|id| self.target(id)) {
                Some(next) => current = next,
                None => break,
            }
        }
        current
    }

    /// Adds the targets of `other`, in order. A target whose id is taken, and a domain that has an owner already, stay with
    /// the first owner; of each such domain a problem is returned that names `file`.
    pub fn extend(&mut self, file: &str, other: Register) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut owners: BTreeMap<String, TargetId> = BTreeMap::new();
        for target in &self.targets {
            for domain in target.domains.iter().chain(&target.owned) {
                owners.insert(domain.clone(), target.id.clone());
            }
        }
        let mut ids: BTreeMap<TargetId, u32> = self.targets.iter().map(|t| (t.id.clone(), 0)).collect();
        for mut target in other.targets {
            let before = target.domains.len();
            target.domains.retain(|domain| !owners.contains_key(domain));
            if target.domains.is_empty()
                && before > 0
                && target.people.is_empty()
                && target.aliases.is_empty()
            {
                continue;
            }
            if target.domains.len() < before {
                problems.push(Problem::remark(
                    file,
                    None,
                    format!(
                        "{}: {} of its domains have another owner already and stay there",
                        target.id,
                        before - target.domains.len()
                    ),
                ));
            }
            for domain in target.domains.iter().chain(&target.owned) {
                owners.entry(domain.clone()).or_insert_with(|| target.id.clone());
            }
            if ids.contains_key(&target.id) {
                let mut number = 2;
                while ids.contains_key(&TargetId::slug(&format!("{number}-{}", target.id))) {
                    number += 1;
                }
                target.id = TargetId::slug(&format!("{number}-{}", target.id));
            }
            ids.insert(target.id.clone(), 0);
            self.targets.push(target);
        }
        self.allow.extend(other.allow);
        if self.owner.is_empty() {
            self.owner = other.owner;
        }
        problems
    }
}

/// JSON Schema (2020-12) of `register.toml`, for editors that complete and check as one types.
pub fn json_schema() -> serde_json::Value {
    /// The file as an editor sees it.
    #[derive(JsonSchema)]
    #[schemars(deny_unknown_fields)]
    #[allow(dead_code)]
    struct RegisterFile {
        /// Version of the format: 1.
        schema: u32,
        /// The office, campaign or group that keeps the register.
        owner: Option<String>,
        /// Names of others that are known to be honest and never alarm.
        #[serde(default)]
        allow: Vec<String>,
        /// What is protected.
        #[serde(default)]
        target: Vec<Target>,
    }
    let mut schema = schemars::schema_for!(RegisterFile).to_value();
    schema["title"] = "Pollwatch register (register.toml)".into();
    // The id may be left out in the file, though every target has one once it is read.
    if let Some(required) = schema
        .pointer_mut("/$defs/Target/required")
        .and_then(|v| v.as_array_mut())
    {
        required.retain(|field| field != "id");
    }
    schema
}

/// Finds the line of a byte.
struct Lines<'a> {
    file: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(file: &'a str, text: &str) -> Self {
        let breaks = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        Lines {
            file,
            starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    fn line_at(&self, byte: usize) -> u64 {
        self.starts.partition_point(|start| *start <= byte) as u64
    }
}

struct Reader<'a> {
    lines: Lines<'a>,
    check_domain: DomainCheck<'a>,
    problems: Vec<Problem>,
    /// Of each domain its first owner and the line where it was claimed.
    owners: BTreeMap<String, (TargetId, u64)>,
}

impl Reader<'_> {
    fn problem(&mut self, line: u64, what: String) {
        self.problems.push(Problem::lost(self.lines.file, line, what));
    }

    fn domain(&mut self, written: &Spanned<String>) -> Option<String> {
        match (self.check_domain)(written.get_ref()) {
            Ok(domain) => Some(domain),
            Err(why) => {
                let line = self.lines.line_at(written.span().start);
                self.problem(
                    line,
                    format!("{:?} cannot be protected: {why}", written.get_ref()),
                );
                None
            }
        }
    }

    fn owned_domains(&mut self, id: &TargetId, written: &[Spanned<String>]) -> Vec<String> {
        let mut domains = Vec::new();
        for name in written {
            let Some(domain) = self.domain(name) else { continue };
            let line = self.lines.line_at(name.span().start);
            match self.owners.get(&domain) {
                Some((owner, claimed)) if owner != id => {
                    let what = format!(
                        "{domain} has two owners, {owner} (line {claimed}) and {id}; it stays with {owner}"
                    );
                    self.problem(line, what);
                }
                Some(_) => {}
                None => {
                    self.owners.insert(domain.clone(), (id.clone(), line));
                    domains.push(domain);
                }
            }
        }
        domains
    }

    fn target(&mut self, line: u64, written: WrittenTarget) -> Option<Target> {
        let id = match &written.id {
            None => TargetId::slug(&written.name),
            Some(id) => match id.get_ref().parse() {
                Ok(id) => id,
                Err(error) => {
                    let line = self.lines.line_at(id.span().start);
                    self.problem(line, format!("{error}; this target is left out"));
                    return None;
                }
            },
        };
        let state = written.state.map_or(String::new(), |state| {
            let code = state.get_ref().to_ascii_uppercase();
            if code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()) {
                return code;
            }
            let line = self.lines.line_at(state.span().start);
            self.problem(
                line,
                format!("{:?} is not a two-letter state code; left empty", state.get_ref()),
            );
            String::new()
        });
        let same_as = written.same_as.and_then(|same| match same.get_ref().parse() {
            Ok(id) => Some(id),
            Err(error) => {
                let line = self.lines.line_at(same.span().start);
                self.problem(line, format!("same_as: {error}; ignored"));
                None
            }
        });
        let domains = self.owned_domains(&id, &written.domains);
        let owned = self.owned_domains(&id, &written.owned);
        let allow = written
            .allow
            .iter()
            .filter_map(|name| self.domain(name))
            .collect();
        let mut aliases = Vec::new();
        for alias in written.aliases {
            let is_label = alias
                .get_ref()
                .text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if is_label && (2..=63).contains(&alias.get_ref().text.len()) {
                aliases.push(alias.into_inner());
            } else {
                let alias_line = self.lines.line_at(alias.span().start);
                let text = &alias.get_ref().text;
                self.problem(
                    alias_line,
                    format!("alias {text:?} cannot stand in a domain name; ignored"),
                );
            }
        }
        if domains.is_empty() && aliases.is_empty() && written.people.is_empty() && same_as.is_none() {
            self.problems.push(Problem::remark(
                self.lines.file,
                Some(line),
                format!("{id} has no domain, alias or person: nothing that imitates it can be found"),
            ));
        }
        Some(Target {
            id,
            name: written.name,
            kind: written.kind,
            state,
            domains,
            owned,
            allow,
            aliases,
            same_as,
            people: written.people,
            partners: written.partners,
            mail: written.mail,
            assessors: written.assessors,
            registered_voters: written.registered_voters,
        })
    }

    /// Sees to it that every `same_as` leads to a target and that no chain of them closes.
    fn resolve_same_as(&mut self, targets: &mut [(u64, Target)]) {
        let next: BTreeMap<TargetId, Option<TargetId>> = targets
            .iter()
            .map(|(_, target)| (target.id.clone(), target.same_as.clone()))
            .collect();
        for (line, target) in targets.iter_mut() {
            let Some(same) = &target.same_as else { continue };
            if !next.contains_key(same) {
                let what = format!("same_as names {same}, and there is no such target; ignored");
                self.problem(*line, what);
                target.same_as = None;
                continue;
            }
            let mut chain = vec![target.id.clone()];
            let mut current = Some(same.clone());
            while let Some(id) = current {
                if id == target.id {
                    chain.push(id);
                    let circle: Vec<&str> = chain.iter().map(TargetId::as_str).collect();
                    let what = format!("same_as goes round in a circle ({}); ignored", circle.join(" → "));
                    self.problem(*line, what);
                    target.same_as = None;
                    break;
                }
                if chain.contains(&id) {
                    break;
                }
                current = next.get(&id).cloned().flatten();
                chain.push(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str) -> Result<String, String> {
        if name.contains('.') {
            Ok(name.to_lowercase())
        } else {
            Err("it is a public suffix".to_owned())
        }
    }

    fn parse(text: &str) -> (Register, Vec<String>) {
        let (register, problems) = Register::parse("register.toml", text, &check).unwrap();
        (register, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_whole_target_is_read() {
        let (register, problems) = parse(
            r#"
            schema = 1
            owner = "Example County Clerk"
            allow = ["friends.example"]
            [[target]]
            name = "United States Senate"
            kind = "office"
            state = "dc"
            domains = ["Senate.gov"]
            aliases = ["ussenate", { text = "MySenate", source = "https://example.org/report" }]
            registered_voters = 0
            [[target.people]]
            name = "A. Person"
            role = "clerk"
            [target.mail]
            authserv_ids = ["mx.senate.gov"]
            [[target.assessors]]
            name = "Red Team"
            addresses = ["192.0.2.0/24"]
            from = "2018-07-01T00:00:00Z"
            "#,
        );
        assert!(problems.is_empty(), "{problems:?}");
        let senate = &register.targets[0];
        assert_eq!(senate.id.as_str(), "united-states-senate");
        assert_eq!(senate.domains, ["senate.gov"]);
        assert_eq!(senate.aliases[1].text, "mysenate");
        assert_eq!(senate.state, "DC");
        assert_eq!(senate.people[0].role, "clerk");
        assert!(senate.assessors[0].from.is_some());
        let (read_back, problems) = parse(&register.to_toml().unwrap());
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(read_back, register);
    }

    #[test]
    fn faults_are_named_by_line_and_the_rest_stands() {
        let (register, problems) = parse(
            "schema = 1\n\
             [[target]]\n\
             name = \"A\"\nkind = \"office\"\ndomains = [\"a.gov\", \"gov\"]\nsame_as = \"b\"\n\
             [[target]]\n\
             name = \"B\"\nkind = \"office\"\ndomains = [\"a.gov\", \"b.gov\"]\nsame_as = \"a\"\n\
             [[target]]\n\
             name = \"A\"\nkind = \"office\"\n",
        );
        assert_eq!(
            problems,
            [
                "register.toml:5: \"gov\" cannot be protected: it is a public suffix",
                "register.toml:10: a.gov has two owners, a (line 5) and b; it stays with a",
                "register.toml:12: a has no domain, alias or person: nothing that imitates it can be found",
                "register.toml:12: there is a target a already at line 2; this one is left out (give it an id of its own)",
                "register.toml:2: same_as goes round in a circle (a → b → a); ignored",
                "register.toml:7: same_as goes round in a circle (b → a → b); ignored",
            ]
        );
        assert_eq!(register.targets.len(), 2);
        assert_eq!(register.targets[1].domains, ["b.gov"]);
    }

    #[test]
    fn toml_that_does_not_parse_names_its_line() {
        let broken = Register::parse(
            "r.toml",
            "schema = 1\n[[target]]\nname = 7\nkind = \"office\"\n",
            &check,
        );
        let message = broken.unwrap_err().to_string();
        assert!(message.starts_with("r.toml:3: "), "{message}");
        let unknown = Register::parse("r.toml", "schema = 1\nownr = \"x\"\n", &check)
            .unwrap_err()
            .to_string();
        assert!(
            unknown.starts_with("r.toml:2: ") && unknown.contains("ownr"),
            "{unknown}"
        );
        let newer = Register::parse("r.toml", "schema = 2\n", &check).unwrap_err();
        assert_eq!(
            newer,
            RegisterError::Schema {
                file: "r.toml".to_owned(),
                found: 2
            }
        );
    }
}
