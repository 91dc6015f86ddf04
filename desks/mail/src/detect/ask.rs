//! ASK: what the message wants.

use crate::detect::{Graded, graded};
use crate::evidence::{Quote, Via};
use crate::fold::Words;
use crate::phrases::{Found, PhraseKind};
use crate::scene::{Passage, Scene};
use crate::signal::Signal;
use crate::wallet::wallets;

/// What a message asks for, most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wants {
    /// A password, code or sign-in.
    Credentials,
    /// Money.
    Payment,
    /// A call.
    Call,
    /// Nothing that was recognised.
    Nothing,
}

/// The asks of a message, and how much of it offers what nobody wants.
#[derive(Debug, Clone)]
pub struct Asks {
    /// Signals.
    pub graded: Vec<Graded>,
    /// The chief ask.
    pub wants: Wants,
    /// A telephone number to be called, as it stands there.
    pub phone: Option<String>,
    /// Weight of the phrases of unwanted mail.
    pub unwanted: f64,
}

/// Weights of phrases that make a lure of usual strength: two strong ones, or four weak.
const FULL_LURE: f64 = 4.0;

/// Looks for asks.
pub fn detect(scene: &Scene<'_>) -> Asks {
    let mut graded_signals = Vec::new();
    let credential = with_sign_in(
        scene,
        with_deeds(scene, lure(scene, PhraseKind::Credential), DEEDS, OBJECTS),
    );
    let payment = with_deeds(
        scene,
        lure(scene, PhraseKind::Payment),
        PAYMENT_DEEDS,
        PAYMENT_OBJECTS,
    );
    let unwanted = lure(scene, PhraseKind::Unwanted);
    let payment = with_wallet(scene, payment, &unwanted);
    let urgency = lure(scene, PhraseKind::Urgency);
    let callback = with_charge(scene, lure(scene, PhraseKind::Callback));
    if let Some((weight, quote)) = &credential
        && *weight >= 2.0
    {
        let grade = (weight / FULL_LURE).min(1.5);
        graded_signals.push(graded(
            Signal::CredentialLure,
            grade,
            "It asks the reader to sign in, or to give a password, a code or account data.",
            quote.clone(),
        ));
    }
    if let Some((weight, quote)) = &payment
        && *weight >= 2.0
    {
        graded_signals.push(graded(
            Signal::PaymentLure,
            (weight / FULL_LURE).min(1.5),
            "It asks for money, for a change of bank details, or to look at an invoice.",
            quote.clone(),
        ));
    }
    if let Some((weight, quote)) = &urgency {
        graded_signals.push(graded(
            Signal::Urgency,
            (weight / FULL_LURE).min(1.0),
            "It presses for time.",
            quote.clone(),
        ));
    }
    if scene
        .attached
        .iter()
        .any(|seen| seen.signal == Signal::ArchiveEncrypted)
    {
        let is_password = |word: &str| {
            matches!(
                word,
                "password" | "passcode" | "passwort" | "contrasena" | "senha" | "clave"
            )
        };
        for passage in std::iter::once(&scene.subject)
            .chain(scene.passages.iter().filter(|passage| !passage.is_attached))
        {
            if let Some(at) = passage.words.iter().position(is_password) {
                graded_signals.push(graded(
                    Signal::ArchivePassword,
                    1.0,
                    "It gives the password of the encrypted archive, so that no filter can look inside.",
                    passage.quote(at, at + 1),
                ));
                break;
            }
        }
    }
    let phone = phone_number(scene);
    let has_link = scene
        .links
        .iter()
        .any(|link| link.is_to_be_followed() && !matches!(link.found.via, Via::Office));
    if let (Some((weight, quote)), Some((number, _)), false) = (&callback, &phone, has_link)
        && *weight >= 2.0
    {
        let mut quote = quote.clone();
        if !quote.text.contains(number.as_str()) {
            quote.text = format!("{} \u{2026} {number}", quote.text);
        }
        graded_signals.push(graded(
            Signal::CallbackPhone,
            (weight / FULL_LURE).clamp(0.7, 1.5),
            format!("It speaks of a charge and wants {number} to be called; there is no link."),
            quote,
        ));
    }
    for passage in std::iter::once(&scene.subject).chain(&scene.passages) {
        if passage.words.unseen_inside >= 2 && !passage.is_attached {
            let at = passage
                .text
                .char_indices()
                .find(|(_, c)| pollwatch_names::is_unseen(*c) || *c == '\u{ad}');
            let begin = at.map_or(0, |(at, _)| at);
            graded_signals.push(graded(
                Signal::ZeroWidth,
                (passage.words.unseen_inside as f64 / 4.0).clamp(0.5, 1.0),
                "Characters without width are hidden inside words, so that filters do not read them.",
                passage.quote_bytes(begin, begin),
            ));
            break;
        }
    }
    for (part, page) in &scene.pages {
        if page.hidden.trim().len() > 3 {
            graded_signals.push(graded(
                Signal::HiddenText,
                0.0,
                "It holds text that the reader does not see (newsletters do that too).",
                Quote::new(part, 0, page.hidden.trim()),
            ));
            break;
        }
    }
    let words: usize = scene
        .passages
        .iter()
        .filter(|passage| !passage.is_attached)
        .map(|passage| passage.words.len())
        .sum();
    if words < 12 && scene.pictures > 0 && !scene.pages.is_empty() {
        graded_signals.push(graded(
            Signal::ImageOnly,
            0.5,
            "A picture stands in place of text.",
            Quote::new(&scene.pages[0].0, 0, ""),
        ));
    }
    let subject = scene.message.decoded("subject");
    let lower = subject.to_lowercase();
    let is_answer = ["re:", "aw:", "sv:", "res:"]
        .iter()
        .any(|mark| lower.trim_start().starts_with(mark));
    if is_answer
        && scene.message.value("in-reply-to").is_none()
        && scene.message.value("references").is_none()
        && !scene.has_quote
    {
        graded_signals.push(graded(
            Signal::ThreadFake,
            0.5,
            "It calls itself an answer, and answers no message.",
            Quote::new("0", 0, &subject),
        ));
    }
    let weight_of = |lure: &Option<(f64, Quote)>| lure.as_ref().map_or(0.0, |(weight, _)| *weight);
    let wants = if graded_signals
        .iter()
        .any(|one| one.seen.signal == Signal::CallbackPhone)
    {
        Wants::Call
    } else if weight_of(&credential) >= 2.0 && weight_of(&credential) >= weight_of(&payment) {
        Wants::Credentials
    } else if weight_of(&payment) >= 2.0 {
        Wants::Payment
    } else {
        Wants::Nothing
    };
    Asks {
        graded: graded_signals,
        wants,
        phone: phone.map(|(number, _)| number),
        unwanted: weight_of(&unwanted),
    }
}

