//! Any text as a window of time: what is read prints so that it reads back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_casework::tally::Window;

fuzz_target!(|text: &str| {
    if let Ok(window) = text.parse::<Window>() {
        assert_eq!(window.to_string().parse(), Ok(window));
    }
});
