//! DMARC (RFC 7489; RFC 9989 with its tree walk).

use pollwatch_names::ParsedName;

use super::dns::{Answer, Dns};
use super::method::MethodResult;

/// How the organisation's domain is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discovery {
    /// By the public suffix list (RFC 7489, section 3.2).
    PublicSuffixList,
    /// By walking up the tree of names (RFC 9989, section 4.10).
    TreeWalk,
}

/// What DMARC gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DmarcOutcome {
    /// The result.
    pub result: MethodResult,
    /// What the domain asks for a fail: none, quarantine or reject; `None` without a record.
    pub policy: Option<String>,
    /// The domain of the record used.
    pub record_domain: String,
    /// How it was found.
    pub discovery: Discovery,
}

struct Record {
    domain: String,
    tags: Vec<(String, String)>,
}

impl Record {
    fn get(&self, name: &str) -> Option<&str> {
        self.tags
            .iter()
            .find(|(tag, _)| tag == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Evaluates DMARC for the domain of From, with the results of SPF and of each DKIM signature and their domains.
pub fn evaluate(
    dns: &dyn Dns,
    from_domain: &str,
    spf: (MethodResult, &str),
    dkim: &[(MethodResult, String)],
    discovery: Discovery,
) -> DmarcOutcome {
    let from = from_domain.trim_end_matches('.').to_ascii_lowercase();
    let mut outcome = DmarcOutcome {
        result: MethodResult::None,
        policy: None,
        record_domain: String::new(),
        discovery,
    };
    let (records, trouble) = match discovery {
        Discovery::TreeWalk => walk(dns, &from),
        Discovery::PublicSuffixList => look(dns, [from.clone(), registrable(&from)].into_iter()),
    };
    let organisation = organisation(&from, &records, discovery);
    let record = records
        .iter()
        .find(|record| record.domain == from)
        .or_else(|| records.iter().find(|record| record.domain == organisation))
        .or_else(|| records.first());
    let Some(record) = record else {
        outcome.result = trouble.unwrap_or(MethodResult::None);
        return outcome;
    };
    if trouble == Some(MethodResult::Temperror) {
        outcome.result = MethodResult::Temperror;
        return outcome;
    }
    outcome.record_domain.clone_from(&record.domain);
    outcome.policy = Some(policy(dns, record, &from));
    let aligned = |domain: &str, strict: bool| {
        let domain = domain.trim_end_matches('.').to_ascii_lowercase();
        domain == from
            || (!strict && !domain.is_empty() && organisation == organisation_of(dns, &domain, discovery))
    };
    let is_strict = |tag: &str| {
        record
            .get(tag)
            .is_some_and(|value| value.eq_ignore_ascii_case("s"))
    };
    let mut results: Vec<MethodResult> = dkim
        .iter()
        .filter(|(_, domain)| aligned(domain, is_strict("adkim")))
        .map(|(result, _)| *result)
        .collect();
    if spf.0 == MethodResult::NotCheckable || aligned(spf.1, is_strict("aspf")) {
        results.push(spf.0);
    }
    // An open question is not a fail.
    outcome.result = [
        MethodResult::Pass,
        MethodResult::Temperror,
        MethodResult::NotCheckable,
    ]
    .into_iter()
    .find(|wanted| results.contains(wanted))
    .unwrap_or(MethodResult::Fail);
    outcome
}

fn policy(dns: &dyn Dns, record: &Record, from: &str) -> String {
    let own = record.get("p").unwrap_or("none").to_ascii_lowercase();
    let tag = |name: &str| record.get(name).map(str::to_ascii_lowercase);
    let mut policy = if record.domain == from {
        own
    } else {
        let below = tag("sp").unwrap_or(own);
        match tag("np") {
            Some(missing) if dns.a(from) == Answer::NoSuchName => missing,
            _ => below,
        }
    };
    // RFC 7489, section 6.6.3: a record with a faulty policy and a place for reports asks for nothing.
    let faulty = ["p", "sp", "np"]
        .iter()
        .any(|name| tag(name).is_some_and(|word| !is_policy(&word)));
    if faulty || !is_policy(&policy) {
        policy = "none".to_owned();
    }
    // RFC 9989, section 4.7: t=y is one step lower.
    if record
        .get("t")
        .is_some_and(|value| value.eq_ignore_ascii_case("y"))
    {
        policy = if policy == "reject" { "quarantine" } else { "none" }.to_owned();
    }
    policy
}

fn is_policy(word: &str) -> bool {
    matches!(word, "none" | "quarantine" | "reject")
}

/// Whether two domains are of one organisation by the public suffix list (relaxed alignment).
pub fn is_aligned(one: &str, other: &str) -> bool {
    !one.is_empty() && registrable(&one.to_ascii_lowercase()) == registrable(&other.to_ascii_lowercase())
}

fn registrable(domain: &str) -> String {
    ParsedName::parse(domain)
        .ok()
        .and_then(|name| name.registrable().map(str::to_owned))
        .unwrap_or_else(|| domain.to_owned())
}

fn organisation_of(dns: &dyn Dns, domain: &str, discovery: Discovery) -> String {
    match discovery {
        Discovery::PublicSuffixList => registrable(domain),
        Discovery::TreeWalk => organisation(domain, &walk(dns, domain).0, discovery),
    }
}

fn organisation(start: &str, records: &[Record], discovery: Discovery) -> String {
    if discovery == Discovery::PublicSuffixList {
        return registrable(start);
    }
    for record in records {
        match record.get("psd") {
            Some("n") => return record.domain.clone(),
            Some("y") if record.domain != start => {
                let labels = record.domain.split('.').count() + 1;
                let skip = start.split('.').count().saturating_sub(labels);
                return start.split('.').skip(skip).collect::<Vec<_>>().join(".");
            }
            _ => {}
        }
    }
    records
        .last()
        .map_or_else(|| start.to_owned(), |record| record.domain.clone())
}

fn walk(dns: &dyn Dns, start: &str) -> (Vec<Record>, Option<MethodResult>) {
    let labels: Vec<&str> = start.split('.').collect();
    // RFC 9989, section 4.10: of a long name the walk skips to seven labels, so that it asks eight times at most.
    let next = if labels.len() > 8 { labels.len() - 7 } else { 1 };
    let steps = std::iter::once(0).chain(next..labels.len());
    look(dns, steps.map(|from| labels[from..].join(".")))
}

fn look(dns: &dyn Dns, names: impl Iterator<Item = String>) -> (Vec<Record>, Option<MethodResult>) {
    let (mut found, mut trouble): (Vec<Record>, _) = (Vec::new(), None);
    for domain in names {
        match dns.txt(&format!("_dmarc.{domain}")) {
            Answer::Found(texts) => {
                let mut records = texts.iter().filter_map(|text| read(text));
                if let (Some(tags), None) = (records.next(), records.next()) {
                    let record = Record { domain, tags };
                    let ends = matches!(record.get("psd"), Some("n" | "y"));
                    found.push(record);
                    if ends {
                        break;
                    }
                }
            }
            Answer::TempError => trouble = Some(MethodResult::Temperror),
            Answer::NotRecorded => trouble = trouble.or(Some(MethodResult::NotCheckable)),
            Answer::NoData | Answer::NoSuchName => {}
        }
    }
    (found, trouble)
}

fn read(text: &[u8]) -> Option<Vec<(String, String)>> {
    let text = std::str::from_utf8(text).ok()?;
    let tags: Vec<(String, String)> = text
        .split(';')
        .filter_map(|tag| tag.split_once('='))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let (first, version) = tags.first()?;
    let get = |wanted: &str| {
        tags.iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value)
    };
    let has_policy = get("p").is_some_and(|word| is_policy(&word.to_ascii_lowercase()))
        && get("sp").is_none_or(|word| is_policy(&word.to_ascii_lowercase()));
    let has_reports = get("rua").is_some_and(|list| {
        list.split(',').any(|uri| {
            uri.trim()
                .split_once(':')
                .is_some_and(|(scheme, rest)| scheme.eq_ignore_ascii_case("mailto") && rest.contains('@'))
        })
    });
    (first == "v" && version == "DMARC1" && (has_policy || has_reports)).then_some(tags)
}
