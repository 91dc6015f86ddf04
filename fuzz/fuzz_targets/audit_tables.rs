#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_audit::election::{Contest, ContestKind, Election};
use pollwatch_audit::read::{MAX_BATCH_CARDS, Source, read_batch_tallies, read_hand_readings, read_manifest};

// Manifests, batch tallies and hand readings, as CSV, spreadsheet or JSON: by the first byte.
fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let mut source = Source::from_bytes("in", bytes.to_vec());
    match first {
        b'm' => {
            if let Ok(manifest) = read_manifest(&mut source, &mut |_| {}) {
                assert!(!manifest.batches.is_empty());
                assert!(manifest.batches.iter().all(|batch| batch.cards <= MAX_BATCH_CARDS));
            }
        }
        b't' => {
            if let Ok(tallies) = read_batch_tallies(&mut source, &mut |_| {}) {
                assert!(tallies.batches.iter().all(|batch| batch.votes.len() == tallies.columns.len()));
            }
        }
        _ => {
            let mut election = Election::default();
            let mut mayor = Contest { votes_allowed: 2, ..Contest::new("Mayor") };
            mayor.add("Ann Lee", false);
            mayor.add("Bo", false);
            election.add(mayor);
            let mut sheriff = Contest { kind: ContestKind::Irv, ranks: 3, ..Contest::new("Sheriff") };
            sheriff.add("Dee", false);
            sheriff.add("Eve", false);
            election.add(sheriff);
            if let Ok(readings) = read_hand_readings(&mut source, &election, &mut |_| {}) {
                assert!(readings.iter().all(|reading| reading.found || reading.votes.is_empty()));
            }
        }
    }
});
