//! Authentication of a message without a network: what our own boundary recorded, and what recorded DNS answers show.

pub mod arc;
pub mod dkim;
pub mod dmarc;
pub mod dns;
pub mod key;
pub mod method;
pub mod results;
pub mod spf;
pub mod spf_record;
pub mod tags;

use pollwatch_names::ParsedName;
use serde::{Deserialize, Serialize};

use crate::evidence::Quote;
use crate::message::Message;

use dmarc::{Discovery, is_aligned};
use dns::Dns;
pub use method::MethodResult;
pub use results::Boundary;
use results::RecordedState;

/// Where the results are from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Recorded by our own boundary.
    Recorded,
    /// Computed again from recorded DNS answers.
    Recomputed,
    /// Our boundary asked and got no answer: never a sign of anything.
    CheckedNoAnswer,
    /// Fields in our name that cannot be placed.
    RecordedNotVerifiable,
    /// Nothing can be said.
    #[default]
    NotCheckable,
}

/// A field that is not our boundary's and claims a pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untrusted {
    /// What it claims, and in whose name.
    pub claims: String,
    /// The field.
    pub quote: Quote,
}

/// What is known of who sent a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// Where the results are from.
    pub state: State,
    /// SPF.
    pub spf: Option<MethodResult>,
    /// DKIM: pass if one signature passes.
    pub dkim: Option<MethodResult>,
    /// DMARC, for the visible From only.
    pub dmarc: Option<MethodResult>,
    /// The ARC chain.
    pub arc: Option<MethodResult>,
    /// What From's domain asks for a fail, where its record is known.
    pub dmarc_policy: Option<String>,
    /// Domains shown by a pass of SPF or DKIM.
    pub passing_domains: Vec<String>,
    /// Whether one of them is of From's organisation.
    pub aligned: Option<bool>,
    /// From's domain, where it is shown.
    pub proven_domain: Option<String>,
    /// Why a failed DMARC is excused.
    pub overridden_by_arc: Option<String>,
    /// Whether it shows signs of a mailing list.
    pub list_signs: bool,
    /// Fields that claim a pass and are not our boundary's.
    pub untrusted: Vec<Untrusted>,
    /// What a reader should know besides.
    pub remarks: Vec<String>,
    /// Why nothing can be said; empty otherwise.
    pub why_not: String,
}

/// Authenticates a message: by what our boundary recorded, else by recorded DNS answers, else not at all.
pub fn authenticate(message: &Message, boundary: &Boundary, dns: Option<&dyn Dns>) -> Authentication {
    let authors = author_domains(message);
    let has_one_from = message.values("from").count() == 1 && authors.len() == 1;
    let author = authors.first().filter(|_| has_one_from).map(String::as_str);
    let recorded = results::recorded(message, boundary, author);
    let mut out = Authentication {
        list_signs: ["list-id", "list-post", "mailing-list", "x-mailing-list"]
            .iter()
            .any(|name| message.value(name).is_some()),
        ..Authentication::default()
    };
    out.untrusted = recorded
        .forged
        .into_iter()
        .map(|(claims, quote)| Untrusted { claims, quote })
        .collect();
    for field in message
        .fields
        .iter()
        .filter(|field| field.name == "dkim-signature")
        .take(dkim::MAX_SIGNATURES)
    {
        out.remarks.extend(dkim::remarks(message, field));
    }
    let (spf, signatures);
    match (recorded.state, dns) {
        (RecordedState::Used | RecordedState::CheckedNoAnswer, _) => {
            out.state = if recorded.state == RecordedState::Used {
                State::Recorded
            } else {
                State::CheckedNoAnswer
            };
            (spf, signatures) = (recorded.spf, recorded.dkim);
            out.dmarc = recorded.dmarc;
            out.arc = recorded.arc;
            out.overridden_by_arc = recorded.overridden;
        }
        (_, Some(dns)) => {
            out.state = State::Recomputed;
            let verified = dkim::verify(message, dns, received_at(message, recorded.received));
            for signature in &verified {
                out.remarks.extend(signature.remarks.iter().cloned());
            }
            signatures = verified
                .into_iter()
                .map(|signature| (signature.result, signature.domain))
                .collect();
            let chain = arc::validate(message, dns);
            out.arc = Some(chain.result);
            spf = recorded
                .received
                .and_then(|line| recompute_spf(message, line, dns));
            if let Some(author) = author {
                let (result, domain) = spf
                    .as_ref()
                    .map_or((MethodResult::NotCheckable, ""), |(r, d)| (*r, d.as_str()));
                let dmarc = dmarc::evaluate(dns, author, (result, domain), &signatures, Discovery::TreeWalk);
                out.dmarc = Some(dmarc.result);
                out.dmarc_policy = dmarc.policy;
            }
            if chain.result == MethodResult::Pass
                && out.dmarc == Some(MethodResult::Fail)
                && let Some(sealer) = chain
                    .sealers
                    .first()
                    .filter(|sealer| boundary.trusted_sealers.contains(sealer))
            {
                out.overridden_by_arc = Some(format!("arc: pass at {sealer} (trusted sealer)"));
            }
            let known =
                |result: &MethodResult| !matches!(result, MethodResult::NotCheckable | MethodResult::None);
            let any = signatures
                .iter()
                .map(|(r, _)| r)
                .chain(spf.as_ref().map(|(r, _)| r))
                .chain(out.dmarc.as_ref())
                .any(known);
            if !any {
                out.state = State::NotCheckable;
                out.why_not = "The DNS records that are needed were not kept.".to_owned();
            }
        }
        (RecordedState::RecordedNotVerifiable, None) => {
            out.state = State::RecordedNotVerifiable;
            out.why_not =
                "Results are recorded, but no Received line of our servers shows that they are ours."
                    .to_owned();
            return out;
        }
        (RecordedState::NotCheckable, None) => {
            out.why_not =
                "Our servers recorded no result for this message, and no DNS records were kept.".to_owned();
            return out;
        }
    }
    out.spf = spf.as_ref().map(|(result, _)| *result);
    out.dkim = signatures.iter().map(|(result, _)| *result).min();
    for (result, domain) in spf.iter().chain(&signatures) {
        if *result == MethodResult::Pass && !domain.is_empty() && !out.passing_domains.contains(domain) {
            out.passing_domains.push(domain.clone());
        }
    }
    if let Some(author) = author {
        let is_aligned = out
            .passing_domains
            .iter()
            .any(|domain| is_aligned(domain, author));
        if out.state != State::NotCheckable {
            out.aligned = Some(is_aligned || out.dmarc == Some(MethodResult::Pass));
        }
        if out.dmarc == Some(MethodResult::Pass) || (is_aligned && out.dmarc != Some(MethodResult::Fail)) {
            out.proven_domain = Some(author.to_owned());
        }
    } else {
        out.dmarc = None;
        out.remarks
            .push("DMARC was not evaluated: there is not exactly one From address".to_owned());
    }
    out.remarks.sort();
    out.remarks.dedup();
    out
}

