//! Authenticated Received Chain: validation (RFC 8617, section 5.2).
//!
//! Whether the chain is whole is one question, whether its sealers are trusted another; only the first is answered here.

use std::collections::BTreeMap;

use crate::message::{Field, Message};

use super::dkim::{Bodies, Signed, raw_field, read_seconds};
use super::dns::Dns;
use super::key::{Algorithm, find_keys};
use super::method::MethodResult;
use super::tags::{Canon, Tags, decode_base64, push_field, without_signature};

/// Most sets of a chain (RFC 8617, section 4.2.1).
pub const MAX_SETS: usize = 50;

/// What became of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArcOutcome {
    /// None, pass, fail, temperror or not checkable.
    pub result: MethodResult,
    /// The domains that sealed it, newest first; claims, unless the chain passes.
    pub sealers: Vec<String>,
    /// Why it did not pass; empty when it did.
    pub why: String,
}

#[derive(Default)]
struct Set<'a> {
    results: Option<&'a Field>,
    signature: Option<(usize, &'a Field, Tags)>,
    seal: Option<(&'a Field, Tags)>,
}

/// Validates the chain.
pub fn validate(message: &Message, dns: &dyn Dns) -> ArcOutcome {
    let mut outcome = ArcOutcome {
        result: MethodResult::Pass,
        sealers: sealers(message),
        why: String::new(),
    };
    if !message.fields.iter().any(|field| is_arc(&field.name)) {
        outcome.result = MethodResult::None;
        return outcome;
    }
    if let Err((result, why)) = check(message, dns) {
        // A chain either holds or not (section 5.2); only what nobody can know stays open.
        outcome.result = match result {
            MethodResult::Temperror | MethodResult::NotCheckable => result,
            _ => MethodResult::Fail,
        };
        outcome.why = why;
    }
    outcome
}

/// The domains named by the seals, newest first, whether or not the chain holds.
pub fn sealers(message: &Message) -> Vec<String> {
    let mut seals: Vec<(usize, String)> = message
        .values("arc-seal")
        .filter_map(|value| {
            let tags = Tags::read(value).ok()?;
            Some((
                read_instance(tags.get("i")?)?,
                tags.get("d")?.to_ascii_lowercase(),
            ))
        })
        .take(MAX_SETS)
        .collect();
    seals.sort_by_key(|(instance, _)| std::cmp::Reverse(*instance));
    seals.into_iter().map(|(_, domain)| domain).collect()
}

fn is_arc(name: &str) -> bool {
    matches!(
        name,
        "arc-seal" | "arc-message-signature" | "arc-authentication-results"
    )
}

fn read_instance(text: &str) -> Option<usize> {
    if text.is_empty() || text.len() > 2 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| (1..=MAX_SETS).contains(number))
}

/// The instance of an ARC-Authentication-Results field: `i=N;` in front (RFC 8617, section 4.1.1), and what follows it.
pub fn results_instance(value: &str) -> Option<(usize, &str)> {
    let (head, rest) = value.split_once(';')?;
    let (name, number) = head.split_once('=')?;
    if name.trim() != "i" {
        return None;
    }
    Some((read_instance(number.trim())?, rest))
}

fn check(message: &Message, dns: &dyn Dns) -> Result<(), (MethodResult, String)> {
    let fail = |why: String| (MethodResult::Fail, why);
    let sets = collect(message).map_err(fail)?;
    let newest = sets.len();
    let seal_of = |instance: usize| sets.get(&instance).and_then(|set| set.seal.as_ref());
    if seal_of(newest).and_then(|(_, tags)| tags.get("cv")) == Some("fail") {
        return Err(fail("the newest sealer found the chain broken".to_owned()));
    }
    for (&instance, set) in &sets {
        let whole = set.results.is_some() && set.signature.is_some() && set.seal.is_some();
        // The map is ordered, so a gap shows as an instance beyond the count.
        if !whole || instance > newest {
            return Err(fail(format!("set {instance} of the chain is not whole")));
        }
        if let Some((_, tags)) = &set.seal {
            let wanted = if instance == 1 { "none" } else { "pass" };
            if tags.get("cv") != Some(wanted) {
                return Err(fail(format!("seal {instance} says a wrong cv=")));
            }
            if tags.get("h").is_some() {
                return Err(fail(format!("seal {instance} has an h=")));
            }
        }
    }
    check_signature(message, dns, sets.get(&newest))?;
    for instance in (1..=newest).rev() {
        check_seal(message, dns, &sets, instance)?;
    }
    Ok(())
}

