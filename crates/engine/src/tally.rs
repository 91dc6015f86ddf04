//! The workspace's tally: what it rests on, recorded and set beside an earlier one.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use pollwatch_casework::tally::{
    Asked, Basis, Change, Field, Held, Question, Scale, Seen, Tally, Window, changes,
};
use pollwatch_ledger::evidence::{EvidenceReader, PieceDigest};
use pollwatch_model::register::{Target, TargetKind};
use pollwatch_model::{EvidenceId, TargetId};
use pollwatch_store::{DeclarationRecord, Dismissed, Store};

use crate::statement::{Content, RecordedTally, seal};
use crate::workspace::{Workspace, files};
use crate::{Error, desks};

/// Declarations that are read from the record at once.
const DECLARATIONS_AT_ONCE: u32 = 1_000;
/// Characters of a statement's digest that a tally is called by.
const TALLY_ID_CHARS: usize = 12;

/// What a tally is asked.
#[derive(Debug, Clone, Default)]
pub struct TallyQuery {
    /// The time that it speaks of; `None`: of each field all that its sources speak of, in whole days.
    pub window: Option<Window>,
    /// Where `window` names none: of these desks the time, which is else read off their sources.
    pub windows: BTreeMap<String, Window>,
    /// Only these desks; empty: all.
    pub desks: Vec<String>,
    /// Only these targets; empty: all of the register.
    pub targets: Vec<TargetId>,
    /// Only targets of these states; empty: of any or none.
    pub states: Vec<String>,
    /// Only targets of these kinds; empty: of any.
    pub kinds: Vec<TargetKind>,
}

/// A recorded tally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptTally {
    /// What it is called: `t-` and the beginning of its statement's digest.
    pub id: String,
    /// The statement that tells of it.
    pub statement: EvidenceId,
    /// Its place in the ledger.
    pub ledger_index: Option<u64>,
    /// What was recorded.
    pub recorded: RecordedTally,
}

/// What the tally of a statement is called.
pub(crate) fn tally_id(statement: &EvidenceId) -> String {
    format!("t-{}", &statement.to_string()[..TALLY_ID_CHARS])
}

impl Workspace {
    /// What the answer to `query` rests on; [`Basis::tally`] counts.
    ///
    /// Errors: a desk or target that does not exist; the record cannot be read.
    pub fn tally_basis(&self, query: &TallyQuery) -> Result<Basis, Error> {
        let mut fields = self.fields(query)?;
        let stored = self.all_findings(Dismissed::Included)?;
        let others = self.imported()?;
        let register = self.register();
        let aimed_at = stored.iter().map(|stored| &stored.finding.target.id);
        let aimed_at: Vec<&TargetId> = aimed_at
            .chain(others.findings.iter().map(|other| &other.finding.target.id))
            .collect();
        for id in &query.targets {
            if register.target(id).is_none() {
                return Err(Error::NoSuchTarget(id.clone()));
            }
        }
        let is_asked = |target: &&Target| {
            let by_name = query.targets.is_empty() || query.targets.contains(&target.id);
            let by_state = query.states.is_empty()
                || query
                    .states
                    .iter()
                    .any(|state| state.eq_ignore_ascii_case(&target.state));
            let by_kind = query.kinds.is_empty() || query.kinds.contains(&target.kind);
            // Another name of a target is that target, unless something was found under it.
            let is_own = target.same_as.is_none() || aimed_at.contains(&&target.id);
            by_name && by_state && by_kind && is_own
        };
        let asked = register.targets.iter().filter(is_asked).map(|target| Asked {
            id: target.id.clone(),
            name: target.name.clone(),
            state: target.state.clone(),
            assessors: target.assessors.clone(),
        });
        let targets: Vec<Asked> = asked.collect();
        let assessors = |id: &TargetId| {
            register
                .target(id)
                .map_or(&[][..], |target| target.assessors.as_slice())
        };

        let mut findings: Vec<Held> = Vec::with_capacity(stored.len() + others.findings.len());
        for one in &stored {
            let mut held = Held::of(
                &one.finding,
                one.decision.as_ref(),
                assessors(&one.finding.target.id),
            );
            held.revision = one.revision;
            held.statement = Some(one.statement);
            findings.push(held);
        }
        findings.extend(
            others
                .findings
                .iter()
                .map(|other| other.held(assessors(&other.finding.target.id))),
        );
        let own = self.coverage()?.into_iter().map(|coverage| Seen {
            origin: None,
            coverage,
        });
        let coverage: Vec<Seen> = own.chain(others.coverage).collect();
        if query.window.is_none() {
            for field in &mut fields {
                let named = query.windows.get(&field.desk).copied();
                field.window = named.or_else(|| window_of(&coverage, field));
            }
        }
        Ok(Basis::of(
            Question {
                window: query.window,
                fields,
                targets,
            },
            findings,
            coverage,
            others.withheld,
        ))
    }

