//! PATH: where the ask leads.

use crate::detect::ask::Wants;
use crate::detect::claim::{Claims, Imitates};
use crate::detect::{Graded, graded};
use crate::evidence::{Quote, Via};
use crate::fold::Words;
use crate::imitate::How;
use crate::known::{Kind, Known, registrable};
use crate::link::Link;
use crate::scene::Scene;
use crate::signal::Signal;

use pollwatch_names::defang;

/// What the links of a message lead to.
#[derive(Debug, Default)]
pub struct Paths {
    /// Signals.
    pub graded: Vec<Graded>,
    /// Places, in the links of the scene, of those that the ask leads to.
    pub asked: Vec<usize>,
    /// Places of links that an attacker is likely to hold.
    pub hostile: Vec<usize>,
}

/// Looks at links, forms and QR codes.
pub fn detect(scene: &Scene<'_>, claims: &Claims<'_>, wants: Wants, imitates: Imitates<'_>) -> Paths {
    let mut paths = Paths::default();
    let known = scene.known;
    let from_registrable = registrable(scene.from_domain());
    let followed: Vec<(usize, &Link)> = scene
        .links
        .iter()
        .enumerate()
        .filter(|(_, link)| link.is_to_be_followed())
        .collect();
    for &(at, link) in &followed {
        if link.scheme == "mailto" {
            continue;
        }
        let before = paths.graded.len();
        look_at(scene, claims, link, imitates, &mut paths);
        if paths.graded[before..]
            .iter()
            .any(|one| one.grade >= 0.6 && one.seen.signal != Signal::TextMismatch)
        {
            paths.hostile.push(at);
        }
    }
    asked_links(scene, claims, wants, &followed, &from_registrable, &mut paths);
    for (part, page) in &scene.pages {
        for form in page
            .forms
            .iter()
            .filter(|form| !form.action.is_empty() || form.asks_password)
        {
            let host = registrable(
                &form
                    .action
                    .replace('\\', "/")
                    .split('/')
                    .nth(2)
                    .unwrap_or_default()
                    .to_lowercase(),
            );
            let is_foreign = !host.is_empty() && !known.is_own(&host) && host != from_registrable;
            let grade = if form.asks_password {
                1.5
            } else if is_foreign {
                0.5
            } else {
                0.2
            };
            paths.graded.push(graded(
                Signal::BodyForm,
                grade,
                format!(
                    "It holds a form that sends what is typed to {}.",
                    defang(&form.action)
                ),
                Quote::new(part, form.offset, &form.action),
            ));
        }
    }
    for drawn in &scene.drawn {
        paths.graded.push(graded(
            Signal::BodyQrLink,
            1.0,
            format!("A QR code drawn in characters leads to {}.", defang(&drawn.url)),
            Quote::new(&drawn.part, drawn.offset, &drawn.url),
        ));
    }
    strongest_of_each(&mut paths.graded);
    paths.hostile.sort_unstable();
    paths.hostile.dedup();
    paths
}

/// Keeps of each signal the strongest, in the order in which signals were first seen.
pub(crate) fn strongest_of_each(all: &mut Vec<Graded>) {
    let mut kept: Vec<Graded> = Vec::new();
    for one in all.drain(..) {
        match kept.iter_mut().find(|known| known.seen.signal == one.seen.signal) {
            Some(known) if known.grade < one.grade => *known = one,
            Some(_) => {}
            None => kept.push(one),
        }
    }
    *all = kept;
}

