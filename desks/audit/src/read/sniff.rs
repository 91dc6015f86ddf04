//! Which format an input is of, from its first bytes and its members' names.

use super::error::ReadError;
use super::source::{Parts, Source, read_full};
use super::text::{Text, decode};
use super::{CvrFormat, clear_ballot, dominion_json, hart};

/// First bytes of a member, as text.
fn head(parts: &mut Parts<'_>, at: usize) -> Result<String, ReadError> {
    let place = parts.place(at);
    let mut head = vec![0; 1 << 16];
    let mut text = Text::new(parts.read(at)?).map_err(|error| ReadError::io(&place, error))?;
    let got = read_full(&mut text, &mut head).map_err(|error| ReadError::io(&place, error))?;
    Ok(String::from_utf8_lossy(&head[..got]).into_owned())
}

/// Whether a member is JSON: its first letter is a brace or bracket.
pub(super) fn is_json(parts: &mut Parts<'_>, at: usize) -> Result<bool, ReadError> {
    Ok(head(parts, at)?.trim_start().starts_with(['{', '[']))
}

pub(super) fn sniff(source: &mut Source) -> Result<CvrFormat, ReadError> {
    let many = source.is_many()?;
    let mut parts = source.parts()?;
    let place = parts.place(usize::MAX);
    let unknown = |what: &str| {
        let names: Vec<&str> = CvrFormat::ALL.iter().map(|format| format.name()).collect();
        ReadError::format(
            &place,
            None,
            format!("{what}; name the format: {}", names.join(", ")),
        )
    };
    if many {
        let names: Vec<String> = parts.names().to_vec();
        if names.iter().any(|name| dominion_json::is_export(name)) {
            return Ok(CvrFormat::DominionJson);
        }
        let ends =
            |name: &String, end: &str| name.to_ascii_lowercase().trim_end_matches(".gz").ends_with(end);
        if names.iter().any(|name| ends(name, ".zip")) {
            return Ok(CvrFormat::Hart);
        }
        if let Some(at) = names
            .iter()
            .position(|name| ends(name, ".xml") && !name.starts_with("__MACOSX/"))
        {
            return Ok(if hart::is_hart(&mut parts, at) {
                CvrFormat::Hart
            } else {
                CvrFormat::Nist
            });
        }
        if names.iter().any(|name| ends(name, ".csv")) {
            return Ok(CvrFormat::Ess);
        }
        if names.iter().any(|name| ends(name, ".json")) {
            return Ok(CvrFormat::Nist);
        }
        return Err(unknown("its members are of no known export"));
    }
    let head = head(&mut parts, 0)?;
    let start = head.trim_start();
    if start.starts_with('<') {
        return Ok(if start.contains("<Cvr ") || start.contains("<Cvr>") {
            CvrFormat::Hart
        } else {
            CvrFormat::Nist
        });
    }
    if start.starts_with('{') {
        if start.contains("\"Sessions\"") {
            return Err(unknown(
                "a CvrExport.json alone says only numbers; give the folder or zip with its manifests",
            ));
        }
        return Ok(CvrFormat::Nist);
    }
    let mut row = csv::ByteRecord::new();
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(start.as_bytes());
    if rows.read_byte_record(&mut row).is_ok()
        && row
            .iter()
            .any(|cell| clear_ballot::parse_choice(&decode(cell)).is_some())
    {
        return Ok(CvrFormat::ClearBallot);
    }
    let mut lines = start.lines();
    let first = lines.next().unwrap_or_default();
    if !first.is_empty()
        && first.trim().bytes().all(|byte| byte.is_ascii_digit())
        && lines.next().is_some_and(|line| line.starts_with("Contest,"))
    {
        return Ok(CvrFormat::Raire);
    }
    if head.contains("TabulatorNum") || head.contains("(Vote For=") || head.contains("(Number of positions=")
    {
        return Ok(CvrFormat::DominionCsv);
    }
    Err(unknown("it is of no known format"))
}
