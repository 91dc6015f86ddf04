//! An audit with its files read: plan, draw, retrieval, readings, risks.

use std::collections::{BTreeMap, BTreeSet};

use pollwatch_audit::election::{CardId, Contest, ContestKind, Election};
use pollwatch_audit::flow::event::{
    Assessed, AssessedContest, Audited, CardKey, Committed, ContestPlan, Event, InputFile, Method, Reading,
    Sampled,
};
use pollwatch_audit::flow::{
    self, Assessment, Claim, County, Draw, Frame, FrameCard, InputPlace, Known, Loaded, OutcomeError, Paper,
    draw_cards,
};
use pollwatch_audit::package::head_of;
use pollwatch_audit::page::{Report, RetrievalRow, report_page};
use pollwatch_audit::plan::{Plan, plan};
use pollwatch_audit::read::{Source, hand_reading_header, read_hand_readings};
use pollwatch_model::Problem;

use super::{Audit, AuditError, digest_file};
use crate::Error;

/// An audit and what its files say.
#[derive(Debug)]
pub struct Session {
    audit: Audit,
    counties: Vec<County>,
    /// What was wrong with the files, and what is worth saying.
    pub problems: Vec<Problem>,
}

/// How far an audit is, for a list of audits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Opened, nothing fixed.
    Open,
    /// Files and method are committed; the dice are next.
    Committed,
    /// The dice were rolled; cards are to be drawn.
    Seeded,
    /// Cards were drawn: the round.
    Drawn(u32),
}

impl Audit {
    /// How far it is.
    pub fn stage(&self) -> Stage {
        match (
            self.state().committed(),
            self.state().seeded(),
            self.state().rounds().last(),
        ) {
            (_, _, Some(round)) => Stage::Drawn(round.round),
            (_, Some(_), None) => Stage::Seeded,
            (Some(_), None, None) => Stage::Committed,
            (None, None, None) => Stage::Open,
        }
    }

    /// Checks every file against its digest in the log and reads it. `scratch` is a folder for what does not fit into memory.
    ///
    /// Errors: [`AuditError::OtherFile`], [`AuditError::Files`].
    pub fn read(self, scratch: &std::path::Path) -> Result<Session, Error> {
        let opened = self.state().opened().cloned();
        let opened = opened.ok_or(AuditError::NoSuch(self.name().to_owned()))?;
        check_files(&opened.inputs, &self.dir().join("inputs"))?;
        let place_of = |file: &InputFile| InputPlace::File(self.input(file));
        let loaded = load_files(&opened.inputs, &place_of, scratch)?;
        Ok(Session::of(self, loaded))
    }
}

/// Reads files, each where `place_of` says.
pub(crate) fn load_files(
    inputs: &[InputFile],
    place_of: &dyn Fn(&InputFile) -> InputPlace,
    scratch: &std::path::Path,
) -> Result<Loaded, Error> {
    flow::load(inputs, place_of, scratch).map_err(|error| AuditError::Files(chain(&error)).into())
}

fn check_files(inputs: &[InputFile], dir: &std::path::Path) -> Result<(), Error> {
    for file in inputs {
        let path = dir.join(&file.name);
        let (found, _) = digest_file(&path)?;
        if found != file.sha256 {
            return Err(AuditError::OtherFile {
                path,
                expected: file.sha256,
                found,
            }
            .into());
        }
    }
    Ok(())
}

/// An error with its causes, each said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}

fn files(error: impl std::error::Error) -> Error {
    AuditError::Files(chain(&error)).into()
}

/// What the files say of one contest.
#[derive(Debug, Clone, PartialEq)]
pub struct ContestOutcome {
    /// The contest.
    pub contest: String,
    /// How winners follow from votes, in words.
    pub kind: String,
    /// How it is audited.
    pub audited: Audited,
    /// Who won by the files.
    pub winners: Vec<String>,
    /// Votes that the hardest assertion has to spare.
    pub margin: Option<u64>,
    /// The same over the cards.
    pub diluted: Option<f64>,
    /// Cards that may hold it.
    pub cards: u64,
    /// What is worth saying, such as why it cannot be audited.
    pub remark: String,
}

