//! Why an event cannot be, in words for whoever tried.

use jiff::Timestamp;

use super::event::CardKey;
use super::state::{MAX_SEED_DIGITS, MIN_SEED_DIGITS};

/// Why an event was refused. Nothing was recorded of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "each variant is the sentence above it, and its fields are the values in that sentence"
)]
pub enum Refused {
    #[error("this entry has format {found}; this program reads format 1")]
    Schema { found: u32 },
    #[error("the clock says {at}, and the last entry of the audit is of {last}: set the clock right")]
    OutOfOrder { at: Timestamp, last: Timestamp },
    #[error("{needs}")]
    TooEarly { needs: &'static str },
    #[error(
        "the audit is open already; to change it, take the opening back (`pollwatch audit undo`) before the commitment"
    )]
    OpenedAlready,
    #[error("the contest {contest:?} stands twice in the list")]
    ContestTwice { contest: String },
    #[error("no contest is marked to be audited")]
    NothingToAudit,
    #[error("{minutes} minutes for a card is not a number above 0")]
    Minutes { minutes: f64 },
    #[error("there is no contest {contest:?} in this audit")]
    NoSuchContest { contest: String },
    #[error("the contest {contest:?} is not audited")]
    NotAudited { contest: String },
    #[error("the files are committed already; a second commitment could follow the dice")]
    CommittedAlready,
    #[error("the files to be committed are not those with which the audit was opened")]
    OtherInputs,
    #[error("the commitment says nothing of the outcome of {contest:?}")]
    NoOutcome { contest: String },
    #[error("the dice were rolled already (seed {seed}); a second roll would let somebody choose")]
    SeededAlready { seed: String },
    #[error(
        "the seed has {letter:?} in it; a seed is digits alone, so that it can be thrown with dice before witnesses and read \
         in one way only"
    )]
    SeedHasLetters { letter: char },
    #[error(
        "the seed has {digits} digits; it needs {MIN_SEED_DIGITS} to {MAX_SEED_DIGITS}: with fewer, somebody could try them all"
    )]
    SeedLength { digits: usize },
    #[error(
        "the seed was rolled at {rolled_at}, before the files were committed at {committed_at}: whoever knew it could have \
         fitted the files to it. Roll again"
    )]
    SeedIsOlder {
        rolled_at: Timestamp,
        committed_at: Timestamp,
    },
    #[error("the seed is said to be rolled at {rolled_at}, and it is {now} now")]
    SeedIsOfTheFuture { rolled_at: Timestamp, now: Timestamp },
    #[error("the record of the dice needs who rolled and who saw, at least one of each")]
    NoWitness,
    #[error("this would be round {round}, and round {due} is due")]
    WrongRound { round: u32, due: u32 },
    #[error(
        "{contest:?} had {before} draws by the last round and cannot have {now} now: a card that was drawn stays drawn"
    )]
    FewerDraws { contest: String, before: u64, now: u64 },
    #[error("this audit draws {wants}")]
    WrongUnit { wants: &'static str },
    #[error("{card} was not drawn; only drawn cards are read, or the sample would be no sample")]
    NotDrawn { card: CardKey },
    #[error("{contest:?} has no candidate {candidate:?}; it has {}", candidates.join(", "))]
    NoSuchCandidate {
        contest: String,
        candidate: String,
        candidates: Vec<String>,
    },
    #[error("{candidate:?} stands twice in the reading of {contest:?}")]
    MarkedTwice { contest: String, candidate: String },
    #[error("{contest:?} is not ranked, and the reading has ranks")]
    NotRanked { contest: String },
    #[error("{contest:?} is ranked, and the reading has marks without ranks")]
    NeedsRanks { contest: String },
    #[error("the reading of {contest:?} has {found} ranks, and the ballot has {ranks}")]
    TooManyRanks {
        contest: String,
        found: usize,
        ranks: u32,
    },
    #[error("a card that was not found cannot have votes on it")]
    VotesWithoutCard,
    #[error("a reading needs the name of its reader")]
    NoReader,
    #[error(
        "{votes} votes for {candidate:?} in {contest:?} on {cards} cards: nobody can have more votes than there are cards"
    )]
    MoreVotesThanCards {
        contest: String,
        candidate: String,
        votes: u64,
        cards: u64,
    },
    #[error("{votes} votes in {contest:?} on {cards} cards that allow {allowed} each")]
    MoreVotesThanAllowed {
        contest: String,
        votes: u64,
        cards: u64,
        allowed: u32,
    },
    #[error("the count of {contest:?} says nothing of {candidate:?}; write 0 where there is no vote")]
    CandidateLeftOut { contest: String, candidate: String },
    #[error("there are no two readings of {card} to settle")]
    NothingToSettle { card: CardKey },
    #[error("entry {reading} is not a reading of {card} that stands")]
    NotAReadingOfIt { card: CardKey, reading: u64 },
    #[error("{contest:?} goes to a full hand count already")]
    EscalatedAlready { contest: String },
    #[error("{contest:?} was counted in full already; take that count back to enter another")]
    CountedAlready { contest: String },
    #[error(
        "a full hand count of {contest:?} looks at every card that may hold it: {due} of them, and the count says {cards}"
    )]
    NotAFullCount { contest: String, cards: u64, due: u64 },
    #[error("there is no entry {entry}")]
    NoSuchEntry { entry: u64 },
    #[error("entry {entry} was taken back already")]
    UndoneAlready { entry: u64 },
    #[error("entry {entry} ({what}) says what was done and cannot be taken back")]
    CannotBeUndone { entry: u64, what: String },
    #[error("entry {other} ({what}) rests on entry {entry}; take that back first")]
    RestsOnIt { entry: u64, other: u64, what: String },
    #[error("this needs a reason")]
    NoReason,
}
