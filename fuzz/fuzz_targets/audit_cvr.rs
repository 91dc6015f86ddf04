#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_audit::election::{CastVoteRecord, Election, Tally};
use pollwatch_audit::read::{CvrFormat, CvrSink, Source, read_cvrs};
use pollwatch_model::Problem;

#[derive(Default)]
struct Checked {
    tally: Tally,
    problems: u64,
}

impl CvrSink for Checked {
    fn record(&mut self, election: &Election, record: &CastVoteRecord) -> std::io::Result<()> {
        // What every reader promises: places that exist, in order, none twice.
        assert!(record.votes.is_sorted_by(|a, b| a.contest < b.contest));
        for votes in &record.votes {
            let contest = election.get(votes.contest).expect("the contest is known");
            assert!(votes.marks.is_sorted_by(|a, b| a < b));
            assert!(votes.marks.iter().all(|mark| mark.candidate.index() < contest.candidates.len()));
            assert!(contest.is_ranked() || votes.marks.iter().all(|mark| mark.rank == 0));
        }
        self.tally.add(election, record);
        Ok(())
    }

    fn problem(&mut self, problem: Problem) {
        assert!(!problem.what.contains(['\n', '\u{1b}']));
        self.problems += 1;
    }
}

// The first byte says which format; what is not a format is for the reader to find out.
fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let format = CvrFormat::ALL.get(usize::from(*first - b'0'.min(*first))).copied();
    let mut checked = Checked::default();
    if let Ok(read) = read_cvrs(&mut Source::from_bytes("in", bytes.to_vec()), format, &mut checked) {
        assert_eq!(read.records, checked.tally.cards);
    }
});
