//! The frame: every card that could be drawn, in an order that anybody can repeat from the files.
//!
//! Counties stand in the order of their names, batches in the order of their manifest, cards in a batch by position from 1:
//! the records of the batch by record number, then the cards that the manifest has and the records have not. Those are
//! *phantoms*: they can be drawn, and count as badly as a card can (Bañuelos and Stark, arXiv 1207.3413). A batch of records
//! that no manifest has stands behind the manifest's, for its cards lie nowhere that anybody knows.
//!
//! A card's name is the JSON array `["county","container","tabulator","batch",position]` without spaces. It is what the
//! sampler hashes.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pollwatch_model::EvidenceId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::event::{CardKey, ContestPlan, Method};
use crate::election::{
    BatchId, BatchTallies, CandidateId, CardId, CastVoteRecord, ContestCount, ContestId, ContestVotes,
    Election, Manifest, Mark, NameMap, Redaction,
};

/// Most cards of a frame: all that were ever cast in one election, many times over.
const MAX_CARDS: u64 = 1_000_000_000;

/// Cast vote records of one county, ordered by batch and record number.
pub trait Records: Send {
    /// The batches, in the records' order.
    fn batches(&self) -> Vec<RecordBatch>;
    /// One record.
    fn at(&mut self, ordinal: u64) -> io::Result<Option<CastVoteRecord>>;
    /// Every record in order.
    fn each(&mut self, visit: &mut dyn FnMut(u64, &CastVoteRecord)) -> io::Result<()>;
    /// Styles with fewer cards than `least`, in words: publishing their records may show how a voter voted.
    fn rare_styles(&mut self, least: u64) -> io::Result<Vec<String>>;
    /// What the records add up to, by the contests of their own election, and how many withhold their votes; `None` where each
    /// can be read.
    fn counts(&self) -> Option<(Vec<ContestCount>, u64)> {
        None
    }
}

/// A batch of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordBatch {
    /// The batch.
    pub id: BatchId,
    /// Ordinal of its first record.
    pub first: u64,
    /// Its records.
    pub records: u64,
}

/// Records that several frames may read.
pub type SharedRecords = Arc<Mutex<dyn Records>>;

/// What is known of one county. Cheap to copy: copies share what was read.
#[derive(Clone)]
pub struct County {
    /// Its name; empty in an audit of one.
    pub name: String,
    /// Where its cards lie.
    pub manifest: Arc<Manifest>,
    /// Contests and candidates as the records name them; none where there are no records.
    pub election: Arc<Election>,
    /// Its records.
    pub records: Option<SharedRecords>,
    /// Its batch tallies.
    pub tallies: Option<Arc<BatchTallies>>,
    /// Which names in its files mean which contest.
    pub names: Arc<NameMap>,
}

impl std::fmt::Debug for County {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("County")
            .field("name", &self.name)
            .field("batches", &self.manifest.batches.len())
            .finish_non_exhaustive()
    }
}

/// What keeps a frame from being made.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Records cannot be read.
    #[error("cannot read the records of {}", county_name(.county))]
    Records {
        /// The county.
        county: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There are more cards than any election has.
    #[error("the manifests speak of more than {MAX_CARDS} cards")]
    TooManyCards,
    /// A batch that cannot be audited by the method.
    #[error("{}batch {batch} has neither records nor tallies: give its records or tallies, or choose a polling method", county_lead(.county))]
    Bare {
        /// The county.
        county: String,
        /// The batch.
        batch: String,
    },
    /// A record names a candidate that the contest does not have.
    #[error("{}the records of {contest:?} have a candidate {candidate:?} that the audit does not know", county_lead(.county))]
    UnknownCandidate {
        /// The county.
        county: String,
        /// The contest.
        contest: String,
        /// The candidate.
        candidate: String,
    },
    /// A county is given twice.
    #[error("the county {0:?} is given twice")]
    CountyTwice(String),
}

/// The records of a county for as long as they are read. A reader that panicked left nothing half done: records only read.
fn locked(records: &SharedRecords) -> MutexGuard<'_, dyn Records + 'static> {
    records.lock().unwrap_or_else(PoisonError::into_inner)
}

fn county_name(name: &str) -> &str {
    if name.is_empty() { "the county" } else { name }
}

fn county_lead(name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!("{name}: ")
    }
}

