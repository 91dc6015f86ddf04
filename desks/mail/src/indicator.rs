//! What others can search for and block, each with the part it plays.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::detect::ask::Asks;
use crate::detect::claim::Claims;
use crate::detect::path::Paths;
use crate::evidence::Via;
use crate::known::{HostKind, registrable};
use crate::read::addresses;
use crate::scene::{Scene, domain_of};
use crate::signal::Signal;

/// The part that an indicator plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The attacker's own: may be blocked.
    Attacker,
    /// A page, file or mailbox that the attacker has with a service that others use too: block this, never the service.
    AbusedService,
    /// Somebody whose account or site was taken over: not for blocking.
    CompromisedParty,
    /// Text of the message quotes it, so that nobody follows it.
    Quoted,
}

/// Something that others can search for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MailIndicator {
    /// `url`, `domain-name`, `ipv4-addr`, `ipv6-addr`, `email-addr`, `phone-number`, `cryptocurrency-wallet`, `file`,
    /// `file-sha256`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The value, as it is; the recipient's address in it replaced by `<victim>`.
    pub value: String,
    /// The part it plays.
    pub role: Role,
}

/// Longest value of an indicator, in bytes.
const MAX_VALUE: usize = 2_000;

/// What a message that was judged an alarm gives to search for; for others only what it quotes.
pub fn indicators(
    scene: &Scene<'_>,
    claims: &Claims<'_>,
    asks: &Asks,
    paths: &Paths,
    is_alarm: bool,
    keep_victims: bool,
) -> Vec<MailIndicator> {
    let mut all = BTreeSet::new();
    let known = scene.known;
    let mut put = |kind: &str, value: &str, role| {
        if !value.is_empty() && value.len() <= MAX_VALUE {
            all.insert(MailIndicator {
                kind: kind.to_owned(),
                value: value.to_owned(),
                role,
            });
        }
    };
    for quoted in &scene.quoted {
        put(kind_of(quoted), quoted, Role::Quoted);
    }
    if !is_alarm {
        return all.into_iter().collect();
    }
    let from_domain = scene.from_domain().to_lowercase();
    let from_registrable = registrable(&from_domain);
    let is_freemail = known.is_kind(&from_domain, &HostKind::Freemail);
    let from_is_owned = claims.from_owner.is_some() || known.is_own(&from_domain);
    // A sender who is who they say, yet leads elsewhere: somebody else sits in the account.
    let is_proven = scene.authentication.proven_domain.is_some();
    let is_named_by_claim = claims.imitation.is_some()
        || claims.graded.iter().any(|one| {
            matches!(
                one.seen.signal,
                Signal::DisplayBrand | Signal::InternalRole | Signal::DisplayVip | Signal::BodyBrand
            ) && one.grade >= 0.5
        });
    let sender_links = scene.links.iter().any(|link| {
        link.is_to_be_followed() && !link.registrable.is_empty() && link.registrable == from_registrable
    });
    let sender_role = if is_freemail {
        Role::AbusedService
    } else if is_named_by_claim || sender_links || !is_proven {
        Role::Attacker
    } else {
        Role::CompromisedParty
    };
    for one in &scene.from {
        let domain = domain_of(&one.address).to_lowercase();
        if known.is_own(&domain) {
            continue;
        }
        put("email-addr", &one.address.to_lowercase(), sender_role);
    }
    if !from_is_owned && !is_freemail && sender_role == Role::Attacker {
        put("domain-name", &from_registrable, Role::Attacker);
        if from_domain != from_registrable {
            put("domain-name", &from_domain, Role::Attacker);
        }
    }
    for field in ["return-path", "reply-to"] {
        for one in scene.message.values(field).take(2).flat_map(addresses) {
            let domain = domain_of(&one.address).to_lowercase();
            let is_ours = known.is_own(&domain) || known.owners(&registrable(&domain)).next().is_some();
            if one.address.contains('@') && !is_ours && registrable(&domain) != from_registrable {
                let role = if known.is_kind(&domain, &HostKind::Freemail) {
                    Role::AbusedService
                } else {
                    sender_role
                };
                put("email-addr", &one.address.to_lowercase(), role);
            }
        }
    }
    let mut at_stake: BTreeSet<usize> = paths.hostile.iter().copied().collect();
    at_stake.extend(paths.asked.iter().copied());
    at_stake.extend(
        scene
            .links
            .iter()
            .enumerate()
            .filter(|(_, link)| !matches!(link.found.via, Via::Anchor | Via::Text | Via::Resource))
            .map(|(at, _)| at),
    );
    for at in at_stake {
        let Some(link) = scene.links.get(at) else { continue };
        let is_service = link.is_shortener || link.is_free_host;
        let is_known = known.is_own(&link.host) || known.owners(&link.host).next().is_some();
        if (is_known && !is_service)
            || link.is_mailing_company
            || known.is_kind(&link.host, &HostKind::Wrapper)
        {
            continue;
        }
        let url = if keep_victims {
            link.url.clone()
        } else {
            without_victims(&link.url, &scene.recipients)
        };
        if link.host.is_empty() {
            continue;
        }
        if link.scheme == "mailto" {
            let is_freemail = known.is_kind(&link.host, &HostKind::Freemail);
            let role = if is_freemail {
                Role::AbusedService
            } else {
                Role::Attacker
            };
            put("email-addr", &link.url, role);
            continue;
        }
        let role = if is_service {
            Role::AbusedService
        } else {
            Role::Attacker
        };
        put("url", &url, role);
        match link.ip {
            Some(ip) => put(
                if ip.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" },
                &link.host,
                role,
            ),
            None if is_service => {
                // The user's own name under the service is theirs; the service itself is not.
                if link.is_free_host
                    && !known.is_kind(&link.registrable, &HostKind::FreeHost)
                    && link.host != link.registrable
                {
                    put("domain-name", &link.host, role);
                }
            }
            None => {
                put("domain-name", &link.registrable, role);
                if link.host != link.registrable {
                    put("domain-name", &link.host, role);
                }
            }
        }
    }
    if asks
        .graded
        .iter()
        .any(|one| one.seen.signal == Signal::CallbackPhone)
        && let Some(phone) = &asks.phone
    {
        put("phone-number", phone, Role::Attacker);
    }
    for wallet in scene.wallets() {
        put("cryptocurrency-wallet", &wallet.address, Role::Attacker);
    }
    for file in &scene.files {
        put("file", &file.name, Role::Attacker);
        put("file-sha256", &file.sha256, Role::Attacker);
    }
    all.into_iter().collect()
}

