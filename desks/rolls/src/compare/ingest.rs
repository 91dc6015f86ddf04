//! The first pass over a snapshot.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_nano_inline, rapidhash_v3_seeded};
use rustc_hash::FxHashMap;

use crate::layout::{Binding, Delimiter, Layout, LayoutError, Role};
use crate::read::{Block, Blocks, Form, MAX_RECORD_BYTES, Span, Unread, date_in_name, records};

use super::data::{CopyFile, RowData};
use super::partition::{Gatherer, Partitions, Record, Scratch};
use super::{CompareError, io, threads};

/// Most areas that a roll is counted by. The largest state has 254 counties; towns of a state are some 1,500.
pub const MAX_COUNTIES: usize = 4_096;

/// Records of one file that are named because they cannot be read; the rest is counted.
const MAX_NAMED: usize = 100;

/// Blocks that wait for a thread.
const WAITING: usize = 4;

/// Largest unpacked file that is kept in memory where there is no scratch folder.
const MAX_MEMORY_COPY: usize = 256 << 20;

/// What to read and how.
pub struct Reading<'a> {
    /// The input's name.
    pub name: &'a str,
    /// How it is written.
    pub layout: Arc<Layout>,
    /// The file itself where it can be read again as it is; else an unpacked copy is made.
    pub plain: Option<PathBuf>,
    /// For scratch files.
    pub scratch: Option<&'a Scratch>,
    /// Key of the hashes of this run.
    pub key: u64,
}

/// Something that is worth saying about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestNote {
    /// Line, from 1; `None` for the file as a whole.
    pub line: Option<u64>,
    /// What, in plain words; never the text of a row.
    pub what: String,
    /// Records lost by it.
    pub lost: u64,
}

/// A snapshot, read once.
#[derive(Debug)]
pub struct Snapshot {
    /// The input's name.
    pub name: String,
    /// The day that its name tells.
    pub date: Option<Date>,
    /// How it is written.
    pub layout: Arc<Layout>,
    /// Its columns.
    pub binding: Binding,
    /// How its records are written.
    pub form: Form,
    /// Where its rows can be read again.
    pub data: RowData,
    /// Its rows by identifier.
    pub partitions: Partitions,
    /// Rows of each area, by the area's code.
    pub rows_of: FxHashMap<String, u64>,
    /// Names of the areas by their codes, as far as the file has them.
    pub names_of: BTreeMap<String, String>,
    /// Rows read.
    pub rows: u64,
    /// Sum of the hashes of all rows: two files with the same sum and number of rows hold the same rows.
    pub sum: u64,
}

/// A snapshot and what to say about it.
#[derive(Debug)]
pub struct Ingested {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// What is worth saying.
    pub notes: Vec<IngestNote>,
    /// Lines of the file.
    pub lines: u64,
}

/// A keyed hash of bytes.
pub(crate) fn hash(bytes: &[u8], secrets: &RapidSecrets) -> u64 {
    rapidhash_v3_seeded(bytes, secrets)
}

/// A short keyed hash for tables in memory.
pub(crate) fn short_hash(bytes: &[u8], secrets: &RapidSecrets) -> u64 {
    rapidhash_v3_nano_inline::<true, false>(bytes, secrets)
}