/// What a batch of the frame consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchKind {
    /// Records, from this ordinal of the county on.
    Records {
        /// Ordinal of the first.
        first: u64,
    },
    /// Cards without records whose tally is known: line of the county's batch tallies, from 0.
    Pool {
        /// The place in [`BatchTallies::batches`].
        tally: usize,
    },
    /// Cards of which nothing is known.
    Bare,
}

/// A batch of the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameBatch {
    /// Place of the county.
    pub county: usize,
    /// The batch.
    pub id: BatchId,
    /// Ordinal of its first card in the frame.
    pub first: u64,
    /// Its cards, phantoms included.
    pub cards: u64,
    /// Its cards without phantoms: those with a record, or all of a batch that has none.
    pub real: u64,
    /// What it consists of.
    pub kind: BatchKind,
    /// Whether a manifest has it.
    pub in_manifest: bool,
}

/// A card of the frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameCard {
    /// Its place in the frame, from 0.
    pub ordinal: u64,
    /// Its name.
    pub key: CardKey,
    /// Place of its batch.
    pub batch: usize,
    /// Its place in the batch, from 1.
    pub position: u64,
    /// What is known of it.
    pub paper: Paper,
}

/// What is known of a card before anybody looks.
#[derive(Debug, Clone, PartialEq)]
pub enum Paper {
    /// Its record: the card's number and, in the audit's contests, what the voting system read.
    Record {
        /// How the record names the card.
        card: CardId,
        /// What it says.
        votes: Vec<ContestVotes>,
        /// Whether the votes are withheld: it counts as a card of which nothing is known.
        withheld: bool,
    },
    /// It is one of a batch whose tally is known.
    Pool,
    /// Nothing.
    Bare,
    /// There is no record of it, though its batch has records.
    Phantom,
    /// It stands for its whole batch.
    Batch,
}

/// What the files say of one contest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContestStats {
    /// Cards whose record holds the contest.
    pub recorded: u64,
    /// Cards of pools that may hold it.
    pub pooled: u64,
    /// Cards of which nothing is known and which may hold it: phantoms, withheld records, bare cards.
    pub unknown: u64,
    /// Votes for each candidate by records and tallies. Of a ranked contest: first ranks that stand alone.
    pub votes: Vec<u64>,
    /// Records on which it is overvoted.
    pub overvoted: u64,
    /// Records on which it has no mark.
    pub blank: u64,
}

impl ContestStats {
    /// Cards that may hold the contest: the number by which its margin is divided.
    pub fn cards(&self) -> u64 {
        self.recorded + self.pooled + self.unknown
    }
}

/// How a county's contest and candidate ids become the audit's.
#[derive(Debug, Default)]
struct Translation {
    /// By the county's contest: the audit's, and by the county's candidate the audit's.
    contests: Vec<Option<(ContestId, Vec<CandidateId>)>>,
    /// Which of the audit's contests the county has.
    present: Vec<bool>,
}

/// Every card that could be drawn.
pub struct Frame {
    counties: Vec<County>,
    translations: Vec<Translation>,
    contests: Vec<ContestPlan>,
    batches: Vec<FrameBatch>,
    places: BTreeMap<(usize, BatchId), usize>,
    cards: u64,
    stats: Vec<ContestStats>,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame")
            .field("batches", &self.batches.len())
            .field("cards", &self.cards)
            .finish_non_exhaustive()
    }
}

