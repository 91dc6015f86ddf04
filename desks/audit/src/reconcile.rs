//! Manifest against records, card by card, and what records published whole would give away.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::election::{Batch, BatchId, CastVoteRecord, ContestId, Manifest, RecordId, distance};
use crate::index::{CardIndex, IndexError};

/// Most differences that are told one by one; all are counted.
pub const MAX_DIFFERENCES: usize = 10_000;
/// Most batches that are not in the manifest for which the nearest one in it is looked for.
const MAX_NEAREST: usize = 100;
/// Most record numbers that one difference names.
const MAX_NUMBERS: usize = 10;

/// In what a manifest and records differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// Cards of a batch have no record.
    CardsWithoutRecord,
    /// A batch of the manifest has no record at all.
    BatchWithoutRecords,
    /// A batch has more records than cards.
    RecordsBeyondBatch,
    /// Records name a batch that the manifest has not.
    BatchNotInManifest,
    /// The manifest says that there are no records of a batch, and there are.
    RecordsWhereNone,
    /// Records or manifest do not say enough to tell batches apart.
    BatchesNotToldApart,
    /// Two records have one number in one batch.
    SameRecordTwice,
    /// Two cards have one imprinted id.
    SameImprintTwice,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// In what.
    pub kind: DifferenceKind,
    /// The batch.
    pub batch: BatchId,
    /// Line of the manifest, from 1; `None` where the batch is not in it.
    pub line: Option<u64>,
    /// How many cards it concerns.
    pub cards: u64,
    /// A sentence that names it.
    pub says: String,
}

/// How a manifest and records fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// Cards of the manifest.
    pub manifest_cards: u64,
    /// Records.
    pub records: u64,
    /// Cards of the manifest without a record, in batches that should have them: each is a phantom, which an audit must count as if
    /// it said the worst (Banuelos and Stark 2012, "Limiting risk by turning manifest phantoms into evil zombies").
    pub phantoms: u64,
    /// Records without a card of the manifest: no card can be drawn for them, and their votes are in the reported totals.
    pub outside: u64,
    /// Cards in batches that the manifest marks as having no records.
    pub without_records: u64,
    /// How often each kind was met, those not told one by one included.
    pub counts: BTreeMap<DifferenceKind, u64>,
    /// The differences, up to [`MAX_DIFFERENCES`], by kind and then in the order of the batches.
    pub differences: Vec<Difference>,
}

impl Reconciliation {
    /// Whether every card has its record and every record its card.
    pub fn is_clean(&self) -> bool {
        self.counts.is_empty()
    }

    fn add(&mut self, difference: Difference) {
        *self.counts.entry(difference.kind).or_default() += 1;
        if self.differences.len() < MAX_DIFFERENCES {
            self.differences.push(difference);
        }
    }
}