/// Reads `bytes` to their end. `progress` is told the rows of each block.
///
/// Errors: [`CompareError::Format`] when the file is not of the layout, [`CompareError::Io`].
pub fn ingest(
    reading: &Reading<'_>,
    bytes: &mut dyn BufRead,
    progress: &mut dyn FnMut(u64),
) -> Result<Ingested, CompareError> {
    let (binding, form, held, head_bytes, head_lines) = head(&reading.layout, bytes)?;
    let mut copy = match (&reading.plain, reading.scratch) {
        (Some(path), _) => Copy::Plain(path.clone()),
        (None, Some(scratch)) => Copy::File(scratch.file()?),
        (None, None) => Copy::Memory(Vec::new()),
    };
    copy.leave_room(head_bytes)?;
    let partitions = Partitions::new(reading.scratch)?;
    let secrets = RapidSecrets::seed(reading.key);
    let (send, receive) = sync_channel::<Block>(WAITING);
    let receive = Mutex::new(receive);
    let (results_send, results) = channel::<Result<BlockRead, CompareError>>();
    let mut total = Total::default();
    let outcome = std::thread::scope(|scope| -> Result<(), CompareError> {
        for _ in 0..threads() {
            let (receive, results_send, partitions) = (&receive, results_send.clone(), &partitions);
            let (binding, form, secrets) = (&binding, &form, &secrets);
            scope.spawn(move || work(receive, &results_send, partitions, binding, form, secrets));
        }
        drop(results_send);
        let mut blocks = Blocks::new(bytes, held, head_bytes, &form);
        let mut spare: Vec<Vec<u8>> = Vec::new();
        loop {
            let next = blocks
                .next_block(spare.pop().unwrap_or_default())
                .map_err(io("read the file"));
            let block = match next {
                Ok(Some(block)) => block,
                Ok(None) => break,
                Err(error) => {
                    drop(send);
                    return Err(error);
                }
            };
            copy.append(&block.bytes)?;
            let mut waiting = Some(block);
            while let Some(block) = waiting.take() {
                match send.try_send(block) {
                    Ok(()) => {}
                    Err(TrySendError::Full(block) | TrySendError::Disconnected(block)) => {
                        waiting = Some(block);
                        // A thread that failed said so here; when all are gone there is nothing more to hear.
                        match results.recv() {
                            Ok(done) => spare.push(total.take(done?, progress)),
                            Err(_) => return Ok(()),
                        }
                    }
                }
            }
            while let Ok(done) = results.try_recv() {
                spare.push(total.take(done?, progress));
            }
        }
        drop(send);
        for done in results {
            total.take(done?, progress);
        }
        Ok(())
    });
    outcome?;
    let notes = total.notes(head_lines);
    let read = total.finish();
    if read.rows_of.len() > MAX_COUNTIES {
        return Err(CompareError::Format(format!(
            "its column {:?} has more than {MAX_COUNTIES} different values: it does not name counties. Is it the right layout?",
            binding.column_of(Role::County)
        )));
    }
    Ok(Ingested {
        snapshot: Snapshot {
            name: reading.name.to_owned(),
            date: date_in_name(reading.name),
            layout: Arc::clone(&reading.layout),
            binding,
            form,
            data: copy.close()?,
            partitions,
            rows_of: read.rows_of,
            names_of: read.names_of,
            rows: read.rows,
            sum: read.sum,
        },
        notes,
        lines: read.lines + head_lines,
    })
}

/// Reads the header, or the first line of a file without one. Gives back what was read beyond it.
fn head(
    layout: &Layout,
    bytes: &mut dyn BufRead,
) -> Result<(Binding, Form, Vec<u8>, u64, u64), CompareError> {
    let mut held = Vec::new();
    let mut end = None;
    while end.is_none() && held.len() <= 2 * MAX_RECORD_BYTES {
        let ready = bytes.fill_buf().map_err(io("read the file"))?;
        if ready.is_empty() {
            break;
        }
        end = memchr::memchr(b'\n', ready).map(|at| held.len() + at);
        let take = ready.len();
        held.extend_from_slice(ready);
        bytes.consume(take);
    }
    if held.is_empty() {
        return Err(CompareError::Format("it is empty".to_owned()));
    }
    if held.starts_with(b"\xff\xfe") || held.starts_with(b"\xfe\xff") {
        return Err(CompareError::Format(
            "it is written in UTF-16: save it as UTF-8 and try again".to_owned(),
        ));
    }
    let line = &held[..end.unwrap_or(held.len())];
    if line.len() > MAX_RECORD_BYTES {
        return Err(CompareError::Format(format!(
            "its first line is longer than {MAX_RECORD_BYTES} bytes: it is not a roll of layout {}",
            layout.name
        )));
    }
    let names = column_names(layout, line);
    let columns = names.len();
    let binding = layout.bind(names).map_err(|error| match error {
        LayoutError::Columns(why) => CompareError::Format(why),
        other => CompareError::Format(other.to_string()),
    })?;
    let form = Form::new(layout, columns);
    let (mut head_bytes, mut head_lines) = (0, 0);
    if layout.header {
        head_bytes = (line.len() + 1).min(held.len());
        held.drain(..head_bytes);
        head_lines = 1;
    }
    Ok((binding, form, held, head_bytes as u64, head_lines))
}

