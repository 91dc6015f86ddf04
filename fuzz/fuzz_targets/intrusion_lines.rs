//! Lines of logs: the first byte names a dialect or none, the rest is read as it and as any. No bytes may panic, a text that is
//! laid out lies in the line or is no longer than it, and a sweep over the whole reads every byte.
#![no_main]

use std::io::BufReader;

use libfuzzer_sys::fuzz_target;
use pollwatch_intrusion::read::{Dialect, Format, Reader};
use pollwatch_intrusion::sweep::{Deaf, Options, Place, Read, Sweep};

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let format = match Dialect::ALL.get(usize::from(*first)) {
        Some((dialect, _)) => Format::Named(*dialect),
        None => Format::Sniffed,
    };
    let mut reader = Reader::new(&format, 1_800_000_000_000);
    let mut scratch = Vec::new();
    for (place, line) in rest.split(|byte| *byte == b'\n').enumerate() {
        if reader.declares(line, place == 0) {
            continue;
        }
        if let Some((_, fields)) = reader.read(line, &mut scratch) {
            let event = fields.event(line, &scratch);
            assert!(event.target.len() <= 3 * line.len() + 8, "a target longer than its line");
            let of_headers: usize = event.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
            assert!(of_headers <= 64 << 10, "headers beyond their bound");
        }
    }
    let mut sweep = Sweep::new(Options::new(jiff_now()));
    let read = sweep.read("fuzz", "fuzz.log", &format, Place::default(), &mut BufReader::new(rest), &mut Deaf);
    assert!(matches!(read, Read::End(place) if place.offset == rest.len() as u64));
    let _ = sweep.finish();
});

fn jiff_now() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_800_000_000).expect("a moment of 2027")
}
