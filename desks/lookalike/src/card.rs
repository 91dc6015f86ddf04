//! What documentation, console and brief show of the desk.

use pollwatch_model::{Card, DetectorCard, KindCard};

const MISSPELLING: &str = "934 reported names of 172 campaigns and 451,275 ordinary names, 2026-11-25: of 112 reported misspellings and lookalike spellings 97 are found, on the data that the weights were fitted on. All detectors together: recall 0.80 on campaigns held out, at 419 alarms a million ordinary names.";
const LETTERS: &str = "The same data, 2026-11-25: 28 of 30 reported names with lookalike ASCII letters and 12 of 12 with letters of other scripts are found, on the data that the weights were fitted on.";
const COMBOSQUAT: &str = "The same data, 2026-11-25: 459 of 489 reported names are found, on the data that the weights were fitted on; of names that use a short form of the brand, half.";
const ELSEWHERE: &str = "The same data, 2026-11-25: 107 of 108 reported names are found, on the data that the weights were fitted on.";
const FRONT: &str = "The same data, 2026-11-25: 107 of 109 reported names are found, on the data that the weights were fitted on.";
const PARTS: &str = "The same data, 2026-11-25: 100 of 118 reported names that imitate a government are found by all detectors together, on the data that the weights were fitted on.";

/// The desk's card.
pub(crate) static CARD: Card = Card {
    name: "lookalike",
    title: "Lookalike domains",
    looks_for: "Domain names that imitate a name of the register, so that mail or a sign-in page seems to come from it.",
    unwatched: "Whether anybody registered names that imitate ours was not looked at.",
    kinds: &[KindCard {
        name: "lookalike-domain",
        title: "lookalike domain",
        subject: "the registrable domain, or the user's label under a hosting company's suffix",
    }],
    detectors: &[
        DetectorCard {
            name: "misspelling",
            sees: "A protected label with one letter left out, added, doubled, swapped, mistyped or flipped by one bit, alone or inside a longer label.",
            matters: "A hurried reader sees the name that they expect.",
            cannot_tell: "An ordinary word that happens to differ by one letter from a mistake made on purpose.",
            measured_on: MISSPELLING,
            sources: "Damerau 1964; Garbe 2012 (symmetric deletions); Moore and Edelman 2010 (typosquatting).",
        },
        DetectorCard {
            name: "lookalike-letters",
            sees: "Digits and letters that look alike (0 and o, rn and m), and letters of other scripts.",
            matters: "In most faces the two names cannot be told apart.",
            cannot_tell: "A word of another language that is spelled with such letters by right.",
            measured_on: LETTERS,
            sources: "Unicode Technical Standard 39; UTS 46.",
        },
        DetectorCard {
            name: "combosquat",
            sees: "A protected label or a known alias of it beside other words, hyphened or run together; two protected names glued.",
            matters: "More than half of the reported names of attackers on elections are of this sort.",
            cannot_tell: "A reseller, a fan or a critic from somebody who means to deceive.",
            measured_on: COMBOSQUAT,
            sources: "Kintis et al. 2017, \"Hiding in Plain Sight\" (ACM CCS).",
        },
        DetectorCard {
            name: "same-label-elsewhere",
            sees: "The protected label under another ending, with or without its hyphens.",
            matters: "Party and think-tank labels under new endings were used against their staff in 2024.",
            cannot_tell: "The organisation's own second name, or another owner of the same word. List the names you own.",
            measured_on: ELSEWHERE,
            sources: "Microsoft Threat Intelligence, October 2024 (Midnight Blizzard).",
        },
        DetectorCard {
            name: "name-in-front",
            sees: "A protected name, whole or its label, in front of somebody else's domain (senate.gov-login.example).",
            matters: "On a telephone only the beginning of a name is shown.",
            cannot_tell: "A content network or library proxy that carries the organisation's site.",
            measured_on: FRONT,
            sources: "CISA and FBI, public notices on toll and tax text messages, 2024 and 2025.",
        },
        DetectorCard {
            name: "name-parts",
            sees: "The labels of a government's name with hyphens for dots, run together, in another order, or without the country.",
            matters: "ohio-gov-tc reads as ohio.gov.",
            cannot_tell: "Names that use the abbreviation of a country or ministry for something else.",
            measured_on: PARTS,
            sources: "CERT-UA advisory 11690 (October 2024).",
        },
    ],
};