/// `1 card`, `2 cards`.
fn several(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Compares a manifest with the records of an index, in one pass and bounded memory (batches are held, cards are not).
pub fn reconcile(manifest: &Manifest, index: &mut CardIndex) -> Result<Reconciliation, IndexError> {
    let mut out = Reconciliation {
        manifest_cards: manifest.cards(),
        records: index.len(),
        ..Reconciliation::default()
    };
    let mut by_name: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
    for (at, batch) in manifest.batches.iter().enumerate() {
        by_name.entry(batch.id.batch.as_str()).or_default().push(at);
    }
    // The manifest's batch for each batch of records, and the other way about.
    let mut of_records: Vec<Option<usize>> = Vec::with_capacity(index.batches().len());
    let mut of_manifest: Vec<Vec<usize>> = vec![Vec::new(); manifest.batches.len()];
    let mut nearest = 0;
    for (place, batch) in index.batches().iter().enumerate() {
        let named = by_name
            .get(batch.id.batch.as_str())
            .map_or(&[][..], Vec::as_slice);
        let exact = named.iter().filter(|at| manifest.batches[**at].id == batch.id);
        let fits = named
            .iter()
            .filter(|at| manifest.batches[**at].id.agrees_with(&batch.id));
        let found: Vec<usize> = match exact.clone().count() {
            0 => fits.copied().collect(),
            _ => exact.copied().collect(),
        };
        match found[..] {
            [at] => {
                of_records.push(Some(at));
                of_manifest[at].push(place);
            }
            [] => {
                of_records.push(None);
                out.outside += batch.cards;
                let mut says = format!(
                    "{} of {}, which is not in the manifest",
                    several(batch.cards, "record"),
                    batch.id
                );
                if nearest < MAX_NEAREST
                    && let Some(near) = nearest_batch(&manifest.batches, &batch.id)
                {
                    nearest += 1;
                    says += &format!(" (the nearest there is {near})");
                }
                let kind = DifferenceKind::BatchNotInManifest;
                out.add(Difference {
                    kind,
                    batch: batch.id.clone(),
                    line: None,
                    cards: batch.cards,
                    says,
                });
            }
            _ => {
                of_records.push(None);
                out.outside += batch.cards;
                let lines: Vec<String> = found
                    .iter()
                    .take(MAX_NUMBERS)
                    .map(|at| manifest.batches[*at].line.to_string())
                    .collect();
                let says = format!(
                    "{} of {}, which may be any of lines {} of the manifest: the records do not say enough",
                    several(batch.cards, "record"),
                    batch.id,
                    lines.join(", ")
                );
                let kind = DifferenceKind::BatchesNotToldApart;
                out.add(Difference {
                    kind,
                    batch: batch.id.clone(),
                    line: None,
                    cards: batch.cards,
                    says,
                });
            }
        }
    }
    for (batch, places) in manifest.batches.iter().zip(&of_manifest) {
        if places.len() > 1 {
            let names: Vec<String> = places
                .iter()
                .take(MAX_NUMBERS)
                .map(|place| index.batches()[*place].id.to_string())
                .collect();
            let says = format!(
                "records of {} are all taken as {} of the manifest",
                names.join(" and of "),
                batch.id
            );
            let cards = places.iter().map(|place| index.batches()[*place].cards).sum();
            let kind = DifferenceKind::BatchesNotToldApart;
            out.add(Difference {
                kind,
                batch: batch.id.clone(),
                line: Some(batch.line),
                cards,
                says,
            });
        }
        let records: u64 = places.iter().map(|place| index.batches()[*place].cards).sum();
        if batch.has_records == Some(false) {
            out.without_records += batch.cards;
            if records > 0 {
                let says = format!(
                    "the manifest says that {} has no records, and there is {}",
                    batch.id,
                    several(records, "record")
                );
                let kind = DifferenceKind::RecordsWhereNone;
                out.add(Difference {
                    kind,
                    batch: batch.id.clone(),
                    line: Some(batch.line),
                    cards: records,
                    says,
                });
            }
        } else if places.is_empty() && batch.cards > 0 {
            out.phantoms += batch.cards;
            let says = format!(
                "{} has no record for its {}",
                batch.id,
                several(batch.cards, "card")
            );
            let kind = DifferenceKind::BatchWithoutRecords;
            out.add(Difference {
                kind,
                batch: batch.id.clone(),
                line: Some(batch.line),
                cards: batch.cards,
                says,
            });
        }
    }
    compare_cards(manifest, index, &of_records, &of_manifest, &mut out)?;
    for card in index.duplicates() {
        let says = format!("{card} has more than one record");
        let kind = DifferenceKind::SameRecordTwice;
        out.add(Difference {
            kind,
            batch: card.batch.clone(),
            line: None,
            cards: 1,
            says,
        });
    }
    for (id, ordinals) in index.shared_imprints(MAX_DIFFERENCES)? {
        let mut cards = Vec::new();
        for ordinal in ordinals.iter().take(MAX_NUMBERS) {
            if let Some(record) = index.at(*ordinal)? {
                cards.push(record.card);
            }
        }
        let Some(first) = cards.first() else { continue };
        let names: Vec<String> = cards.iter().map(ToString::to_string).collect();
        let shown: String = id.chars().take(80).flat_map(char::escape_debug).collect();
        let says = format!(
            "the imprinted id {shown} is on {} cards: {}",
            ordinals.len(),
            names.join("; ")
        );
        let kind = DifferenceKind::SameImprintTwice;
        out.add(Difference {
            kind,
            batch: first.batch.clone(),
            line: None,
            cards: ordinals.len() as u64,
            says,
        });
    }
    out.differences.sort_by_key(|difference| difference.kind);
    Ok(out)
}

/// Numbers of the records of one batch, as far as they are needed to name those that are missing.
#[derive(Default)]
struct Numbers {
    next: u128,
    missing: Vec<u128>,
    last: Option<RecordId>,
}

impl Numbers {
    fn add(&mut self, number: RecordId) {
        // Numbers of most scanners count from 1; where one is left out, that card is named.
        let mut expected = self.next + 1;
        while expected < number.0 && self.missing.len() < MAX_NUMBERS {
            self.missing.push(expected);
            expected += 1;
        }
        self.next = number.0;
        self.last = Some(number);
    }
}

fn compare_cards(
    manifest: &Manifest,
    index: &mut CardIndex,
    of_records: &[Option<usize>],
    of_manifest: &[Vec<usize>],
    out: &mut Reconciliation,
) -> Result<(), IndexError> {
    let batches: Vec<(u64, u64)> = index
        .batches()
        .iter()
        .map(|batch| (batch.first, batch.cards))
        .collect();
    // Only batches whose numbers of cards differ need their numbers looked at.
    let differs = |at: usize| {
        let records: u64 = of_manifest[at].iter().map(|place| batches[*place].1).sum();
        records != manifest.batches[at].cards && manifest.batches[at].has_records != Some(false)
    };
    let mut numbers: BTreeMap<usize, Numbers> = BTreeMap::new();
    let looked: BTreeSet<usize> = (0..manifest.batches.len())
        .filter(|at| of_manifest[*at].len() == 1 && differs(*at))
        .take(MAX_DIFFERENCES)
        .collect();
    if !looked.is_empty() {
        let mut place = 0;
        index.each(|ordinal, record| {
            while place + 1 < batches.len() && ordinal >= batches[place + 1].0 {
                place += 1;
            }
            if let Some(at) = of_records[place].filter(|at| looked.contains(at)) {
                numbers.entry(at).or_default().add(record.card.record);
            }
            ControlFlow::Continue(())
        })?;
    }
    for (at, batch) in manifest.batches.iter().enumerate() {
        if of_manifest[at].is_empty() || !differs(at) {
            continue;
        }
        let records: u64 = of_manifest[at].iter().map(|place| batches[*place].1).sum();
        let says = format!(
            "{} has {} in the manifest and {}",
            batch.id,
            several(batch.cards, "card"),
            several(records, "record")
        );
        if records < batch.cards {
            let lacking = batch.cards - records;
            out.phantoms += lacking;
            let which = numbers
                .get(&at)
                .and_then(|numbers| missing(numbers, batch, lacking))
                .unwrap_or_default();
            let says = format!("{says}: {} without a record{which}", several(lacking, "card"));
            let kind = DifferenceKind::CardsWithoutRecord;
            out.add(Difference {
                kind,
                batch: batch.id.clone(),
                line: Some(batch.line),
                cards: lacking,
                says,
            });
        } else {
            let beyond = records - batch.cards;
            out.outside += beyond;
            let which = match numbers.get(&at).and_then(|numbers| numbers.last) {
                Some(last) => format!(" (the last is number {last})"),
                None => String::new(),
            };
            let says = format!("{says}: {} without a card{which}", several(beyond, "record"));
            let kind = DifferenceKind::RecordsBeyondBatch;
            out.add(Difference {
                kind,
                batch: batch.id.clone(),
                line: Some(batch.line),
                cards: beyond,
                says,
            });
        }
    }
    Ok(())
}

/// Names the numbers that are missing, where numbers count from 1 to the number of cards.
fn missing(numbers: &Numbers, batch: &Batch, lacking: u64) -> Option<String> {
    let last = numbers.last?.0;
    if last > u128::from(batch.cards) {
        return None;
    }
    let mut missing = numbers.missing.clone();
    missing.extend((last + 1..=u128::from(batch.cards)).take(MAX_NUMBERS.saturating_sub(missing.len())));
    let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
    let more = if lacking as usize > names.len() {
        " …"
    } else {
        ""
    };
    (!names.is_empty()).then(|| format!(" (numbers {}{more})", names.join(", ")))
}

fn nearest_batch(batches: &[Batch], id: &BatchId) -> Option<String> {
    /// A name more unlike than this is no slip of the hand.
    const MOST: usize = 3;
    let text = |id: &BatchId| -> Vec<char> {
        format!("{} {}", id.tabulator, id.batch)
            .chars()
            .take(100)
            .collect()
    };
    let wanted = text(id);
    let near = batches
        .iter()
        .map(|batch| (distance(&text(&batch.id), &wanted), &batch.id));
    near.filter(|(distance, _)| *distance <= MOST)
        .min()
        .map(|(_, id)| id.to_string())
}

/// What of a record is published beside its votes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The ballot style.
    pub style: bool,
    /// The precinct.
    pub precinct: bool,
    /// Mail, election day and the like.
    pub group: bool,
}

