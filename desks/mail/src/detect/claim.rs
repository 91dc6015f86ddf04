//! CLAIM: who the message says it is from.

use pollwatch_names::visible;

use crate::authenticate::{Authentication, MethodResult, State};
use crate::detect::{Graded, graded};
use crate::evidence::Quote;
use crate::fold::Words;
use crate::imitate::{How, Imitation};
use crate::known::{HostKind, Kind, Known, PersonKnown, registrable};
use crate::read::{Address, is_delivery_report};
use crate::scene::{Scene, domain_of};
use crate::signal::Signal;

/// Who a message says that it is from.
#[derive(Debug, Default)]
pub struct Claims<'k> {
    /// Signals.
    pub graded: Vec<Graded>,
    /// The identity that it claims, where it is one that we know.
    pub identity: Option<u32>,
    /// Whether it claims to be the reader's own office without naming it.
    pub is_own_role: bool,
    /// The person of the register whose name it bears.
    pub person: Option<&'k PersonKnown>,
    /// The identity that owns the domain of From, shown or not.
    pub from_owner: Option<u32>,
    /// Whether the claimed identity is shown to be the sender's.
    pub is_proven: bool,
    /// How From's domain imitates an identity.
    pub imitation: Option<Imitation>,
}

/// What a message says of itself beyond its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Headers {
    /// They are there.
    Present,
    /// The original was forwarded inline, and its header fields are lost.
    Lost,
}

/// Asks whether a host imitates somebody: the register's own view, and that of the lookalike desk where it is at hand.
pub type Imitates<'a> = &'a dyn Fn(&str) -> Option<Imitation>;

/// Looks for claims.
pub fn detect<'k>(scene: &Scene<'k>, imitates: Imitates<'_>, headers: Headers) -> Claims<'k> {
    let known = scene.known;
    let mut claims = Claims::default();
    let from_domain = scene.from_domain().to_lowercase();
    let is_freemail = known.is_kind(&from_domain, &HostKind::Freemail);
    claims.from_owner = (!is_freemail).then(|| first_of(known, &from_domain)).flatten();
    several_authors(scene, &mut claims);
    if let Some(from) = scene.from.first() {
        display_name(scene, from, &from_domain, is_freemail, headers, &mut claims);
    }
    if let Some(imitation) = imitates(&from_domain) {
        lookalike_domain(known, &from_domain, imitation, &mut claims);
    }
    if claims.identity.is_none() && claims.graded.is_empty() {
        unrelated_name(scene, &from_domain, &mut claims);
    }
    if claims.identity.is_none() {
        spoken_identity(scene, &from_domain, headers, &mut claims);
    }
    if is_freemail
        && claims
            .graded
            .iter()
            .any(|one| is_claim_of_somebody(one.seen.signal))
    {
        let quote = Quote::new("0", 0, scene.from_address());
        claims.graded.push(graded(
            Signal::FreemailImpersonation,
            1.0,
            format!("It is written from a mailbox that anybody can have, at {from_domain}."),
            quote,
        ));
    }
    // An unproven sender at the domain of somebody we know claims to be them.
    if claims.identity.is_none() {
        claims.identity = claims.from_owner;
    }
    claims.is_proven = claims
        .identity
        .is_some_and(|identity| is_proven(known, scene.authentication, identity))
        && !claims
            .graded
            .iter()
            .any(|one| one.seen.signal == Signal::FromMultiple);
    claims
}

fn is_claim_of_somebody(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::DisplayBrand | Signal::DisplayVip | Signal::InternalRole | Signal::BodyBrand
    )
}

fn first_of(known: &Known, host: &str) -> Option<u32> {
    if host.is_empty() {
        return None;
    }
    let direct = known.owners(host).next();
    direct.or_else(|| {
        let registrable = registrable(host);
        known.owners(&registrable).next()
    })
}

/// Whether a proven domain belongs to `identity`.
pub fn is_proven(known: &Known, authentication: &Authentication, identity: u32) -> bool {
    authentication
        .proven_domain
        .as_deref()
        .is_some_and(|domain| known.is_of(domain, identity))
}

fn several_authors(scene: &Scene<'_>, claims: &mut Claims<'_>) {
    let fields: Vec<_> = scene
        .message
        .fields
        .iter()
        .filter(|field| field.name == "from")
        .collect();
    let mut domains: Vec<String> = scene
        .from
        .iter()
        .map(|one| registrable(domain_of(&one.address)))
        .filter(|domain| !domain.is_empty())
        .collect();
    domains.sort();
    domains.dedup();
    if fields.len() > 1 || domains.len() > 1 {
        let all: Vec<&str> = fields.iter().map(|field| field.value.as_str()).collect();
        let grade = if domains.len() > 1 { 1.0 } else { 0.4 };
        claims.graded.push(graded(
            Signal::FromMultiple,
            grade,
            "It names more than one author; mail programs show one of them, and which one differs.",
            Quote::new(
                "0",
                fields.first().map_or(0, |field| field.offset),
                &all.join("  |  "),
            ),
        ));
        if let Some(owner) = scene
            .from
            .iter()
            .find_map(|one| first_of(scene.known, domain_of(&one.address)))
        {
            claims.identity = Some(owner);
        }
    }
}

