//! Authentication-Results fields (RFC 8601), and which of them are our own boundary's.

use crate::evidence::Quote;
use crate::message::Message;

use super::arc;
use super::dmarc::is_aligned;
use super::method::MethodResult;

/// Most results of one field that are read.
const MAX_RESULTS: usize = 100;

/// One result of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The method, lower case.
    pub method: String,
    /// The result's word, lower case.
    pub result: String,
    /// Properties such as `header.d`, names in lower case.
    pub properties: Vec<(String, String)>,
}

impl Entry {
    fn property(&self, name: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A field taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultsField {
    /// Who wrote it; `None` in Microsoft's form.
    pub authserv_id: Option<String>,
    /// Its results.
    pub entries: Vec<Entry>,
}

/// Words, quoted words and `=` of each piece between semicolons; comments left out. One pass, no recursion.
fn pieces(value: &str) -> Vec<Vec<String>> {
    let (mut all, mut piece, mut word) = (Vec::new(), Vec::new(), String::new());
    let (mut depth, mut in_quotes, mut is_escaped) = (0_usize, false, false);
    for c in value.chars() {
        if is_escaped {
            is_escaped = false;
            if in_quotes {
                word.push(c);
            }
            continue;
        }
        match c {
            '\\' if in_quotes || depth > 0 => is_escaped = true,
            '"' if depth == 0 => in_quotes = !in_quotes,
            _ if in_quotes => word.push(c),
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            ';' | '=' | ' ' | '\t' => {
                if !word.is_empty() {
                    piece.push(std::mem::take(&mut word));
                }
                if c == '=' {
                    piece.push("=".to_owned());
                }
                if c == ';' {
                    all.push(std::mem::take(&mut piece));
                }
            }
            _ => word.push(c),
        }
    }
    if !word.is_empty() {
        piece.push(word);
    }
    all.push(piece);
    all
}

/// Reads a field; rubbish is stepped over.
pub fn read(value: &str) -> ResultsField {
    let mut field = ResultsField::default();
    for (index, piece) in pieces(value).iter().enumerate() {
        if index == 0 && !piece.iter().any(|word| word == "=") {
            field.authserv_id = piece.first().map(|id| id.to_ascii_lowercase());
            continue;
        }
        let [method, equals, result, rest @ ..] = piece.as_slice() else {
            continue;
        };
        if equals != "=" || field.entries.len() >= MAX_RESULTS {
            continue;
        }
        let mut entry = Entry {
            method: method.split('/').next().unwrap_or_default().to_ascii_lowercase(),
            result: result.to_ascii_lowercase(),
            properties: Vec::new(),
        };
        for three in rest.windows(3) {
            if let [name, equals, value] = three
                && equals == "="
            {
                entry.properties.push((name.to_ascii_lowercase(), value.clone()));
            }
        }
        field.entries.push(entry);
    }
    field
}

/// Where our mail enters, and who is trusted there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Boundary {
    /// Ids of servers that write their field above their Received line, lower case.
    pub authserv_ids: Vec<String>,
    /// Ids of servers that write it directly below (Google).
    pub below_ids: Vec<String>,
    /// Whether the mailbox is behind *.protection.outlook.com, which writes no id.
    pub microsoft: bool,
    /// Domains whose ARC seals can excuse a failed DMARC.
    pub trusted_sealers: Vec<String>,
}

impl Boundary {
    /// From the register: `arc:domain` is a trusted sealer, ` (style: below)` marks Google's style, which
    /// `mx.google.com` has by itself.
    pub fn from_ids(authserv_ids: &[String], hosted_by: &[String]) -> Self {
        let mut boundary = Boundary::default();
        for id in authserv_ids {
            let id = id.trim().to_ascii_lowercase();
            if let Some(sealer) = id.strip_prefix("arc:") {
                boundary.trusted_sealers.push(sealer.trim().to_owned());
            } else {
                let bare = id.split([' ', '(']).next().unwrap_or_default().to_owned();
                if id.contains("(style: below)") || bare == "mx.google.com" {
                    boundary.below_ids.push(bare);
                } else if bare.ends_with("protection.outlook.com") {
                    boundary.microsoft = true;
                } else if !bare.is_empty() {
                    boundary.authserv_ids.push(bare);
                }
            }
        }
        for host in hosted_by {
            let host = host.trim().to_ascii_lowercase();
            if host.contains("microsoft") || host.ends_with("outlook.com") || host.ends_with("office365.com")
            {
                boundary.microsoft = true;
            } else if host.contains("google") || host == "gmail.com" {
                boundary.below_ids.push("mx.google.com".to_owned());
            }
        }
        boundary
    }
}

/// What the recorded results are worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RecordedState {
    /// Our boundary's results.
    Used,
    /// Our boundary asked and got no answer.
    CheckedNoAnswer,
    /// Nothing of our boundary.
    #[default]
    NotCheckable,
    /// Fields in our name, but no Received line of ours to place them by.
    RecordedNotVerifiable,
}

