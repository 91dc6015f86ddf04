//! What the fuzz targets share: what must hold for any input of a reader.

use std::io::BufReader;

use pollwatch_lookalike::read::{Item, NameReader};
use pollwatch_model::{Fed, Flow, Input, Position};

type Read = Result<(Vec<(u64, String)>, NameReader), String>;

/// Reads `bytes` in one go, and again with a pause after every item and odd portions; the two must agree, and every line
/// must be accounted for.
pub fn check_reader(format: Option<&str>, bytes: &[u8]) {
    let whole = read(format, bytes, Flow::Continue, 64 * 1024);
    if let Ok((items, reader)) = &whole {
        let counts = reader.counts();
        assert_eq!(counts.lines, counts.with_names + counts.without_names + counts.lost);
        assert!(items.iter().all(|(line, _)| (1..=counts.lines).contains(line)));
    }
    assert_eq!(whole, read(format, bytes, Flow::Pause, 3));
}

fn read(format: Option<&str>, bytes: &[u8], flow: Flow, portion: usize) -> Read {
    let input = Input { name: "in".to_owned(), role: String::new(), format: None };
    let mut reader = NameReader::open(format, &input).map_err(|error| error.to_string())?;
    let mut at = Position::default();
    let mut items = Vec::new();
    loop {
        let mut rest = BufReader::with_capacity(portion, &bytes[at.offset as usize..]);
        let fed = reader
            .read(at, &mut rest, &mut |item| {
                items.push(match item {
                    Item::Name(record) => {
                        assert!(!record.name.is_empty() && !record.name.contains('\0'));
                        (record.record, record.name.to_owned())
                    }
                    Item::Problem(problem) => (problem.record.unwrap_or(0), format!("! {}", problem.what)),
                });
                flow
            })
            .map_err(|error| error.to_string())?;
        match fed {
            Fed::End(_) => return Ok((items, reader)),
            Fed::Paused(reached) => {
                assert!(reached > at);
                at = reached;
                reader = NameReader::restore(reader.save()).map_err(|error| error.to_string())?;
            }
        }
    }
}
