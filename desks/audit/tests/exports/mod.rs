//! Elections made up by proptest, and writers of them in the form of each voting system's export.
//!
//! A writer makes whatever its format allows; `Seen` is what a reader must then have seen, by names, in whatever order.

#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use pollwatch_audit::election::{CastVoteRecord, Election};
use pollwatch_audit::read::{CvrFormat, CvrRead, CvrSink, ReadError, RedactedGroup, Source, read_cvrs};
use pollwatch_model::Problem;
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

/// A contest of the made-up election.
#[derive(Debug, Clone)]
pub struct MadeContest {
    pub name: String,
    pub choices: Vec<String>,
    pub votes: u32,
    pub ranks: u16,
}

/// A card; for each contest on it the marks, as (rank, choice).
#[derive(Debug, Clone)]
pub struct MadeCard {
    pub tabulator: u32,
    pub batch: String,
    pub record: u64,
    pub style: String,
    pub votes: BTreeMap<usize, Vec<(u16, usize)>>,
}

#[derive(Debug, Clone)]
pub struct Made {
    pub contests: Vec<MadeContest>,
    pub cards: Vec<MadeCard>,
}

/// What a reader saw of one card: by tabulator, batch, record and imprinted id; then by contest its marks, and whether the source
/// called it overvoted.
pub type Seen = BTreeMap<(String, String, String, String), BTreeMap<String, Vis>>;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vis {
    pub marks: Vec<(u16, String)>,
    pub overvoted: bool,
    pub overvoted_ranks: Vec<u16>,
}

/// Names as officials write them: with commas, quotes, brackets, colons, accents; never only spaces, nor with spaces at the ends.
pub fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9][A-Za-z0-9 ,'\"&:;.()éñü中/=-]{0,18}[A-Za-z0-9.)é]".prop_map(|name| {
        let words: Vec<&str> = name.split_whitespace().collect();
        words.join(" ")
    })
}

fn names(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(name(), count)
        .prop_map(|names| names.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

/// An election; `ranked`: whether contests may be ranked; `votes`: the most votes allowed.
pub fn made(ranked: bool, votes: u32) -> impl Strategy<Value = Made> {
    let contests = names(1..5).prop_flat_map(move |names| {
        let each: Vec<_> = names
            .into_iter()
            .map(|contest| {
                (
                    Just(contest),
                    crate::exports::names(1..6),
                    1..=votes,
                    if ranked { 0u16..5 } else { 0u16..1 },
                )
                    .prop_map(|(name, choices, votes, ranks)| MadeContest {
                        name,
                        choices,
                        votes: if ranks > 0 { 1 } else { votes },
                        ranks,
                    })
            })
            .collect();
        each
    });
    let cards = prop::collection::vec(
        (
            1u32..4,
            "[A-C]-0[1-2]",
            1u64..10_000_000,
            "S[0-3]",
            prop::collection::vec(any::<Index>(), 40),
        ),
        0..12,
    );
    (contests, cards).prop_map(|(contests, cards)| {
        let mut taken = std::collections::BTreeSet::new();
        let cards = cards
            .into_iter()
            .filter(|(t, b, r, ..)| taken.insert((*t, b.clone(), *r)));
        let cards = cards
            .map(|(tabulator, batch, record, style, picks)| {
                let mut pick = picks.into_iter().cycle();
                let mut next = |below: usize| pick.next().map_or(0, |index| index.index(below));
                let mut votes = BTreeMap::new();
                for (at, contest) in contests.iter().enumerate() {
                    if next(4) == 0 {
                        continue;
                    }
                    let mut marks = Vec::new();
                    let most = if contest.ranks > 0 {
                        contest.ranks as usize
                    } else {
                        contest.votes as usize + 1
                    };
                    for rank in 1..=next(most + 1) {
                        let choice = next(contest.choices.len());
                        // A skipped rank now and then, and a second mark at one rank.
                        if contest.ranks > 0 && next(5) == 0 {
                            continue;
                        }
                        marks.push((if contest.ranks > 0 { rank as u16 } else { 0 }, choice));
                        if contest.ranks > 0 && next(6) == 0 {
                            marks.push((rank as u16, next(contest.choices.len())));
                        }
                    }
                    marks.sort_unstable();
                    marks.dedup();
                    votes.insert(at, marks);
                }
                MadeCard {
                    tabulator,
                    batch,
                    record,
                    style,
                    votes,
                }
            })
            .collect();
        Made { contests, cards }
    })
}

/// A subset of the cards in their order, for files that are split.
pub fn halves(made: &Made) -> impl Strategy<Value = Vec<usize>> + use<> {
    let count = made.cards.len();
    subsequence((0..count).collect::<Vec<_>>(), 0..=count)
}

impl Made {
    /// What a reader that loses nothing sees, with the imprinted id that `imprinted` gives a card.
    pub fn seen(&self, imprinted: impl Fn(&MadeCard) -> String) -> Seen {
        self.cards
            .iter()
            .map(|card| {
                let votes = card
                    .votes
                    .iter()
                    .map(|(at, marks)| {
                        let contest = &self.contests[*at];
                        let mut marks: Vec<(u16, String)> = marks
                            .iter()
                            .map(|(rank, choice)| (*rank, contest.choices[*choice].clone()))
                            .collect();
                        marks.sort();
                        (
                            contest.name.clone(),
                            Vis {
                                marks,
                                ..Vis::default()
                            },
                        )
                    })
                    .collect();
                let key = (
                    card.tabulator.to_string(),
                    card.batch.clone(),
                    card.record.to_string(),
                    imprinted(card),
                );
                (key, votes)
            })
            .collect()
    }
}

/// How a text file is written.
#[derive(Debug, Clone, Copy)]
pub enum Encoding {
    Utf8,
    Utf8Mark,
    Utf16Little,
    Utf16Big,
    Gzip,
}

pub fn encoding() -> impl Strategy<Value = Encoding> {
    prop::sample::select(vec![
        Encoding::Utf8,
        Encoding::Utf8Mark,
        Encoding::Utf16Little,
        Encoding::Utf16Big,
        Encoding::Gzip,
    ])
}

pub fn encode(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf8Mark => [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat(),
        Encoding::Utf16Little => [0xfeff]
            .into_iter()
            .chain(text.encode_utf16())
            .flat_map(|unit: u16| unit.to_le_bytes())
            .collect(),
        Encoding::Utf16Big => [0xfeff]
            .into_iter()
            .chain(text.encode_utf16())
            .flat_map(|unit: u16| unit.to_be_bytes())
            .collect(),
        Encoding::Gzip => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text.as_bytes()).unwrap();
            gzip.finish().unwrap()
        }
    }
}