fn look_at(scene: &Scene<'_>, claims: &Claims<'_>, link: &Link, imitates: Imitates<'_>, paths: &mut Paths) {
    let known = scene.known;
    let quote = |text: &str| Quote::new(&link.found.part, link.found.offset, text);
    let mut put =
        |signal, grade, says: String, text: &str| paths.graded.push(graded(signal, grade, says, quote(text)));
    if link.host.is_empty() {
        let is_page =
            link.url.to_ascii_lowercase().starts_with("data:text/html") || !link.scheme.starts_with("data");
        put(
            Signal::DataOrJs,
            if is_page { 1.0 } else { 0.1 },
            "A link carries a page or a script in itself.".to_owned(),
            &link.url,
        );
        return;
    }
    let is_claimed = claims
        .identity
        .is_some_and(|identity| known.is_of(&link.host, identity));
    let is_known = known.owners(&link.host).next().is_some();
    let host = defang(&link.host);
    if !link.userinfo.is_empty() {
        let grade = if link.userinfo.contains('.') { 1.0 } else { 0.3 };
        put(
            Signal::Userinfo,
            grade,
            format!(
                "The link begins with \u{201c}{}\u{201d}, and leads to {host}: what stands before @ is not where it goes.",
                link.userinfo
            ),
            &link.found.url,
        );
    }
    if let Some(ip) = link.ip {
        let is_inner = match ip {
            std::net::IpAddr::V4(v4) => v4.is_private() || v4.is_loopback(),
            std::net::IpAddr::V6(v6) => v6.is_loopback(),
        };
        if !is_inner {
            put(
                Signal::IpLiteral,
                1.0,
                format!("The link leads to an address in numbers, {host}, not to a name."),
                &link.found.url,
            );
        }
        return;
    }
    let imitation = imitates(&link.host);
    if let Some(imitation) = &imitation
        && !is_known
    {
        let identity = &known.identities[imitation.identity as usize];
        let grade = match imitation.strength {
            3 => 1.0,
            2 => 0.7,
            _ => 0.3,
        };
        let is_quiet = link.is_mailing_company || link.is_free_host && identity.kind != Kind::Brand;
        let grade = if is_quiet { grade * 0.3 } else { grade };
        match imitation.how {
            How::InFront => put(
                Signal::BrandInSubdomain,
                grade,
                format!(
                    "The link shows the name of {} in front, and leads to {}.",
                    identity.name,
                    defang(&link.registrable)
                ),
                &link.found.url,
            ),
            How::Homograph => put(
                Signal::IdnHomograph,
                1.0,
                format!(
                    "The link's host {host} is read as {}, and is another.",
                    imitation.of
                ),
                &link.found.url,
            ),
            _ => put(
                Signal::LookalikeHost,
                grade,
                format!(
                    "The link's host {host} looks like {}, which belongs to {}.",
                    imitation.of, identity.name
                ),
                &link.found.url,
            ),
        }
    } else if link.host.contains("xn--") && Known::mixes_scripts(&link.host) {
        put(
            Signal::IdnHomograph,
            0.6,
            format!("The link's host {host} mixes letters of several scripts."),
            &link.found.url,
        );
    }
    if link.is_shortener && !is_claimed {
        put(
            Signal::Shortener,
            0.8,
            format!("The link goes through {host}, which hides where it leads."),
            &link.found.url,
        );
    }
    if link.is_free_host && !is_claimed {
        put(
            Signal::FreeHost,
            1.0,
            format!("The link leads to {host}, where anybody can put up a page."),
            &link.found.url,
        );
    }
    if let Some(redirector) = link.redirectors.first() {
        let is_same = registrable(redirector) == link.registrable;
        if !is_same && !is_claimed {
            put(
                Signal::OpenRedirect,
                if is_known { 0.3 } else { 1.0 },
                format!("The link goes through {} and ends at {host}.", defang(redirector)),
                &link.found.url,
            );
        }
    }
    let recipient = scene
        .recipients
        .iter()
        .find(|address| link.holds_address(address));
    if recipient.is_some() && !is_claimed {
        put(
            Signal::VictimAddress,
            0.5,
            "The link carries the recipient's own address.".to_owned(),
            &link.found.url,
        );
    }
    if let Some(shown) = shown_host(&link.found.text) {
        let shown_registrable = registrable(&shown);
        let is_same = shown_registrable.is_empty()
            || shown_registrable == link.registrable
            || known.owners(&shown).any(|owner| known.is_of(&link.host, owner));
        if !is_same && matches!(link.found.via, Via::Anchor) {
            let grade = if link.is_mailing_company || link.was_wrapped {
                0.0
            } else if known.is_own(&shown) || known.owners(&shown).next().is_some() {
                1.0
            } else {
                0.4
            };
            put(
                Signal::TextMismatch,
                grade,
                format!("The text shows {}, and the link leads to {host}.", defang(&shown)),
                &format!("{} \u{2192} {}", link.found.text, link.found.url),
            );
        }
    }
}

/// The host that the visible text of a link is, where it is one.
fn shown_host(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > 300 || text.contains(' ') || text.contains('@') {
        return None;
    }
    let host = pollwatch_names::strip_to_host(text).to_lowercase();
    let is_host = host.contains('.') && host.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-');
    (is_host && !registrable(&host).is_empty()).then_some(host)
}