fn collect(message: &Message) -> Result<BTreeMap<usize, Set<'_>>, String> {
    let mut sets: BTreeMap<usize, Set<'_>> = BTreeMap::new();
    for (index, field) in message.fields.iter().enumerate() {
        if !is_arc(&field.name) {
            continue;
        }
        let is_twice = if field.name == "arc-authentication-results" {
            let (instance, _) =
                results_instance(&field.value).ok_or("a field of recorded results has no instance")?;
            sets.entry(instance).or_default().results.replace(field).is_some()
        } else {
            let tags = Tags::read(&field.value).map_err(|why| format!("{} has {why}", field.name))?;
            let instance = tags
                .get("i")
                .and_then(read_instance)
                .ok_or_else(|| format!("{} has no instance", field.name))?;
            let set = sets.entry(instance).or_default();
            if field.name == "arc-seal" {
                set.seal.replace((field, tags)).is_some()
            } else {
                set.signature.replace((index, field, tags)).is_some()
            }
        };
        if is_twice {
            return Err(format!("{} is there twice for one instance", field.name));
        }
    }
    Ok(sets)
}

fn check_signature(
    message: &Message,
    dns: &dyn Dns,
    set: Option<&Set<'_>>,
) -> Result<(), (MethodResult, String)> {
    let bad = |why: String| (MethodResult::Fail, format!("the newest message signature: {why}"));
    let Some((index, _, tags)) = set.and_then(|set| set.signature.as_ref()) else {
        return Err(bad("missing".to_owned()));
    };
    // Section 4.1.2: h= is as in DKIM, never with ARC-Seal in it.
    let headers = tags.get("h").ok_or_else(|| bad("h= is missing".to_owned()))?;
    if headers
        .split(':')
        .any(|name| name.trim().eq_ignore_ascii_case("arc-seal"))
    {
        return Err(bad("h= names ARC-Seal".to_owned()));
    }
    read_seconds(tags, "t").map_err(bad)?;
    // Sealers that leave c= out mean relaxed, as for the seal itself (section 4.1.3); the published suite has it so.
    let signed = Signed::read(tags, Canon::Relaxed)?;
    let domain = tags.need("d").map_err(bad)?;
    let selector = tags.need("s").map_err(bad)?;
    let keys = find_keys(dns, domain, selector, signed.algorithm)?;
    signed.check_body(&mut Bodies::new(message))?;
    let covered = signed.header(message, *index);
    if keys.iter().any(|key| key.verifies(&covered, &signed.signature)) {
        Ok(())
    } else {
        Err(bad("it does not fit the header".to_owned()))
    }
}

fn check_seal(
    message: &Message,
    dns: &dyn Dns,
    sets: &BTreeMap<usize, Set<'_>>,
    instance: usize,
) -> Result<(), (MethodResult, String)> {
    let bad = |why: String| (MethodResult::Fail, format!("seal {instance}: {why}"));
    let mut covered = Vec::new();
    for (_, set) in sets.range(..=instance) {
        let (Some(results), Some((_, signature, _)), Some((seal, _))) =
            (set.results, &set.signature, &set.seal)
        else {
            return Err(bad("missing".to_owned()));
        };
        push_field(raw_field(message, results), Canon::Relaxed, &mut covered);
        push_field(raw_field(message, signature), Canon::Relaxed, &mut covered);
        push_field(raw_field(message, seal), Canon::Relaxed, &mut covered);
    }
    let Some((seal, tags)) = sets.get(&instance).and_then(|set| set.seal.as_ref()) else {
        return Err(bad("missing".to_owned()));
    };
    let mut whole = Vec::new();
    push_field(raw_field(message, seal), Canon::Relaxed, &mut whole);
    covered.truncate(covered.len().saturating_sub(whole.len()));
    push_field(
        &without_signature(raw_field(message, seal)),
        Canon::Relaxed,
        &mut covered,
    );
    covered.truncate(covered.len().saturating_sub(2));

    read_seconds(tags, "t").map_err(bad)?;
    let algorithm: Algorithm = Algorithm::read(tags.need("a").map_err(bad)?)?;
    let signature =
        decode_base64(tags.need("b").map_err(bad)?).ok_or_else(|| bad("b= is not base64".to_owned()))?;
    let (domain, selector) = (tags.need("d").map_err(bad)?, tags.need("s").map_err(bad)?);
    let keys = find_keys(dns, domain, selector, algorithm)?;
    if keys.iter().any(|key| key.verifies(&covered, &signature)) {
        Ok(())
    } else {
        Err(bad("it does not fit".to_owned()))
    }
}