fn display_name<'k>(
    scene: &Scene<'k>,
    from: &Address,
    from_domain: &str,
    is_freemail: bool,
    headers: Headers,
    claims: &mut Claims<'k>,
) {
    let known = scene.known;
    let field = scene.message.fields.iter().find(|field| field.name == "from");
    let quote = || {
        Quote::new(
            "0",
            field.map_or(0, |field| field.offset),
            &format!("{} <{}>", from.name, from.address),
        )
    };
    let name = from.name.as_str();
    // Words of an address in the name are the address's, not a claim: "pat@gmail.com, Pat" is not Gmail.
    let without_address: String = name
        .split_whitespace()
        .filter(|word| !word.contains('@'))
        .collect::<Vec<_>>()
        .join(" ");
    let words = Words::of(&without_address);
    let raw = field.map_or("", |field| field.value.as_str());
    let is_encoded = raw.contains("=?");
    if name
        .chars()
        .any(|c| c.is_control() || (pollwatch_names::is_unseen(c) && c != '\u{fe0f}' && c != '\u{200d}'))
        || (is_encoded && name.contains('<') && name.contains('>'))
        || words.confusables > 0 && words.iter().any(|word| word.is_ascii()) && name.is_ascii_mixed()
    {
        claims.graded.push(graded(
            Signal::EncodedTrick,
            1.0,
            format!(
                "The sender's name hides what it is: it reads \u{201c}{}\u{201d}.",
                visible(name)
            ),
            quote(),
        ));
    }
    if let Some(shown) = address_in(name) {
        let shown_domain = registrable(domain_of(&shown).trim_start_matches("www."));
        let own_domain = registrable(from_domain);
        let is_same_owner = claims
            .from_owner
            .is_some_and(|owner| known.is_of(&shown_domain, owner));
        let is_readers = scene.recipients.contains(&shown);
        if !shown_domain.is_empty() && shown_domain != own_domain && !is_same_owner && !is_readers {
            let grade = if known.is_kind(&shown_domain, &HostKind::Freemail) {
                0.3
            } else {
                1.0
            };
            claims.graded.push(graded(
                Signal::DisplayAddrMismatch,
                grade,
                format!(
                    "The sender's name shows the address {shown}; the message is from {}.",
                    from.address
                ),
                quote(),
            ));
            claims.identity = claims.identity.or_else(|| first_of(known, &shown_domain));
        }
    }
    if from_domain
        .chars()
        .any(|c| matches!(c, '%' | '/' | '\\' | '*' | '!' | '$' | '&' | '=' | '{' | '}'))
    {
        claims.graded.push(graded(
            Signal::EncodedTrick,
            1.0,
            format!(
                "The sender's address {} cannot exist: no domain is written like that.",
                visible(&from.address)
            ),
            quote(),
        ));
    }
    let named = known.names_in(&words);
    let is_relayed = named
        .iter()
        .any(|one| Some(one.identity) == claims.from_owner || known.is_of(from_domain, one.identity))
        || (words.iter().any(|word| word == "vla") && scene.authentication.list_signs);
    for one in &named {
        let identity = &known.identities[one.identity as usize];
        let is_owner = known.is_of(from_domain, one.identity) && !is_freemail;
        if is_owner {
            claims.identity = Some(one.identity);
            if let Some(grade) = unshown(scene.authentication, headers) {
                claims.graded.push(graded(
                    Signal::DisplayBrand,
                    grade,
                    format!(
                        "It says that it is from {}, and nothing shows that.",
                        identity.name
                    ),
                    quote(),
                ));
            }
            break;
        }
        if is_relayed {
            continue;
        }
        claims.graded.push(graded(
            Signal::DisplayBrand,
            if one.is_ordinary { 0.9 } else { 1.0 },
            format!(
                "The sender calls itself {}, and {from_domain} does not belong to {}.",
                identity.name, identity.name
            ),
            quote(),
        ));
        claims.identity = Some(one.identity);
        break;
    }
    if let Some(person) = known.person_in(&words) {
        let is_theirs = person
            .addresses
            .iter()
            .any(|address| address.eq_ignore_ascii_case(&from.address))
            || (!from_domain.is_empty() && known.is_of(from_domain, person.identity))
            || is_relayed
            || claims
                .from_owner
                .is_some_and(|owner| is_proven(known, scene.authentication, owner));
        if !is_theirs {
            claims.graded.push(graded(
                Signal::DisplayVip,
                1.0,
                format!(
                    "It bears the name of {}, and {} is not an address of theirs.",
                    person.name, from.address
                ),
                quote(),
            ));
            claims.person = Some(person);
            claims.identity = claims.identity.or(Some(person.identity));
        }
    }
    if claims.identity.is_none()
        && let Some((role, (begin, end))) = known.role_in(&words)
        && !known.is_own(from_domain)
        && (end - begin) * 2 >= words.len()
        && !scene.authentication.list_signs
        && !is_delivery_report(scene.message)
    {
        claims.is_own_role = true;
        claims.graded.push(graded(
            Signal::InternalRole,
            1.0,
            format!("The sender calls itself \u{201c}{role}\u{201d}, as an office of the reader's own would, and {from_domain} is somebody else's."),
            quote(),
        ));
    }
}

