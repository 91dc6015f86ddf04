//! A calendar of announced events: no text may panic, and every line is an event or is named as wrong.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_rolls::calendar::Calendar;
use pollwatch_rolls::kind::Kind;

fuzz_target!(|text: &str| {
    let Ok((calendar, wrong)) = Calendar::parse(text) else { return };
    assert!(calendar.events.len() + wrong.len() <= text.lines().count());
    for event in &calendar.events {
        assert!(event.from <= event.to);
        let between = (Some(event.from), Some(event.to));
        for kind in [Kind::Deactivated, Kind::PrecinctAlone, Kind::New, Kind::ZipAlone] {
            let explained = calendar.explaining(kind, &event.county, "", between, 0);
            assert!(!event.kind.explains(kind) || explained.is_some());
        }
    }
});