impl Frame {
    /// The frame of `counties` for the audit's `contests`.
    ///
    /// A polling method, and one that draws batches, takes every card as one of which nothing is known. Errors:
    /// [`FrameError`].
    pub fn build(
        mut counties: Vec<County>,
        contests: Vec<ContestPlan>,
        method: Method,
    ) -> Result<Frame, FrameError> {
        counties.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(pair) = counties.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(FrameError::CountyTwice(pair[0].name.clone()));
        }
        let translations = counties
            .iter()
            .map(|county| translate(county, &contests))
            .collect::<Result<Vec<_>, _>>()?;
        let mut frame = Frame {
            stats: contests
                .iter()
                .map(|plan| ContestStats {
                    votes: vec![0; plan.contest.candidates.len()],
                    ..ContestStats::default()
                })
                .collect(),
            counties,
            translations,
            contests,
            batches: Vec::new(),
            places: BTreeMap::new(),
            cards: 0,
        };
        for county in 0..frame.counties.len() {
            frame.lay_out(county, method)?;
        }
        for county in 0..frame.counties.len() {
            frame.count(county)?;
        }
        Ok(frame)
    }

    /// Lays out the batches of a county.
    fn lay_out(&mut self, at: usize, method: Method) -> Result<(), FrameError> {
        let county = &self.counties[at];
        let records = match &county.records {
            Some(records) if method.compares_cards() => locked(records).batches(),
            _ => Vec::new(),
        };
        // Records often do not say in which box a batch lies: then tabulator and batch are enough.
        let nameless = |id: &BatchId| BatchId::new(id.tabulator.clone(), id.batch.clone());
        let mut waiting: BTreeMap<BatchId, Vec<RecordBatch>> = BTreeMap::new();
        for batch in records {
            waiting.entry(nameless(&batch.id)).or_default().push(batch);
        }
        let tallies: BTreeMap<BatchId, usize> = match &county.tallies {
            Some(tallies) if method.compares_cards() => tallies
                .batches
                .iter()
                .enumerate()
                .map(|(place, tally)| (nameless(&tally.batch), place))
                .collect(),
            _ => BTreeMap::new(),
        };
        let mut batches = Vec::new();
        for batch in &county.manifest.batches {
            let here = waiting.get_mut(&nameless(&batch.id)).and_then(|same| {
                let place = same.iter().position(|records| {
                    records.id.container.is_empty()
                        || batch.id.container.is_empty()
                        || records.id.container == batch.id.container
                })?;
                Some(same.remove(place))
            });
            let (kind, real, cards) = match (here, tallies.get(&nameless(&batch.id))) {
                (Some(records), _) => (
                    BatchKind::Records { first: records.first },
                    records.records,
                    batch.cards.max(records.records),
                ),
                (None, Some(tally)) => (BatchKind::Pool { tally: *tally }, batch.cards, batch.cards),
                // A batch without one record in a county that has records: all of its cards are phantoms.
                (None, None) if method.compares_cards() && county.records.is_some() => {
                    (BatchKind::Records { first: 0 }, 0, batch.cards)
                }
                (None, None) if method.compares_cards() => {
                    return Err(FrameError::Bare {
                        county: county.name.clone(),
                        batch: batch.id.to_string(),
                    });
                }
                (None, None) => (BatchKind::Bare, batch.cards, batch.cards),
            };
            batches.push((batch.id.clone(), kind, real, cards, true));
        }
        for records in waiting.into_values().flatten() {
            let kind = BatchKind::Records { first: records.first };
            batches.push((records.id, kind, records.records, records.records, false));
        }
        for (id, kind, real, cards, in_manifest) in batches {
            self.places.insert((at, id.clone()), self.batches.len());
            self.batches.push(FrameBatch {
                county: at,
                id,
                first: self.cards,
                cards,
                real,
                kind,
                in_manifest,
            });
            self.cards = self.cards.saturating_add(cards);
            if self.cards > MAX_CARDS {
                return Err(FrameError::TooManyCards);
            }
        }
        Ok(())
    }

    /// Counts what the files say of each contest.
    fn count(&mut self, at: usize) -> Result<(), FrameError> {
        let translation = &self.translations[at];
        let stats = &mut self.stats;
        let contests = &self.contests;
        let county = &self.counties[at];
        let mut withheld = 0;
        let has_records = county.records.is_some();
        let mut recorded = vec![0; contests.len()];
        let counts = county
            .records
            .as_ref()
            .and_then(|records| locked(records).counts());
        if let Some((counts, hidden)) = counts {
            withheld = hidden;
            for (count, translated) in counts.iter().zip(&translation.contests) {
                let Some((contest, candidates)) = translated else {
                    continue;
                };
                let place = contest.index();
                recorded[place] += count.cards;
                let stats = &mut stats[place];
                stats.overvoted += count.overvoted;
                stats.blank += count.blank;
                for (votes, candidate) in count.votes.iter().zip(candidates) {
                    stats.votes[candidate.index()] += votes;
                }
            }
        } else if let Some(records) = &county.records {
            locked(records)
                .each(&mut |_, record| {
                    if record.redaction == Redaction::Withheld {
                        withheld += 1;
                        return;
                    }
                    for votes in translation.votes(record) {
                        let place = votes.contest.index();
                        let (stats, contest) = (&mut stats[place], &contests[place].contest);
                        recorded[place] += 1;
                        let mut counted = crate::election::ContestCount::default();
                        counted.add(contest, &votes);
                        for (sum, more) in stats.votes.iter_mut().zip(&counted.votes) {
                            *sum += more;
                        }
                        stats.overvoted += counted.overvoted;
                        stats.blank += counted.blank;
                    }
                })
                .map_err(|source| FrameError::Records {
                    county: county.name.clone(),
                    source,
                })?;
        }
        let mut unknown = 0;
        let mut pooled = 0;
        for batch in self.batches.iter().filter(|batch| batch.county == at) {
            match batch.kind {
                BatchKind::Records { .. } => unknown += batch.cards - batch.real,
                BatchKind::Bare => unknown += batch.cards,
                BatchKind::Pool { tally } => {
                    pooled += batch.cards;
                    if let Some(tallies) = &county.tallies {
                        add_tally(
                            stats,
                            &translation.columns(tallies, contests, &county.names),
                            tallies,
                            tally,
                        );
                    }
                }
            }
        }
        let is_bare = self
            .batches
            .iter()
            .any(|batch| batch.county == at && batch.kind == BatchKind::Bare);
        // Of a polling audit the records, where there are any, tell the results and no more.
        if is_bare
            && !has_records
            && let Some(tallies) = &county.tallies
        {
            let columns = translation.columns(tallies, contests, &county.names);
            for tally in 0..tallies.batches.len() {
                add_tally(stats, &columns, tallies, tally);
            }
        }
        for (place, stats) in stats.iter_mut().enumerate() {
            if !translation.present[place] {
                continue;
            }
            if is_bare {
                stats.unknown += unknown;
            } else {
                stats.recorded += recorded[place];
                stats.pooled += pooled;
                stats.unknown += unknown + withheld;
            }
        }
        Ok(())
    }

    /// Cards of the frame, phantoms included.
    pub fn cards(&self) -> u64 {
        self.cards
    }

    /// The batches, in order.
    pub fn batches(&self) -> &[FrameBatch] {
        &self.batches
    }

    /// The counties, in order.
    pub fn counties(&self) -> &[County] {
        &self.counties
    }

    /// The audit's contests.
    pub fn contests(&self) -> &[ContestPlan] {
        &self.contests
    }

    /// The audit's contest of exactly this name, by place.
    pub fn contest(&self, name: &str) -> Option<usize> {
        self.contests.iter().position(|plan| plan.contest.name == name)
    }

    /// What the files say of a contest.
    pub fn stats(&self, contest: usize) -> &ContestStats {
        &self.stats[contest]
    }

    /// Whether the county of a batch has a contest.
    pub fn county_has(&self, batch: usize, contest: usize) -> bool {
        self.batches
            .get(batch)
            .and_then(|batch| self.translations.get(batch.county))
            .is_some_and(|translation| translation.present[contest])
    }

    /// The names of all cards in order, for the sampler.
    pub fn keys(&self) -> impl Iterator<Item = String> {
        self.batches.iter().flat_map(|batch| {
            let lead = self.key_lead(batch);
            (1..=batch.cards).map(move |position| format!("{lead}{position}]"))
        })
    }

    /// The names of all batches in order, for the sampler: `["county","container","tabulator","batch"]`.
    pub fn batch_keys(&self) -> impl Iterator<Item = CardKey> {
        self.batches.iter().map(|batch| self.batch_key(batch))
    }

    /// A batch's name.
    pub fn batch_key(&self, batch: &FrameBatch) -> CardKey {
        let lead = self.key_lead(batch);
        CardKey(format!("{}]", lead.trim_end_matches(',')))
    }

    fn key_lead(&self, batch: &FrameBatch) -> String {
        let county = &self.counties[batch.county].name;
        let parts = [county, &batch.id.container, &batch.id.tabulator, &batch.id.batch];
        let mut lead = String::from("[");
        for part in parts {
            lead.push_str(&serde_json::Value::from(part.as_str()).to_string());
            lead.push(',');
        }
        lead
    }

    /// SHA-256 over all names, each with a line feed behind it: what the commitment says of the frame.
    pub fn digest(&self) -> EvidenceId {
        let mut hash = Sha256::new();
        for key in self.keys() {
            hash.update(key.as_bytes());
            hash.update(b"\n");
        }
        EvidenceId::from_digest(hash.finalize().into())
    }

    /// The card at a place.
    pub fn card(&self, ordinal: u64) -> Result<Option<FrameCard>, FrameError> {
        let after = self.batches.partition_point(|batch| batch.first <= ordinal);
        let Some(at) = after.checked_sub(1) else {
            return Ok(None);
        };
        // Empty batches share their first card with the one behind them.
        let batch = &self.batches[at];
        let within = ordinal - batch.first;
        if within >= batch.cards {
            return Ok(None);
        }
        let position = within + 1;
        let key = CardKey(format!("{}{position}]", self.key_lead(batch)));
        let paper = match batch.kind {
            BatchKind::Pool { .. } => Paper::Pool,
            BatchKind::Bare => Paper::Bare,
            BatchKind::Records { .. } if within >= batch.real => Paper::Phantom,
            BatchKind::Records { first } => {
                let county = &self.counties[batch.county];
                let read = match &county.records {
                    Some(records) => locked(records).at(first + within),
                    None => Ok(None),
                };
                match read {
                    Ok(Some(record)) => Paper::Record {
                        votes: self.translations[batch.county].votes(&record),
                        withheld: record.redaction == Redaction::Withheld,
                        card: record.card,
                    },
                    Ok(None) => Paper::Phantom,
                    Err(source) => {
                        return Err(FrameError::Records {
                            county: county.name.clone(),
                            source,
                        });
                    }
                }
            }
        };
        Ok(Some(FrameCard {
            ordinal,
            key,
            batch: at,
            position,
            paper,
        }))
    }

    /// A batch as something that is drawn.
    pub fn batch_card(&self, at: usize) -> Option<FrameCard> {
        let batch = self.batches.get(at)?;
        Some(FrameCard {
            ordinal: batch.first,
            key: self.batch_key(batch),
            batch: at,
            position: 0,
            paper: Paper::Batch,
        })
    }

    /// The place of a card by its name; `None` when there is no such card.
    pub fn ordinal(&self, key: &CardKey) -> Option<u64> {
        let (county, container, tabulator, batch, position): (String, String, String, String, u64) =
            serde_json::from_str(&key.0).ok()?;
        let county = self.counties.iter().position(|one| one.name == county)?;
        let id = BatchId {
            container,
            tabulator,
            batch,
        };
        let batch = &self.batches[*self.places.get(&(county, id))?];
        let within = position.checked_sub(1).filter(|within| *within < batch.cards)?;
        let ordinal = batch.first + within;
        // The same card has one name: no spaces, no other way to write a letter.
        (format!("{}{position}]", self.key_lead(batch)) == key.0).then_some(ordinal)
    }

    /// Whether a card may hold a contest: by its record, or because nothing is known of it and its county has the contest.
    pub fn carries(&self, card: &FrameCard, contest: usize) -> bool {
        match &card.paper {
            Paper::Record {
                votes,
                withheld: false,
                ..
            } => votes.iter().any(|votes| votes.contest.index() == contest),
            _ => self.county_has(card.batch, contest),
        }
    }

    /// Every record of the audit's contests, in the frame's order of counties.
    pub fn each_record(&self, mut visit: impl FnMut(&[ContestVotes])) -> Result<(), FrameError> {
        for (county, translation) in self.counties.iter().zip(&self.translations) {
            let Some(records) = &county.records else {
                continue;
            };
            locked(records)
                .each(&mut |_, record| {
                    if record.redaction == Redaction::None {
                        visit(&translation.votes(record));
                    }
                })
                .map_err(|source| FrameError::Records {
                    county: county.name.clone(),
                    source,
                })?;
        }
        Ok(())
    }

    /// Styles with fewer cards than `least`, in words, with their county.
    pub fn rare_styles(&self, least: u64) -> Result<Vec<String>, FrameError> {
        let mut all = Vec::new();
        for county in &self.counties {
            let Some(records) = &county.records else {
                continue;
            };
            let rare = locked(records).rare_styles(least);
            let rare = rare.map_err(|source| FrameError::Records {
                county: county.name.clone(),
                source,
            })?;
            all.extend(
                rare.into_iter()
                    .map(|one| format!("{}{one}", county_lead(&county.name))),
            );
        }
        Ok(all)
    }

    /// Votes by candidate that the tally of a pool or batch reports for a contest; `None` where no tally has the batch.
    pub fn tally(&self, batch: usize, contest: usize) -> Option<Vec<u64>> {
        let batch = self.batches.get(batch)?;
        let county = &self.counties[batch.county];
        let tallies = county.tallies.as_ref()?;
        let translation = &self.translations[batch.county];
        if !translation.present[contest] {
            return None;
        }
        let line = match batch.kind {
            BatchKind::Pool { tally } => tally,
            _ => tallies.batches.iter().position(|tally| {
                tally.batch.tabulator == batch.id.tabulator && tally.batch.batch == batch.id.batch
            })?,
        };
        let mut votes = vec![0; self.contests[contest].contest.candidates.len()];
        let columns = translation.columns(tallies, &self.contests, &county.names);
        for (column, count) in columns.iter().zip(&tallies.batches[line].votes) {
            if let Some((place, candidate)) = column
                && *place == contest
            {
                votes[*candidate] += count;
            }
        }
        Some(votes)
    }
}