/// An organisation's name of which no word stands in the address: "Harbor Bank Support" at a hairdresser's domain.
fn unrelated_name(scene: &Scene<'_>, from_domain: &str, claims: &mut Claims<'_>) {
    let Some(from) = scene.from.first() else { return };
    let words = Words::of(&from.name);
    let is_organisation =
        words.iter().any(|word| scene.known.is_business(word)) && words.len() >= 2 && words.len() <= 8;
    if !is_organisation
        || scene.authentication.list_signs
        || is_delivery_report(scene.message)
        || scene.known.is_own(from_domain)
    {
        return;
    }
    let address = Words::of(&from.address).joined();
    let initials: String = words.iter().filter_map(|word| word.chars().next()).collect();
    let is_named = words
        .iter()
        .filter(|word| word.len() >= 3 && !scene.known.is_business(word))
        .any(|word| {
            address.contains(word)
                || word.len() >= 6 && address.contains(&word[..word.floor_char_boundary(5)])
        });
    let is_abbreviated = initials.len() >= 3 && address.contains(&initials);
    if !is_named && !is_abbreviated {
        claims.graded.push(graded(
            Signal::UnrelatedName,
            1.0,
            format!(
                "The sender calls itself \u{201c}{}\u{201d}, and no word of that stands in its address.",
                visible(&from.name)
            ),
            Quote::new("0", 0, &format!("{} <{}>", from.name, from.address)),
        ));
    }
}

/// How much an owner's claim wants for proof: `None` where it is shown, or where nothing can be said against it.
fn unshown(authentication: &Authentication, headers: Headers) -> Option<f64> {
    if authentication.proven_domain.is_some()
        || authentication.list_signs
        || authentication.overridden_by_arc.is_some()
    {
        return None;
    }
    let is_failed = authentication.dmarc.is_some_and(|dmarc| dmarc.as_str() == "fail");
    if is_failed {
        return Some(1.0);
    }
    if headers == Headers::Lost {
        return Some(0.5);
    }
    if authentication.aligned == Some(false) && authentication.state == State::Recorded {
        return Some(0.8);
    }
    Some(0.6)
}

fn lookalike_domain(known: &Known, from_domain: &str, imitation: Imitation, claims: &mut Claims<'_>) {
    let identity = &known.identities[imitation.identity as usize];
    let grade = match imitation.strength {
        3 => 1.0,
        2 => 0.8,
        _ => 0.4,
    };
    let quote = Quote::new("0", 0, from_domain);
    claims.graded.push(graded(
        Signal::LookalikeDomain,
        grade,
        format!(
            "The sender's domain {from_domain} looks like {}, which belongs to {}.",
            imitation.of, identity.name
        ),
        quote.clone(),
    ));
    let is_named = claims
        .graded
        .iter()
        .any(|one| one.seen.signal == Signal::DisplayBrand);
    if identity.kind == Kind::Brand
        && matches!(imitation.how, How::WithWords | How::InFront | How::OtherSuffix)
        && !is_named
    {
        claims.graded.push(graded(
            Signal::DisplayBrand,
            grade * 0.8,
            format!(
                "The sender's domain carries the name of {}, and does not belong to it.",
                identity.name
            ),
            quote,
        ));
    }
    if claims
        .identity
        .is_none_or(|claimed| known.identities[claimed as usize].kind == Kind::Brand)
    {
        claims.identity = Some(imitation.identity);
    }
    claims.imitation = Some(imitation);
}

