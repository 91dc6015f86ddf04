//! The page of the detector of campaigns.

use pollwatch_model::DetectorCard;

/// The page.
pub(crate) const CARD: DetectorCard = DetectorCard {
    name: "campaign",
    sees: "Actors of several jurisdictions who share what innocent visitors elsewhere do not have: an address; or a network, together with \
           the same payloads or the same paths in the same order; or an agent of their own. Nearness in time adds to it.",
    matters: "One office sees a scan like any other. Fourteen offices that were scanned by one hand within four days see something else, \
              and what was learned at one of them helps the others.",
    cannot_tell: "Who the hand is. A public tool or a rented address that many share makes strangers look alike, so neither counts by \
                  itself; and one hand that shares nothing between two places is taken for two.",
    measured_on: "Invented logs of 50 states with one campaign of 14 members on five addresses, and 13 other actors, 2026-11-30: all 14 found, \
                  and nobody else.",
    sources: "Sp\u{e4}rck Jones 1972 (rarity as a weight); Cohen and Kaplan 2007 (bottom-k sketches); Benjamini and Hochberg 1995 (false \
              discoveries, here at 1 %).",
};
