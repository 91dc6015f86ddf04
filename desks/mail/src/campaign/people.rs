//! Who was targeted, and what came of it: only from evidence, each with its source and words.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::say::{Said, Who};
use super::{Campaign, KeyKind, Role, Traits, text};

/// What came of a message for one person. Ordered: what stands later outweighs what stands before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing shows it.
    #[default]
    Unknown,
    /// A delivery report says that it did not arrive.
    NotDelivered,
    /// A gateway or a server turned it away.
    Blocked,
    /// It lies in their mailbox, or their own boundary took it.
    Delivered,
    /// They say that they did not click or open.
    ReportedUnclicked,
    /// They clicked, opened or scanned.
    Visited,
    /// They gave their password or a code.
    CredentialsEntered,
    /// A record shows a sign-in that is not theirs.
    SignInSeen,
    /// A forwarding or filing rule was found that they did not make.
    RuleFound,
}

/// One piece of evidence about one person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    /// What it shows.
    pub outcome: Outcome,
    /// When the message that holds it came.
    pub time: Option<Timestamp>,
    /// Where it stands.
    pub source: String,
    /// The words; empty when the fact is that the person sent the message in.
    pub quote: String,
    /// Whether it is what somebody says, not what a record shows.
    pub is_claim: bool,
}

/// A person who was targeted, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonOutcome {
    /// Their address, in lower case.
    pub address: String,
    /// Who they are, where the register knows.
    pub role: Option<Role>,
    /// The gravest that the evidence shows.
    pub outcome: Outcome,
    /// Where that stands; empty for [`Outcome::Unknown`].
    pub source: String,
    /// The words there.
    pub quote: String,
    /// Whether that is what somebody says, not what a record shows.
    pub is_claim: bool,
    /// All evidence about them, sorted.
    pub evidence: Vec<Evidence>,
}

/// What somebody said about a campaign's mail that is no outcome.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Remark {
    /// When.
    pub time: Option<Timestamp>,
    /// Who; empty where it is not known.
    pub by: String,
    /// Where it stands.
    pub source: String,
    /// The words.
    pub says: String,
    /// Whether they called it real.
    pub calls_it_genuine: bool,
}

/// Longest time from a mail to a report, a reply or a failure that is tied to it by person and subject alone.
const REPLY_WINDOW: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Clocks of two servers may differ.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(1);

struct Index<'a> {
    by_id: FxHashMap<&'a str, BTreeSet<usize>>,
    by_recipient: FxHashMap<&'a str, Vec<(usize, usize)>>,
    by_key: FxHashMap<(KeyKind, &'a str), usize>,
}

/// Gives every message that is no member to the campaigns that it is evidence about.
pub(super) fn attach(all: &[Traits], campaigns: &mut [Campaign]) {
    let index = index_of(all, campaigns);
    let mut rest: Vec<usize> = (0..all.len()).filter(|at| !all[*at].is_bad).collect();
    rest.sort_by(|a, b| all[*a].order().cmp(&all[*b].order()));
    for at in rest {
        for campaign in campaigns_of(all, &all[at], &index) {
            campaigns[campaign].evidence.push(at);
        }
    }
}

fn index_of<'a>(all: &'a [Traits], campaigns: &[Campaign]) -> Index<'a> {
    let mut index = Index {
        by_id: FxHashMap::default(),
        by_recipient: FxHashMap::default(),
        by_key: FxHashMap::default(),
    };
    for (number, campaign) in campaigns.iter().enumerate() {
        for member in &campaign.members {
            let traits = &all[*member];
            if !traits.message_id.is_empty() {
                index.by_id.entry(&traits.message_id).or_default().insert(number);
            }
            for recipient in traits.recipients.iter().chain(&traits.link_addresses) {
                index
                    .by_recipient
                    .entry(recipient)
                    .or_default()
                    .push((number, *member));
            }
            for key in &traits.keys {
                if matches!(key.kind, KeyKind::Domain | KeyKind::Url | KeyKind::File) {
                    index.by_key.entry((key.kind, &key.value)).or_insert(number);
                }
            }
        }
    }
    index
}

