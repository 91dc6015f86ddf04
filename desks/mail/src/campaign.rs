//! Joins the messages of one campaign, says who was targeted, and what came of it.
//!
//! Two messages belong together when they share one strong key (an attacker's domain, a shortened link, a file, a path with two
//! pieces of its own, a contact, or nearly the same text under the same claimed name) or two weak ones of different sorts within
//! 14 days. A brand, a shared host or a language alone joins nothing. Every join says why.
//!
//! Only messages that were judged bad are members. Delivery reports, replies and notes attach to a campaign as evidence about
//! persons: by Message-ID, by the failed recipient, by a subject or link that they quote, or because their writer was a target
//! and says what they did.
//!
//! **Ids.** A campaign's id is the digest of the smallest strong key of its earliest message (of the message itself where it has
//! none). It stays the same while later mail arrives. When an earlier message arrives, or two campaigns turn out to be one, the
//! id is that of the earliest message of the whole, and [`Campaign::also`] lists every id that a part of it can have had.
//!
//! **Time.** Messages without a time are joined by strong keys only.

mod bounce;
mod join;
mod keys;
mod people;
mod say;
mod text;

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;
use pollwatch_model::Indicator;
use serde::{Deserialize, Serialize};

use crate::evidence::File;

pub use bounce::{Failure, failures};
pub use join::Join;
pub use keys::{Key, KeyKind};
pub use people::{Evidence, Outcome, PersonOutcome, Remark};
pub use say::{Said, Statement, Who, statements};

/// Most recipients that are kept of one message.
const MAX_RECIPIENTS: usize = 500;

/// A link of a message, unwrapped and judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CampaignLink {
    /// The last address that it is known to lead to.
    pub url: String,
    /// Host of that address.
    pub host: String,
    /// Registrable domain of that host; empty for an address in numbers.
    pub registrable: String,
    /// Whether the host is hosting, storage or a form service that many customers share, or a mailing company's.
    pub is_shared_host: bool,
    /// Whether the host is a link shortener.
    pub is_shortener: bool,
    /// Whether the link is the attacker's, on whatever host: the page or file that the message wants opened. False for links to
    /// the imitated party, to the recipient's own organisation, and for what is only loaded.
    pub is_attacker: bool,
}

/// What [`Traits::of`] is told about one message.
#[derive(Debug, Clone, Default)]
pub struct TraitsInput<'a> {
    /// SHA-256 of the original, hex.
    pub message: &'a str,
    /// Where it lies, such as `inbox.mbox#12`.
    pub locator: &'a str,
    /// When the recipient's boundary took it, or else its Date.
    pub time: Option<Timestamp>,
    /// Whether it was judged suspicious or worse.
    pub is_bad: bool,
    /// Who it claims to be from; empty where nobody in particular.
    pub claim: &'a str,
    /// Id of the register's target that is imitated or aimed at; empty for none.
    pub target: &'a str,
    /// To, Cc and envelope recipients.
    pub recipients: &'a [String],
    /// Who reported it; for a reply or a note about a campaign, its writer.
    pub reporter: Option<&'a str>,
    /// When it was reported.
    pub reported_at: Option<Timestamp>,
    /// What the reporter writes themselves, without what they quote or forward.
    pub reporter_text: &'a str,
    /// Subject, decoded.
    pub subject: &'a str,
    /// Message-ID, with or without angle brackets.
    pub message_id: &'a str,
    /// Message-IDs of In-Reply-To and References.
    pub in_reply_to: &'a [String],
    /// Address of From.
    pub from_address: &'a str,
    /// Whether the domain of From is the attacker's own: neither spoofed, nor a free mail provider's, nor a compromised partner's.
    pub is_sender_attacker: bool,
    /// Phone numbers, wallets, and mailboxes to answer to that are the attacker's.
    pub contacts: &'a [String],
    /// Its links.
    pub links: &'a [CampaignLink],
    /// Its files.
    pub files: &'a [File],
    /// The text that a reader sees.
    pub body_text: &'a str,
    /// Names of the page's elements, in order.
    pub html_tags: &'a [String],
    /// The address that it was handed in from.
    pub sending_ip: Option<IpAddr>,
    /// What that sender called itself.
    pub helo: &'a str,
    /// X-Mailer or User-Agent.
    pub mailer: &'a str,
    /// The text of a delivery report; empty for anything else.
    pub delivery_report: &'a str,
    /// What mailboxes, gateways and sign-in records show about persons.
    pub observed: Vec<Observed>,
}

/// Something that a mailbox, a gateway or a record shows about a person and this message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The person's address.
    pub address: String,
    /// What it shows.
    pub outcome: Outcome,
    /// Where it stands.
    pub source: String,
    /// The words there.
    pub quote: String,
}

/// What is kept of one judged message, to join it with others now or in a later run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Traits {
    /// SHA-256 of the original, hex.
    pub message: String,
    /// Where it lies.
    pub locator: String,
    /// When it came.
    pub time: Option<Timestamp>,
    /// Whether it was judged suspicious or worse.
    pub is_bad: bool,
    /// The probability that it is phishing.
    #[serde(default)]
    pub probability: f64,
    /// Who it claims to be from; empty where nobody.
    pub claim: String,
    /// Id of the register's target; empty for none.
    pub target: String,
    /// Whom it was sent to, in lower case, sorted.
    pub recipients: Vec<String>,
    /// Who reported it, or wrote it when it is a note; in lower case.
    pub reporter: Option<String>,
    /// When it was reported.
    pub reported_at: Option<Timestamp>,
    /// Its subject.
    pub subject: String,
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// The messages that it answers, without angle brackets.
    pub in_reply_to: Vec<String>,
    /// What it may have in common with others, sorted.
    pub keys: Vec<Key>,
    /// MinHash signature of its masked text: 128 numbers, or none when the text is short.
    pub minhash: Vec<u32>,
    /// Mail addresses that its links carry.
    pub link_addresses: Vec<String>,
    /// The deliveries that it reports as failed.
    pub failures: Vec<Failure>,
    /// What the reporter says.
    pub statements: Vec<Statement>,
    /// What mailboxes, gateways and records show.
    pub observed: Vec<Observed>,
    /// What others can search for, victims taken out; only of a bad message.
    #[serde(default)]
    pub indicators: Vec<Indicator>,
}

