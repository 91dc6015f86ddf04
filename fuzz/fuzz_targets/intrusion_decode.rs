#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_intrusion::decode::{Ladder, MAX_FIELD_BYTES, MAX_PASSES, Plus, readable_base64};

fuzz_target!(|bytes: &[u8]| {
    let mut used = Ladder::default();
    for plus in [Plus::IsBlank, Plus::IsPlus] {
        let rung = used.climb(bytes, plus);
        assert!(rung.depth <= MAX_PASSES);
        // Decoding never lengthens, and both texts are the same but for the case of letters.
        assert!(used.cased().len() <= bytes.len().min(MAX_FIELD_BYTES));
        assert!(used.cased().eq_ignore_ascii_case(used.lower()));
        // What the buffers held before changes nothing.
        let mut fresh = Ladder::default();
        assert_eq!(fresh.climb(bytes, plus), rung);
        assert_eq!(fresh.cased(), used.cased());
    }
    let mut held = Vec::new();
    if !readable_base64(bytes, &mut held) {
        assert!(held.is_empty());
    }
});
