//! Killed at any moment, nothing recorded is lost, the ledger verifies, and the run ends as if undisturbed.

use std::time::Duration;

use crate::harness::Place;

/// Times that the process is killed.
const KILLS: u32 = 25;

/// A stream in which every two hundredth name imitates somebody, long enough that a kill lands in the middle.
fn stream() -> String {
    let mut names = String::new();
    for number in 0..600_000u32 {
        if number % 200 == 0 {
            names.push_str(&format!("wakefieldvotes-{:05}.com\n", number / 200));
        } else {
            names.push_str(&format!("quiet{number}garden.org\n"));
        }
    }
    names
}

#[test]
fn killed_at_any_moment_the_run_ends_with_the_same_findings() {
    let names = stream();
    let undisturbed = Place::with_workspace();
    undisturbed.write("names.txt", &names);
    undisturbed
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .succeeds();
    let expected = undisturbed.recorded();
    assert!(expected.len() > 1_000, "{} findings", expected.len());

    let place = Place::with_workspace();
    place.write("names.txt", &names);
    let mut known = 0;
    for kill in 0..KILLS {
        let mut child = place
            .command(&["-C", "ws", "lookalike", "scan", "--record", "names.txt"])
            .spawn()
            .expect("start pollwatch");
        // Spread over start, scan, commit and end, differently each time.
        std::thread::sleep(Duration::from_millis(u64::from(kill * 37 % 400) + 5));
        let _ = child.kill();
        child.wait().expect("wait for pollwatch");
        place.ws(&["verify"]).succeeds();
        let found = place.recorded().len();
        assert!(
            found >= known,
            "{known} findings were recorded, and {found} are left"
        );
        known = found;
    }
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .succeeds();
    place.ws(&["verify"]).succeeds().says("Everything follows");
    assert_eq!(place.recorded(), expected);
}

#[test]
fn two_processes_do_not_write_to_one_workspace() {
    let place = Place::with_workspace();
    let mut first = place
        .command(&["-C", "ws", "lookalike", "scan", "--record", "-"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("start pollwatch");
    // It waits for standard input, and holds the workspace from the moment that it has opened the lock.
    let descriptors = format!("/proc/{}/fd", first.id());
    let holds_the_lock = || {
        let links = std::fs::read_dir(&descriptors).into_iter().flatten();
        links
            .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
            .any(|path| path.ends_with("ws/lock"))
    };
    for _ in 0..1_000 {
        if holds_the_lock() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(100));
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .ends_with(2)
        .says("another pollwatch is writing")
        .says("Nothing was changed");
    place.ws(&["findings", "list"]).succeeds();
    drop(first.stdin.take());
    assert!(first.wait().expect("wait for pollwatch").success());
}