/// Deeds with accounts that are asked for, and what they are done to; beginnings of folded words. They count where both stand
/// in one sentence, at most six words apart. In the languages of the phrases.
const DEEDS: &[&str] = &[
    "slgn",
    "slgnln",
    "log",
    "logln",
    "logon",
    "verlf",
    "conflrm",
    "valldat",
    "revalldat",
    "update",
    "upgrade",
    "review",
    "restore",
    "unlock",
    "reactlv",
    "renew",
    "reset",
    "change",
    "keep",
    "avold",
    "secure",
    "recover",
    "enroll",
    "enrol",
    "reauthentlcat",
    "authentlcat",
    "acceder",
    "accede",
    "lnlclar",
    "lnlcle",
    "actuallz",
    "atuallz",
    "acess",
    "desbloque",
    "regularlz",
    "recadastr",
    "anmeld",
    "elnlogg",
    "bestatlg",
    "aktuallsler",
    "verlflzler",
    "conflrmer",
    "connect",
    "mettre",
    "vlew",
    "open",
    "download",
    "complete",
    "lncrease",
];
const OBJECTS: &[&str] = &[
    "password",
    "passwort",
    "passcode",
    "contrasena",
    "senha",
    "mot",
    "account",
    "konto",
    "cuenta",
    "conta",
    "compte",
    "mallbox",
    "emall",
    "wallet",
    "ldentlty",
    "ldentldad",
    "credentlal",
    "portal",
    "quota",
    "slgn",
    "logln",
    "acesso",
    "acceso",
    "zugang",
    "access",
    "payroll",
    "device",
    "authentlcator",
    "mfa",
    "webmall",
    "profll",
    "buzon",
    "document",
    "flle",
    "folder",
    "deposlt",
    "certlflcate",
];

/// The same for money.
const PAYMENT_DEEDS: &[&str] = &[
    "pay",
    "revlew",
    "process",
    "approve",
    "use",
    "hold",
    "transfer",
    "wlre",
    "release",
    "buy",
    "purchase",
    "settle",
    "send",
    "advlse",
    "conflrm",
    "see",
    "pagar",
    "revlse",
    "transflera",
    "bezahlen",
    "uberwelse",
    "zahlen",
    "payer",
    "vlrement",
];
const PAYMENT_OBJECTS: &[&str] = &[
    "lnvolce",
    "payment",
    "bank",
    "remlttance",
    "deposlt",
    "glft",
    "statement",
    "account",
    "balance",
    "factura",
    "pago",
    "fatura",
    "boleto",
    "rechnung",
    "facture",
    "lban",
];

