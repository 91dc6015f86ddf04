//! Which layout a file is of, by its first line.

use crate::compare::column_names;
use crate::layout::{BUILT_IN, Delimiter, Layout};
use crate::read::{Form, split_record};

/// The layout of the crate that fits the first bytes of a file best; `None` where none does.
///
/// A header must have the identifier and most of the columns that have a role; a file without one must have the number of
/// columns, or the length, that its layout gives it.
pub fn guess_layout(first_bytes: &[u8]) -> Option<Layout> {
    let end = memchr::memchr(b'\n', first_bytes)?;
    let line = &first_bytes[..end];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut best: Option<(usize, Layout)> = None;
    for name in BUILT_IN {
        let layout = Layout::built_in(name)?;
        let names = column_names(&layout, line);
        let columns = names.len();
        let Ok(binding) = layout.bind(names) else { continue };
        let score = if layout.header {
            let with_role: usize = binding.roles.values().map(Vec::len).sum();
            // What names itself is surer than what only has the right number of columns.
            if with_role * 2 < columns {
                continue;
            } else {
                with_role + crate::layout::MAX_COLUMNS
            }
        } else {
            let form = Form::new(&layout, columns);
            let is_right = split_record(line, &form, &mut Vec::new()).is_ok()
                && columns > 1
                && (layout.delimiter != Delimiter::Fixed || is_fixed(&layout, line));
            if is_right { columns } else { continue }
        };
        if best.as_ref().is_none_or(|(other, _)| score > *other) {
            best = Some((score, layout));
        }
    }
    best.map(|(_, layout)| layout)
}

/// A line of fixed places has no tabs, and its dates are digits where dates belong.
fn is_fixed(layout: &Layout, line: &[u8]) -> bool {
    let dates = ["DOB", "RegDate"];
    !line.contains(&b'\t')
        && layout
            .fixed
            .iter()
            .filter(|place| dates.contains(&place.name.as_str()))
            .all(|place| {
                line.get(place.start - 1..place.start - 1 + place.width)
                    .is_some_and(|digits| digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b' '))
            })
}