impl Traits {
    /// The traits of a message.
    pub fn of(input: &TraitsInput<'_>) -> Traits {
        let mut recipients: Vec<String> = input.recipients.iter().filter_map(|a| folded(a)).collect();
        recipients.sort_unstable();
        recipients.dedup();
        recipients.truncate(MAX_RECIPIENTS);
        let names: Vec<String> = recipients
            .iter()
            .take(20)
            .filter_map(|address| address.split('@').next())
            .flat_map(|local| local.split(['.', '-', '_', '+']))
            .filter(|name| name.len() >= 3)
            .map(str::to_owned)
            .collect();
        let words = text::masked_words(input.body_text, &names);
        let minhash = text::signature(&words);
        let keys = keys::keys_of(input, &words, &names, !minhash.is_empty());
        let link_addresses: BTreeSet<String> = input
            .links
            .iter()
            .filter(|link| link.is_attacker)
            .flat_map(|link| keys::addresses_in(&link.url))
            .collect();
        Traits {
            message: input.message.to_owned(),
            locator: input.locator.to_owned(),
            time: input.time,
            is_bad: input.is_bad,
            probability: 0.0,
            claim: input.claim.to_owned(),
            target: input.target.to_owned(),
            recipients,
            reporter: input.reporter.and_then(folded),
            reported_at: input.reported_at,
            subject: input.subject.to_owned(),
            message_id: bare_id(input.message_id),
            in_reply_to: input.in_reply_to.iter().map(|id| bare_id(id)).collect(),
            keys,
            minhash,
            link_addresses: link_addresses.into_iter().take(MAX_RECIPIENTS).collect(),
            failures: failures(input.delivery_report, input.subject),
            statements: statements(input.reporter_text),
            observed: input.observed.clone(),
            indicators: Vec::new(),
        }
    }

    /// The order in which messages are joined: by time, those without one last, then by digest and place.
    fn order(&self) -> (Timestamp, &str, &str, Option<&str>) {
        (
            self.time.unwrap_or(Timestamp::MAX),
            &self.message,
            &self.locator,
            self.reporter.as_deref(),
        )
    }
}

/// A mail address in lower case, without angle brackets and space; `None` when it is none.
fn folded(address: &str) -> Option<String> {
    let address = address.trim().trim_matches(['<', '>']).trim().to_lowercase();
    (address.contains('@') && !address.contains(char::is_whitespace)).then_some(address)
}

fn bare_id(id: &str) -> String {
    id.trim().trim_matches(['<', '>']).to_owned()
}

/// Who a person is, as the register says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Role {
    /// Id of the register's target.
    pub target: String,
    /// The person's name.
    pub name: String,
    /// Their role, such as `clerk`.
    pub role: String,
}

/// Messages that belong together, who got them, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    /// Its id: 16 hex digits.
    pub id: String,
    /// Other ids that parts of it can have had, sorted.
    pub also: Vec<String>,
    /// Its messages, earliest first, as positions in what was handed in.
    pub members: Vec<usize>,
    /// Delivery reports, replies and notes that belong to it, earliest first, as positions in what was handed in.
    pub evidence: Vec<usize>,
    /// Why they belong together: enough joins to connect all members.
    pub joins: Vec<Join>,
    /// Strong keys that at least two members share, sorted.
    pub keys: Vec<Key>,
    /// How many different mails, the same one seen twice counted once.
    pub mails: usize,
    /// Who was targeted, and what came of it; sorted by address.
    pub people: Vec<PersonOutcome>,
    /// When the first member came.
    pub first: Option<Timestamp>,
    /// When the last member came.
    pub last: Option<Timestamp>,
    /// Who reported it, sorted.
    pub reported_by: Vec<String>,
    /// Seconds from the first member to the first report.
    pub first_report_after: Option<i64>,
    /// What was said about it that is no outcome: a helpdesk's own answer, right or wrong.
    pub remarks: Vec<Remark>,
}

/// The campaigns among `all`, the earliest first; messages that nothing joins are campaigns of one.
///
/// The order of `all` does not matter: only the positions in [`Campaign::members`] and [`Campaign::evidence`] follow it.
pub fn campaigns(all: &[Traits], role_of: &dyn Fn(&str) -> Option<Role>) -> Vec<Campaign> {
    campaigns_without(all, role_of, &BTreeSet::new())
}

/// As [`campaigns`], with the keys in `cut` (sort and value) joining nothing: how an analyst takes a wrong join apart.
pub fn campaigns_without(
    all: &[Traits],
    role_of: &dyn Fn(&str) -> Option<Role>,
    cut: &BTreeSet<(KeyKind, String)>,
) -> Vec<Campaign> {
    let mut order: Vec<usize> = (0..all.len()).filter(|at| all[*at].is_bad).collect();
    order.sort_by(|a, b| all[*a].order().cmp(&all[*b].order()));
    let mut found: Vec<Campaign> = join::groups(all, &order, cut)
        .into_iter()
        .map(|group| join::campaign_of(all, group, cut))
        .collect();
    people::attach(all, &mut found);
    for campaign in &mut found {
        people::fill(all, campaign, role_of);
    }
    found
}
