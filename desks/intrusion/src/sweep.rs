//! The whole way: files of several jurisdictions in, reports out.
//!
//! Memory: one block of half a megabyte a thread, and of each jurisdiction what [`crate::site`] keeps within its bounds.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::{LazyLock, mpsc};

use jiff::Timestamp;
use pollwatch_model::Problem;
use serde::{Deserialize, Serialize};

use crate::behave::{self, Actor, Seen, Terms, Timeline, Window};
use crate::campaign;
use crate::lists::{AddressSet, Assessor};
use crate::payload::Inspector;
use crate::read::{Format, Reader};
use crate::scan::{Block, Blocks, Laid, Rows};
use crate::site::Site;

/// The same for every sweep, and takes some tens of milliseconds to build.
static INSPECTOR: LazyLock<Inspector> = LazyLock::new(Inspector::new);

/// How a sweep goes.
#[derive(Debug, Clone)]
pub struct Options {
    /// Addresses on a list.
    pub indicators: AddressSet,
    /// The office's own proxies and its content network: behind one of them the client is whom it names.
    pub proxies: AddressSet,
    /// Who was asked to test.
    pub assessors: Vec<Assessor>,
    /// The time that is asked about.
    pub window: Option<Window>,
    /// The time of the run, by which times without a year are placed.
    pub now: Timestamp,
    /// Threads that lay out lines; at least one.
    pub threads: usize,
    /// Clients of a jurisdiction that are held in memory; 0: a million. Those beyond it go to disk.
    pub max_clients: usize,
}

impl Options {
    /// Nothing on any list, one thread.
    pub fn new(now: Timestamp) -> Self {
        Options {
            indicators: AddressSet::default(),
            proxies: AddressSet::default(),
            assessors: Vec::new(),
            window: None,
            now,
            threads: 1,
            max_clients: 0,
        }
    }
}

/// Where a file is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// Bytes before it.
    pub offset: u64,
    /// Lines before it.
    pub line: u64,
}

/// What reading came to.
#[derive(Debug)]
pub enum Read {
    /// The file ended.
    End(Place),
    /// It was asked to pause.
    Paused(Place),
    /// The stream failed; what came before it stands.
    Failed(Place, std::io::Error),
}

/// What is remembered between two steps.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// Of each jurisdiction its site.
    pub sites: BTreeMap<String, Site>,
    /// How the file that is being read is read: first dialect, columns, header.
    pub reading: Option<(
        Option<crate::read::Dialect>,
        Option<crate::read::W3cFields>,
        Vec<String>,
    )>,
}

/// The same fields, borrowed.
#[derive(Debug, Serialize)]
pub(crate) struct StateView<'a> {
    sites: &'a BTreeMap<String, Site>,
    reading: Option<Reading>,
}

/// How the file that is being read is read: first dialect, columns of W3C, header of a mapped CSV.
pub(crate) type Reading = (
    Option<crate::read::Dialect>,
    Option<crate::read::W3cFields>,
    Vec<String>,
);

/// Listens to a sweep.
pub trait Listener {
    /// Something is wrong with a line, or with a file.
    fn problem(&mut self, problem: Problem);
    /// So many lines were read since it was last told; `false`: pause.
    fn lines(&mut self, lines: u64) -> bool;
    /// Whether more may follow the end of the stream, as in a log that is still written.
    fn may_grow(&self) -> bool {
        false
    }
}

/// Hears nothing and never pauses.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deaf;

impl Listener for Deaf {
    fn problem(&mut self, _: Problem) {}

    fn lines(&mut self, _: u64) -> bool {
        true
    }
}

/// A sweep over the logs of any number of jurisdictions.
pub struct Sweep {
    pub(crate) options: Options,
    pub(crate) state: State,
    /// The file that is being read: how, and what was read ahead of it.
    current: Option<(String, Reader, Blocks)>,
}

impl Sweep {
    /// Begins one.
    pub fn new(options: Options) -> Self {
        Sweep {
            options,
            state: State::default(),
            current: None,
        }
    }

    pub(crate) fn restore(options: Options, mut state: State) -> Self {
        for site in state.sites.values_mut() {
            site.reindex();
        }
        Sweep {
            state,
            ..Sweep::new(options)
        }
    }