/// Cards that look alike to the public, and are so few that knowing who cast one of them may tell how they voted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RareStyle {
    /// How many cards there are.
    pub cards: u64,
    /// The style, where it is shown.
    pub style: String,
    /// The precinct, where it is shown.
    pub precinct: String,
    /// The group, where it is shown.
    pub group: String,
    /// Names of the contests on the card: they give a style away even where it is not shown.
    pub contests: Vec<String>,
}

/// Most different styles that are told apart.
const MAX_STYLES: usize = 1_000_000;

/// The styles with fewer than `least` cards, fewest first. Records with withheld votes give nothing away and are left out.
///
/// `least` is for the law to say; ten is the number that Colorado's open-records law names (C.R.S. 24-72-205.5).
pub fn rare_styles(index: &mut CardIndex, shown: Shown, least: u64) -> Result<Vec<RareStyle>, IndexError> {
    type Look = (String, String, String, Vec<ContestId>);
    let mut counts: FxHashMap<Look, u64> = FxHashMap::default();
    let mut over = false;
    let look = |record: &CastVoteRecord| -> Look {
        let of = |is_shown: bool, text: &str| if is_shown { text.to_owned() } else { String::new() };
        (
            of(shown.style, &record.style),
            of(shown.precinct, &record.precinct),
            of(shown.group, &record.group),
            record.votes.iter().map(|votes| votes.contest).collect(),
        )
    };
    index.each(|_, record| {
        if record.redaction == crate::election::Redaction::None {
            let look = look(record);
            *counts.entry(look).or_default() += 1;
            over |= counts.len() > MAX_STYLES;
        }
        if over {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    if over {
        return Err(IndexError::Limit("1,000,000 different styles"));
    }
    let election = index.election();
    let mut rare: Vec<RareStyle> = counts
        .into_iter()
        .filter(|(_, cards)| *cards < least)
        .map(|((style, precinct, group, contests), cards)| RareStyle {
            cards,
            style,
            precinct,
            group,
            contests: contests
                .into_iter()
                .filter_map(|contest| election.get(contest))
                .map(|contest| contest.name.clone())
                .collect(),
        })
        .collect();
    rare.sort();
    Ok(rare)
}

/// What somebody without access to the withheld votes can check of an audit, and what only an insider can.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicView {
    /// Cards with a record.
    pub cards: u64,
    /// Of these, records whose votes are withheld.
    pub withheld: u64,
    /// Rows that stand for several cards together.
    pub groups: u64,
}

impl PublicView {
    /// From an index of the records as they are published.
    pub fn of(index: &CardIndex) -> Self {
        PublicView {
            cards: index.tally().cards,
            withheld: index.tally().withheld,
            groups: index.groups().len() as u64,
        }
    }

    /// In plain words, for a report.
    pub fn says(&self) -> String {
        if self.withheld == 0 && self.groups == 0 {
            return format!(
                "No vote is withheld in the {} published records: anybody can add them up to the reported totals, make the draw \
                 again, and compare every drawn card's record with its hand reading.",
                self.cards
            );
        }
        format!(
            "Of {} published records {} have their votes withheld, and {} rows give several cards only as a sum. Anybody can make \
             the draw again and compare the drawn cards whose votes are shown. Only somebody with the whole records can add them \
             up to the reported totals, and compare the drawn cards whose votes are withheld.",
            self.cards, self.withheld, self.groups
        )
    }
}