impl RecordedState {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            RecordedState::Used => "used",
            RecordedState::CheckedNoAnswer => "checked, no answer",
            RecordedState::NotCheckable => "not checkable",
            RecordedState::RecordedNotVerifiable => "recorded, not verifiable",
        }
    }
}

/// What our boundary recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedResults {
    /// What it is worth; only with `Used` and `CheckedNoAnswer` do the results count.
    pub state: RecordedState,
    /// SPF, with the domain of MAIL FROM.
    pub spf: Option<(MethodResult, String)>,
    /// DKIM signatures, each with its domain.
    pub dkim: Vec<(MethodResult, String)>,
    /// DMARC.
    pub dmarc: Option<MethodResult>,
    /// The domain that DMARC was about.
    pub header_from: String,
    /// ARC.
    pub arc: Option<MethodResult>,
    /// Microsoft's combined result, with its reason.
    pub compauth: String,
    /// Why a failed DMARC is excused.
    pub overridden: Option<String>,
    /// Whether something that passed is of From's organisation; `None` without one From domain.
    pub aligned: Option<bool>,
    /// Fields that are not our boundary's and claim a pass.
    pub forged: Vec<(String, Quote)>,
    /// Index of our boundary's Received line.
    pub received: Option<usize>,
}

/// The host after `by` of a Received line.
pub fn by_host(value: &str) -> Option<String> {
    let words: Vec<String> = pieces(value).into_iter().next().unwrap_or_default();
    let by = words.iter().position(|word| word.eq_ignore_ascii_case("by"))?;
    Some(words.get(by + 1)?.trim_end_matches('.').to_ascii_lowercase())
}

/// Reads what our boundary recorded. `author` is the only domain of From, if there is just one.
pub fn recorded(message: &Message, boundary: &Boundary, author: Option<&str>) -> RecordedResults {
    let mut out = RecordedResults::default();
    let fields = &message.fields;
    let received: Vec<(usize, String)> = fields
        .iter()
        .enumerate()
        .filter(|(_, field)| field.name == "received")
        .map(|(index, field)| (index, by_host(&field.value).unwrap_or_default()))
        .collect();
    let first_by =
        |test: &dyn Fn(&str) -> bool| received.iter().find(|(_, by)| test(by)).map(|(index, _)| *index);
    let parsed: Vec<(usize, ResultsField)> = fields
        .iter()
        .enumerate()
        .filter(|(_, field)| field.name == "authentication-results")
        .map(|(index, field)| (index, read(&field.value)))
        .collect();
    let mut ours: Vec<usize> = Vec::new();
    for id in &boundary.authserv_ids {
        let line = first_by(&|by| by == id).or_else(|| first_by(&|by| is_aligned(by, id)));
        out.received = out.received.or(line);
        if let Some(line) = line {
            let above = |(index, field): &&(usize, ResultsField)| {
                *index < line && field.authserv_id.as_ref() == Some(id)
            };
            ours.extend(parsed.iter().filter(above).map(|(index, _)| *index));
        }
    }
    for id in &boundary.below_ids {
        let Some(line) = first_by(&|by| by == id) else {
            continue;
        };
        out.received = out.received.or(Some(line));
        for (index, field) in fields.iter().enumerate().skip(line + 1) {
            let is_own = parsed
                .iter()
                .any(|(at, read)| *at == index && read.authserv_id.as_ref() == Some(id));
            if is_own {
                ours.push(index);
            } else if field.name != "received-spf" {
                break;
            }
        }
    }
    if boundary.microsoft
        && let Some(line) = first_by(&|by| by.ends_with(".protection.outlook.com"))
    {
        out.received = out.received.or(Some(line));
        for index in (0..line).rev() {
            if parsed
                .iter()
                .any(|(at, read)| *at == index && read.authserv_id.is_none())
            {
                ours.push(index);
            } else if fields[index].name != "received-spf" {
                break;
            }
        }
    }
    ours.sort_unstable();
    ours.dedup();
    let is_named = |field: &ResultsField| {
        field
            .authserv_id
            .as_ref()
            .is_some_and(|id| boundary.authserv_ids.contains(id) || boundary.below_ids.contains(id))
    };
    if !ours.is_empty() {
        out.state = RecordedState::Used;
    } else if received.is_empty() && parsed.iter().any(|(_, field)| is_named(field)) {
        out.state = RecordedState::RecordedNotVerifiable;
    }
    for (index, field) in &parsed {
        let is_unplaced = out.state == RecordedState::RecordedNotVerifiable && is_named(field);
        if ours.contains(index) || is_unplaced {
            merge(&mut out, field);
        } else if out.received.is_none_or(|line| *index > line) {
            let passes: Vec<String> = field
                .entries
                .iter()
                .filter(|entry| entry.result == "pass")
                .map(|entry| format!("{}=pass", entry.method))
                .collect();
            if !passes.is_empty() {
                let who = field.authserv_id.as_deref().unwrap_or("nobody");
                let quote = Quote::new("0", fields[*index].offset, &fields[*index].value);
                out.forged
                    .push((format!("{} in the name of {who}", passes.join(", ")), quote));
            }
        }
    }
    finish(&mut out, message, boundary, author);
    out
}

