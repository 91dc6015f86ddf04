//! A mapping file and a log read by it, parted by the first NUL: no bytes may panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_intrusion::read::{Format, Mapping, Reader};

fuzz_target!(|data: &[u8]| {
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (text, log) = data.split_at(at);
    let Ok(mapping) = Mapping::parse(&String::from_utf8_lossy(text)) else { return };
    let mut reader = Reader::new(&Format::Mapped(mapping), 0);
    let mut scratch = Vec::new();
    for (place, line) in log.split(|byte| *byte == b'\n').enumerate() {
        if !reader.declares(line, place == 0) {
            let _ = reader.read(line, &mut scratch);
        }
    }
});
