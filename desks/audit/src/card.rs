//! What documentation, console and brief show of the desk.

use pollwatch_model::{Card, DetectorCard, KindCard};

/// The desk's card.
pub(crate) static CARD: Card = Card {
    name: "audit",
    title: "Ballot audits",
    looks_for: "Whether the votes were counted as cast, by reading paper ballots drawn at random.",
    unwatched: "Whether the votes were counted as cast was not audited.",
    kinds: &[KindCard {
        name: crate::explain::KIND,
        title: "audited contest",
        subject: "the audit's name, a slash, and the contest's name as the audit has it",
    }],
    detectors: &[
        DetectorCard {
            name: "sample",
            sees: "Hand readings of cards drawn by public dice, against the records of the voting system or alone.",
            matters: "If the reported winner did not win, the chance that such an audit confirms it is at most the risk limit, whatever went wrong and whoever did it.",
            cannot_tell: "Whether the paper is the paper that voters cast, whether a voter checked it, and who was entitled to vote.",
            measured_on: "Simulated audits of wrong outcomes, method by method: the share wrongly confirmed stays within the limit (tests of this crate).",
            sources: "Stark, SHANGRLA, arXiv 1911.10035; Stark, ALPHA, Annals of Applied Statistics 17(1); Spertus, COBRA, arXiv 2304.01010; Stark, ONEAudit, arXiv 2303.03335; Lindeman, Stark and Yates 2012; Rivest, arXiv 1808.10016.",
        },
        DetectorCard {
            name: "full-count",
            sees: "The count of every card by hand, against the reported winners.",
            matters: "It decides: a reported outcome that it contradicts is wrong, however small the risk of a sample was.",
            cannot_tell: "Whether an error of machines, of people or an attack is the cause.",
            measured_on: "Nothing is estimated.",
            sources: "Lindeman and Stark, A Gentle Introduction to Risk-Limiting Audits, IEEE Security and Privacy 10(5), 2012.",
        },
    ],
};
