//! Web shells: a page that nobody links, handed in and then given commands.

use std::collections::{BTreeMap, BTreeSet};

use super::actor::{Held, Standing};
use super::timeline::Timeline;
use crate::scan::{Method, flag};
use crate::site::{Kept, Site};
use crate::{Class, Verdict};

/// Longest time between handing a file in and using it, for the two to belong together.
const UPLOAD_WITHIN_MS: i64 = 24 * 3_600_000;

/// What calls of a page that runs commands came to. `lines`: the requests that carry commands.
pub(super) fn held(site: &Site, timeline: &Timeline, client: u32, lines: &[u32]) -> Held {
    let calls: Vec<(u32, &Kept)> = lines
        .iter()
        .map(|place| (*place, &site.kept[*place as usize]))
        .collect();
    let answered: Vec<&(u32, &Kept)> = calls
        .iter()
        .filter(|(_, kept)| kept.is_success() && kept.bytes > 0)
        .collect();
    let sizes: BTreeSet<u32> = answered.iter().map(|(_, kept)| kept.bytes).collect();
    let first = answered.first().map(|(_, kept)| kept.time_ms);
    let upload = timeline.lines(site, client).find(|(_, kept)| {
        matches!(kept.method, Method::Post | Method::Put)
            && kept.is(flag::UPLOAD_PATH)
            && kept.status < 400
            && first.is_some_and(|first| {
                kept.time_ms <= first && first.saturating_sub(kept.time_ms) <= UPLOAD_WITHIN_MS
            })
    });
    // A page that others call too is part of the site.
    let is_own = answered.iter().all(|(_, kept)| {
        site.shapes
            .get(kept.shape)
            .is_none_or(|shape| u64::from(shape.plain) == 0)
    });
    let works = answered.len() >= 2 && sizes.len() >= 2 && is_own;
    let mut lines = lines.to_vec();
    if let (true, Some((place, _))) = (works, upload) {
        lines.insert(0, place);
    }
    let (verdict, standing, rule, says) = match (works, upload.is_some()) {
        (true, true) => (
            Verdict::Breached,
            Standing::High,
            "shell-uploaded-and-used",
            format!(
                "A file was handed in, and the same client then gave commands to a page that nobody else calls: {} were answered, \
                 in {} different sizes.",
                answered.len(),
                sizes.len()
            ),
        ),
        (true, false) => (
            Verdict::Breached,
            Standing::Medium,
            "shell-in-use",
            format!(
                "Commands were given to a page that nobody else calls: {} were answered, in {} different sizes.",
                answered.len(),
                sizes.len()
            ),
        ),
        (false, _) => (
            Verdict::Attempted,
            if calls.len() >= 3 {
                Standing::High
            } else {
                Standing::Medium
            },
            "shell-looked-for",
            format!(
                "{} requests gave commands to pages that would run them; none of the answers shows that one did.",
                calls.len()
            ),
        ),
    };
    Held {
        class: Class::WebShell,
        verdict,
        standing,
        rule,
        says,
        overturned_by: "the page is a tool of the office's own, or does not exist on the server",
        counts: BTreeMap::from([
            ("commands", calls.len() as u64),
            ("answered", answered.len() as u64),
            ("different_sizes", sizes.len() as u64),
        ]),
        lines,
    }
}