    /// What is to be saved, borrowed.
    pub(crate) fn saved_view(&self) -> StateView<'_> {
        StateView {
            sites: &self.state.sites,
            reading: self
                .current
                .as_ref()
                .map(|(_, reader, _)| (reader.first, reader.columns.clone(), reader.header.clone())),
        }
    }

    /// What is remembered of a jurisdiction.
    pub fn site(&self, jurisdiction: &str) -> Option<&Site> {
        self.state.sites.get(jurisdiction)
    }

    /// Names a jurisdiction, so that it is reported even where it gives no file.
    pub fn expect(&mut self, jurisdiction: &str) {
        self.state.sites.entry(jurisdiction.to_owned()).or_default();
    }

    /// Reads a file of a jurisdiction from `from` on, until it ends or `listener`, who is asked after each block, says no.
    pub fn read(
        &mut self,
        jurisdiction: &str,
        file: &str,
        format: &Format,
        from: Place,
        stream: &mut dyn BufRead,
        listener: &mut dyn Listener,
    ) -> Read {
        let (mut reader, mut blocks) = match self.current.take() {
            Some((name, reader, blocks))
                if name == file && from.offset > 0 && blocks.stands_at(from.offset) =>
            {
                (reader, blocks)
            }
            _ => {
                let mut reader = Reader::new(format, self.options.now.as_millisecond());
                if from.offset > 0
                    && let Some((first, columns, header)) = self.state.reading.take()
                {
                    reader.first = first;
                    reader.columns = columns;
                    reader.header = header;
                }
                (reader, Blocks::new(from.offset, from.line))
            }
        };
        let inspector = &*INSPECTOR;
        let may_grow = listener.may_grow();
        blocks.set_growing(may_grow);
        let site = self.state.sites.entry(jurisdiction.to_owned()).or_default();
        site.clients.set_bound(self.options.max_clients);
        let place = site.open_file(file);
        let mut taker = Taker {
            site,
            place,
            file,
            listed: &self.options.indicators,
            listener,
            at: from,
        };
        let read = if self.options.threads <= 1 {
            read_alone(
                inspector,
                &self.options.proxies,
                &mut reader,
                &mut blocks,
                stream,
                &mut taker,
            )
        } else {
            read_beside(
                inspector,
                &self.options.proxies,
                &mut reader,
                &mut blocks,
                stream,
                &mut taker,
                self.options.threads,
            )
        };
        if let Some(error) = site.clients.take_failure() {
            listener.problem(Problem::remark(
                file,
                None,
                format!(
                    "there are more visitors than memory is given for, and they cannot be put aside on disk ({error}): one that comes \
                     back counts anew. Make room in the folder for temporary files and sweep again"
                ),
            ));
        }
        let read = match read {
            Read::End(place) if may_grow => Read::Paused(place),
            other => other,
        };
        if !matches!(read, Read::Paused(_)) {
            let seen = &mut site.files[place as usize];
            seen.is_complete = true;
            if seen.is_copy() {
                listener.problem(Problem::remark(
                    file,
                    None,
                    "nearly all of this file is also in an earlier one of the same jurisdiction: it is taken for a rotated copy, \
                     and its lines are not counted again",
                ));
            }
            if seen.jumps > 0 {
                listener.problem(Problem::remark(
                    file,
                    seen.first_jump_line,
                    format!(
                        "the clock goes back by more than an hour, {} times in all; times are taken as written",
                        seen.jumps
                    ),
                ));
            }
        }
        self.current = Some((file.to_owned(), reader, blocks));
        read
    }

    /// What all files of each jurisdiction came to, in the order of their names.
    pub fn finish(self) -> Vec<SiteReport> {
        let options = self.options;
        let mut reports: Vec<SiteReport> = self
            .state
            .sites
            .into_iter()
            .map(|(jurisdiction, site)| SiteReport::of(jurisdiction, site, &options))
            .collect();
        campaign::mark(&mut reports, campaign::MARK_SEED);
        reports
    }
}

/// What one jurisdiction's logs came to.
#[derive(Debug)]
pub struct SiteReport {
    /// The jurisdiction.
    pub jurisdiction: String,
    /// What was kept.
    pub site: Site,
    /// The kept lines, in order.
    pub timeline: Timeline,
    /// Who did something, the furthest first.
    pub actors: Vec<Actor>,
    /// What could be seen.
    pub seen: Seen,
}

impl SiteReport {
    fn of(jurisdiction: String, mut site: Site, options: &Options) -> Self {
        site.clients.settle();
        let timeline = Timeline::of(&site);
        let terms = Terms {
            assessors: options.assessors.clone(),
            target: jurisdiction.clone(),
        };
        let actors = behave::judge(&site, &timeline, &terms);
        let seen = behave::of_site(&site, options.window);
        SiteReport {
            jurisdiction,
            site,
            timeline,
            actors,
            seen,
        }
    }

    /// The furthest that anybody got; authorised assessors left out.
    pub fn verdict(&self) -> crate::Verdict {
        self.actors
            .iter()
            .map(|actor| actor.verdict)
            .max()
            .unwrap_or(crate::Verdict::None)
            .max(crate::Verdict::None)
    }
}

/// Puts laid-out blocks into a site, in order.
struct Taker<'a> {
    site: &'a mut Site,
    place: u32,
    file: &'a str,
    listed: &'a AddressSet,
    listener: &'a mut dyn Listener,
    at: Place,
}

impl Taker<'_> {
    fn take(&mut self, block: &Block, rows: &Rows, reader: &Reader) -> u64 {
        for line in &block.cut_lines {
            self.site.files[self.place as usize].cut += 1;
            self.listener.problem(Problem::remark(
                self.file,
                Some(*line),
                format!(
                    "longer than {} bytes: what lies beyond was not searched",
                    crate::scan::MAX_LINE_BYTES
                ),
            ));
        }
        self.site.take(
            self.place,
            block.first_line,
            &block.bytes,
            rows,
            reader,
            self.listed,
        );
        self.at = Place {
            offset: block.end_offset,
            line: block.first_line - 1 + block.lines,
        };
        block.lines
    }
}

