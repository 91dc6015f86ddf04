//! Any text as a list of protected names, and the matcher made of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_lookalike::{Matcher, Scratch, register_from_list};

fuzz_target!(|text: &str| {
    let (register, _) = register_from_list("list.csv", text);
    let (matcher, _) = Matcher::compile(&register);
    let mut scratch = Scratch::default();
    for target in &register.targets {
        for domain in &target.domains {
            assert!(matcher.judge(domain, &mut scratch).is_ok_and(|hit| hit.is_none()), "an owner's own name alarms");
        }
    }
    let _ = matcher.judge(text, &mut scratch);
});