impl Session {
    pub(crate) fn of(audit: Audit, loaded: Loaded) -> Self {
        Session {
            audit,
            counties: loaded.counties,
            problems: loaded.problems,
        }
    }

    /// What is drawn: `card` or `batch`.
    pub fn thing(&self) -> &'static str {
        match self.audit.state().committed() {
            Some((committed, _)) if committed.method.draws_batches() => "batch",
            _ => "card",
        }
    }

    /// The contests that are audited, in order.
    pub fn audited_contests(&self) -> Vec<Contest> {
        self.contests()
            .into_iter()
            .filter(|one| one.audited != Audited::No)
            .map(|one| one.contest)
            .collect()
    }

    /// What the files say of each contest, as `method` has its frame; `None`: by whichever fits.
    pub fn outcomes(&self, method: Option<Method>) -> Result<Vec<ContestOutcome>, Error> {
        let frame = match method {
            Some(method) => self.frame(method)?,
            None => match self.frame(Method::CardComparison) {
                Ok(frame) => frame,
                Err(_) => self.frame(Method::Polling)?,
            },
        };
        let mut all = Vec::new();
        for (place, one) in frame.contests().iter().enumerate() {
            let mut outcome = ContestOutcome {
                contest: one.contest.name.clone(),
                kind: kind_text(&one.contest),
                audited: one.audited,
                winners: Vec::new(),
                margin: None,
                diluted: None,
                cards: frame.stats(place).cards(),
                remark: String::new(),
            };
            match Claim::of(&frame, place) {
                Ok(claim) => {
                    let said = claim.outcome(one);
                    outcome.winners = said.winners;
                    outcome.margin = Some(said.margin_votes);
                    outcome.diluted = Some(claim.margin());
                }
                Err(error @ (OutcomeError::Frame(_) | OutcomeError::OtherWinners { .. }))
                    if one.audited != Audited::No =>
                {
                    return Err(files(error));
                }
                Err(error) => {
                    let text = error.to_string();
                    let lead = format!("{:?}: ", one.contest.name);
                    outcome.remark = text.strip_prefix(&lead).unwrap_or(&text).to_owned();
                }
            }
            all.push(outcome);
        }
        Ok(all)
    }

    /// Drawn cards of the last round that nobody has read; `None` when there are none.
    pub fn unread_of_last_round(&self) -> Result<Option<u64>, Error> {
        if self.audit.state().rounds().is_empty() {
            return Ok(None);
        }
        let unread = self.retrieval()?.iter().filter(|row| !row.is_read).count() as u64;
        Ok((unread > 0).then_some(unread))
    }

    /// Cards that a full hand count of a contest looks at.
    pub fn cards_of(&self, contest: &str) -> Result<u64, Error> {
        let frame = self.frame(self.committed()?.method)?;
        let place = frame
            .contest(contest)
            .ok_or_else(|| flow::Refused::NoSuchContest {
                contest: contest.to_owned(),
            })?;
        Ok(flow::real_cards(&frame, place))
    }

    /// What is told of an assessment in the log.
    pub fn assessed(&self, assessment: &Assessment) -> Assessed {
        Assessed {
            up_to: self.audit.state().log().len() as u64 - 1,
            contests: assessment
                .contests
                .iter()
                .map(|one| {
                    (
                        one.contest.clone(),
                        AssessedContest {
                            verdict: one.verdict.word().to_owned(),
                            risk: one.risk.map(flow::risk_text),
                            draws: one.draws,
                        },
                    )
                })
                .collect(),
        }
    }

    /// The contests as one election, for readers of hand readings.
    fn election(&self) -> Election {
        Election {
            name: String::new(),
            contests: self.audited_contests(),
        }
    }

    /// An empty CSV of the cards still to read, to fill in: a cell holds the names marked with ` | ` between them, `blank`,
    /// `overvote`, or `not on card`.
    ///
    /// `county`: only its cards.
    pub fn blank_form(&self, county: Option<&str>) -> Result<String, Error> {
        if self.thing() == "batch" {
            return self.blank_batch_form();
        }
        let is_wanted = |row: &RetrievalRow| !row.is_read && county.is_none_or(|county| row.county == county);
        let election = self.election();
        let header = hand_reading_header(&election);
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut rows = vec![header.clone()];
        for row in self.retrieval()?.into_iter().filter(is_wanted) {
            let number = match (row.record.as_str(), row.position) {
                ("", Some(position)) => position.to_string(),
                (record, _) => record.to_owned(),
            };
            let cells = header.iter().map(|column| match column.as_str() {
                "container" => row.container.clone(),
                "tabulator" => row.tabulator.clone(),
                "batch" => row.batch.clone(),
                "record" => number.clone(),
                "imprinted" => row.imprinted.clone(),
                contest if row.contests.iter().any(|name| name == contest) => String::new(),
                "found" | "reader" => String::new(),
                _ => "not on card".to_owned(),
            });
            rows.push(cells.collect());
        }
        for row in rows {
            writer
                .write_record(&row)
                .map_err(|error| AuditError::Files(error.to_string()))?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|error| AuditError::Files(error.to_string()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Readings out of a CSV (or a spreadsheet, or JSON), as events; and the rows that were refused, each with the reason.
    ///
    /// `county` says of which county the file is, where several have batches of one name.
    pub fn readings_from_csv(
        &self,
        name: &str,
        bytes: Vec<u8>,
        county: Option<&str>,
        reader: &str,
    ) -> Result<(Vec<Event>, Vec<Problem>), Error> {
        if self.thing() == "batch" {
            return self.batches_from_csv(name, &bytes, reader);
        }
        let election = self.election();
        let mut refused = Vec::new();
        let mut source = Source::from_bytes(name, bytes);
        let read = read_hand_readings(&mut source, &election, &mut |problem| refused.push(problem))
            .map_err(files)?;
        let (frame, draw) = self.draw()?;
        let drawn: Vec<&FrameCard> = draw.retrieval().into_iter().map(|(card, _)| card).collect();
        let mut events = Vec::new();
        for one in read {
            let found: Vec<&&FrameCard> = drawn
                .iter()
                .filter(|card| is_card(&frame, card, &one.card, county))
                .collect();
            let card = match found.as_slice() {
                [card] => *card,
                [] => {
                    refused.push(Problem::lost(
                        name,
                        one.line,
                        format!(
                            "{} was not drawn; only drawn cards are read, or the sample would be no sample",
                            one.card
                        ),
                    ));
                    continue;
                }
                _ => {
                    refused.push(Problem::lost(
                        name,
                        one.line,
                        format!(
                            "{} is drawn in several counties; say which with --county",
                            one.card
                        ),
                    ));
                    continue;
                }
            };
            let reading = Reading {
                card: card.key.clone(),
                reader: if one.reader.trim().is_empty() {
                    reader.to_owned()
                } else {
                    one.reader.clone()
                },
                found: one.found,
                votes: one
                    .votes
                    .iter()
                    .filter_map(|votes| {
                        let contest = election.get(votes.contest)?;
                        Some((contest.name.clone(), flow::marked_of(contest, votes)))
                    })
                    .collect(),
            };
            match flow::check_reading(&self.contests(), &reading) {
                Ok(()) => events.push(Event::Read(reading)),
                Err(why) => refused.push(Problem::lost(name, one.line, why.to_string())),
            }
        }
        Ok((events, refused))
    }

    /// The audit.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Takes the audit as it stands after more events; the files are the same.
    pub fn renew(&mut self, audit: Audit) {
        self.audit = audit;
    }

    fn contests(&self) -> Vec<ContestPlan> {
        self.audit
            .state()
            .opened()
            .map(|opened| opened.contests.clone())
            .unwrap_or_default()
    }

    /// The frame as `method` has it.
    pub fn frame(&self, method: Method) -> Result<Frame, Error> {
        Frame::build(self.counties.clone(), self.contests(), method).map_err(files)
    }

    /// What each method would cost.
    pub fn plan(&self) -> Result<Plan, Error> {
        let opened = self
            .audit
            .state()
            .opened()
            .ok_or(AuditError::NoSuch(self.audit.name().to_owned()))?;
        let limit = opened.risk_limit.parse().map_err(files)?;
        let contests = self.contests();
        let mut frame_of = |method| Frame::build(self.counties.clone(), contests.clone(), method);
        Ok(plan(&mut frame_of, &limit, opened.minutes_a_card)
            .map_err(files)?
            .0)
    }

    /// What is to be committed to when `method` is taken.
    ///
    /// Errors: an outcome that the method cannot audit. A contest whose margin is zero is committed to as one that needs a
    /// full hand count: its outcome has no assertions.
    pub fn commitment(&self, method: Method) -> Result<Committed, Error> {
        let frame = self.frame(method)?;
        let mut results = BTreeMap::new();
        for (place, one) in frame.contests().iter().enumerate() {
            if one.audited == Audited::No {
                continue;
            }
            let outcome = match Claim::of(&frame, place) {
                Ok(claim) => {
                    flow::check_method(&frame, &claim, method).map_err(files)?;
                    claim.outcome(one)
                }
                Err(OutcomeError::Tied { .. }) => flow::event::Outcome {
                    winners: Vec::new(),
                    votes: frame.stats(place).votes.clone(),
                    cards: frame.stats(place).cards(),
                    assertions: Vec::new(),
                    margin_votes: 0,
                },
                Err(error) => return Err(files(error)),
            };
            results.insert(one.contest.name.clone(), outcome);
        }
        let opened = self.audit.state().opened();
        Ok(Committed {
            inputs: opened.map(|opened| opened.inputs.clone()).unwrap_or_default(),
            method,
            cards: frame.cards(),
            frame: frame.digest(),
            results,
        })
    }

    pub(crate) fn committed(&self) -> Result<&Committed, Error> {
        match self.audit.state().committed() {
            Some((committed, _)) => Ok(committed),
            None => Err(flow::Refused::TooEarly {
                needs: "the files must be committed first (`pollwatch audit commit`)",
            }
            .into()),
        }
    }

    /// The draw of all rounds so far: empty before the first.
    pub fn draw(&self) -> Result<(Frame, Draw), Error> {
        let committed = self.committed()?;
        let frame = self.frame(committed.method)?;
        let draw = draw_of(self.audit.state(), &frame, committed.method).map_err(files)?;
        Ok((frame, draw))
    }

    /// The next round with the sizes that the plan asks for, or with `draws` for the contests named there.
    ///
    /// A contest that is confirmed or goes to a full count gets no more draws.
    pub fn next_round(&self, wanted: &BTreeMap<String, u64>) -> Result<Sampled, Error> {
        let committed = self.committed()?;
        let state = self.audit.state();
        let before = state.draws();
        let mut draws = before.clone();
        let round = state.rounds().len() as u32 + 1;
        if round > 1 && committed.method == Method::Minerva && !wanted.is_empty() {
            return Err(AuditError::Files(
                "with Minerva the sizes of later rounds follow from the first and cannot be chosen"
                    .to_owned(),
            )
            .into());
        }
        for name in wanted.keys() {
            if !self
                .contests()
                .iter()
                .any(|one| one.contest.name == *name && one.audited == Audited::Targeted)
            {
                return Err(AuditError::Files(format!("no cards are drawn for a contest {name:?}")).into());
            }
        }
        let sizes: BTreeMap<String, u64> = if round == 1 && committed.method.draws_batches() {
            let frame = self.frame(committed.method)?;
            let opened = state
                .opened()
                .ok_or(AuditError::NoSuch(self.audit.name().to_owned()))?;
            let limit = opened.risk_limit.parse().map_err(files)?;
            let mut sizes = BTreeMap::new();
            for (place, one) in frame.contests().iter().enumerate() {
                if one.audited == Audited::Targeted {
                    let claim = Claim::of(&frame, place).map_err(files)?;
                    let draws = flow::batch_draws(&frame, place, &claim, &limit).map_err(files)?;
                    sizes.insert(one.contest.name.clone(), draws);
                }
            }
            sizes
        } else if round == 1 {
            self.plan()?
                .options
                .into_iter()
                .filter(|option| option.method == committed.method)
                .flat_map(|option| option.contests)
                .map(|one| (one.contest, one.ninety))
                .collect()
        } else {
            self.assess()?
                .contests
                .into_iter()
                .filter(|one| one.audited == Audited::Targeted && one.verdict == flow::Verdict::NotYet)
                .map(|one| {
                    if committed.method == Method::Minerva {
                        let first = state
                            .rounds()
                            .first()
                            .and_then(|first| first.draws.get(&one.contest));
                        let draws = first.map_or(0, |first| flow::minerva_draws(*first, round));
                        return (one.contest, draws);
                    }
                    let more = one.more.map_or(one.drawn.max(1), |more| more.likely.max(1));
                    (one.contest, one.drawn + more)
                })
                .collect()
        };
        for (contest, size) in sizes.iter().chain(wanted) {
            let had = before.get(contest).copied().unwrap_or(0);
            if wanted.get(contest).is_none_or(|wanted| wanted == size) {
                draws.insert(contest.clone(), (*size).max(had));
            }
        }
        Ok(Sampled { round, draws })
    }

    /// What the readings say.
    pub fn assess(&self) -> Result<Assessment, Error> {
        let committed = self.committed()?;
        let (frame, draw) = self.draw()?;
        flow::assess(&frame, self.audit.state(), committed, &draw).map_err(files)
    }

    /// The report as a page.
    pub fn report(&self) -> Result<String, Error> {
        let (frame, draw) = self.draw()?;
        let state = self.audit.state();
        let assessment = flow::assess(&frame, state, self.committed()?, &draw).map_err(files)?;
        let head = head_of(self.audit.name(), state, &assessment)
            .ok_or_else(|| AuditError::NoSuch(self.audit.name().to_owned()))?;
        Ok(report_page(&Report {
            head: &head,
            state,
            frame: &frame,
            assessment: &assessment,
        }))
    }

    /// The cards to fetch, with what is to be read on them, sorted as they are walked.
    pub fn retrieval(&self) -> Result<Vec<RetrievalRow>, Error> {
        let (frame, draw) = self.draw()?;
        Ok(retrieval_of(self.audit.state(), &frame, &draw))
    }

    /// Whether a reading may be entered: its card was drawn, and it says something of every audited contest that the record
    /// has, or that the contest is not there.
    ///
    /// Errors: [`flow::Refused::NotDrawn`].
    pub fn check_drawn(draw: &Draw, card: &CardKey) -> Result<(), Error> {
        if draw.has(card) {
            Ok(())
        } else {
            Err(flow::Refused::NotDrawn { card: card.clone() }.into())
        }
    }

    /// Cards whose readings differ, with every reading and its entry in the log.
    pub fn disagreements(&self) -> Vec<(CardKey, Vec<(u64, Reading)>)> {
        let state = self.audit.state();
        state
            .disagreements()
            .into_iter()
            .map(|card| (card.clone(), state.readings_of(card).to_vec()))
            .collect()
    }
}

fn kind_text(contest: &Contest) -> String {
    let seats = |word: &str| match contest.winners {
        1 => word.to_owned(),
        seats => format!("{word}, {seats} seats"),
    };
    match contest.kind {
        ContestKind::Plurality => seats("most votes"),
        ContestKind::Approval => seats("most approvals"),
        ContestKind::Supermajority { share } => format!("more than {:.4} of the votes", share),
        ContestKind::MajorityOrRunoff => "majority or runoff".to_owned(),
        ContestKind::Irv => "instant runoff".to_owned(),
        ContestKind::DHondt => seats("highest averages (D'Hondt)"),
    }
}

/// Whether a row of readings means a drawn card: by what is printed on it, or by batch and record (or place in the batch).
fn is_card(frame: &Frame, card: &FrameCard, named: &CardId, county: Option<&str>) -> bool {
    let batch = &frame.batches()[card.batch];
    if county.is_some_and(|county| frame.counties()[batch.county].name != county) {
        return false;
    }
    let same_batch = (named.batch.tabulator.is_empty() || named.batch.tabulator == batch.id.tabulator)
        && named.batch.batch == batch.id.batch
        && (named.batch.container.is_empty() || named.batch.container == batch.id.container);
    match &card.paper {
        Paper::Record { card: record, .. } => {
            if !named.imprinted.is_empty() && !record.imprinted.is_empty() {
                return named.imprinted == record.imprinted;
            }
            same_batch && named.record == record.record
        }
        _ => same_batch && named.record.0 == u128::from(card.position),
    }
}

/// The draw that a state's rounds make of a frame.
pub(crate) fn draw_of(state: &flow::State, frame: &Frame, method: Method) -> Result<Draw, flow::FrameError> {
    let Some(seeded) = state.seeded() else {
        return Ok(Draw::default());
    };
    let mut draws = BTreeMap::new();
    for (name, count) in state.draws() {
        if let Some(place) = frame.contest(&name) {
            draws.insert(place, count);
        }
    }
    let usable: Vec<usize> = frame
        .contests()
        .iter()
        .enumerate()
        .filter(|(_, one)| one.audited != Audited::No)
        .map(|(place, _)| place)
        .collect();
    draw_cards(frame, method, &seeded.seed, &draws, &usable)
}

pub(crate) fn retrieval_of(state: &flow::State, frame: &Frame, draw: &Draw) -> Vec<RetrievalRow> {
    let mut contests: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
    for pick in &draw.picks {
        contests
            .entry(pick.card.ordinal)
            .or_default()
            .extend(audited_on(frame, &pick.card));
    }
    let mut rows: Vec<RetrievalRow> = draw
        .retrieval()
        .into_iter()
        .map(|(card, times)| {
            let batch = &frame.batches()[card.batch];
            let (record, imprinted) = match &card.paper {
                Paper::Record { card, .. } => (card.record.to_string(), card.imprinted.clone()),
                _ => (String::new(), String::new()),
            };
            RetrievalRow {
                county: frame.counties()[batch.county].name.clone(),
                container: batch.id.container.clone(),
                tabulator: batch.id.tabulator.clone(),
                batch: batch.id.batch.clone(),
                position: (card.paper != Paper::Batch).then_some(card.position),
                of: batch.real,
                record,
                imprinted,
                times,
                contests: contests
                    .get(&card.ordinal)
                    .into_iter()
                    .flatten()
                    .map(|place| frame.contests()[*place].contest.name.clone())
                    .collect(),
                key: card.key.0.clone(),
                is_read: !matches!(state.reading(&card.key), Known::Nothing)
                    || !matches!(state.batch_count(&card.key), Known::Nothing),
            }
        })
        .collect();
    rows.sort_by(RetrievalRow::walked);
    rows
}

/// The audited contests that a card may hold.
pub fn audited_on(frame: &Frame, card: &FrameCard) -> Vec<usize> {
    (0..frame.contests().len())
        .filter(|place| frame.contests()[*place].audited != Audited::No && frame.carries(card, *place))
        .collect()
}