/// Who subject, body, page title, pictures and signature speak as.
fn spoken_identity(scene: &Scene<'_>, from_domain: &str, headers: Headers, claims: &mut Claims<'_>) {
    let known = scene.known;
    // Somebody writing from the domain of an identity may speak of others; lists speak of everybody.
    if scene.authentication.list_signs {
        return;
    }
    // Who writes from the domain of somebody we know speaks for them first, of others second.
    let is_failed = scene.authentication.dmarc == Some(MethodResult::Fail);
    if claims.from_owner.is_some() && !is_failed {
        return;
    }
    let mut spoken: Vec<(u32, f64, Quote)> = Vec::new();
    let mut hear = |identity: u32, grade: f64, quote: Quote| match spoken
        .iter_mut()
        .find(|(known, ..)| *known == identity)
    {
        Some((_, sum, _)) => *sum += grade * 0.5,
        None => spoken.push((identity, grade, quote)),
    };
    for named in known.names_in(&scene.subject.words) {
        let has_ask =
            !scene.subject.phrases.is_empty() || speaks_of_account(known, &scene.subject.words, named.words);
        if has_ask {
            hear(
                named.identity,
                0.6,
                scene.subject.quote(named.words.0, named.words.1),
            );
        }
    }
    for (part, page) in &scene.pages {
        for text in std::iter::once(page.title.as_str())
            .chain(page.resources.iter().map(|(_, alt)| alt.as_str()).take(20))
        {
            if text.is_empty() || text.len() > 200 {
                continue;
            }
            let words = Words::of(text);
            for named in known.names_in(&words) {
                if words.len() <= 5 {
                    hear(named.identity, 0.6, Quote::new(part, 0, text));
                }
            }
        }
    }
    for passage in scene.passages.iter().filter(|passage| !passage.is_attached) {
        for named in known.names_in(&passage.words) {
            let quote = || passage.quote(named.words.0, named.words.1);
            if signs(&passage.words, named.words) {
                hear(named.identity, 0.7, quote());
            } else if speaks_of_account(known, &passage.words, named.words) {
                hear(named.identity, 0.5, quote());
            }
        }
    }
    spoken.retain(|(identity, ..)| !known.is_of(from_domain, *identity));
    let Some((identity, grade, quote)) = spoken
        .into_iter()
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
    else {
        return;
    };
    let _ = headers;
    let who = &known.identities[identity as usize].name;
    claims.graded.push(graded(
        Signal::BodyBrand,
        grade.min(1.2),
        format!("The text speaks as {who}, and the sender is not of {who}."),
        quote,
    ));
    claims.identity = Some(identity);
}

/// Whether a word of business or "your" stands beside the name.
fn speaks_of_account(known: &Known, words: &Words, (begin, end): (usize, usize)) -> bool {
    let is_near = |word: Option<&str>| word.is_some_and(|word| known.is_business(word));
    let is_your = |word: Option<&str>| {
        matches!(
            word,
            Some("your" | "su" | "sua" | "lhre" | "lhr" | "votre" | "tu" | "deln" | "seu")
        )
    };
    is_near(words.get(end))
        && (is_your(begin.checked_sub(1).and_then(|at| words.get(at))) || words.len() < 12)
        || is_your(begin.checked_sub(1).and_then(|at| words.get(at)))
        || is_near(words.get(end)) && is_near(words.get(end + 1))
}

/// Whether the name signs the message: "the X team", "X support", "© 2024 X".
fn signs(words: &Words, (begin, end): (usize, usize)) -> bool {
    let at = |index: usize| words.get(index).unwrap_or_default();
    let before = |back: usize| begin.checked_sub(back).map_or("", at);
    let is_team = matches!(
        at(end),
        "team"
            | "support"
            | "securlty"
            | "servlce"
            | "customer"
            | "equlpe"
            | "equlpo"
            | "kundenservlce"
            | "supporte"
    );
    let is_year = |word: &str| word.len() == 4 && (word.starts_with("2o") || word.starts_with("l9"));
    let opens = matches!(before(1), "the" | "your" | "from" | "equlpe" | "equlpo" | "team");
    is_team && (opens || words.len().saturating_sub(end) < 12)
        || is_year(before(1))
        || matches!(before(1), "equlpe" | "equlpo")
}

/// An address or host written in a display name.
fn address_in(name: &str) -> Option<String> {
    name.split(|c: char| {
        c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '"' | '\'' | ',' | ';' | '[' | ']')
    })
    .map(|word| word.trim_matches(['.', ':']))
    .find(|word| word.contains('@') && word.split('@').nth(1).is_some_and(|domain| domain.contains('.')))
    .map(str::to_lowercase)
}

/// Whether a text mixes ASCII letters with others that look like them.
trait Mixed {
    fn is_ascii_mixed(&self) -> bool;
}

impl Mixed for str {
    fn is_ascii_mixed(&self) -> bool {
        self.split_whitespace().any(|word| {
            let ascii = word.chars().any(|c| c.is_ascii_alphabetic());
            let others = word.chars().any(|c| matches!(c, '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}' | '\u{1c0}'..='\u{1ff}' | '\u{250}'..='\u{2af}'));
            ascii && others
        })
    }
}
