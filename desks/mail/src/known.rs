//! Whom a message may claim to be from: the register's own names, vendors, partners and people, and well-known brands.

use pollwatch_model::Register;
use pollwatch_model::register::TargetKind;
use pollwatch_names::{ParsedName, fold_byte, fold_pairs};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::fold::Words;
use crate::phrases::Phrases;

/// What an identity is to the reader of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An entry of the register that runs mail of its own.
    Own,
    /// A vendor of the register.
    Vendor,
    /// A partner of an entry of the register.
    Partner,
    /// A brand that is imitated everywhere.
    Brand,
}

/// Somebody whom a message may claim to be from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Name for people.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its place in the register's targets, where it is there.
    pub target: Option<usize>,
    /// Its domains: those of the register as they stand there, of brands registrable.
    pub domains: Vec<String>,
}

/// A person of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonKnown {
    /// Name as it stands in the register.
    pub name: String,
    /// Role.
    pub role: String,
    /// Folded words of the name, titles left out.
    words: Vec<String>,
    /// Addresses, lower case.
    pub addresses: Vec<String>,
    /// The target that the person belongs to.
    pub target: usize,
    /// The identity of that target.
    pub identity: u32,
}

/// What a host is, as `data/hosts.csv` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKind {
    /// A link shortener.
    Shortener,
    /// Where anybody gets a page or a file.
    FreeHost,
    /// Where anybody gets a mailbox.
    Freemail,
    /// Sends mail and counts clicks for honest organisations.
    MailingCompany,
    /// Sends on to an address given in the link: path and names of the parameters.
    Redirector(String, Vec<String>),
    /// Link protection of a mail filter.
    Wrapper,
}

/// A name of an identity, found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The identity.
    pub identity: u32,
    /// First word, and one past the last.
    pub words: (usize, usize),
    /// Whether the name is an ordinary word, counted because of its company.
    pub is_ordinary: bool,
}

#[derive(Debug, Clone)]
struct NameEntry {
    identity: u32,
    rest: Vec<String>,
    is_ordinary: bool,
}

/// Everything that detectors compare with. Built once for a run.
#[derive(Debug, Default)]
pub struct Known {
    /// Identities, those of the register first.
    pub identities: Vec<Identity>,
    /// People of the register.
    pub people: Vec<PersonKnown>,
    /// The phrases.
    pub phrases: Phrases,
    by_first_word: FxHashMap<String, Vec<NameEntry>>,
    by_domain: FxHashMap<String, Vec<u32>>,
    by_registrable: FxHashMap<String, Vec<u32>>,
    /// Folded labels that stand for an identity: `marlowcounty`, `paypal`.
    labels: Vec<Label>,
    hosts: FxHashMap<String, Vec<HostKind>>,
    /// Folded word sequences by which somebody claims to be the reader's own office.
    roles: Vec<(Vec<String>, String)>,
    business: FxHashSet<String>,
    allow: FxHashSet<String>,
}

/// A label that a domain name may imitate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The label, lower case ASCII, as it is in the domain.
    pub label: String,
    /// The whole domain with hyphens for dots, where it has more than two labels or a government's.
    pub hyphened: String,
    /// The domain.
    pub domain: String,
    /// The identity.
    pub identity: u32,
    /// Whether the label is an ordinary word of a brand.
    pub is_ordinary: bool,
    /// The label with its lookalike letters folded, and with its lookalike pairs folded too.
    pub folded: (Vec<u8>, Vec<u8>),
    /// The domain with hyphens for dots.
    pub dashed: String,
}

/// Words that end an organisation's name without telling it from others.
const GENERIC_ENDS: &[&str] = &[
    "inc",
    "llc",
    "ltd",
    "gmbh",
    "corp",
    "corporation",
    "company",
    "co",
    "systems",
    "system",
    "elections",
    "election",
    "office",
    "department",
    "board",
    "division",
    "services",
    "service",
    "group",
    "campaign",
    "committee",
    "data",
    "software",
    "technologies",
    "solutions",
    "association",
];