/// Rows as CSV; `always`: every cell in quotation marks.
pub fn csv(rows: &[Vec<String>], always: bool, line_end: &str) -> String {
    let mut text = String::new();
    for row in rows {
        for (cell, at) in row.iter().zip(0..) {
            if at > 0 {
                text.push(',');
            }
            let formula = cell.starts_with("=\"") && cell.ends_with('"');
            if !formula && (always || cell.contains([',', '"', '\n', '\r'])) {
                write!(text, "\"{}\"", cell.replace('"', "\"\"")).unwrap();
            } else {
                text.push_str(cell);
            }
        }
        text.push_str(line_end);
    }
    text
}

pub fn zip(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Everything that a reader hands over.
#[derive(Debug, Default)]
pub struct Kept {
    pub records: Vec<CastVoteRecord>,
    pub problems: Vec<Problem>,
    pub groups: Vec<RedactedGroup>,
}

impl CvrSink for Kept {
    fn record(&mut self, _election: &Election, record: &CastVoteRecord) -> std::io::Result<()> {
        self.records.push(record.clone());
        Ok(())
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn group(&mut self, group: RedactedGroup) {
        self.groups.push(group);
    }
}

pub fn read(name: &str, bytes: Vec<u8>, format: Option<CvrFormat>) -> Result<(CvrRead, Kept), ReadError> {
    let mut kept = Kept::default();
    let read = read_cvrs(&mut Source::from_bytes(name, bytes), format, &mut kept)?;
    Ok((read, kept))
}

pub fn seen(election: &Election, records: &[CastVoteRecord]) -> Seen {
    let mut seen = Seen::new();
    for record in records {
        let mut votes = BTreeMap::new();
        for on in &record.votes {
            let contest = &election.contests[on.contest.index()];
            let mut marks: Vec<(u16, String)> = on
                .marks
                .iter()
                .map(|mark| (mark.rank, contest.candidates[mark.candidate.index()].name.clone()))
                .collect();
            marks.sort();
            let vis = Vis {
                marks,
                overvoted: on.overvoted,
                overvoted_ranks: on.overvoted_ranks.clone(),
            };
            assert!(
                votes.insert(contest.name.clone(), vis).is_none(),
                "a contest twice on one card"
            );
        }
        let card = &record.card;
        let key = (
            card.batch.tabulator.clone(),
            card.batch.batch.clone(),
            card.record.to_string(),
            card.imprinted.clone(),
        );
        assert!(seen.insert(key, votes).is_none(), "a card twice");
    }
    seen
}

/// Dominion's CSV export.
pub fn dominion_csv(made: &Made, formulas: bool, always: bool, line_end: &str) -> (String, Seen) {
    let id = |text: String| if formulas { format!("=\"{text}\"") } else { text };
    let lead = 8;
    let mut columns = Vec::new();
    for (at, contest) in made.contests.iter().enumerate() {
        for rank in 1..=contest.ranks.max(1) {
            for choice in 0..contest.choices.len() {
                columns.push((at, choice, if contest.ranks > 0 { rank } else { 0 }));
            }
        }
    }
    let blank = |count: usize| vec![String::new(); count];
    let mut rows = vec![
        [
            vec!["Made up".to_owned(), "5.10.50.85".to_owned()],
            blank(lead - 2 + columns.len()),
        ]
        .concat(),
    ];
    let head = |at: &usize| {
        let contest = &made.contests[*at];
        match contest.ranks {
            0 => format!("{} (Vote For={})", contest.name, contest.votes),
            ranks => format!(
                "{} (Number of positions=1, Number of ranks={ranks})",
                contest.name
            ),
        }
    };
    rows.push([blank(lead), columns.iter().map(|(at, ..)| head(at)).collect()].concat());
    let choice = |(at, choice, rank): &(usize, usize, u16)| {
        let name = &made.contests[*at].choices[*choice];
        if *rank > 0 {
            format!("{name}({rank})")
        } else {
            name.clone()
        }
    };
    rows.push([blank(lead), columns.iter().map(choice).collect()].concat());
    let names = [
        "CvrNumber",
        "TabulatorNum",
        "BatchId",
        "RecordId",
        "ImprintedId",
        "CountingGroup",
        "PrecinctPortion",
        "BallotType",
    ];
    rows.push(
        [
            names.map(str::to_owned).to_vec(),
            columns.iter().map(|_| "NP".to_owned()).collect(),
        ]
        .concat(),
    );
    let imprinted = |card: &MadeCard| format!("{}-{}-{}", card.tabulator, card.batch, card.record);
    for (card, at) in made.cards.iter().zip(1..) {
        let mut row = vec![
            id(at.to_string()),
            id(card.tabulator.to_string()),
            id(card.batch.clone()),
            id(card.record.to_string()),
            id(imprinted(card)),
            "Mail, early".to_owned(),
            id("Precinct 1".to_owned()),
            card.style.clone(),
        ];
        for (at, choice, rank) in &columns {
            row.push(match card.votes.get(at) {
                None => String::new(),
                Some(marks) => u8::from(marks.contains(&(*rank, *choice))).to_string(),
            });
        }
        rows.push(row);
    }
    (csv(&rows, always, line_end), made.seen(imprinted))
}

/// Clear Ballot's CSV export.
pub fn clear_ballot(made: &Made) -> (String, Seen) {
    let lead = [
        "RowNumber",
        "BoxID",
        "BoxPosition",
        "BallotID",
        "PrecinctID",
        "BallotStyleID",
        "ScanComputerName",
        "Remade",
    ];
    let mut columns = Vec::new();
    let mut head: Vec<String> = lead.map(str::to_owned).to_vec();
    for (at, contest) in made.contests.iter().enumerate() {
        for (choice, name) in contest.choices.iter().enumerate() {
            head.push(format!(
                "Choice_{}_1:{}:Vote For {}:{name}:NP",
                columns.len(),
                contest.name,
                contest.votes
            ));
            columns.push((at, choice));
        }
    }
    let mut rows = vec![head];
    let imprinted = |card: &MadeCard| format!("b-{}-{}", card.tabulator, card.record);
    for (card, at) in made.cards.iter().zip(1..) {
        let mut row = [
            at.to_string(),
            card.batch.clone(),
            card.record.to_string(),
            imprinted(card),
            "P".to_owned(),
            card.style.clone(),
            card.tabulator.to_string(),
            "0".to_owned(),
        ]
        .to_vec();
        for (at, choice) in &columns {
            row.push(match card.votes.get(at) {
                None => String::new(),
                Some(marks) => u8::from(marks.contains(&(0, *choice))).to_string(),
            });
        }
        rows.push(row);
    }
    (csv(&rows, false, "\n"), made.seen(imprinted))
}

/// ES&S: a zip of votes and ballots. One column says one choice, so that an overvote loses its names.
pub fn ess(made: &Made, hexadecimal: bool, first: &[usize]) -> (Vec<u8>, Seen) {
    let mut head: Vec<String> = ["Cast Vote Record", "Precinct", "Ballot Style"]
        .map(str::to_owned)
        .to_vec();
    let mut columns = Vec::new();
    for (at, contest) in made.contests.iter().enumerate() {
        for place in 1..=u32::from(contest.ranks).max(contest.votes) {
            head.push(match contest.ranks {
                0 => contest.name.clone(),
                ranks => format!("{} Choice {place} of {ranks}", contest.name),
            });
            columns.push((at, place));
        }
    }
    let id = |card: &MadeCard| match hexadecimal {
        true => format!(
            "{:032x}",
            (u128::from(card.tabulator) << 100) | (u128::from(card.record) << 7) | 0xf
        ),
        false => format!("{:04}{:06}", card.tabulator, card.record % 1_000_000),
    };
    let mut votes = vec![head];
    let mut seen = Seen::new();
    let mut ballots = [Vec::new(), Vec::new()];
    let mut taken = std::collections::BTreeSet::new();
    for (card, number) in made.cards.iter().zip(1usize..) {
        // Ten digits hold a million cards of a tabulator, over all its batches.
        if !taken.insert(id(card)) {
            continue;
        }
        let mut row = vec![number.to_string(), "P1".to_owned(), card.style.clone()];
        let mut vis: BTreeMap<String, Vis> = BTreeMap::new();
        for (at, place) in &columns {
            let contest = &made.contests[*at];
            let Some(marks) = card.votes.get(at) else {
                row.push(String::new());
                continue;
            };
            let seen = vis.entry(contest.name.clone()).or_default();
            let here: Vec<&(u16, usize)> = match contest.ranks {
                0 => marks.iter().collect(),
                _ => marks
                    .iter()
                    .filter(|(rank, _)| u32::from(*rank) == *place)
                    .collect(),
            };
            let cell = match (contest.ranks, &here[..]) {
                (0, marks) if marks.len() > contest.votes as usize => {
                    seen.overvoted = true;
                    "overvote".to_owned()
                }
                (0, marks) => match marks.get(*place as usize - 1) {
                    Some((_, choice)) => {
                        seen.marks.push((0, contest.choices[*choice].clone()));
                        contest.choices[*choice].clone()
                    }
                    None => "undervote".to_owned(),
                },
                (_, []) => "undervote".to_owned(),
                (_, [(rank, choice)]) => {
                    seen.marks.push((*rank, contest.choices[*choice].clone()));
                    contest.choices[*choice].clone()
                }
                (_, [(rank, _), ..]) => {
                    seen.overvoted_ranks.push(*rank);
                    "overvote".to_owned()
                }
            };
            row.push(cell);
        }
        vis.values_mut().for_each(|vis| vis.marks.sort());
        votes.push(row);
        let record = match hexadecimal {
            true => u128::from_str_radix(&id(card), 16).unwrap().to_string(),
            false => (card.record % 1_000_000).to_string(),
        };
        let tabulator = if hexadecimal {
            format!("DS200 {}", card.tabulator)
        } else {
            id(card)[..4].to_owned()
        };
        seen.insert((tabulator.clone(), card.batch.clone(), record, id(card)), vis);
        let machine = if hexadecimal { tabulator } else { String::new() };
        ballots[usize::from(first.contains(&(number - 1)))].push(vec![
            number.to_string(),
            card.batch.clone(),
            "Not Reviewed".to_owned(),
            id(card),
            machine,
        ]);
    }
    let mut head = vec!["Cast Vote Record", "Batch", "Ballot Status", "Tabulator CVR"];
    if hexadecimal {
        head.push("Machine");
    }
    let mut members = vec![(
        "export/votes.csv".to_owned(),
        csv(&votes, false, "\r\n").into_bytes(),
    )];
    for (mut rows, at) in ballots.into_iter().zip(1..) {
        // The order within a file of ballots is anybody's guess.
        rows.reverse();
        rows.iter_mut().for_each(|row| row.truncate(head.len()));
        let count = rows.len();
        rows.insert(0, head.iter().map(|name| (*name).to_owned()).collect());
        if at == 1 {
            let blank = |text: &str| vec![text.to_owned(), String::new(), String::new(), String::new()];
            rows.splice(
                0..0,
                [
                    blank("Ballots"),
                    blank("GEN"),
                    blank("County"),
                    blank("Nov 5"),
                    blank(""),
                ],
            );
            rows.push(blank(&format!("Total : {count}")));
        }
        members.push((
            format!("export/ballots_{at}.csv"),
            csv(&rows, false, "\r\n").into_bytes(),
        ));
    }
    (zip(&members), seen)
}

pub fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
        .replace('é', "&#233;")
}

/// Hart: a zip of XML files, or a zip of one zip for each tabulator.
pub fn hart(made: &Made, by_tabulator: bool) -> (Vec<u8>, Seen) {
    let guid = |card: &MadeCard| format!("guid-{}-{}-{}", card.tabulator, card.batch, card.record);
    let mut zips: BTreeMap<u32, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    for card in &made.cards {
        let mut contests = String::new();
        for (at, marks) in &card.votes {
            let contest = &made.contests[*at];
            let mut options = String::new();
            for (_, choice) in marks {
                let name = xml(&contest.choices[*choice]);
                write!(
                    options,
                    "<Option><Name>{name}</Name><Id>{choice}</Id><Value>1</Value></Option>"
                )
                .unwrap();
            }
            let left = (contest.votes as usize).saturating_sub(marks.len());
            let left = if left > 0 {
                format!("<Undervotes>{left}</Undervotes>")
            } else {
                String::new()
            };
            write!(
                contests,
                "<Contest><Name>{}</Name><Id>{at}</Id><Options>{options}</Options>{left}</Contest>",
                xml(&contest.name)
            )
            .unwrap();
        }
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><Cvr xmlns=\"http://tempuri.org/CVRDesign.xsd\"><Contests>{contests}\
             </Contests><BatchSequence>{}</BatchSequence><SheetNumber>1</SheetNumber><PrecinctSplit><Name>P</Name><Id>1</Id>\
             </PrecinctSplit><BatchNumber>{}</BatchNumber><CvrGuid>{}</CvrGuid></Cvr>",
            card.record,
            card.batch,
            guid(card)
        );
        let tabulator = if by_tabulator { card.tabulator } else { 0 };
        zips.entry(tabulator)
            .or_default()
            .push((format!("cvr/{}.xml", guid(card)), text.into_bytes()));
    }
    let named = by_tabulator && zips.len() > 1;
    let seen = made
        .seen(guid)
        .into_iter()
        .map(|((tabulator, batch, record, id), votes)| {
            (
                (if named { tabulator } else { String::new() }, batch, record, id),
                votes,
            )
        });
    let bytes = match by_tabulator {
        true => zip(&zips
            .iter()
            .map(|(tabulator, files)| (format!("{tabulator}.zip"), zip(files)))
            .collect::<Vec<_>>()),
        false => zip(&zips.remove(&0).unwrap_or_default()),
    };
    (bytes, seen.collect())
}

