//! QR codes (ISO/IEC 18004) in pictures, and drawn in characters or table cells.

use super::guarded;
use crate::limits::Budget;

/// Texts of the QR codes in a grey picture; `dark(x, y)` gives its brightness.
pub(super) fn decode(
    width: usize,
    height: usize,
    bright: &dyn Fn(usize, usize) -> u8,
) -> Option<Vec<String>> {
    guarded(|| {
        let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, bright);
        let grids = prepared.detect_grids();
        grids
            .iter()
            .filter_map(|grid| grid.decode().ok().map(|(_, text)| text))
            .collect()
    })
}

/// Texts of the QR code that `cells` draw (true where dark): drawn large, with a quiet zone, and the other way round too.
fn decode_cells(cells: &[Vec<bool>], budget: &mut Budget) -> Vec<String> {
    const SCALE: usize = 4;
    let width = cells.iter().map(Vec::len).max().unwrap_or(0);
    let height = cells.len();
    if !(21..=200).contains(&width) || !(21..=200).contains(&height) {
        return Vec::new();
    }
    for inverted in [false, true] {
        let (wide, high) = ((width + 8) * SCALE, (height + 8) * SCALE);
        if !budget.qr_image((wide * high) as u64) {
            budget.cut("QR codes beyond the bound");
            return Vec::new();
        }
        let bright = |x: usize, y: usize| {
            let cell = (x / SCALE).checked_sub(4).zip((y / SCALE).checked_sub(4));
            let inside = cell.filter(|(x, y)| *x < width && *y < height);
            match inside {
                Some((x, y)) if cells[y].get(x).copied().unwrap_or(false) != inverted => 0,
                _ => 255,
            }
        };
        match decode(wide, high, &bright) {
            Some(texts) if !texts.is_empty() => return texts,
            Some(_) => {}
            None => budget.cut("a drawn QR code"),
        }
    }
    Vec::new()
}

fn is_block(c: char) -> bool {
    matches!(c, '\u{2588}' | '\u{2580}' | '\u{2584}' | '#')
}

/// QR codes drawn in block characters: where each begins in `text`, and what it says.
pub fn qr_in_text(text: &str, budget: &mut Budget) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    if text.chars().filter(|c| is_block(*c)).take(100).count() < 100 {
        return found;
    }
    let mut run: Vec<&str> = Vec::new();
    let (mut begin, mut at) = (0, 0);
    for line in text.split('\n').chain(["end"]) {
        let is_drawn = line.chars().all(|c| is_block(c) || c.is_whitespace()) && !line.trim().is_empty();
        if is_drawn {
            if run.is_empty() {
                begin = at;
            }
            run.push(line.trim_end_matches('\r'));
        } else if !run.is_empty() {
            found.extend(decode_lines(&run, budget).into_iter().map(|text| (begin, text)));
            run.clear();
        }
        at += line.len() + 1;
    }
    found
}

fn decode_lines(lines: &[&str], budget: &mut Budget) -> Vec<String> {
    if lines.len() < 10 || lines.len() > 200 {
        return Vec::new();
    }
    let is_half = lines.iter().any(|line| line.contains(['\u{2580}', '\u{2584}']));
    let mut cells: Vec<Vec<bool>> = Vec::new();
    for line in lines {
        let top = line.chars().map(|c| matches!(c, '\u{2588}' | '\u{2580}' | '#'));
        if is_half {
            cells.push(top.collect());
            cells.push(
                line.chars()
                    .map(|c| matches!(c, '\u{2588}' | '\u{2584}'))
                    .collect(),
            );
        } else {
            // Whole blocks are drawn two a module, because a character is half as wide as high.
            cells.push(top.step_by(2).collect());
        }
    }
    // Cut the margins, so that an odd indent does not count.
    let left = cells
        .iter()
        .filter_map(|row| row.iter().position(|dark| *dark))
        .min()
        .unwrap_or(0);
    for row in &mut cells {
        row.drain(..left.min(row.len()));
        let end = row.iter().rposition(|dark| *dark).map_or(0, |at| at + 1);
        row.truncate(end);
    }
    decode_cells(&cells, budget)
}

/// QR codes drawn with black and white table cells: what each says.
pub fn qr_in_tables(page_html: &str, budget: &mut Budget) -> Vec<String> {
    let lower = page_html.to_ascii_lowercase();
    if lower.matches("<td").take(400).count() < 400 {
        return Vec::new();
    }
    let mut found = Vec::new();
    for table in lower.split("<table").skip(1).take(50) {
        let mut cells: Vec<Vec<bool>> = Vec::new();
        for row in table.split("<tr").skip(1).take(200) {
            let cell = |cell: &str| {
                let tag = cell.split('>').next().unwrap_or_default();
                let dark = ["#000", "black", "rgb(0,0,0)", "rgb(0, 0, 0)"]
                    .iter()
                    .any(|colour| tag.contains(colour));
                let span = tag.split_once("colspan").map_or(1, |(_, rest)| {
                    let digits: String = rest
                        .chars()
                        .skip_while(|c| !c.is_ascii_digit())
                        .take_while(char::is_ascii_digit)
                        .collect();
                    digits.parse::<usize>().unwrap_or(1).clamp(1, 200)
                });
                std::iter::repeat_n(dark, span)
            };
            cells.push(
                row.split("<td")
                    .skip(1)
                    .take(200)
                    .flat_map(cell)
                    .take(400)
                    .collect(),
            );
        }
        found.extend(decode_cells(&cells, budget));
    }
    found
}