/// Titles in front of and behind people's names.
const TITLES: &[&str] = &[
    "mr", "mrs", "ms", "dr", "hon", "sen", "senator", "rep", "gov", "governor", "jr", "sr", "lll", "ll",
];

impl Known {
    /// Compiles the register and the built-in tables.
    pub fn compile(register: &Register) -> Known {
        let mut known = Known {
            phrases: Phrases::parse(include_str!("../data/phrases.csv")),
            ..Known::default()
        };
        known.read_business(include_str!("../data/business_words.csv"));
        known.read_roles(include_str!("../data/roles.csv"));
        known.read_hosts(include_str!("../data/hosts.csv"));
        known.read_register(register);
        known.read_brands(include_str!("../data/brands.csv"));
        known
    }

    fn read_register(&mut self, register: &Register) {
        self.allow = register
            .allow
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        for (at, target) in register.targets.iter().enumerate() {
            let kind = match target.kind {
                TargetKind::Vendor => Kind::Vendor,
                _ => Kind::Own,
            };
            let mut domains: Vec<String> = target
                .domains
                .iter()
                .chain(&target.owned)
                .chain(&target.allow)
                .map(|domain| domain.to_ascii_lowercase())
                .collect();
            domains.dedup();
            let identity = self.add_identity(&target.name, kind, Some(at), domains);
            self.add_name(&target.name, identity, false);
            let mut words: Vec<&str> = target.name.split_whitespace().collect();
            while words.len() > 1
                && words
                    .last()
                    .is_some_and(|last| GENERIC_ENDS.contains(&last.to_lowercase().trim_matches(['.', ','])))
            {
                words.pop();
                let short = words.join(" ");
                // One short word says too little ("Marlow" is a surname; "Ballotline" is not).
                if words.len() > 1 || short.len() >= 8 {
                    self.add_name(&short, identity, false);
                }
            }
            if let Some((before, _)) = target.name.split_once(" for ")
                && before.split_whitespace().count() > 1
            {
                self.add_name(before, identity, false);
            }
            for alias in &target.aliases {
                let is_ordinary = alias.text.len() < 5;
                self.add_name(&alias.text, identity, is_ordinary);
            }
            for domain in &target.domains {
                self.add_label(domain, identity, false);
            }
            for partner in &target.partners {
                if self.owners(partner).next().is_none() {
                    let partner_identity = self.add_identity(
                        partner,
                        Kind::Partner,
                        Some(at),
                        vec![partner.to_ascii_lowercase()],
                    );
                    self.add_label(partner, partner_identity, false);
                }
            }
            for person in &target.people {
                let words: Vec<String> = Words::of(person.name.split(['(', ',']).next().unwrap_or_default())
                    .iter()
                    .filter(|word| !TITLES.contains(word))
                    .map(str::to_owned)
                    .collect();
                if words.len() < 2 {
                    continue;
                }
                self.people.push(PersonKnown {
                    name: person.name.clone(),
                    role: person.role.clone(),
                    words,
                    addresses: person
                        .addresses
                        .iter()
                        .map(|it| it.to_ascii_lowercase())
                        .collect(),
                    target: at,
                    identity,
                });
            }
        }
    }

    fn read_brands(&mut self, table: &str) {
        for record in csv::Reader::from_reader(table.as_bytes())
            .into_records()
            .flatten()
        {
            let field = |at: usize| record.get(at).unwrap_or_default();
            let domains: Vec<String> = split(field(2)).map(str::to_ascii_lowercase).collect();
            let names: Vec<&str> = split(field(1)).collect();
            let Some(first) = names.first() else { continue };
            // A brand that the register protects is judged as the register has it.
            let protected = domains.iter().find_map(|domain| self.owners(domain).next());
            let identity = match protected {
                Some(identity) => {
                    let more = domains.iter().cloned();
                    if let Some(known) = self.identities.get_mut(identity as usize) {
                        known.domains.extend(more);
                    }
                    for domain in &domains {
                        self.index_domain(domain, identity);
                    }
                    identity
                }
                None => self.add_identity(
                    &title_case(first.trim_end_matches('!')),
                    Kind::Brand,
                    None,
                    domains.clone(),
                ),
            };
            for name in &names {
                let bare = name.trim_end_matches('!');
                self.add_name(bare, identity, bare.len() != name.len());
            }
            for domain in &domains {
                let label = domain.split('.').next().unwrap_or_default();
                let is_name = names
                    .iter()
                    .any(|name| squash(name.trim_end_matches('!')) == squash(label));
                let is_ordinary = !is_name
                    || names
                        .iter()
                        .any(|name| name.ends_with('!') && squash(name) == squash(label));
                self.add_label(domain, identity, is_ordinary);
            }
        }
    }