fn kind_of(value: &str) -> &'static str {
    if value.contains("://") || value.contains('/') {
        "url"
    } else if value.contains('@') {
        "email-addr"
    } else if value.parse::<std::net::IpAddr>().is_ok() {
        "ipv4-addr"
    } else {
        "domain-name"
    }
}

/// The address with every recipient in it, plain or percent-encoded or in base64, replaced by `<victim>`.
pub fn without_victims(url: &str, recipients: &[String]) -> String {
    use base64::Engine;
    let mut clean = url.to_owned();
    for address in recipients.iter().filter(|address| address.len() >= 6) {
        let standard = base64::engine::general_purpose::STANDARD_NO_PAD.encode(address);
        let forms = [
            address.clone(),
            address.replace('@', "%40"),
            standard.replace('+', "-").replace('/', "_"),
            standard,
            hex::encode(address),
        ];
        for form in forms {
            clean = replace_ignoring_case(&clean, &form, "<victim>");
        }
    }
    // A coded value that holds a recipient among other things goes as a whole.
    let holds = |word: &str| {
        recipients
            .iter()
            .any(|address| crate::link::holds_address(word, address))
    };
    if holds(&clean)
        && let Some((before, after)) = clean.split_once(['?', '#'])
    {
        let mark = &clean[before.len()..=before.len()];
        let pieces: Vec<String> = after
            .split('&')
            .map(|piece| match piece.split_once('=') {
                Some((name, value)) if holds(value) => format!("{name}=<victim>"),
                None if holds(piece) => "<victim>".to_owned(),
                _ => piece.to_owned(),
            })
            .collect();
        return format!("{before}{mark}{}", pieces.join("&"));
    }
    clean
}

fn replace_ignoring_case(text: &str, what: &str, with: &str) -> String {
    let (lower, what) = (text.to_ascii_lowercase(), what.to_ascii_lowercase());
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = lower[at..].find(&what) {
        out.push_str(&text[at..at + found]);
        out.push_str(with);
        at += found + what.len();
    }
    out.push_str(&text[at..]);
    out
}
