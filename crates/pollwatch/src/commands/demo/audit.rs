//! The demonstration's audit: a county of its own making, from the files to a package that is verified.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::Timestamp;
use pollwatch_audit::flow::event::{Answer, Answers, Opened, Role, Seeded, Yes};
use pollwatch_audit::flow::{Event, Verdict, compose, risk_text};
use pollwatch_engine::Workspace;
use pollwatch_engine::audit::{Audit, PublishHow, Session, load_audit_files, verify_package};
use pollwatch_model::TargetRef;

use crate::demo_data;
use crate::screen::{grouped, table, visible};

/// The audit's name.
const NAME: &str = "pinewater-2018";
/// The dice of the demonstration: the digits of the square root of three. Any twenty would do; with these, cards are drawn whose
/// record differs from their paper, and the audit has to go on.
const SEED: &str = "17320508075688772935";
/// Whose election it is: an entry of the example's register.
const TARGET: &str = "lakeside-elections";
/// Fewest cards of a style that may be published, as `pollwatch audit publish` has it.
const RARE_STYLE: u64 = 10;
/// Rounds after which the demonstration would be wrong about its own county.
const MAX_ROUNDS: u32 = 8;

/// Runs the audit, tells what came of it, and gives the folder of its package.
pub fn run(dir: &Path, workspace: &mut Workspace) -> anyhow::Result<PathBuf> {
    let scratch = std::env::temp_dir();
    let by = "Demonstration";
    let mut files = Vec::new();
    for (role, name, bytes) in [
        (Role::Manifest, "manifest.csv", demo_data::AUDIT_MANIFEST),
        (Role::Contests, "contests.csv", demo_data::AUDIT_CONTESTS),
        (Role::Cvr, "cvr.csv.gz", demo_data::AUDIT_RECORDS),
    ] {
        let path = dir.join("sources").join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        files.push((role, String::new(), path));
    }
    let inputs = workspace.take_audit_files(NAME, &files)?;
    let loaded = load_audit_files(workspace, NAME, &inputs, &scratch)?;
    let (contests, _) = compose(&loaded, &[], &[]).map_err(|error| anyhow::anyhow!("{error}"))?;
    let id = TARGET.parse()?;
    let target = workspace
        .register()
        .target(&id)
        .context("the example's register has the target")?;
    let target = TargetRef {
        id: target.id.clone(),
        name: target.name.clone(),
    };
    let yes = |because: &str| Answer {
        is_so: Yes::Yes,
        because: because.to_owned(),
    };
    let opened = Opened {
        title: "Pinewater County, November 2018 (invented)".to_owned(),
        target,
        risk_limit: "0.05".to_owned(),
        inputs,
        contests,
        answers: Answers {
            paper_trail: yes("invented: seals and logs were checked"),
            manifest_independent: yes("invented: cards were counted when the boxes came in"),
        },
        minutes_a_card: 3.0,
    };
    let append = |workspace: &mut Workspace, event: Event| -> anyhow::Result<Audit> {
        Ok(workspace.audit_append(NAME, by, vec![event], Timestamp::now())?)
    };
    let audit = append(workspace, Event::Opened(Box::new(opened)))?;
    let session = audit.read(&scratch)?;
    let method = session
        .plan()?
        .chosen
        .context("a method fits the demonstration's files")?;
    let committed = session.commitment(method)?;
    let cards = committed.cards;
    append(workspace, Event::Committed(Box::new(committed)))?;
    let seeded = Seeded {
        seed: SEED.to_owned(),
        rolled_at: Timestamp::now(),
        rolled_by: vec!["Demonstration".to_owned()],
        seen_by: vec!["Nobody: a demonstration".to_owned()],
        how: "fixed digits, so that every demonstration draws the same cards".to_owned(),
    };
    let mut audit = append(workspace, Event::Seeded(seeded))?;
    let paper = Paper::read()?;
    let mut rounds = 0;
    let (assessment, read) = loop {
        let mut session = audit.read(&scratch)?;
        rounds += 1;
        let sampled = session.next_round(&BTreeMap::new())?;
        let drawn = append(workspace, Event::Sampled(sampled))?;
        session.renew(drawn);
        let (events, refused) =
            session.readings_from_csv("paper.csv", paper.drawn(&session)?, None, "Demonstration")?;
        // The column of a contest that nobody audits is told and not read.
        let lost: Vec<_> = refused
            .iter()
            .filter(|problem| problem.records_lost > 0)
            .collect();
        anyhow::ensure!(
            lost.is_empty(),
            "the demonstration's own readings are refused: {lost:?}"
        );
        audit = workspace.audit_append(NAME, by, events, Timestamp::now())?;
        let session = workspace.audit(Some(NAME))?.read(&scratch)?;
        let assessment = session.assess()?;
        let is_open = assessment
            .contests
            .iter()
            .any(|one| one.verdict == Verdict::NotYet);
        if !is_open || rounds >= MAX_ROUNDS {
            let read = assessment.read;
            break (assessment, read);
        }
    };
    workspace.record_assessment(NAME, &assessment, Timestamp::now())?;
    println!(
        "\nThen it audited an invented county on paper: {} of {} cards were drawn by dice and read by hand, in {} \
         ({}).\n",
        grouped(read),
        grouped(cards),
        if rounds == 1 {
            "one round".to_owned()
        } else {
            format!("{rounds} rounds")
        },
        method.title()
    );
    let rows: Vec<Vec<String>> = assessment
        .contests
        .iter()
        .map(|one| {
            vec![
                visible(&one.contest),
                visible(&one.winners.join(", ")),
                one.verdict.title().to_owned(),
                one.risk.map_or_else(|| "-".to_owned(), risk_text),
                one.differences.len().to_string(),
            ]
        })
        .collect();
    println!(
        "{}",
        table(
            &[
                "contest",
                "reported to have won",
                "result",
                "risk",
                "cards that differ"
            ],
            &rows
        )
    );
    let package = dir.join("audit-package");
    let how = PublishHow {
        withholds_records: false,
        rare_style: RARE_STYLE,
        scratch: &scratch,
    };
    workspace.publish_audit(NAME, by, &package, &how, Timestamp::now())?;
    let checked = verify_package(&package, None, None, &scratch)?;
    if let Some(fault) = checked.fault {
        anyhow::bail!(
            "the demonstration's own package does not verify: {}: {}",
            fault.file,
            fault.why
        );
    }
    println!(
        "The package of the audit was verified from its {} public files.",
        grouped(checked.files)
    );
    Ok(package)
}