    fn read_hosts(&mut self, table: &str) {
        for record in csv::Reader::from_reader(table.as_bytes())
            .into_records()
            .flatten()
        {
            let field = |at: usize| record.get(at).unwrap_or_default();
            let kind = match field(0) {
                "shortener" => HostKind::Shortener,
                "free_host" => HostKind::FreeHost,
                "freemail" => HostKind::Freemail,
                "mailing_company" => HostKind::MailingCompany,
                "wrapper" => HostKind::Wrapper,
                "redirector" => {
                    let mut path = String::new();
                    let mut params = Vec::new();
                    for piece in split(field(2)) {
                        if let Some(value) = piece.strip_prefix("path=") {
                            path = value.to_owned();
                        } else if let Some(value) = piece.strip_prefix("params=") {
                            params = value.split(',').map(|name| name.trim().to_owned()).collect();
                        }
                    }
                    HostKind::Redirector(path, params)
                }
                _ => continue,
            };
            self.hosts
                .entry(field(1).to_ascii_lowercase())
                .or_default()
                .push(kind);
        }
    }

    fn read_business(&mut self, table: &str) {
        for record in csv::Reader::from_reader(table.as_bytes())
            .into_records()
            .flatten()
        {
            self.business.extend(
                Words::of(record.get(0).unwrap_or_default())
                    .iter()
                    .map(str::to_owned),
            );
        }
    }

    fn read_roles(&mut self, table: &str) {
        for record in csv::Reader::from_reader(table.as_bytes())
            .into_records()
            .flatten()
        {
            let role = record.get(0).unwrap_or_default();
            let words: Vec<String> = Words::of(role).iter().map(str::to_owned).collect();
            if !words.is_empty() {
                self.roles.push((words, role.to_owned()));
            }
        }
    }

    fn add_identity(&mut self, name: &str, kind: Kind, target: Option<usize>, domains: Vec<String>) -> u32 {
        let id = self.identities.len() as u32;
        for domain in &domains {
            self.index_domain(domain, id);
        }
        self.identities.push(Identity {
            name: name.to_owned(),
            kind,
            target,
            domains,
        });
        id
    }

    fn index_domain(&mut self, domain: &str, identity: u32) {
        let owners = self.by_domain.entry(domain.to_ascii_lowercase()).or_default();
        if !owners.contains(&identity) {
            owners.push(identity);
        }
        let registrable = registrable(domain);
        if !registrable.is_empty() {
            let owners = self.by_registrable.entry(registrable).or_default();
            if !owners.contains(&identity) {
                owners.push(identity);
            }
        }
    }

    fn add_name(&mut self, name: &str, identity: u32, is_ordinary: bool) {
        let words: Vec<String> = Words::of(name).iter().map(str::to_owned).collect();
        let Some((first, rest)) = words.split_first() else {
            return;
        };
        let entry = NameEntry {
            identity,
            rest: rest.to_vec(),
            is_ordinary: is_ordinary || (rest.is_empty() && first.len() < 3),
        };
        self.by_first_word.entry(first.clone()).or_default().push(entry);
        // "marlow county" is also written "marlowcounty", and "TrustWallet" "trust wallet".
        if !rest.is_empty() {
            let joined: String = words.concat();
            if joined.len() >= 6 {
                self.by_first_word.entry(joined).or_default().push(NameEntry {
                    identity,
                    rest: Vec::new(),
                    is_ordinary,
                });
            }
        }
    }