/// Dominion's JSON export, as a zip; `adjudicated`: the cards that somebody changed afterwards, so that the original is old.
pub fn dominion_json(made: &Made, adjudicated: &[usize], split: bool) -> (Vec<u8>, Seen) {
    use serde_json::json;
    let mut candidates = Vec::new();
    let mut ids = BTreeMap::new();
    for (at, contest) in made.contests.iter().enumerate() {
        for (choice, name) in contest.choices.iter().enumerate() {
            let id = 100 * (at + 1) + choice;
            ids.insert((at, choice), id);
            candidates.push(json!({"Description": name, "Id": id, "ExternalId": "", "ContestId": at + 1, "Type": "Regular"}));
        }
    }
    let contests: Vec<_> = made
        .contests
        .iter()
        .zip(1..)
        .map(|(contest, id)| {
            json!({"Description": contest.name, "Id": id, "VoteFor": contest.votes, "NumOfRanks": contest.ranks})
        })
        .collect();
    let mut seen = made.seen(|card| format!("{}-{}-{}", card.tabulator, card.batch, card.record));
    let mut sessions = Vec::new();
    for (at, card) in made.cards.iter().enumerate() {
        let contests: Vec<_> = card
            .votes
            .iter()
            .map(|(at, marks)| {
                let contest = &made.contests[*at];
                let over = contest.ranks == 0 && marks.len() > contest.votes as usize;
                if over {
                    let key = (
                        card.tabulator.to_string(),
                        card.batch.clone(),
                        card.record.to_string(),
                        format!("{}-{}-{}", card.tabulator, card.batch, card.record),
                    );
                    let vis = seen.get_mut(&key).unwrap().get_mut(&contest.name).unwrap();
                    *vis = Vis { overvoted: true, ..Vis::default() };
                }
                let marks: Vec<_> = marks
                    .iter()
                    .map(|(rank, choice)| {
                        json!({"CandidateId": ids[&(*at, *choice)], "Rank": (*rank).max(1), "IsAmbiguous": false,
                            "MarkDensity": 100, "IsVote": if contest.ranks > 0 { *rank == 1 } else { !over }})
                    })
                    .chain([json!({"CandidateId": ids[&(*at, 0)], "Rank": 1, "IsAmbiguous": true, "IsVote": false})])
                    .collect();
                json!({"Id": at + 1, "Undervotes": 0, "Overvotes": u8::from(over), "Marks": marks})
            })
            .collect();
        let form = |contests: serde_json::Value, current: bool| json!({"PrecinctPortionId": 1, "BallotTypeId": 1, "IsCurrent": current, "Cards": [{"Id": 1, "Contests": contests}]});
        let mut session = json!({"TabulatorId": card.tabulator, "BatchId": card.batch, "RecordId": card.record,
            "CountingGroupId": 1, "ImageMask": "", "Original": form(json!(contests), true)});
        if adjudicated.contains(&at) {
            session["Original"] = form(json!([]), false);
            session["Modified"] = form(json!(contests), true);
        }
        sessions.push(session);
    }
    let manifest = |list: Vec<serde_json::Value>| {
        json!({"Version": "5.10.11.24", "List": list})
            .to_string()
            .into_bytes()
    };
    let mut members = vec![
        ("ContestManifest.json".to_owned(), manifest(contests)),
        ("CandidateManifest.json".to_owned(), manifest(candidates)),
        (
            "BallotTypeManifest.json".to_owned(),
            manifest(vec![json!({"Description": "Type 1", "Id": 1})]),
        ),
    ];
    let export = |sessions: &[serde_json::Value]| {
        json!({"Version": "5.10", "ElectionId": "Made up", "Sessions": sessions})
            .to_string()
            .into_bytes()
    };
    match split {
        true => {
            let (a, b) = sessions.split_at(sessions.len() / 2);
            members.push(("CvrExport_1.json".to_owned(), export(a)));
            members.push(("CvrExport_2.json".to_owned(), export(b)));
        }
        false => members.push(("CvrExport.json".to_owned(), export(&sessions))),
    }
    (zip(&members), seen)
}

