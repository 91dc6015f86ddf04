//! Calendar entries (RFC 5545) and cards (RFC 6350).

use super::{Item, Look, head, url};
use crate::evidence::Via;
use crate::signal::Signal;

/// Looks into a calendar entry or a card.
pub(super) fn look(item: &Item<'_>, text: &str, look: &mut Look<'_, '_>) {
    // Long lines are folded (RFC 5545, section 3.1).
    let unfolded = text
        .replace("\r\n ", "")
        .replace("\r\n\t", "")
        .replace("\n ", "")
        .replace("\n\t", "");
    let plain = unfolded
        .replace("\\n", "\n")
        .replace("\\N", "\n")
        .replace("\\,", ",")
        .replace("\\;", ";");
    look.text(&item.part, &plain);
    for found in url::in_text(&plain) {
        if url::is_name_space(&found.url) {
            continue;
        }
        look.link(&found.url, "", Via::Calendar, &item.part, found.offset);
        if url::is_web(&found.url) {
            let says = format!(
                "The calendar entry or card {} leads to {}.",
                item.called(),
                head(&found.url, 120)
            );
            look.seen(Signal::IcsLink, says, &item.part, found.offset, &found.url);
        }
    }
}