    fn add_label(&mut self, domain: &str, identity: u32, is_ordinary: bool) {
        let domain = domain.to_ascii_lowercase();
        let Ok(parsed) = ParsedName::parse(&domain) else {
            return;
        };
        let label = match parsed.user_label() {
            Some(label) => label.to_owned(),
            None => return,
        };
        let hyphened = if domain.matches('.').count() >= 2 || is_government(parsed.suffix()) {
            domain.replace('.', "-")
        } else {
            String::new()
        };
        if label.len() < 3 && hyphened.is_empty() {
            return;
        }
        if self
            .labels
            .iter()
            .any(|known| known.domain == domain && known.identity == identity)
        {
            return;
        }
        // The front labels of a longer protected name read as a name too: sos-northland for sos.northland.example.
        let front = domain
            .strip_suffix(parsed.suffix())
            .map(|front| front.trim_end_matches('.').replace('.', "-"))
            .filter(|front| front.contains('-') && front.len() > label.len())
            .unwrap_or_default();
        if !front.is_empty() {
            self.labels.push(Label {
                folded: fold_label(&front),
                dashed: domain.replace('.', "-"),
                label: front,
                hyphened: String::new(),
                domain: domain.clone(),
                identity,
                is_ordinary,
            });
        }
        self.labels.push(Label {
            folded: fold_label(&label),
            dashed: domain.replace('.', "-"),
            label,
            hyphened,
            domain,
            identity,
            is_ordinary,
        });
    }

    /// The labels that a name may imitate.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Identities that own `host`: the domain itself, or a name below it.
    pub fn owners<'a>(&'a self, host: &'a str) -> impl Iterator<Item = u32> + 'a {
        below(host)
            .filter_map(|domain| self.by_domain.get(domain))
            .flatten()
            .copied()
    }

    /// Whether `identity` owns `host`. Free hosts and free mail belong to nobody.
    pub fn is_of(&self, host: &str, identity: u32) -> bool {
        if self.is_kind(host, &HostKind::FreeHost) || self.is_kind(host, &HostKind::Freemail) {
            return false;
        }
        if self.owners(host).any(|owner| owner == identity) {
            return true;
        }
        // Another name under the same registrable domain belongs to the same owner.
        self.by_registrable
            .get(&registrable(host))
            .is_some_and(|owners| owners.contains(&identity))
    }

    /// Whether the register says that `host` is to be left alone, or it belongs to an entry of the register.
    pub fn is_own(&self, host: &str) -> bool {
        let is_registers = |owner: &u32| {
            self.identities
                .get(*owner as usize)
                .is_some_and(|identity| identity.kind != Kind::Brand)
        };
        below(host).any(|domain| self.allow.contains(domain))
            || self.owners(host).any(|owner| is_registers(&owner))
            || self
                .by_registrable
                .get(&registrable(host))
                .is_some_and(|owners| owners.iter().any(is_registers))
    }

    /// What the host tables say of `host` and the domains above it; the longest match.
    pub fn host_kinds<'a>(&'a self, host: &'a str) -> &'a [HostKind] {
        below(host)
            .find_map(|domain| self.hosts.get(domain))
            .map_or(&[], Vec::as_slice)
    }

    /// Whether `host` is of `kind`.
    pub fn is_kind(&self, host: &str, kind: &HostKind) -> bool {
        // A free mailbox is at the domain itself; names below it are the company's own. Tenants' domains are the exception.
        if *kind == HostKind::Freemail && !host.ends_with(".onmicrosoft.com") {
            return self.hosts.get(host).is_some_and(|kinds| kinds.contains(kind));
        }
        below(host).any(|domain| self.hosts.get(domain).is_some_and(|kinds| kinds.contains(kind)))
    }