/// The common data format, as XML or JSON; `definitions_last`: the election stands behind the records.
pub fn nist(made: &Made, json: bool, definitions_last: bool, prefix: &str) -> (String, Seen) {
    use serde_json::json;
    let seen = made.seen(|card| format!("audit-{}-{}-{}", card.tabulator, card.batch, card.record));
    let selection = |at: usize, choice: usize| format!("s{at}-{choice}");
    // Marks of an unranked overvote are indications that are not allocable; the contest says that it is overvoted.
    let over = |at: usize, marks: &[(u16, usize)]| {
        made.contests[at].ranks == 0 && marks.len() > made.contests[at].votes as usize
    };
    let seen: Seen = seen
        .into_iter()
        .map(|(key, votes)| {
            let votes = votes.into_iter().map(|(name, vis)| {
                let at = made
                    .contests
                    .iter()
                    .position(|contest| contest.name == name)
                    .unwrap();
                let marks: Vec<(u16, usize)> = vis.marks.iter().map(|(rank, _)| (*rank, 0)).collect();
                let vis = if over(at, &marks) {
                    Vis {
                        overvoted: true,
                        ..Vis::default()
                    }
                } else {
                    vis
                };
                (name, vis)
            });
            (key, votes.collect())
        })
        .collect();
    if json {
        let contests: Vec<_> = made
            .contests
            .iter()
            .enumerate()
            .map(|(at, contest)| {
                let selections: Vec<_> = (0..contest.choices.len())
                    .map(|choice| {
                        json!({"@type": "CVR.CandidateSelection", "@id": selection(at, choice), "CandidateIds": [format!("c{at}-{choice}")]})
                    })
                    .collect();
                json!({"@type": "CVR.CandidateContest", "@id": format!("k{at}"), "Name": contest.name,
                    "VotesAllowed": contest.votes, "VoteVariation": if contest.ranks > 0 { "rcv" } else { "n-of-m" },
                    "ContestSelection": selections})
            })
            .collect();
        let candidates: Vec<_> = made
            .contests
            .iter()
            .enumerate()
            .flat_map(|(at, contest)| {
                contest.choices.iter().enumerate().map(move |(choice, name)| {
                    json!({"@type": "CVR.Candidate", "@id": format!("c{at}-{choice}"), "Name": name})
                })
            })
            .collect();
        let records: Vec<_> = made
            .cards
            .iter()
            .map(|card| {
                let contests: Vec<_> = card
                    .votes
                    .iter()
                    .map(|(at, marks)| {
                        let over = over(*at, marks);
                        let selections: Vec<_> = marks
                            .iter()
                            .map(|(rank, choice)| {
                                let mut position = json!({"@type": "CVR.SelectionPosition", "HasIndication": "yes",
                                    "NumberVotes": 1, "IsAllocable": if over { "no" } else { "yes" }});
                                if *rank > 0 {
                                    position["Rank"] = json!(rank);
                                }
                                json!({"@type": "CVR.CVRContestSelection", "ContestSelectionId": selection(*at, *choice),
                                    "SelectionPosition": [position]})
                            })
                            .collect();
                        json!({"@type": "CVR.CVRContest", "ContestId": format!("k{at}"), "Overvotes": u8::from(over),
                            "CVRContestSelection": selections})
                    })
                    .collect();
                json!({"@type": "CVR.CVR", "BatchId": card.batch, "BatchSequenceId": card.record,
                    "CreatingDeviceId": format!("d{}", card.tabulator), "CurrentSnapshotId": "now", "ElectionId": "e",
                    "BallotAuditId": format!("audit-{}-{}-{}", card.tabulator, card.batch, card.record),
                    "CVRSnapshot": [{"@type": "CVR.CVRSnapshot", "@id": "before", "Type": "original", "CVRContest": []},
                        {"@type": "CVR.CVRSnapshot", "@id": "now", "Type": "modified", "CVRContest": contests}]})
            })
            .collect();
        let devices: Vec<_> =
            (1..4).map(|t| json!({"@type": "CVR.ReportingDevice", "@id": format!("d{t}"), "SerialNumber": t.to_string()})).collect();
        // Keys come in the order of the alphabet; the records' key is the first or, here, made to be the last of all.
        let report = json!({"@type": "CVR.CastVoteRecordReport", "Version": "1.0.0", "CVR": records,
            "Election": [{"@type": "CVR.Election", "@id": "e", "Contest": contests, "Candidate": candidates}],
            "ReportingDevice": devices});
        return (report.to_string(), seen);
    }
    let p = prefix;
    let x = |name: &str, inner: &str| format!("<{p}{name}>{inner}</{p}{name}>\n");
    let mut records = String::new();
    for card in &made.cards {
        let mut contests = String::new();
        for (at, marks) in &card.votes {
            let over = over(*at, marks);
            let mut inner = x("ContestId", &format!("k{at}"));
            for (rank, choice) in marks {
                let rank = if *rank > 0 {
                    x("Rank", &rank.to_string())
                } else {
                    String::new()
                };
                let position = x("HasIndication", "yes")
                    + &x("IsAllocable", if over { "no" } else { "yes" })
                    + &x("NumberVotes", "1")
                    + &rank;
                inner += &x(
                    "CVRContestSelection",
                    &(x("ContestSelectionId", &selection(*at, *choice)) + &x("SelectionPosition", &position)),
                );
            }
            inner += &x("Overvotes", if over { "1" } else { "0" });
            contests += &x("CVRContest", &inner);
        }
        records += &x(
            "CVR",
            &(x(
                "BallotAuditId",
                &xml(&format!(
                    "audit-{}-{}-{}",
                    card.tabulator, card.batch, card.record
                )),
            ) + &x("BatchId", &xml(&card.batch))
                + &x("BatchSequenceId", &card.record.to_string())
                + &x("CreatingDeviceId", &format!("d{}", card.tabulator))
                + &x("CurrentSnapshotId", "now")
                + &format!(
                    "<{p}CVRSnapshot ObjectId=\"before\"><{p}Type>original</{p}Type></{p}CVRSnapshot>"
                )
                + &format!("<{p}CVRSnapshot ObjectId=\"now\">{contests}</{p}CVRSnapshot>")),
        );
    }
    let mut election = String::new();
    for (at, contest) in made.contests.iter().enumerate() {
        for (choice, name) in contest.choices.iter().enumerate() {
            election += &format!(
                "<{p}Candidate ObjectId=\"c{at}-{choice}\"><{p}Name>\n\t{}\n</{p}Name></{p}Candidate>",
                xml(name)
            );
        }
    }
    for (at, contest) in made.contests.iter().enumerate() {
        let mut inner = String::new();
        for choice in 0..contest.choices.len() {
            inner += &format!(
                "<{p}ContestSelection xsi:type=\"{p}CandidateSelection\" ObjectId=\"{}\"><{p}CandidateIds>c{at}-{choice}\
                 </{p}CandidateIds></{p}ContestSelection>",
                selection(at, choice)
            );
        }
        inner += &x("Name", &format!("<![CDATA[{}]]>", contest.name));
        inner += &x("VoteVariation", if contest.ranks > 0 { "rcv" } else { "n-of-m" });
        inner += &x("VotesAllowed", &contest.votes.to_string());
        election +=
            &format!("<{p}Contest xsi:type=\"{p}CandidateContest\" ObjectId=\"k{at}\">{inner}</{p}Contest>");
    }
    let mut definitions = format!("<{p}Election ObjectId=\"e\">{election}</{p}Election>");
    for t in 1..4 {
        definitions += &format!(
            "<{p}ReportingDevice ObjectId=\"d{t}\">{}</{p}ReportingDevice>",
            x("SerialNumber", &t.to_string())
        );
    }
    let (first, second) = if definitions_last {
        (records, definitions)
    } else {
        (definitions, records)
    };
    let space = if p.is_empty() {
        "xmlns".to_owned()
    } else {
        format!("xmlns:{}", p.trim_end_matches(':'))
    };
    let text = format!(
        "<?xml version=\"1.0\"?>\n<!-- made up --><{p}CastVoteRecordReport {space}=\"http://itl.nist.gov/ns/voting/1500-103/v1\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{first}{second}</{p}CastVoteRecordReport>"
    );
    (text, seen)
}