fn add_tally(
    stats: &mut [ContestStats],
    columns: &[Option<(usize, usize)>],
    tallies: &BatchTallies,
    tally: usize,
) {
    let Some(line) = tallies.batches.get(tally) else {
        return;
    };
    for (column, count) in columns.iter().zip(&line.votes) {
        if let Some((contest, candidate)) = column {
            stats[*contest].votes[*candidate] += count;
        }
    }
}

fn translate(county: &County, contests: &[ContestPlan]) -> Result<Translation, FrameError> {
    let place_of = |name: &str| {
        let name = county.names.contest(name);
        contests.iter().position(|plan| plan.contest.name == name)
    };
    let mut translation = Translation {
        contests: Vec::new(),
        present: vec![false; contests.len()],
    };
    let mut says_contests = false;
    if county.records.is_some() {
        says_contests = true;
        for theirs in &county.election.contests {
            let Some(place) = place_of(&theirs.name) else {
                translation.contests.push(None);
                continue;
            };
            translation.present[place] = true;
            let ours = &contests[place].contest;
            let mut candidates = Vec::with_capacity(theirs.candidates.len());
            for candidate in &theirs.candidates {
                let name = county.names.candidate(&ours.name, &candidate.name);
                match ours.candidate(name) {
                    Some(candidate) => candidates.push(candidate),
                    None => {
                        return Err(FrameError::UnknownCandidate {
                            county: county.name.clone(),
                            contest: ours.name.clone(),
                            candidate: candidate.name.clone(),
                        });
                    }
                }
            }
            translation
                .contests
                .push(Some((ContestId(place as u32), candidates)));
        }
    }
    if let Some(tallies) = &county.tallies {
        says_contests = true;
        for (contest, _) in translation
            .columns(tallies, contests, &county.names)
            .into_iter()
            .flatten()
        {
            translation.present[contest] = true;
        }
    }
    if !says_contests {
        // Nothing says which contests are on its cards: each may be.
        translation.present = vec![true; contests.len()];
    }
    Ok(translation)
}

