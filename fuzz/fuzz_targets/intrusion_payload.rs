#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pollwatch_intrusion::payload::{Inspector, Scratch};
use pollwatch_intrusion::read::HeaderList;
use pollwatch_intrusion::{Hits, RequestFields};

static INSPECTOR: LazyLock<Inspector> = LazyLock::new(Inspector::new);

fuzz_target!(|parts: (&[u8], &[u8], &[u8])| {
    let (target, referer, agent) = parts;
    let list = HeaderList::default().with(agent, referer).with(b"X-Filename", agent);
    let fields =
        RequestFields { method: b"GET", target, referer, agent, cookie: referer, headers: list.headers() };
    let (mut scratch, mut hits) = (Scratch::default(), Hits::default());
    INSPECTOR.inspect_raw(referer, &mut scratch, &mut hits);
    INSPECTOR.inspect(&fields, &mut scratch, &mut hits);
    // What was looked at before changes nothing.
    let mut again = Hits::default();
    INSPECTOR.inspect(&fields, &mut Scratch::default(), &mut again);
    assert_eq!(hits, again);
});