/// The text form of RAIRE programs: every contest is ranked, without skipped ranks or two marks at one rank.
pub fn raire(made: &Made) -> (String, Seen) {
    let mut text = format!("{}\n", made.contests.len());
    for (at, contest) in made.contests.iter().enumerate() {
        let ids: Vec<String> = (0..contest.choices.len())
            .map(|choice| (choice + 1).to_string())
            .collect();
        writeln!(
            text,
            "Contest,{at},{},{}{}",
            ids.len(),
            ids.join(","),
            if at % 2 == 0 { ",winner,1" } else { "" }
        )
        .unwrap();
    }
    let mut seen = Seen::new();
    for at in 0..made.contests.len() {
        for card in &made.cards {
            let Some(marks) = card.votes.get(&at) else {
                continue;
            };
            let mut choices: Vec<usize> = Vec::new();
            for (_, choice) in marks {
                if !choices.contains(choice) {
                    choices.push(*choice);
                }
            }
            let id = format!(
                "{}_{}_{}",
                card.tabulator,
                card.batch.replace('-', ""),
                card.record
            );
            let names: Vec<String> = choices.iter().map(|choice| (choice + 1).to_string()).collect();
            writeln!(text, "{at},{id},{}", names.join(",")).unwrap();
            let key = (
                card.tabulator.to_string(),
                card.batch.replace('-', ""),
                card.record.to_string(),
                id,
            );
            let marks = names
                .into_iter()
                .zip(1u16..)
                .map(|(name, rank)| (rank, name))
                .collect();
            seen.entry(key).or_default().insert(
                at.to_string(),
                Vis {
                    marks,
                    ..Vis::default()
                },
            );
        }
    }
    (text, seen)
}