/// Words on buttons that do not lead to what is asked for.
const ASIDE: &[&str] = &[
    "unsubscribe",
    "privacy",
    "prlvacy",
    "terms",
    "preferences",
    "facebook",
    "twltter",
    "llnkedln",
    "lnstagram",
    "youtube",
    "help",
    "lmpressum",
    "blog",
    "forum",
    "archlve",
    "browser",
    "abmelden",
    "desabonner",
    "abuse",
    "copyrlght",
    "app",
];

/// The links that the ask leads to, and whether they leave the claimed identity.
fn asked_links(
    scene: &Scene<'_>,
    claims: &Claims<'_>,
    wants: Wants,
    followed: &[(usize, &Link)],
    from_registrable: &str,
    paths: &mut Paths,
) {
    let known = scene.known;
    let is_aside = |link: &Link| {
        let words = Words::of(&link.found.text);
        let is_named = words.len() <= 6 && words.iter().any(|word| ASIDE.contains(&word));
        is_named || link.url.to_ascii_lowercase().contains("unsub")
    };
    let mut asked: Vec<(usize, &Link)> = followed
        .iter()
        .filter(|(_, link)| !is_aside(link) && link.scheme != "mailto")
        .copied()
        .collect();
    if asked.iter().all(|(_, link)| matches!(link.found.via, Via::Text)) {
        // Buttons that write a mail: an answer is what is wanted.
        let buttons = followed.iter().filter(|(_, link)| {
            link.scheme == "mailto"
                && matches!(link.found.via, Via::Anchor)
                && !link.found.text.contains('@')
                && !scene.recipients.contains(&link.url)
                && link.url != scene.from_address().to_lowercase()
        });
        asked.extend(buttons.copied());
    }
    let with_lure: Vec<(usize, &Link)> = asked
        .iter()
        .filter(|(_, link)| {
            let words = Words::of(&link.found.text);
            words.len() <= 12 && !known.phrases.find(&words).is_empty()
                || !matches!(link.found.via, Via::Anchor | Via::Text)
        })
        .copied()
        .collect();
    if !with_lure.is_empty() {
        asked = with_lure;
    }
    paths.asked = asked.iter().map(|(at, _)| *at).collect();
    // Who is being left: the claimed identity, the reader's own office, or (weakly) the sender's own domain.
    let is_claim = claims.identity.is_some() || claims.is_own_role;
    let belongs = |link: &Link| {
        claims
            .identity
            .is_some_and(|identity| known.is_of(&link.host, identity))
            || known.is_own(&link.host)
            || (!is_claim && !from_registrable.is_empty() && link.registrable == from_registrable)
            || (claims.is_proven || !is_claim)
                && (link.is_mailing_company
                    || known.owners(&link.host).next().is_some() && !link.is_free_host)
    };
    let foreign: Vec<&Link> = asked
        .iter()
        .map(|(_, link)| *link)
        .filter(|link| !belongs(link))
        .collect();
    let Some(first) = foreign.first() else { return };
    let share = foreign.len() as f64 / asked.len() as f64;
    let grade = match (is_claim, claims.is_proven, wants) {
        (true, false, _) => 0.4 + 0.6 * share,
        (true, true, Wants::Nothing) => 0.0,
        (true, true, _) => 0.5 * share,
        (false, _, Wants::Credentials | Wants::Payment) => 0.5 * share,
        (false, ..) => 0.0,
    };
    if grade <= 0.0 {
        return;
    }
    let who = match claims.identity {
        Some(identity) => known.identities[identity as usize].name.clone(),
        None if claims.is_own_role => "the reader's own office".to_owned(),
        None => scene.from_domain().to_owned(),
    };
    let goes_to = if first.scheme == "mailto" {
        format!("the mailbox {}", defang(&first.url))
    } else if first.host.is_empty() {
        first.scheme.clone()
    } else {
        defang(&first.host)
    };
    paths.graded.push(graded(
        Signal::UnrelatedToClaimedSender,
        grade,
        format!("It leads to {goes_to}, which is not of {who}."),
        Quote::new(&first.found.part, first.found.offset, &first.found.url),
    ));
    if is_claim && !claims.is_proven {
        paths.hostile.extend(
            asked
                .iter()
                .filter(|(_, link)| !belongs(link) && known.owners(&link.host).next().is_none())
                .map(|(at, _)| *at),
        );
    }
}