fn campaigns_of(all: &[Traits], traits: &Traits, index: &Index<'_>) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let answered = traits
        .in_reply_to
        .iter()
        .chain(traits.failures.iter().map(|failure| &failure.message_id));
    for id in answered {
        found.extend(index.by_id.get(id.as_str()).into_iter().flatten());
    }
    for failure in &traits.failures {
        for (campaign, member) in sent_to(all, index, &failure.recipient, traits.time) {
            let sent = &all[member];
            let is_returned = sent
                .keys
                .iter()
                .any(|key| key.kind == KeyKind::Sender && traits.recipients.contains(&key.value));
            let is_same_subject =
                !failure.subject.is_empty() && like_subject(&failure.subject, &sent.subject);
            // A report that names neither subject nor Message-ID is tied by whom it was returned to.
            if is_same_subject || (is_returned && failure.subject.is_empty() && failure.message_id.is_empty())
            {
                found.insert(campaign);
            }
        }
    }
    let Some(writer) = &traits.reporter else {
        return found;
    };
    if !traits.failures.is_empty() {
        return found;
    }
    for key in &traits.keys {
        if let Some(campaign) = index.by_key.get(&(key.kind, key.value.as_str())) {
            found.insert(*campaign);
        }
    }
    if !found.is_empty() {
        return found;
    }
    let received: Vec<(usize, usize)> = sent_to(all, index, writer, traits.time).collect();
    let by_subject: BTreeSet<usize> = received
        .iter()
        .filter(|(_, member)| like_subject(&traits.subject, &all[*member].subject))
        .map(|(campaign, _)| *campaign)
        .collect();
    if !by_subject.is_empty() {
        return by_subject;
    }
    // The writer was a target and says what they did: theirs, if only one campaign can be meant.
    let deeds: Vec<String> = traits
        .statements
        .iter()
        .filter(|said| said.outcome != Outcome::Unknown)
        .map(|said| said.says.to_lowercase())
        .collect();
    if deeds.is_empty() {
        return found;
    }
    let candidates: BTreeSet<usize> = received.iter().map(|(campaign, _)| *campaign).collect();
    let named: BTreeSet<usize> = received
        .iter()
        .filter(|(_, member)| {
            let claim = all[*member].claim.to_lowercase();
            !claim.is_empty() && deeds.iter().any(|says| says.contains(&claim))
        })
        .map(|(campaign, _)| *campaign)
        .collect();
    match (named.len(), candidates.len()) {
        (1, _) => named,
        (_, 1) => candidates,
        _ => found,
    }
}

fn sent_to<'a>(
    all: &'a [Traits],
    index: &'a Index<'_>,
    person: &str,
    time: Option<Timestamp>,
) -> impl Iterator<Item = (usize, usize)> + 'a {
    let sent = index
        .by_recipient
        .get(person)
        .map(Vec::as_slice)
        .unwrap_or_default();
    sent.iter()
        .copied()
        .filter(move |(_, member)| match (all[*member].time, time) {
            (Some(sent), Some(time)) => {
                let after = time.duration_since(sent);
                after >= -CLOCK_SLACK && after <= REPLY_WINDOW
            }
            _ => true,
        })
}

fn like_subject(a: &str, b: &str) -> bool {
    let (a, b) = (text::strip_reply_marks(a), text::strip_reply_marks(b));
    !a.is_empty() && a.to_lowercase() == b.to_lowercase()
}

/// Fills in persons, reports and remarks of `campaign` from its members and evidence.
pub(super) fn fill(all: &[Traits], campaign: &mut Campaign, role_of: &dyn Fn(&str) -> Option<Role>) {
    let mut people: BTreeMap<String, BTreeSet<Evidence>> = BTreeMap::new();
    let mut reports: BTreeMap<String, Option<Timestamp>> = BTreeMap::new();
    let mut remarks: BTreeSet<Remark> = BTreeSet::new();
    for member in &campaign.members {
        let traits = &all[*member];
        for address in traits.recipients.iter().chain(&traits.link_addresses) {
            people.entry(address.clone()).or_default();
        }
    }
    let targets: BTreeSet<String> = people.keys().cloned().collect();
    for at in campaign.members.iter().chain(&campaign.evidence) {
        let traits = &all[*at];
        for seen in &traits.observed {
            people
                .entry(seen.address.to_lowercase())
                .or_default()
                .insert(Evidence {
                    outcome: seen.outcome,
                    time: traits.time,
                    source: seen.source.clone(),
                    quote: seen.quote.clone(),
                    is_claim: false,
                });
        }
        // A report may list people of other mailings too.
        for failure in traits
            .failures
            .iter()
            .filter(|failure| targets.contains(&failure.recipient) || traits.failures.len() == 1)
        {
            people
                .entry(failure.recipient.clone())
                .or_default()
                .insert(Evidence {
                    outcome: if failure.is_policy {
                        Outcome::Blocked
                    } else {
                        Outcome::NotDelivered
                    },
                    time: traits.time,
                    source: traits.locator.clone(),
                    quote: failure.quote.clone(),
                    is_claim: false,
                });
        }
        if traits.failures.is_empty() {
            take_statements(traits, &targets, &mut people, &mut reports, &mut remarks);
        }
    }
    campaign.people = people
        .into_iter()
        .map(|(address, evidence)| person_of(address, evidence, role_of))
        .collect();
    campaign.first_report_after = campaign.first.and_then(|first| {
        let report = reports.values().flatten().min()?;
        let after = report.duration_since(first).as_secs();
        (after >= 0).then_some(after)
    });
    campaign.reported_by = reports.into_keys().collect();
    campaign.remarks = remarks.into_iter().collect();
}