/// Names of the columns: of the header, or of the layout where the file has none.
pub(crate) fn column_names(layout: &Layout, first_line: &[u8]) -> Vec<String> {
    if layout.delimiter == Delimiter::Fixed {
        return layout.fixed.iter().map(|place| place.name.clone()).collect();
    }
    if !layout.header {
        let mut names = layout.columns.clone();
        let all = layout.columns_in_all.unwrap_or(names.len());
        names.extend((names.len() + 1..=all).map(|number| format!("Column {number}")));
        return names;
    }
    fields_of(layout, first_line)
}

fn fields_of(layout: &Layout, line: &[u8]) -> Vec<String> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let delimiter = layout.delimiter.byte().unwrap_or(b',');
    let columns = memchr::memchr_iter(delimiter, line).count() + 1;
    let mut spans = Vec::new();
    let mut form = Form::new(layout, columns);
    if crate::read::split_record(line, &form, &mut spans).is_err() {
        // Delimiters inside quotes made the count too high.
        form.columns = spans.len().max(1);
    }
    spans
        .iter()
        .map(|span| {
            String::from_utf8_lossy(&crate::read::field_bytes(line, *span, form.quote))
                .trim()
                .to_owned()
        })
        .collect()
}

/// What a thread makes of one block.
struct BlockRead {
    number: u64,
    lines: u64,
    rows: u64,
    sum: u64,
    rows_of: FxHashMap<Vec<u8>, u64>,
    names_of: FxHashMap<Vec<u8>, Vec<u8>>,
    unread: Vec<(u64, Unread)>,
    unread_count: u64,
    /// Rows without an identifier.
    nameless: u64,
    first_nameless: Option<u64>,
    /// Rows with letters outside ASCII: read as UTF-8, and as Windows-1252.
    utf8: u64,
    latin: u64,
    buffer: Vec<u8>,
}

fn work(
    receive: &Mutex<Receiver<Block>>,
    results: &Sender<Result<BlockRead, CompareError>>,
    partitions: &Partitions,
    binding: &Binding,
    form: &Form,
    secrets: &RapidSecrets,
) {
    let mut gatherer = Gatherer::new(partitions);
    loop {
        let next = receive.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(block) = next else { break };
        let done = read_block(block, &mut gatherer, binding, form, secrets);
        let failed = done.is_err();
        if results.send(done).is_err() || failed {
            break;
        }
    }
    gatherer.close();
}

fn read_block(
    block: Block,
    gatherer: &mut Gatherer<'_>,
    binding: &Binding,
    form: &Form,
    secrets: &RapidSecrets,
) -> Result<BlockRead, CompareError> {
    let bytes = &block.bytes;
    let is_ascii = bytes.is_ascii();
    let is_utf8 = is_ascii || std::str::from_utf8(bytes).is_ok();
    let mut read = BlockRead {
        number: block.number,
        lines: 0,
        rows: 0,
        sum: 0,
        rows_of: FxHashMap::default(),
        names_of: FxHashMap::default(),
        unread: Vec::new(),
        unread_count: 0,
        nameless: 0,
        first_nameless: None,
        utf8: 0,
        latin: 0,
        buffer: Vec::new(),
    };
    let ids = binding.places(Role::Id);
    let county = binding.places(Role::County).first().copied();
    let county_name = binding.places(Role::CountyName).first().copied();
    // Counties come in runs in most files: the last one is looked at first.
    let mut last: (Vec<u8>, u64) = (Vec::new(), 0);
    let mut failed = None;
    let mut joined = Vec::new();
    read.lines = records(bytes, form, &mut |line, place, spans| {
        let row = &bytes[place.clone()];
        let spans = match spans {
            Ok(spans) => spans,
            Err(why) => {
                read.unread_count += 1;
                if read.unread.len() < MAX_NAMED {
                    read.unread.push((line, why));
                }
                return;
            }
        };
        let id = id_bytes(row, spans, ids, &mut joined);
        if id.is_empty() {
            read.nameless += 1;
            read.first_nameless = read.first_nameless.or(Some(line));
            return;
        }
        let id = hash(id, secrets);
        let row_hash = if binding.volatile.is_empty() {
            hash(row, secrets)
        } else {
            stable_hash(row, spans, &binding.volatile, secrets)
        };
        if !is_ascii && !row.is_ascii() {
            if is_utf8 || std::str::from_utf8(row).is_ok() {
                read.utf8 += 1;
            } else {
                read.latin += 1;
            }
        }
        read.rows += 1;
        read.sum = read.sum.wrapping_add(row_hash);
        let code = county.map_or(&b""[..], |at| trimmed(row, spans[at]));
        if last.0 == code {
            last.1 += 1;
        } else {
            if last.1 > 0 {
                *read.rows_of.entry(std::mem::take(&mut last.0)).or_default() += last.1;
            }
            last = (code.to_vec(), 1);
            if let Some(at) = county_name
                && !read.names_of.contains_key(code)
            {
                read.names_of
                    .insert(code.to_vec(), trimmed(row, spans[at]).to_vec());
            }
        }
        let record = Record {
            id,
            row: row_hash,
            place: block.offset + place.start as u64,
        };
        if failed.is_none() {
            failed = gatherer.add(record).err();
        }
    });
    if last.1 > 0 {
        *read.rows_of.entry(last.0).or_default() += last.1;
    }
    read.buffer = block.bytes;
    match failed {
        Some(error) => Err(error),
        None => Ok(read),
    }
}

