//! An audit's log: any entries are applied or refused, without a panic, and a refusal changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_audit::flow::{Entry, State};

fuzz_target!(|data: &[u8]| {
    let mut state = State::default();
    for line in data.split(|byte| *byte == b'\n') {
        let Ok(entry) = serde_json::from_slice::<Entry>(line) else {
            continue;
        };
        let before = state.clone();
        if state.apply(entry).is_err() {
            assert_eq!(state, before);
        }
        state.disagreements();
    }
});
