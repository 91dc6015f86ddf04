//! The Sender Policy Framework (RFC 7208).

use std::net::IpAddr;

use super::dns::{Answer, Dns, is_queryable};
use super::method::MethodResult;
use super::spf_record::{self, MacroUse, Mechanism, Piece};

/// Most terms that ask name servers (RFC 7208, section 4.6.4).
const MAX_LOOKUPS: u32 = 10;
/// Most lookups that give nothing (same section).
const MAX_VOID_LOOKUPS: u32 = 2;
/// Most MX and PTR records of one lookup (same section).
const MAX_NAMES: usize = 10;
/// Longest domain name that is asked for; longer ones lose labels on the left (section 7.3).
const MAX_NAME_BYTES: usize = 253;
/// Longest text that macros may grow to, ours: an explanation line of SMTP has 512 bytes.
const MAX_EXPANDED_BYTES: usize = 16 << 10;

/// What else macros may ask for.
#[derive(Debug, Clone, Default)]
pub struct SpfContext {
    /// The name of the receiving host (`%{r}`); `unknown` when empty.
    pub receiver: String,
    /// The time, in seconds since 1970 (`%{t}`).
    pub seconds: i64,
}

/// What SPF gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpfOutcome {
    /// The result.
    pub result: MethodResult,
    /// The domain that was checked: that of MAIL FROM, or of HELO for an empty MAIL FROM.
    pub domain: String,
    /// The mechanism that matched; empty when none did.
    pub mechanism: String,
    /// The domain's own words for a fail (`exp=`).
    pub explanation: Option<String>,
    /// What is faulty or missing; empty when nothing.
    pub why: String,
}

/// Ends the evaluation early.
struct Stop(MethodResult, String);

struct Check<'a> {
    dns: &'a dyn Dns,
    ip: IpAddr,
    helo: &'a str,
    local: &'a str,
    sender_domain: &'a str,
    context: &'a SpfContext,
    lookups: u32,
    voids: u32,
    validated: Option<Vec<String>>,
    is_explaining: bool,
}

/// Checks whether `ip` may send for `mail_from` (or `helo`, when that is empty). RFC 7208, section 4.
pub fn check(dns: &dyn Dns, ip: IpAddr, helo: &str, mail_from: &str, context: &SpfContext) -> SpfOutcome {
    let ip = match ip {
        // Section 5: mapped addresses are those they map.
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    };
    let mail_from = mail_from.trim().trim_start_matches('<').trim_end_matches('>');
    let (local, domain) = match mail_from.rsplit_once('@') {
        Some((local, domain)) => (local, domain),
        None if mail_from.is_empty() => ("", helo),
        None => ("", mail_from),
    };
    let local = if local.is_empty() { "postmaster" } else { local };
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let mut outcome = SpfOutcome {
        result: MethodResult::None,
        domain: domain.to_ascii_lowercase(),
        mechanism: String::new(),
        explanation: None,
        why: String::new(),
    };
    // Section 4.3: what is not a fully qualified name has no policy.
    if !is_queryable(domain) || !domain.contains('.') || domain.starts_with('[') || !domain.is_ascii() {
        outcome.why = "there is no domain to check".to_owned();
        return outcome;
    }
    let mut check = Check {
        dns,
        ip,
        helo,
        local,
        sender_domain: domain,
        context,
        lookups: 0,
        voids: 0,
        validated: None,
        is_explaining: false,
    };
    match check.host(domain, &mut outcome) {
        Ok(result) => outcome.result = result,
        Err(Stop(result, why)) => {
            outcome.result = result;
            outcome.why = why;
            outcome.mechanism.clear();
        }
    }
    if outcome.result != MethodResult::Fail {
        outcome.explanation = None;
    }
    outcome
}

