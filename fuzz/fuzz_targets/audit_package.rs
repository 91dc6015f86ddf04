//! The package verifier: whatever lies in a package, the check ends with a named fault and no panic. The input is split into the
//! files of a package at lines that say `== NAME`.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use pollwatch_engine::audit::verify_package;

fuzz_target!(|data: &[u8]| {
    let scratch = tempfile::tempdir().expect("the fuzzer has a folder for temporary files");
    let folder = scratch.path().join("package");
    fs::create_dir(&folder).expect("the folder can be written to");
    let mut name = "events.jsonl".to_owned();
    let mut bytes = Vec::new();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).ok();
        }
        fs::write(path, bytes).ok();
    };
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        match text.strip_prefix("== ") {
            Some(next) => {
                put(&name, &bytes);
                bytes.clear();
                // Letters, digits, dots within and one level of folders: a name of ours, never a way out.
                let kept = next.trim().chars().filter(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(*letter));
                name = kept.collect::<String>().replace("..", "").trim_matches('/').to_owned();
                if name.is_empty() {
                    name = "x".to_owned();
                }
            }
            None => bytes.extend_from_slice(line),
        }
    }
    put(&name, &bytes);
    let report = verify_package(&folder, None, None, scratch.path()).expect("a folder that can be read is checked");
    // Nobody finds a signature by chance.
    assert!(report.fault.is_some());
    let zip = scratch.path().join("package.zip");
    fs::write(&zip, data).expect("the folder can be written to");
    verify_package(&zip, None, None, scratch.path()).ok();
});
