//! Writes `examples/us-2018/audit`: a county election of its own making, with its manifest, the voting system's records, and what
//! people would read on the paper. Contests, people and numbers are invented. The same seed gives the same lines on every machine.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

use crate::gen_example::{Dice, read_gzip, write_gzip};

/// Where the pseudo-random numbers start. Any other number gives another election, as good as this one.
const SEED: u64 = 0x2018_1107;
const TABULATORS: u64 = 4;
const BATCHES: u64 = 12;
const CARDS: u64 = 75;
/// One card in so many is read otherwise by people than by the scanner.
const DIFFERS_EVERY: u64 = 90;
/// One card in so many has no mark in a contest.
const BLANK_EVERY: u64 = 25;
/// One card in so many has a mark too many in a contest.
const OVER_EVERY: u64 = 150;

/// A contest: name, votes allowed, candidates with their weights, and whether only cards of the second style hold it.
type Contest = (&'static str, usize, &'static [(&'static str, u64)], bool);

const CONTESTS: &[Contest] = &[
    (
        "State Senate District 4",
        1,
        &[("Imogen Farrow", 54), ("Desmond Achterberg", 42), ("Write-in", 1)],
        false,
    ),
    (
        "County Council At Large",
        2,
        &[
            ("Odalys Brandt", 34),
            ("Percival Nakano", 29),
            ("Thea Lindqvist", 20),
            ("Ulric Mbeki", 15),
        ],
        false,
    ),
    ("Library Levy", 1, &[("Yes", 57), ("No", 43)], false),
    (
        "Osprey Ridge School Board",
        1,
        &[("Wren Castellanos", 52), ("Ambrose Tull", 48)],
        true,
    ),
];

/// Writes the files or, with `check`, only says whether they hold what would be written.
pub fn run(check: bool) -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/us-2018/audit");
    let made = make();
    for (name, text) in [("cvr.csv.gz", &made.records), ("paper.csv.gz", &made.paper)] {
        let path = folder.join(name);
        match check {
            true => ensure!(
                read_gzip(&path)? == *text,
                "{} is not what the generator makes",
                path.display()
            ),
            false => write_gzip(&path, text)?,
        }
    }
    for (name, text) in [("manifest.csv", &made.manifest), ("contests.csv", &made.contests)] {
        let path = folder.join(name);
        let shown = || path.display().to_string();
        match check {
            true => {
                let found = fs::read_to_string(&path).with_context(shown)?;
                ensure!(
                    found == *text,
                    "{} is not what the generator makes",
                    path.display()
                );
            }
            false => fs::write(&path, text).with_context(shown)?,
        }
    }
    Ok(())
}

struct Made {
    records: String,
    paper: String,
    manifest: String,
    contests: String,
}

/// What a card says in a contest: places of the candidates that are marked.
type Marks = Vec<usize>;

fn make() -> Made {
    let mut dice = Dice::new(SEED);
    let mut made = Made {
        records: header(),
        paper: format!(
            "container,tabulator,batch,record,imprinted,found,reader{}\n",
            joined(CONTESTS.iter().map(|c| c.0))
        ),
        manifest: "Container,Tabulator,Batch Name,Number of Ballots\n".to_owned(),
        contests: contests(),
    };
    let mut number = 0;
    for tabulator in 1..=TABULATORS {
        for batch in 1..=BATCHES {
            let container = format!("Box {}", (tabulator - 1) * 3 + batch.div_ceil(4));
            let second_style = batch % 3 == 0;
            let _ = writeln!(made.manifest, "{container},{tabulator},{batch},{CARDS}");
            for record in 1..=CARDS {
                number += 1;
                let paper: Vec<Option<Marks>> = CONTESTS
                    .iter()
                    .map(|contest| (!contest.3 || second_style).then(|| marks(contest, &mut dice)))
                    .collect();
                let mut scanned = paper.clone();
                if dice.below(DIFFERS_EVERY) == 0 {
                    misread(&mut scanned, &mut dice);
                }
                let id = format!("{tabulator}-{batch}-{record}");
                let style = if second_style { "Style B" } else { "Style A" };
                let _ = write!(
                    made.records,
                    "=\"{number}\",=\"{tabulator}\",=\"{batch}\",=\"{record}\",=\"{id}\",Election Day,Pinewater {tabulator},{style}"
                );
                for (contest, marks) in CONTESTS.iter().zip(&scanned) {
                    for candidate in 0..contest.2.len() {
                        made.records.push_str(match marks {
                            None => ",",
                            Some(marks) if marks.contains(&candidate) => ",1",
                            Some(_) => ",0",
                        });
                    }
                }
                made.records.push_str("\r\n");
                let board = 1 + (tabulator + batch) % 2;
                let _ = write!(
                    made.paper,
                    "{container},{tabulator},{batch},{record},{id},yes,Board {board}"
                );
                for (contest, marks) in CONTESTS.iter().zip(&paper) {
                    let _ = write!(made.paper, ",{}", said(contest, marks.as_ref()));
                }
                made.paper.push('\n');
            }
        }
    }
    made
}

/// The four header rows of the voting system's export.
fn header() -> String {
    let columns: usize = CONTESTS.iter().map(|contest| contest.2.len()).sum();
    let each = |cell: &dyn Fn(&Contest, &str) -> String| {
        joined(
            CONTESTS
                .iter()
                .flat_map(|contest| contest.2.iter().map(move |(name, _)| cell(contest, name))),
        )
    };
    format!(
        "Pinewater County general election (invented),5.10.50.85{}\r\n,,,,,,,{}\r\n,,,,,,,{}\r\n\
         CvrNumber,TabulatorNum,BatchId,RecordId,ImprintedId,CountingGroup,PrecinctPortion,BallotType{}\r\n",
        ",".repeat(6 + columns),
        each(&|contest, _| format!("{} (Vote For={})", contest.0, contest.1)),
        each(&|_, name| name.to_owned()),
        ",".repeat(columns),
    )
}

/// Cells, each with a comma in front.
fn joined(cells: impl Iterator<Item = impl AsRef<str>>) -> String {
    cells.fold(String::new(), |line, cell| line + "," + cell.as_ref())
}

/// Seats, and which contests are audited. Votes and winners are left to the records, as the county reported them.
fn contests() -> String {
    let mut text = "contest,candidate,seats,votes allowed,kind,audit\n".to_owned();
    for (contest, at) in CONTESTS.iter().zip(0..) {
        let audit = ["yes", "yes", "also", "no"][at];
        for (name, _) in contest.2 {
            let _ = writeln!(
                text,
                "{},{name},{},{},plurality,{audit}",
                contest.0, contest.1, contest.1
            );
        }
    }
    text
}

fn marks(contest: &Contest, dice: &mut Dice) -> Marks {
    let (_, votes, candidates, _) = *contest;
    if dice.below(BLANK_EVERY) == 0 {
        return Marks::new();
    }
    let wanted = if dice.below(OVER_EVERY) == 0 {
        votes + 1
    } else {
        votes
    };
    let whole: u64 = candidates.iter().map(|(_, weight)| weight).sum();
    let mut marks = Marks::new();
    // A voter who draws a candidate again gives one vote less.
    for _ in 0..wanted {
        let mut left = dice.below(whole);
        for (at, (_, weight)) in candidates.iter().enumerate() {
            if left < *weight {
                if !marks.contains(&at) {
                    marks.push(at);
                }
                break;
            }
            left -= weight;
        }
    }
    marks.sort_unstable();
    marks
}

/// What scanners do with faint and stray marks: a mark is missed, or a stray one is taken for a vote.
fn misread(scanned: &mut [Option<Marks>], dice: &mut Dice) {
    let at = dice.below(3) as usize;
    let candidates = CONTESTS[at].2.len() as u64;
    let Some(marks) = &mut scanned[at] else { return };
    if marks.is_empty() || dice.below(3) == 0 {
        let stray = dice.below(candidates) as usize;
        if !marks.contains(&stray) {
            marks.push(stray);
            marks.sort_unstable();
        }
    } else {
        marks.remove(dice.below(marks.len() as u64) as usize);
    }
}

/// A cell of the form that people fill in.
fn said(contest: &Contest, marks: Option<&Marks>) -> String {
    match marks {
        None => "not on card".to_owned(),
        Some(marks) if marks.is_empty() => "blank".to_owned(),
        Some(marks) => marks
            .iter()
            .map(|at| contest.2[*at].0)
            .collect::<Vec<_>>()
            .join(" | "),
    }
}
