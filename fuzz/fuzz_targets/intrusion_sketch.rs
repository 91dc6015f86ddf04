#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_intrusion::sketch::{GroupKey, Sketch, compare};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(sketch) = Sketch::parse(bytes) {
        let again = Sketch::parse(sketch.to_text().as_bytes()).expect("what is written reads back");
        assert_eq!(sketch, again);
        let _ = compare(&[&sketch, &again]);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = GroupKey::parse(text);
    }
});