/// The bytes that identify a row: its identifier, blanks around it gone; several columns joined.
pub(crate) fn id_bytes<'a>(
    row: &'a [u8],
    spans: &[Span],
    places: &[usize],
    joined: &'a mut Vec<u8>,
) -> &'a [u8] {
    if let [only] = places {
        return trimmed(row, spans[*only]);
    }
    joined.clear();
    for place in places {
        let part = trimmed(row, spans[*place]);
        if !part.is_empty() {
            joined.extend_from_slice(part);
            joined.push(0x1f);
        }
    }
    joined
}

pub(crate) fn trimmed(row: &[u8], span: Span) -> &[u8] {
    row.get(span.start as usize..span.end as usize)
        .unwrap_or_default()
        .trim_ascii()
}

/// The hash of a row without its volatile columns.
fn stable_hash(row: &[u8], spans: &[Span], volatile: &[usize], secrets: &RapidSecrets) -> u64 {
    let mut sum = 0u64;
    let mut start = 0;
    for at in volatile {
        let span = spans[*at];
        let piece = row.get(start..span.start as usize).unwrap_or_default();
        sum = sum.rotate_left(17) ^ hash(piece, secrets);
        start = span.end as usize;
    }
    sum.rotate_left(17) ^ hash(row.get(start..).unwrap_or_default(), secrets)
}

/// What the blocks come to.
#[derive(Default)]
struct Total {
    rows: u64,
    sum: u64,
    rows_of: FxHashMap<Vec<u8>, u64>,
    names_of: FxHashMap<Vec<u8>, Vec<u8>>,
    /// Of each block its number and lines, for numbering lines.
    lines: Vec<(u64, u64)>,
    unread: Vec<(u64, u64, Unread)>,
    unread_count: u64,
    nameless: u64,
    first_nameless: Option<(u64, u64)>,
    utf8: u64,
    latin: u64,
}

impl Total {
    fn take(&mut self, read: BlockRead, progress: &mut dyn FnMut(u64)) -> Vec<u8> {
        self.rows += read.rows;
        self.sum = self.sum.wrapping_add(read.sum);
        if self.rows_of.len() <= MAX_COUNTIES {
            for (code, count) in read.rows_of {
                *self.rows_of.entry(code).or_default() += count;
            }
            self.names_of.extend(read.names_of);
        }
        self.lines.push((read.number, read.lines));
        self.unread.extend(
            read.unread
                .into_iter()
                .map(|(line, why)| (read.number, line, why)),
        );
        self.unread_count += read.unread_count;
        if self.unread.len() > 4 * MAX_NAMED {
            self.unread.sort_by_key(|(block, line, _)| (*block, *line));
            self.unread.truncate(MAX_NAMED);
        }
        self.nameless += read.nameless;
        if let Some(line) = read.first_nameless {
            let here = (read.number, line);
            self.first_nameless = Some(self.first_nameless.map_or(here, |first| first.min(here)));
        }
        self.utf8 += read.utf8;
        self.latin += read.latin;
        progress(read.rows);
        let mut buffer = read.buffer;
        buffer.clear();
        buffer
    }