fn merge(out: &mut RecordedResults, field: &ResultsField) {
    for entry in &field.entries {
        let result = MethodResult::from_word(&entry.result);
        let domain = |names: &[&str]| {
            let value = names
                .iter()
                .find_map(|name| entry.property(name))
                .unwrap_or_default();
            value
                .rsplit('@')
                .next()
                .unwrap_or_default()
                .trim_matches(['<', '>'])
                .to_ascii_lowercase()
        };
        match (entry.method.as_str(), result) {
            // A result for MAIL FROM goes before one for HELO.
            ("spf", Some(result))
                if out.spf.as_ref().is_none_or(|(_, known)| {
                    known.is_empty() && entry.property("smtp.mailfrom").is_some()
                }) =>
            {
                out.spf = Some((result, domain(&["smtp.mailfrom", "smtp.mfrom", "smtp.helo"])));
            }
            ("dkim", Some(result)) => out.dkim.push((result, domain(&["header.d", "header.i"]))),
            ("dmarc", Some(result)) if out.dmarc.is_none() => {
                out.dmarc = Some(result);
                out.header_from = domain(&["header.from"]);
            }
            ("arc", Some(result)) if out.arc.is_none() => out.arc = Some(result),
            ("compauth", _) => {
                out.compauth = format!(
                    "{} {}",
                    entry.result,
                    entry.property("reason").unwrap_or_default()
                )
                .trim()
                .to_owned();
            }
            _ => {}
        }
    }
}

fn finish(out: &mut RecordedResults, message: &Message, boundary: &Boundary, author: Option<&str>) {
    // A result for another From than the visible one says nothing of it.
    if let Some(author) = author
        && !out.header_from.is_empty()
        && out.header_from != author
    {
        out.dmarc = None;
    }
    if out.state != RecordedState::Used {
        return;
    }
    let words: Vec<MethodResult> = out
        .spf
        .iter()
        .map(|(r, _)| *r)
        .chain(out.dkim.iter().map(|(r, _)| *r))
        .chain(out.dmarc)
        .collect();
    if !words.is_empty() && words.iter().all(|result| *result == MethodResult::Temperror) {
        out.state = RecordedState::CheckedNoAnswer;
    }
    out.aligned = author.map(|author| {
        out.dmarc == Some(MethodResult::Pass)
            || out
                .spf
                .iter()
                .chain(&out.dkim)
                .any(|(result, domain)| *result == MethodResult::Pass && is_aligned(domain, author))
    });
    if let Some(sealer) = arc::sealers(message).first()
        && out.arc == Some(MethodResult::Pass)
        && out.dmarc.is_some_and(|result| result != MethodResult::Pass)
        && boundary.trusted_sealers.contains(sealer)
    {
        out.overridden = Some(format!("arc: pass at {sealer} (trusted sealer)"));
    }
}