/// When the message came in, by the clock of whoever wrote the Received line of our boundary, or else the topmost one: the
/// last server that had it. The Date field is the sender's own, and so says nothing of expiry. Seconds since 1970.
fn received_at(message: &Message, line: Option<usize>) -> Option<i64> {
    let line = line.or_else(|| message.fields.iter().position(|field| field.name == "received"))?;
    let (_, date) = message.fields.get(line)?.value.rsplit_once(';')?;
    Some(crate::read::moment(date)?.as_second())
}

/// SPF for the host that our boundary's Received line names.
fn recompute_spf(message: &Message, line: usize, dns: &dyn Dns) -> Option<(MethodResult, String)> {
    let value = &message.fields.get(line)?.value;
    let from = value.strip_prefix("from ")?;
    let from = from.split(" by ").next()?;
    let ip = from
        .split(['[', ']', '(', ')', ' '])
        .find_map(|word| word.trim_start_matches("IPv6:").parse().ok())?;
    let helo = from.split_whitespace().next()?;
    let outcome = spf::check(
        dns,
        ip,
        helo,
        message.value("return-path")?,
        &spf::SpfContext::default(),
    );
    Some((outcome.result, outcome.domain))
}

/// The domains of every address in every From field, in order: lower case, A-labels. Quoted names and comments are no addresses.
pub fn author_domains(message: &Message) -> Vec<String> {
    let mut domains: Vec<String> = Vec::new();
    for value in message.values("from") {
        let (mut bare, mut angle, mut in_angle) = (String::new(), None::<String>, false);
        let (mut depth, mut in_quotes, mut is_escaped) = (0_usize, false, false);
        for c in value.chars().chain(std::iter::once(',')) {
            if is_escaped {
                is_escaped = false;
                continue;
            }
            match c {
                '\\' if in_quotes || depth > 0 => is_escaped = true,
                '"' if depth == 0 => in_quotes = !in_quotes,
                _ if in_quotes => {}
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ if depth > 0 => {}
                '<' => (angle, in_angle) = (Some(String::new()), true),
                '>' => in_angle = false,
                ',' | ';' if !in_angle || c == ';' => push_domain(
                    angle.take().unwrap_or(std::mem::take(&mut bare)),
                    &mut bare,
                    &mut domains,
                ),
                _ => match angle.as_mut().filter(|_| in_angle) {
                    Some(angle) => angle.push(c),
                    None => bare.push(c),
                },
            }
        }
        if let Some(address) = angle {
            push_domain(address, &mut bare, &mut domains);
        }
    }
    domains
}

fn push_domain(address: String, bare: &mut String, domains: &mut Vec<String>) {
    bare.clear();
    let Some((_, domain)) = address.rsplit_once('@') else {
        return;
    };
    let raw = domain.trim().trim_end_matches('.');
    let domain = ParsedName::parse(raw).map_or_else(|_| raw.to_lowercase(), |name| name.ascii().to_owned());
    if !domain.is_empty() && !domains.contains(&domain) {
        domains.push(domain);
    }
}