fn take_statements(
    traits: &Traits,
    targets: &BTreeSet<String>,
    people: &mut BTreeMap<String, BTreeSet<Evidence>>,
    reports: &mut BTreeMap<String, Option<Timestamp>>,
    remarks: &mut BTreeSet<Remark>,
) {
    let time = traits
        .reported_at
        .or(if traits.is_bad { None } else { traits.time });
    for said in &traits.statements {
        if let Some(verdict) = said.helpdesk_verdict {
            remarks.insert(Remark {
                time,
                by: traits.reporter.clone().unwrap_or_default(),
                source: traits.locator.clone(),
                says: said.says.clone(),
                calls_it_genuine: verdict == Said::Genuine,
            });
        }
    }
    let Some(reporter) = &traits.reporter else {
        return;
    };
    let deeds = || {
        traits
            .statements
            .iter()
            .filter(|said| said.outcome != Outcome::Unknown)
    };
    let only_judges = deeds().next().is_none()
        && traits
            .statements
            .iter()
            .any(|said| said.helpdesk_verdict.is_some());
    if only_judges && !traits.is_bad && !targets.contains(reporter) {
        // A helpdesk that answers has neither got the mail nor reported it.
        return;
    }
    let earliest = reports.entry(reporter.clone()).or_insert(time);
    if time.is_some() && (earliest.is_none() || time < *earliest) {
        *earliest = time;
    }
    people.entry(reporter.clone()).or_default();
    if traits.is_bad && traits.recipients.contains(reporter) {
        people.entry(reporter.clone()).or_default().insert(Evidence {
            outcome: Outcome::Delivered,
            time,
            source: traits.locator.clone(),
            quote: String::new(),
            is_claim: false,
        });
    }
    for said in deeds() {
        let person = match said.who {
            Who::Writer => Some(reporter),
            // "He clicked": theirs only when there is one whom it can mean.
            Who::Other => match traits.recipients.as_slice() {
                [only] if traits.is_bad && only != reporter => Some(only),
                _ => None,
            },
        };
        let Some(person) = person else {
            continue;
        };
        people.entry(person.clone()).or_default().insert(Evidence {
            outcome: said.outcome,
            time,
            source: traits.locator.clone(),
            quote: said.says.clone(),
            is_claim: true,
        });
    }
}

fn person_of(
    address: String,
    evidence: BTreeSet<Evidence>,
    role_of: &dyn Fn(&str) -> Option<Role>,
) -> PersonOutcome {
    // Of equal outcomes what a record shows goes before what somebody says, and the earliest before the others.
    let gravest = evidence.iter().min_by_key(|piece| {
        (
            std::cmp::Reverse(piece.outcome),
            piece.is_claim,
            piece.time.unwrap_or(Timestamp::MAX),
        )
    });
    PersonOutcome {
        role: role_of(&address),
        outcome: gravest.map(|piece| piece.outcome).unwrap_or_default(),
        source: gravest.map(|piece| piece.source.clone()).unwrap_or_default(),
        quote: gravest.map(|piece| piece.quote.clone()).unwrap_or_default(),
        is_claim: gravest.is_some_and(|piece| piece.is_claim),
        evidence: evidence.into_iter().collect(),
        address,
    }
}