fn read_alone(
    inspector: &Inspector,
    proxies: &AddressSet,
    reader: &mut Reader,
    blocks: &mut Blocks,
    stream: &mut dyn BufRead,
    taker: &mut Taker<'_>,
) -> Read {
    let mut laid = Laid::behind(inspector, proxies);
    let mut rows = Rows::default();
    loop {
        let block = match blocks.next(stream) {
            Ok(Some(block)) => block,
            Ok(None) => return Read::End(taker.at),
            Err(error) => return Read::Failed(taker.at, error),
        };
        laid.lay_out(&block.bytes, reader, block.first_line == 1, &mut rows);
        let lines = taker.take(&block, &rows, reader);
        blocks.give_back(block.bytes);
        if !taker.listener.lines(lines) {
            return Read::Paused(taker.at);
        }
    }
}

/// One block on its way through.
struct Job {
    block: Block,
    reader: Reader,
    rows: Rows,
}

/// As [`read_alone`], with lines laid out on other threads while this one reads ahead and takes in what they made, in order.
fn read_beside(
    inspector: &Inspector,
    proxies: &AddressSet,
    reader: &mut Reader,
    blocks: &mut Blocks,
    stream: &mut dyn BufRead,
    taker: &mut Taker<'_>,
    threads: usize,
) -> Read {
    // The first block is laid out here: it tells how the others are to be read.
    let first = match blocks.next(stream) {
        Ok(Some(block)) => block,
        Ok(None) => return Read::End(taker.at),
        Err(error) => return Read::Failed(taker.at, error),
    };
    let mut laid = Laid::behind(inspector, proxies);
    let mut rows = Rows::default();
    laid.lay_out(&first.bytes, reader, first.first_line == 1, &mut rows);
    let lines = taker.take(&first, &rows, reader);
    if !taker.listener.lines(lines) {
        return Read::Paused(taker.at);
    }
    blocks.give_back(first.bytes);
    std::thread::scope(|scope| {
        let mut to_worker = Vec::new();
        let mut from_worker = Vec::new();
        for _ in 0..threads {
            let (send, jobs) = mpsc::sync_channel::<Job>(2);
            let (done, receive) = mpsc::sync_channel::<Job>(2);
            to_worker.push(send);
            from_worker.push(receive);
            scope.spawn(move || {
                let mut laid = Laid::behind(inspector, proxies);
                while let Ok(mut job) = jobs.recv() {
                    laid.lay_out(&job.block.bytes, &mut job.reader, false, &mut job.rows);
                    if done.send(job).is_err() {
                        return;
                    }
                }
            });
        }
        let mut spare: Vec<Rows> = Vec::new();
        let (mut sent, mut taken) = (0usize, 0usize);
        let mut ended: Option<std::io::Result<()>> = None;
        let mut wants_more = true;
        loop {
            while ended.is_none() && wants_more && sent - taken < threads * 2 {
                match blocks.next(stream) {
                    Ok(Some(block)) => {
                        let job = Job {
                            reader: reader.clone(),
                            rows: spare.pop().unwrap_or_default(),
                            block,
                        };
                        // Columns declared in this block hold for the next ones.
                        if reader.may_redeclare() {
                            redeclare(&job.block.bytes, reader);
                        }
                        if to_worker[sent % threads].send(job).is_err() {
                            ended = Some(Ok(()));
                            break;
                        }
                        sent += 1;
                    }
                    Ok(None) => ended = Some(Ok(())),
                    Err(error) => ended = Some(Err(error)),
                }
            }
            if taken == sent {
                drop(to_worker);
                return match ended {
                    Some(Err(error)) => Read::Failed(taker.at, error),
                    Some(Ok(())) => Read::End(taker.at),
                    None => Read::Paused(taker.at),
                };
            }
            let Ok(job) = from_worker[taken % threads].recv() else {
                return Read::Failed(taker.at, std::io::Error::other("a reading thread stopped"));
            };
            taken += 1;
            let lines = taker.take(&job.block, &job.rows, &job.reader);
            // What has been read ahead is taken in before the pause.
            wants_more &= taker.listener.lines(lines);
            blocks.give_back(job.block.bytes);
            spare.push(job.rows);
        }
    })
}

/// Takes in the declarations of a block without laying out its lines.
fn redeclare(block: &[u8], reader: &mut Reader) {
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(&block[from..], b"#Fields:") {
        let begin = from + at;
        let end = memchr::memchr(b'\n', &block[begin..]).map_or(block.len(), |end| begin + end);
        if begin == 0 || block[begin - 1] == b'\n' {
            let line = block[begin..end]
                .strip_suffix(b"\r")
                .unwrap_or(&block[begin..end]);
            reader.declares(line, false);
        }
        from = end;
    }
}
