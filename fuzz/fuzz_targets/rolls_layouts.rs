//! Two snapshots of a layout that the first byte chooses, parted by the first NUL: read, compared, judged and told. No bytes may panic,
//! every row is counted once, and a file compared with itself has not changed.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pollwatch_rolls::calendar::Calendar;
use pollwatch_rolls::churn::Correction;
use pollwatch_rolls::compare::{Reading, Snapshot, ingest};
use pollwatch_rolls::explain::drafts;
use pollwatch_rolls::guess::guess_layout;
use pollwatch_rolls::interval::{Linking, Listing};
use pollwatch_rolls::judge::Rules;
use pollwatch_rolls::layout::{BUILT_IN, Layout};
use pollwatch_rolls::page::page;
use pollwatch_rolls::rows::write_rows;
use pollwatch_rolls::run::Comparison;

fn read(bytes: &[u8], layout: &Arc<Layout>) -> Option<Snapshot> {
    let reading = Reading {
        name: "roll_2026-08-03.txt",
        layout: Arc::clone(layout),
        plain: None,
        scratch: None,
        key: 7,
    };
    ingest(&reading, &mut &*bytes, &mut |_| {}).ok().map(|read| read.snapshot)
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = data.split_first() else { return };
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (before, after) = (&data[..at], data.get(at + 1..).unwrap_or_default());
    let _ = guess_layout(before);
    let name = BUILT_IN[usize::from(*choice) % BUILT_IN.len()];
    let layout = Arc::new(Layout::built_in(name).expect("it comes with the crate"));
    let linking = if *choice >= 128 { Linking::On } else { Linking::Off };
    let mut comparison = Comparison::new(7).linking(linking).listing(Listing::On);
    for bytes in [before, after, before, before] {
        let Some(snapshot) = read(bytes, &layout) else { continue };
        let _ = comparison.add(snapshot, 0, &mut |_| {});
    }
    let rules = Rules { correction: Correction::BenjaminiHochberg, calendar: Calendar::default() };
    let report = comparison.finish(&rules, &mut |_| {}).expect("memory does not fail");
    for interval in report.intervals.iter().filter(|interval| interval.linked.is_none()) {
        if interval.same + interval.changed + interval.gone > 0 {
            assert_eq!(interval.same + interval.changed + interval.gone, interval.rows.0);
            assert_eq!(interval.same + interval.changed + interval.new, interval.rows.1);
        }
    }
    if let Some(last) = report.intervals.last() {
        // The last two are one file, where it can be read at all.
        assert!(!last.is_same_file || last.changed == 0);
    }
    let _ = (page(&report), drafts(&report, &pollwatch_model::Register::default(), None));
    write_rows(&report, &mut Vec::new()).expect("memory does not fail");
});