    fn notes(&mut self, head_lines: u64) -> Vec<IngestNote> {
        self.lines.sort_unstable();
        self.unread.sort_by_key(|(block, line, _)| (*block, *line));
        let mut before = FxHashMap::default();
        let mut sum = head_lines;
        for (block, lines) in &self.lines {
            before.insert(*block, sum);
            sum += lines;
        }
        let number = |block: u64, line: u64| before.get(&block).copied().unwrap_or(0) + line + 1;
        let mut notes: Vec<IngestNote> = self
            .unread
            .iter()
            .take(MAX_NAMED)
            .map(|(block, line, why)| IngestNote {
                line: Some(number(*block, *line)),
                what: why.to_string(),
                lost: 1,
            })
            .collect();
        let named = notes.len() as u64;
        if self.unread_count > named {
            notes.push(IngestNote {
                line: None,
                what: format!("{} further rows could not be read", self.unread_count - named),
                lost: self.unread_count - named,
            });
        }
        if self.nameless > 0 {
            let at = self.first_nameless.map(|(block, line)| number(block, line));
            notes.push(IngestNote {
                line: at,
                what: format!(
                    "{} rows have no identifier, the first of them here",
                    self.nameless
                ),
                lost: self.nameless,
            });
        }
        if self.latin > 0 && self.utf8 > 0 {
            notes.push(IngestNote {
                line: None,
                what: format!(
                    "it mixes encodings: {} rows are UTF-8 and {} are not; those were read as Windows-1252",
                    self.utf8, self.latin
                ),
                lost: 0,
            });
        }
        notes
    }

    fn finish(self) -> Read {
        let normalised = crate::read::normalised;
        let mut rows_of = FxHashMap::default();
        for (code, count) in self.rows_of {
            *rows_of.entry(normalised(&code)).or_default() += count;
        }
        // Where one code has several names the last in order counts, whatever order the blocks came in.
        let mut names: Vec<(String, String)> = self
            .names_of
            .iter()
            .map(|(code, name)| (normalised(code), normalised(name)))
            .filter(|(_, name)| !name.is_empty())
            .collect();
        names.sort();
        Read {
            rows_of,
            names_of: names.into_iter().collect(),
            rows: self.rows,
            sum: self.sum,
            lines: self.lines.iter().map(|(_, lines)| lines).sum(),
        }
    }
}

/// What a file comes to.
struct Read {
    rows_of: FxHashMap<String, u64>,
    names_of: BTreeMap<String, String>,
    rows: u64,
    sum: u64,
    lines: u64,
}

/// Where the rows go so that they can be read again.
enum Copy {
    Plain(PathBuf),
    File(super::partition::ScratchFile),
    Memory(Vec<u8>),
}

impl Copy {
    /// A blank line as long as the header, so that places are those of the file.
    fn leave_room(&mut self, head_bytes: u64) -> Result<(), CompareError> {
        if head_bytes == 0 {
            return Ok(());
        }
        let mut room = vec![b' '; head_bytes as usize - 1];
        room.push(b'\n');
        self.append(&room)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), CompareError> {
        match self {
            Copy::Plain(_) => Ok(()),
            Copy::File(scratch) => scratch
                .file
                .write_all(bytes)
                .map_err(io("write a scratch file (is the disk full?)")),
            Copy::Memory(held) => {
                if held.len() + bytes.len() > MAX_MEMORY_COPY {
                    return Err(CompareError::Format(format!(
                        "it is larger than {MAX_MEMORY_COPY} bytes and there is no folder for scratch files"
                    )));
                }
                held.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn close(self) -> Result<RowData, CompareError> {
        Ok(match self {
            Copy::Plain(path) => RowData::File(path),
            Copy::File(scratch) => RowData::Copy(Arc::new(CopyFile(scratch))),
            Copy::Memory(bytes) => RowData::Memory(Arc::new(bytes)),
        })
    }
}
