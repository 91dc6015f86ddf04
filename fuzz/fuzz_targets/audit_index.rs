#![no_main]

use std::io::Write as _;
use std::ops::ControlFlow;

use libfuzzer_sys::fuzz_target;
use pollwatch_audit::index::CardIndex;

// A file that says it is an index of cards: opened and read throughout, or refused.
fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("a temporary file");
    if let Ok(mut index) = CardIndex::open(file.path()) {
        let _ = index.each(|at, _| if at < 10_000 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) });
        for at in 0..index.len().min(100) {
            let _ = index.at(at);
        }
        let _ = index.shared_imprints(10);
        let _ = index.imprinted("1-1-1");
    }
});
