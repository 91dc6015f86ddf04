//! What documentation, console and brief show of the desk.

use pollwatch_model::{Card, DetectorCard, KindCard};

const MEASURED: &str = "5 open series of invented rolls, 12 injections of 18 to 160 entries among ordinary churn and announced bulk changes; see the README for the figures of the release.";

/// The desk's card.
pub(crate) static CARD: Card = Card {
    name: "rolls",
    title: "Voter rolls",
    looks_for: "Changes of a voter roll that ordinary churn does not explain, by county and field.",
    unwatched: "Whether entries of the voter roll were changed was not looked at.",
    kinds: &[
        KindCard {
            name: "roll-change",
            title: "unexplained change of the roll",
            subject: "county code, column and the later snapshot's day",
        },
        KindCard {
            name: "roll-change-missing",
            title: "missing change of the roll",
            subject: "county code, column, the later snapshot's day, and the word fewer",
        },
        KindCard {
            name: "roll-bulk-change",
            title: "explained bulk change of the roll",
            subject: "county code, column and the later snapshot's day",
        },
        KindCard {
            name: "roll-compared",
            title: "compared roll",
            subject: "the days of the first and the last snapshot",
        },
    ],
    detectors: &[
        DetectorCard {
            name: "churn",
            sees: "How many entries of a county changed in one way between two snapshots, against the county's own history and against the other counties.",
            matters: "Who alters a roll has to alter enough entries to matter, in a place where it matters.",
            cannot_tell: "Changes smaller than the ordinary spread of a county, changes made before the first snapshot, and who made them.",
            measured_on: MEASURED,
            sources: "Gamma prior and negative-binomial predictive; conditional on the total of the other counties in the gamma-Poisson form of a Dirichlet-multinomial, the county that stands out most left out; Benjamini and Hochberg (1995), Benjamini and Yekutieli (2001).",
        },
        DetectorCard {
            name: "form",
            sees: "Changes whose form has no ordinary cause: one new value for many, exchanged digits, a status that its reason does not go with, new identifiers in sequence with one date and one house, entries gone without the stage that comes before, values of older snapshots, persons under another's identifier.",
            matters: "A few dozen such changes are seen where a few dozen ordinary ones are not.",
            cannot_tell: "A home or campus that gives all its residents one new address, unless others had that address before.",
            measured_on: MEASURED,
            sources: "Exact tests; household size: Census Bureau, 2020; errors of typing: Damerau (1964).",
        },
        DetectorCard {
            name: "group",
            sees: "Whether the changed entries are of one party, age, sex, race, precinct or district more than chance allows; only inside changes that were found.",
            matters: "Ordinary work takes no side.",
            cannot_tell: "A group that is the cause itself, such as the students of a campus.",
            measured_on: MEASURED,
            sources: "Hypergeometric exact tail, with a false-discovery rate of its own.",
        },
        DetectorCard {
            name: "bulk",
            sees: "Whole groups treated alike (a precinct renumbered, a street renamed), what a calendar file announces, and surges with the shape of a routine.",
            matters: "Lawful work in bulk looks like tampering; it is shown, and not called that.",
            cannot_tell: "Lawful work that nobody announced from unlawful work that copies its shape: it is shown as a question to the county.",
            measured_on: MEASURED,
            sources: "Nine in ten entries with one old value that became one new value; the operator's calendar.",
        },
    ],
};
