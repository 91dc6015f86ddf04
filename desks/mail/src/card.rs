//! What documentation, console and brief show of the desk.

use pollwatch_model::{Card, DetectorCard, KindCard};

const MEASURED: &str = "393 messages that ask for credentials and 2,189 honest ones of the open corpus, 2026-11-25: all detectors together judge 0.903 of the first and one of the second suspicious or worse; the calibration was fitted on the same messages.";

/// The desk's card.
pub(crate) static CARD: Card = Card {
    name: "mail",
    title: "Messages",
    looks_for: "Messages that pretend to be from somebody else, to get a password, a payment, or a file opened.",
    unwatched: "Whether staff received phishing mail, and what came of it, was not looked at.",
    kinds: &[
        KindCard {
            name: "phishing-message",
            title: "phishing message",
            subject: "the SHA-256 of the original message, as it was received",
        },
        KindCard {
            name: "phishing-campaign",
            title: "phishing campaign",
            subject: "the campaign's id: the smallest strong key of its earliest message",
        },
    ],
    detectors: &[
        DetectorCard {
            name: "claim",
            sees: "Who the message says it is from: sender's name, sender's domain, subject, page, pictures, signature; compared with who owns the domain.",
            matters: "A name is all that most mail programs show.",
            cannot_tell: "A namesake, a new domain of the organisation itself, or a service that writes on its behalf.",
            measured_on: MEASURED,
            sources: "RFC 5322, section 3.6.2; Unicode Technical Standard 39.",
        },
        DetectorCard {
            name: "proof",
            sees: "What our own mail server recorded of SPF, DKIM, DMARC and ARC, and whether it belongs to the claimed sender.",
            matters: "It is the only thing in a message that its sender cannot write.",
            cannot_tell: "Whether the person behind a genuine account still holds it.",
            measured_on: "239 cases of the open test suites for SPF, DKIM, ARC, DMARC and Authentication-Results, 2026-11-25: all right.",
            sources: "RFC 7208, 6376, 8301, 8463, 8617, 8601, 7489 and 9989.",
        },
        DetectorCard {
            name: "ask",
            sees: "What the message wants: a sign-in, a code, a payment, a call; and whether it presses for time.",
            matters: "Mail that wants nothing does no harm.",
            cannot_tell: "A real notice from a lure by its words alone: honest notices ask for the same things.",
            measured_on: MEASURED,
            sources: "Phrases in seven languages, written for this project.",
        },
        DetectorCard {
            name: "path",
            sees: "Where the ask leads: links behind wrappers and redirectors, forms, QR codes, attachments and what is in them.",
            matters: "A password goes where the link goes, whatever the text says.",
            cannot_tell: "What stands behind a shortener or a page, because nothing is fetched.",
            measured_on: MEASURED,
            sources: "WHATWG URL standard; ISO 32000; ECMA-376; RFC 5545.",
        },
        DetectorCard {
            name: "campaign",
            sees: "Messages that share an attacker's domain, link, file or text.",
            matters: "One reported message shows who else got it.",
            cannot_tell: "Two attackers who bought the same kit from one attacker who changed it.",
            measured_on: "The 36 messages of two hand-written campaigns among 105, 2026-11-25: B-cubed precision 0.923, recall 0.892.",
            sources: "Broder 1997 (MinHash); Bagga and Baldwin 1998 (B-cubed).",
        },
    ],
};
