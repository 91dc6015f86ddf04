//! Any bytes as a message: parsed, unwrapped and judged by the whole desk, twice with the same result.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pollwatch_mail::Examiner;
use pollwatch_model::Register;

std::thread_local! {
    static EXAMINER: Examiner = Examiner::new(Arc::new(Register::default()), None);
}

fuzz_target!(|data: &[u8]| {
    EXAMINER.with(|examiner| {
        let judged = examiner.examine(data, "in", None);
        assert!(!judged.is_empty());
        let verdicts = |all: &[pollwatch_mail::Judged]| all.iter().map(|one| (one.message.clone(), one.scored.verdict)).collect::<Vec<_>>();
        assert_eq!(verdicts(&judged), verdicts(&examiner.examine(data, "in", None)));
        for one in judged {
            assert!((0.0..=1.0).contains(&one.scored.probability));
        }
    });
});