/// Words by which a button or a sentence asks to sign in.
const SIGN_IN: &[(&str, &str)] = &[
    ("slgn", "ln"),
    ("log", "ln"),
    ("log", "on"),
    ("lnlcle", "seslon"),
    ("lnlclar", "seslon"),
    ("faca", "logln"),
    ("se", "connecter"),
];

/// Adds the plain command to sign in: at the head of a sentence or on a button it is the ask itself.
fn with_sign_in(scene: &Scene<'_>, lure: Option<(f64, Quote)>) -> Option<(f64, Quote)> {
    let mut extra = 0.0;
    let mut first: Option<Quote> = None;
    let texts: usize = scene.passages.iter().map(|passage| passage.words.len()).sum();
    for passage in std::iter::once(&scene.subject).chain(&scene.passages) {
        for at in 0..passage.words.len().min(2_000) {
            let is_command = SIGN_IN.iter().any(|(one, two)| {
                passage.words.get(at) == Some(one) && passage.words.get(at + 1) == Some(two)
            });
            if !is_command {
                continue;
            }
            let (begin, _) = passage.words.place(at, at + 2);
            let before = passage
                .text
                .get(..begin)
                .unwrap_or_default()
                .trim_end_matches([' ', '\t', '*', '>', '\u{2022}']);
            let heads = before.is_empty() || before.ends_with(['.', '!', '?', '\n', ':', ',']);
            extra += if heads { 1.5 } else { 0.5 };
            first.get_or_insert_with(|| passage.quote(at, at + 2));
        }
    }
    let is_short = texts < 250;
    let extra = f64::min(extra, 3.0) * if is_short { 1.0 } else { 0.4 };
    match (lure, first) {
        (Some((weight, quote)), _) => Some((weight + extra, quote)),
        (None, Some(quote)) if extra > 0.0 => Some((extra + 0.5, quote)),
        (lure, _) => lure,
    }
}

/// Adds to the phrases the deeds asked for in other words.
fn with_deeds(
    scene: &Scene<'_>,
    lure: Option<(f64, Quote)>,
    deeds: &[&str],
    objects: &[&str],
) -> Option<(f64, Quote)> {
    let mut pairs = std::collections::BTreeSet::new();
    let mut first: Option<Quote> = None;
    for passage in std::iter::once(&scene.subject).chain(&scene.passages) {
        let words: Vec<&str> = passage.words.iter().take(2_000).collect();
        for (at, word) in words.iter().enumerate() {
            let Some(deed) = deeds
                .iter()
                .find(|deed| word.starts_with(**deed) && word.len() <= deed.len() + 5)
            else {
                continue;
            };
            let window = words.iter().enumerate().skip(at + 1).take(6);
            let object = window.clone().find_map(|(place, word)| {
                let object = objects
                    .iter()
                    .find(|object| word.starts_with(**object) && word.len() <= object.len() + 4)?;
                Some((place, *object))
            });
            if let Some((place, object)) = object
                && *deed != object
            {
                let (begin, end) = passage.words.place(at, place + 1);
                let is_one_sentence = !passage
                    .text
                    .get(begin..end)
                    .unwrap_or_default()
                    .contains(['.', '!', '?', '\n']);
                if is_one_sentence {
                    pairs.insert((*deed, object));
                    first.get_or_insert_with(|| passage.quote(at, place + 1));
                }
            }
        }
    }
    let words: usize = scene.passages.iter().map(|passage| passage.words.len()).sum();
    let dilution = if words > 250 {
        (250.0 / words as f64).max(0.15)
    } else {
        1.0
    };
    let extra = 1.5 * dilution * pairs.len().min(3) as f64;
    match (lure, first) {
        (Some((weight, quote)), _) => Some((weight + extra, quote)),
        (None, Some(quote)) => Some((extra + 0.5 * dilution, quote)),
        (None, None) => None,
    }
}

/// The sum of the weights of the phrases of a kind, and the strongest of them quoted.
fn lure(scene: &Scene<'_>, kind: PhraseKind) -> Option<(f64, Quote)> {
    let phrases = scene.phrases(kind);
    let (passage, strongest): &(&Passage, Found) = phrases.first()?;
    // Long texts say everything once: what counts is how much of the message the lure is.
    let words: usize = scene.passages.iter().map(|passage| passage.words.len()).sum();
    let dilution = if words > 400 {
        (400.0 / words as f64).sqrt().max(0.35)
    } else {
        1.0
    };
    let weight: f64 = phrases
        .iter()
        .take(6)
        .map(|(passage, found)| {
            let is_subject = passage.part == "0";
            f64::from(found.weight) * if is_subject { 1.25 } else { dilution }
        })
        .sum();
    Some((weight, passage.quote_bytes(strongest.place.0, strongest.place.1)))
}

