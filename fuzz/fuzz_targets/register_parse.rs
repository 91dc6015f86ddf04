//! Any text as a register: read or refused with a line, and what is read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_model::Register;
use pollwatch_names::protectable;

fuzz_target!(|text: &str| {
    if let Ok((register, _)) = Register::parse("register.toml", text, &protectable)
        && let Ok(written) = register.to_toml()
    {
        let (again, _) = Register::parse("register.toml", &written, &protectable).expect("what was written reads back");
        assert_eq!(again.targets.len(), register.targets.len());
    }
});