impl Check<'_> {
    /// check_host() of section 4. Recursion is bounded by the limit on lookups.
    fn host(&mut self, domain: &str, outcome: &mut SpfOutcome) -> Result<MethodResult, Stop> {
        let mut domain = domain.to_owned();
        loop {
            let records = match self.dns.txt(&domain) {
                Answer::Found(records) => records,
                Answer::NoData | Answer::NoSuchName => return Ok(MethodResult::None),
                Answer::TempError => return Err(temperror(&domain)),
                Answer::NotRecorded => return Err(not_recorded(&domain)),
            };
            let mut policies = records.iter().filter(|record| spf_record::is_spf(record));
            let Some(policy) = policies.next() else {
                return Ok(MethodResult::None);
            };
            if policies.next().is_some() {
                return Err(permerror(format!("{domain} has more than one SPF record")));
            }
            let record =
                spf_record::read_record(policy).map_err(|why| permerror(format!("{domain}: {why}")))?;
            for directive in &record.directives {
                if self.matches(&directive.mechanism, &domain)? {
                    outcome.mechanism = directive.text.clone();
                    if directive.result == MethodResult::Fail {
                        outcome.explanation = record
                            .explanation
                            .as_ref()
                            .and_then(|spec| self.explain(spec, &domain));
                    }
                    return Ok(directive.result);
                }
            }
            let Some(redirect) = &record.redirect else {
                return Ok(MethodResult::Neutral);
            };
            self.count_lookup()?;
            let target = self.expand_domain(redirect, &domain)?;
            if !is_queryable(&target) {
                return Err(permerror(format!("redirect of {domain} leads to no domain")));
            }
            // Section 6.1: no record at the target is an error; the loop would call it none.
            let has_policy = match self.dns.txt(&target) {
                Answer::Found(records) => records.iter().any(|record| spf_record::is_spf(record)),
                Answer::NoData | Answer::NoSuchName => false,
                Answer::TempError => return Err(temperror(&target)),
                Answer::NotRecorded => return Err(not_recorded(&target)),
            };
            if !has_policy {
                return Err(permerror(format!(
                    "redirect to {target}, which has no SPF record"
                )));
            }
            domain = target;
        }
    }

    fn matches(&mut self, mechanism: &Mechanism, domain: &str) -> Result<bool, Stop> {
        match mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip4(network, prefix) => Ok(is_in(self.ip, IpAddr::V4(*network), *prefix)),
            Mechanism::Ip6(network, prefix) => Ok(is_in(self.ip, IpAddr::V6(*network), *prefix)),
            Mechanism::Include(spec) => {
                self.count_lookup()?;
                let target = self.expand_domain(spec, domain)?;
                if !is_queryable(&target) {
                    return Err(permerror(format!("include of {domain} leads to no domain")));
                }
                let mut inner = SpfOutcome {
                    result: MethodResult::None,
                    domain: String::new(),
                    mechanism: String::new(),
                    explanation: None,
                    why: String::new(),
                };
                match self.host(&target, &mut inner)? {
                    MethodResult::Pass => Ok(true),
                    MethodResult::None => {
                        Err(permerror(format!("include of {target}, which has no SPF record")))
                    }
                    _ => Ok(false),
                }
            }
            Mechanism::A(spec, four, six) => {
                self.count_lookup()?;
                let target = self.target(spec.as_deref(), domain)?;
                self.has_address(&target, *four, *six)
            }
            Mechanism::Mx(spec, four, six) => {
                self.count_lookup()?;
                let target = self.target(spec.as_deref(), domain)?;
                if !is_queryable(&target) {
                    return Ok(false);
                }
                let answer = self.dns.mx(&target);
                let hosts = self.records(answer, &target)?;
                if hosts.len() > MAX_NAMES {
                    return Err(permerror(format!(
                        "{target} has more than {MAX_NAMES} MX records"
                    )));
                }
                for (_, host) in hosts {
                    if self.has_address(&host, *four, *six)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Mechanism::Exists(spec) => {
                self.count_lookup()?;
                let target = self.expand_domain(spec, domain)?;
                if !is_queryable(&target) {
                    return Ok(false);
                }
                let answer = self.dns.a(&target);
                Ok(!self.records(answer, &target)?.is_empty())
            }
            Mechanism::Ptr(spec) => {
                self.count_lookup()?;
                let target = self.target(spec.as_deref(), domain)?.to_ascii_lowercase();
                let names = self.validated_names()?;
                Ok(names.iter().any(|name| is_at_or_below(name, &target)))
            }
        }
    }

    fn target(&mut self, spec: Option<&[Piece]>, domain: &str) -> Result<String, Stop> {
        match spec {
            Some(spec) => self.expand_domain(spec, domain),
            None => Ok(domain.to_owned()),
        }
    }

    fn has_address(&mut self, name: &str, four: u8, six: u8) -> Result<bool, Stop> {
        if !is_queryable(name) {
            return Ok(false);
        }
        let ip = self.ip;
        match ip {
            IpAddr::V4(_) => {
                let answer = self.dns.a(name);
                let found = self.records(answer, name)?;
                Ok(found
                    .into_iter()
                    .any(|address| is_in(ip, IpAddr::V4(address), four)))
            }
            IpAddr::V6(_) => {
                let answer = self.dns.aaaa(name);
                let found = self.records(answer, name)?;
                Ok(found
                    .into_iter()
                    .any(|address| is_in(ip, IpAddr::V6(address), six)))
            }
        }
    }

    fn records<T>(&mut self, answer: Answer<Vec<T>>, name: &str) -> Result<Vec<T>, Stop> {
        match answer {
            Answer::Found(records) => Ok(records),
            Answer::NoData | Answer::NoSuchName => {
                self.count_void()?;
                Ok(Vec::new())
            }
            Answer::TempError => Err(temperror(name)),
            Answer::NotRecorded => Err(not_recorded(name)),
        }
    }

    fn count_lookup(&mut self) -> Result<(), Stop> {
        self.lookups += 1;
        if self.lookups > MAX_LOOKUPS && !self.is_explaining {
            return Err(permerror(format!(
                "more than {MAX_LOOKUPS} terms need name servers"
            )));
        }
        Ok(())
    }

    fn count_void(&mut self) -> Result<(), Stop> {
        self.voids += 1;
        if self.voids > MAX_VOID_LOOKUPS && !self.is_explaining {
            return Err(permerror(format!(
                "more than {MAX_VOID_LOOKUPS} lookups found nothing"
            )));
        }
        Ok(())
    }

    /// The names of the address that lead back to it (section 5.5). Errors of the name servers give no names.
    fn validated_names(&mut self) -> Result<Vec<String>, Stop> {
        if let Some(names) = &self.validated {
            return Ok(names.clone());
        }
        let names = match self.dns.ptr(self.ip) {
            Answer::Found(names) => names,
            Answer::NotRecorded => return Err(not_recorded("the address")),
            Answer::TempError => Vec::new(),
            Answer::NoData | Answer::NoSuchName => {
                self.count_void()?;
                Vec::new()
            }
        };
        let mut validated = Vec::new();
        for name in names.iter().take(MAX_NAMES) {
            let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
            let leads_back = is_queryable(&name)
                && match self.ip {
                    IpAddr::V4(four) => {
                        matches!(self.dns.a(&name), Answer::Found(all) if all.contains(&four))
                    }
                    IpAddr::V6(six) => {
                        matches!(self.dns.aaaa(&name), Answer::Found(all) if all.contains(&six))
                    }
                };
            if leads_back {
                validated.push(name);
            }
        }
        self.validated = Some(validated.clone());
        Ok(validated)
    }

    /// The text of `exp=`, or `None` when anything is amiss with it (section 6.2).
    fn explain(&mut self, spec: &[Piece], domain: &str) -> Option<String> {
        self.is_explaining = true;
        let text = self.explanation_text(spec, domain);
        self.is_explaining = false;
        text
    }

    fn explanation_text(&mut self, spec: &[Piece], domain: &str) -> Option<String> {
        let target = self.expand_domain(spec, domain).ok()?;
        if !is_queryable(&target) {
            return None;
        }
        let Answer::Found(records) = self.dns.txt(&target) else {
            return None;
        };
        let [text] = records.as_slice() else {
            return None;
        };
        let pieces = spf_record::read_macros(text, MacroUse::Explanation)?;
        self.expand(&pieces, domain).ok()
    }

    /// Section 7.3: a name that is too long loses labels on the left.
    fn expand_domain(&mut self, pieces: &[Piece], domain: &str) -> Result<String, Stop> {
        let expanded = self.expand(pieces, domain)?;
        let mut name = expanded.strip_suffix('.').unwrap_or(&expanded);
        while name.len() > MAX_NAME_BYTES {
            match name.split_once('.') {
                Some((_, rest)) => name = rest,
                None => break,
            }
        }
        Ok(name.to_owned())
    }

    fn expand(&mut self, pieces: &[Piece], domain: &str) -> Result<String, Stop> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Macro {
                    letter,
                    is_escaped,
                    keep,
                    is_reversed,
                    delimiters,
                } => {
                    let value = self.value(*letter, domain)?;
                    let delimiters = if delimiters.is_empty() { "." } else { delimiters };
                    let mut parts: Vec<&str> = value.split(|c| delimiters.contains(c)).collect();
                    if *is_reversed {
                        parts.reverse();
                    }
                    let from = keep.map_or(0, |keep| parts.len().saturating_sub(keep));
                    let joined = parts[from..].join(".");
                    if *is_escaped {
                        escape_into(&joined, &mut text);
                    } else {
                        text.push_str(&joined);
                    }
                }
            }
            if text.len() > MAX_EXPANDED_BYTES {
                return Err(permerror("a macro grows beyond 16 KiB".to_owned()));
            }
        }
        Ok(text)
    }

    fn value(&mut self, letter: char, domain: &str) -> Result<String, Stop> {
        Ok(match letter {
            's' => format!("{}@{}", self.local, self.sender_domain),
            'l' => self.local.to_owned(),
            'o' => self.sender_domain.to_owned(),
            'd' => domain.to_owned(),
            'i' => match self.ip {
                IpAddr::V4(four) => four.to_string(),
                IpAddr::V6(six) => {
                    let nibbles: Vec<String> = six
                        .octets()
                        .iter()
                        .flat_map(|octet| [format!("{:X}", octet >> 4), format!("{:X}", octet & 15)])
                        .collect();
                    nibbles.join(".")
                }
            },
            'p' => {
                let names = self.validated_names()?;
                let at = domain.to_ascii_lowercase();
                names
                    .iter()
                    .find(|name| **name == at)
                    .or_else(|| names.iter().find(|name| is_at_or_below(name, &at)))
                    .or_else(|| names.first())
                    .cloned()
                    .unwrap_or_else(|| "unknown".to_owned())
            }
            'v' if self.ip.is_ipv4() => "in-addr".to_owned(),
            'v' => "ip6".to_owned(),
            'h' => self.helo.to_owned(),
            'c' => self.ip.to_string(),
            't' => self.context.seconds.to_string(),
            _ if self.context.receiver.is_empty() => "unknown".to_owned(),
            _ => self.context.receiver.clone(),
        })
    }
}

/// Escapes all but unreserved characters (RFC 7208, section 7.3; RFC 3986, section 2.3).
fn escape_into(value: &str, text: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
}

fn is_at_or_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn is_in(ip: IpAddr, network: IpAddr, prefix: u8) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            (ip.to_bits() ^ network.to_bits()) & mask == 0
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            let mask = u128::MAX
                .checked_shl(128 - u32::from(prefix.min(128)))
                .unwrap_or(0);
            (ip.to_bits() ^ network.to_bits()) & mask == 0
        }
        _ => false,
    }
}

fn temperror(name: &str) -> Stop {
    Stop(
        MethodResult::Temperror,
        format!("the name servers of {name} gave no answer"),
    )
}

fn not_recorded(name: &str) -> Stop {
    Stop(
        MethodResult::NotCheckable,
        format!("no DNS answer was recorded for {name}"),
    )
}

fn permerror(why: String) -> Stop {
    Stop(MethodResult::Permerror, why)
}