/// What people would read on every card; in a real audit nobody has this.
struct Paper {
    header: csv::StringRecord,
    rows: BTreeMap<(String, String, String), csv::StringRecord>,
}

impl Paper {
    fn read() -> anyhow::Result<Self> {
        let mut text = String::new();
        flate2::read::GzDecoder::new(demo_data::AUDIT_PAPER).read_to_string(&mut text)?;
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers()?.clone();
        let mut rows = BTreeMap::new();
        for row in reader.records() {
            let row = row?;
            let cell = |at: usize| row.get(at).unwrap_or_default().to_owned();
            // Container, tabulator, batch, record.
            rows.insert((cell(1), cell(2), cell(3)), row);
        }
        Ok(Paper { header, rows })
    }

    /// The rows of the cards that are drawn and not read yet, as the form that people fill in.
    fn drawn(&self, session: &Session) -> anyhow::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.header)?;
        let mut written = BTreeSet::new();
        for row in session.retrieval()?.into_iter().filter(|row| !row.is_read) {
            let key = (row.tabulator, row.batch, row.record);
            let paper = self
                .rows
                .get(&key)
                .with_context(|| format!("the example has no card {key:?}"))?;
            if written.insert(key) {
                writer.write_record(paper)?;
            }
        }
        Ok(writer.into_inner()?)
    }
}