    fn fields(&self, query: &TallyQuery) -> Result<Vec<Field>, Error> {
        let all = desks::all().iter().map(|desk| Field::of(desk.card()));
        if query.desks.is_empty() {
            return Ok(all.collect());
        }
        let all: Vec<Field> = all.collect();
        let named = query.desks.iter().map(|name| {
            let known = all.iter().find(|field| field.desk == *name);
            known.cloned().ok_or_else(|| {
                let names: Vec<&str> = all.iter().map(|field| field.desk.as_str()).collect();
                Error::NoSuchDesk {
                    given: name.clone(),
                    known: names.join(", "),
                }
            })
        });
        named.collect()
    }

    /// Records the tally of `basis`, so that next year's correction can be set beside it.
    pub fn record_tally(&mut self, basis: &Basis, now: Timestamp) -> Result<KeptTally, Error> {
        let bytes = basis.to_bytes()?;
        let tally = basis.tally();
        let recorded = RecordedTally {
            at: now,
            basis: EvidenceId::of(&bytes),
            sentences: tally.fields.iter().map(|field| field.sentence()).collect(),
            tally,
        };
        let body = serde_json::to_string(&recorded)?;
        let sealed = seal(Content::Tally(Box::new(recorded.clone())), self.nonce()?, now)?;
        let evidence = self.put(&[bytes.as_slice(), sealed.bytes.as_slice()])?;
        let record = DeclarationRecord {
            kind: "tally".to_owned(),
            body,
            statement: sealed.id,
            evidence,
            leaf: sealed.leaf,
            imported: None,
        };
        self.block_on(self.store().record_declaration(&record))
            .map_err(Error::store("write to"))?;
        self.sequence()?;
        let kept = self
            .tallies()?
            .into_iter()
            .find(|kept| kept.statement == sealed.id);
        kept.ok_or_else(|| Error::NoSuchTally("the tally is not in the record".to_owned()))
    }

    /// Every recorded tally, oldest first.
    pub fn tallies(&self) -> Result<Vec<KeptTally>, Error> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .block_on(
                    self.store()
                        .declarations(Some("tally"), after, DECLARATIONS_AT_ONCE),
                )
                .map_err(Error::store("read"))?;
            let Some(last) = page.last() else {
                return Ok(all);
            };
            after = Some(last.id);
            for stored in page {
                all.push(KeptTally {
                    id: tally_id(&stored.statement),
                    statement: stored.statement,
                    ledger_index: stored.ledger_index,
                    recorded: serde_json::from_str(&stored.body)?,
                });
            }
        }
    }

    /// The recorded tally whose id begins with `prefix`, and its basis.
    ///
    /// Errors: [`Error::NoSuchTally`], also when its basis is no longer in the evidence folder.
    pub fn recorded_tally(&self, prefix: &str) -> Result<(KeptTally, Basis), Error> {
        let wanted = prefix.trim().to_ascii_lowercase();
        let wanted = if wanted.starts_with("t-") {
            wanted
        } else {
            format!("t-{wanted}")
        };
        let mut fitting: Vec<KeptTally> = self.tallies()?;
        fitting.retain(|kept| wanted.len() > 2 && kept.id.starts_with(&wanted));
        let kept = match fitting.len() {
            0 => {
                return Err(Error::NoSuchTally(format!(
                    "there is no recorded tally {prefix:?}"
                )));
            }
            1 => fitting.remove(0),
            more => {
                return Err(Error::NoSuchTally(format!(
                    "{prefix:?} fits {more} recorded tallies"
                )));
            }
        };
        let lost = || {
            Error::NoSuchTally(format!(
                "what tally {} rests on is not in the evidence folder",
                kept.id
            ))
        };
        let mut reader = EvidenceReader::open(&self.dir().join(files::EVIDENCE));
        let bytes = reader
            .get(&PieceDigest(*kept.recorded.basis.digest()))
            .map_err(Error::ledger("read the evidence of"))?
            .ok_or_else(lost)?;
        let basis = serde_json::from_slice(&bytes)?;
        Ok((kept, basis))
    }

    /// The count of the workspace as it stands.
    pub fn tally(&self, query: &TallyQuery) -> Result<Tally, Error> {
        Ok(self.tally_basis(query)?.tally())
    }

    /// What stands elsewhere in the answer to `now` than in the recorded `then`, and why.
    pub fn tally_changes(&self, then: &Basis, now: &Basis) -> Vec<Change> {
        changes(then, now)
    }
}

/// All time that the sources of a field speak of; of logs in whole days of UTC, because days are what is missing of them.
fn window_of(coverage: &[Seen], field: &Field) -> Option<Window> {
    let of_field = || {
        let own = coverage.iter().map(|seen| &seen.coverage);
        own.filter(|seen| seen.desk == field.desk)
    };
    let first = of_field().filter_map(|seen| seen.window.first).min()?;
    let last = of_field().filter_map(|seen| seen.window.last).max()?;
    if field.scale == Scale::Stages {
        // The last second that a source names is looked at to its end.
        return Window::new(first, last.checked_add(1.second()).ok()?).ok();
    }
    let day = |moment: Timestamp| TimeZone::UTC.to_datetime(moment).date();
    let midnight = |day: jiff::civil::Date| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok();
    Window::new(
        midnight(day(first))?,
        midnight(day(last).checked_add(1.day()).ok()?)?,
    )
    .ok()
}
