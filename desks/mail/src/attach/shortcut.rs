//! Shortcut files (MS-SHLLINK, `.url`, `.webloc`, `.desktop`, library and search files).

use super::{Item, Look, head, url};
use crate::evidence::Via;
use crate::signal::Signal;

/// A Windows shortcut: its strings.
pub(super) fn look_lnk(item: &Item<'_>, look: &mut Look<'_, '_>) {
    let strings = url::strings_of(&item.bytes[..item.bytes.len().min(1 << 20)]);
    look_text(item, &strings, look);
}

/// A shortcut in text.
pub(super) fn look_text(item: &Item<'_>, text: &str, look: &mut Look<'_, '_>) {
    let says = format!(
        "{} is a shortcut: it opens something else than itself.",
        item.called()
    );
    if !look.has(Signal::Shortcut, &item.part) {
        look.seen(Signal::Shortcut, says, &item.part, 0, head(text, 300));
    }
    look.links_of_text(text, Via::Shortcut, &item.part);
    look.text(&item.part, head(text, 8192));
}