    /// Names of identities in `text`, longest first where they overlap.
    pub fn names_in(&self, text: &Words) -> Vec<Named> {
        let mut named: Vec<Named> = Vec::new();
        let has_business = text.iter().any(|word| self.business.contains(word));
        for at in 0..text.len() {
            let Some(entries) = text.get(at).and_then(|word| self.by_first_word.get(word)) else {
                continue;
            };
            for entry in entries {
                let is_there = entry
                    .rest
                    .iter()
                    .enumerate()
                    .all(|(offset, word)| text.get(at + 1 + offset) == Some(word));
                if !is_there || (entry.is_ordinary && !has_business && text.len() > 1) {
                    continue;
                }
                let end = at + 1 + entry.rest.len();
                named.push(Named {
                    identity: entry.identity,
                    words: (at, end),
                    is_ordinary: entry.is_ordinary,
                });
            }
        }
        let covers = |wide: &Named, narrow: &Named| {
            wide.words.0 <= narrow.words.0
                && wide.words.1 >= narrow.words.1
                && wide.words.1 - wide.words.0 > narrow.words.1 - narrow.words.0
        };
        let kept: Vec<Named> = named
            .iter()
            .filter(|one| !named.iter().any(|other| covers(other, one)))
            .copied()
            .collect();
        kept
    }

    /// Whether the word belongs to business ("account", "support").
    pub fn is_business(&self, folded: &str) -> bool {
        self.business.contains(folded)
    }

    /// The role of the reader's own office that `text` names, and where.
    pub fn role_in<'a>(&'a self, text: &Words) -> Option<(&'a str, (usize, usize))> {
        self.roles.iter().find_map(|(words, role)| {
            let at = (0..text.len()).find(|at| {
                words
                    .iter()
                    .enumerate()
                    .all(|(offset, word)| text.get(at + offset) == Some(word))
            })?;
            Some((role.as_str(), (at, at + words.len())))
        })
    }

    /// The person whose name `text` is: every word of it, in any order, initials allowed, at most two words beside.
    pub fn person_in(&self, text: &Words) -> Option<&PersonKnown> {
        let words: Vec<&str> = text.iter().filter(|word| !TITLES.contains(word)).collect();
        self.people.iter().find(|person| {
            if words.len() > person.words.len() + 4 {
                return false;
            }
            let full = person
                .words
                .iter()
                .filter(|name| words.contains(&name.as_str()))
                .count();
            let last_is_there = person
                .words
                .last()
                .is_some_and(|last| words.contains(&last.as_str()));
            let initial = person.words.first().is_some_and(|first| {
                words
                    .iter()
                    .any(|word| word.len() == 1 && first.starts_with(word))
            });
            full == person.words.len()
                || (last_is_there
                    && full + 1 == person.words.len()
                    && initial
                    && words.len() <= person.words.len())
        })
    }
}

/// The registrable domain of `host` (public suffix list, private part included); empty where there is none.
pub fn registrable(host: &str) -> String {
    ParsedName::parse(host)
        .ok()
        .and_then(|name| name.registrable().map(str::to_owned))
        .unwrap_or_default()
}

/// A label with its lookalike letters folded, and with its lookalike pairs folded too.
pub(crate) fn fold_label(label: &str) -> (Vec<u8>, Vec<u8>) {
    let bytes: Vec<u8> = label.bytes().map(fold_byte).collect();
    let mut paired = Vec::new();
    fold_pairs(&bytes, &mut paired, &mut Vec::new());
    (bytes, paired)
}

fn is_government(suffix: &str) -> bool {
    pollwatch_names::is_government_suffix(suffix)
}

/// `a.b.c`, `b.c`, `c`.
fn below(host: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(host);
    std::iter::from_fn(move || {
        let current = rest?;
        rest = current.split_once('.').map(|(_, after)| after);
        Some(current)
    })
}

fn split(field: &str) -> impl Iterator<Item = &str> {
    field.split(';').map(str::trim).filter(|piece| !piece.is_empty())
}

fn squash(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn title_case(name: &str) -> String {
    name.split(' ')
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        })
        .collect::<Vec<_>>()
        .join(" ")
}