impl Translation {
    /// What a record says in the audit's contests, ordered by contest.
    fn votes(&self, record: &CastVoteRecord) -> Vec<ContestVotes> {
        let mut all: Vec<ContestVotes> = record
            .votes
            .iter()
            .filter_map(|votes| {
                let (contest, candidates) = self.contests.get(votes.contest.index())?.as_ref()?;
                let mut marks: Vec<Mark> = votes
                    .marks
                    .iter()
                    .filter_map(|mark| {
                        Some(Mark {
                            rank: mark.rank,
                            candidate: *candidates.get(mark.candidate.index())?,
                        })
                    })
                    .collect();
                marks.sort_unstable();
                Some(ContestVotes {
                    contest: *contest,
                    marks,
                    overvoted: votes.overvoted,
                    overvoted_ranks: votes.overvoted_ranks.clone(),
                })
            })
            .collect();
        all.sort_by_key(|votes| votes.contest);
        all
    }

    /// Of each column of batch tallies, which contest and candidate it counts.
    fn columns(
        &self,
        tallies: &BatchTallies,
        contests: &[ContestPlan],
        names: &NameMap,
    ) -> Vec<Option<(usize, usize)>> {
        tallies
            .columns
            .iter()
            .map(|column| {
                let contest = match column.contest.as_str() {
                    // A file about one contest need not name it.
                    "" if contests.len() == 1 => 0,
                    name => {
                        let name = names.contest(name);
                        contests.iter().position(|plan| plan.contest.name == name)?
                    }
                };
                let ours = &contests[contest].contest;
                let candidate = ours.candidate(names.candidate(&ours.name, &column.candidate))?;
                Some((contest, candidate.index()))
            })
            .collect()
    }
}