/// Adds a wallet to pay into, where money is asked for or a threat is made. A wallet alone asks for nothing: people put one
/// under their letters for gifts.
fn with_wallet(
    scene: &Scene<'_>,
    payment: Option<(f64, Quote)>,
    threat: &Option<(f64, Quote)>,
) -> Option<(f64, Quote)> {
    let own = scene.passages.iter().filter(|passage| !passage.is_attached);
    let wallet = own
        .filter_map(|passage| {
            Some((
                passage,
                wallets(&passage.text)
                    .into_iter()
                    .find(|wallet| wallet.is_checked)?,
            ))
        })
        .next();
    let Some((passage, wallet)) = wallet else {
        return payment;
    };
    match payment {
        Some((weight, quote)) => Some((weight + 2.0, quote)),
        None if threat.as_ref().is_some_and(|(weight, _)| *weight >= 3.0) => Some((
            2.5,
            passage.quote_bytes(wallet.offset, wallet.offset + wallet.address.len()),
        )),
        None => None,
    }
}

/// Adds a charge that a call is to undo: an amount of money, and a telephone number behind a word for calling.
fn with_charge(scene: &Scene<'_>, lure: Option<(f64, Quote)>) -> Option<(f64, Quote)> {
    let Some((number, passage)) = phone_number(scene) else {
        return lure;
    };
    let at = passage.text.find(&number).unwrap_or(0);
    let mut from = at.saturating_sub(80);
    while !passage.text.is_char_boundary(from) {
        from += 1;
    }
    let before = Words::of(&passage.text[from..at]);
    let calls = |word: &str| {
        [
            "call", "phone", "dlal", "contact", "llame", "llama", "llgue", "anruf", "appele",
        ]
        .iter()
        .any(|one| word.starts_with(one))
    };
    let is_called = before.iter().any(calls);
    let lower = passage.text.to_lowercase();
    let has_amount = ["usd", "$", "\u{20ac}", "eur", "\u{a3}", "gbp"]
        .iter()
        .any(|mark| lower.contains(mark));
    let is_charge = passage.words.iter().any(|word| {
        [
            "renew",
            "charge",
            "deblt",
            "subscrlpt",
            "lnvolce",
            "order",
            "auto",
            "cargo",
            "cobr",
            "refund",
        ]
        .iter()
        .any(|one| word.starts_with(one))
    });
    if !(is_called && has_amount && is_charge) {
        return lure;
    }
    let quote = passage.quote_bytes(at, at + number.len());
    Some(match lure {
        Some((weight, quote)) => (weight + 2.5, quote),
        None => (3.0, quote),
    })
}

/// A telephone number in the body: as it stands there, and the passage.
fn phone_number<'s>(scene: &'s Scene<'_>) -> Option<(String, &'s Passage)> {
    scene
        .passages
        .iter()
        .find_map(|passage| first_phone(&passage.text).map(|number| (number, passage)))
}

/// The first telephone number in `text`: ten to fifteen digits with the usual marks between them, with a plus sign or
/// brackets, or in groups as North American numbers are.
pub fn first_phone(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let begins = matches!(bytes[at], b'+' | b'(' | b'0'..=b'9')
            && (at == 0
                || !(bytes[at - 1].is_ascii_alphanumeric()
                    || matches!(bytes[at - 1], b'.' | b'-' | b'/' | b'#' | b'$' | b'=' | b'_')));
        if !begins {
            at += 1;
            continue;
        }
        let mut end = at;
        let mut digits = 0;
        let mut groups = 0;
        let mut was_digit = false;
        while end < bytes.len() && end - at < 30 {
            match bytes[end] {
                b'0'..=b'9' => {
                    digits += 1;
                    groups += usize::from(!was_digit);
                    was_digit = true;
                }
                b' ' | b'-' | b'(' | b')' | b'.' | b'+' | b'/' => was_digit = false,
                _ => break,
            }
            end += 1;
        }
        let number = text
            .get(at..end)
            .unwrap_or_default()
            .trim_end_matches([' ', '-', '(', '.', '+', '/']);
        let is_marked = number.starts_with('+') || number.contains('(') || groups >= 3;
        if (10..=15).contains(&digits) && is_marked && groups <= 6 && !number.starts_with("20") {
            return Some(number.to_owned());
        }
        at = end.max(at + 1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::first_phone;

    #[test]
    fn numbers_to_call_are_found_and_others_are_not() {
        assert_eq!(
            first_phone("call +1 (808) 555-0117 now").as_deref(),
            Some("+1 (808) 555-0117")
        );
        assert_eq!(first_phone("Tel. 808-555-0117.").as_deref(), Some("808-555-0117"));
        assert_eq!(first_phone("order 4432-11, 2024-10-11 12:00, 1234567890"), None);
    }
}
