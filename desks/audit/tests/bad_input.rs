//! What must be refused, or told and stepped over: with its file, its line, and words that say what to do.

mod exports;

use std::io::Write as _;

use exports::{Kept, csv, encode, read, zip};
use pollwatch_audit::election::{CandidateId, Contest, ContestKind, Election, Redaction};
use pollwatch_audit::read::{
    CvrFormat, Source, hand_reading_header, read_batch_tallies, read_cvrs, read_hand_readings, read_manifest,
};

fn refused(name: &str, bytes: Vec<u8>, format: Option<CvrFormat>) -> String {
    read(name, bytes, format)
        .expect_err("it should be refused")
        .to_string()
}

fn manifest(text: &str) -> Result<(usize, u64, Vec<String>), String> {
    let mut problems = Vec::new();
    read_manifest(
        &mut Source::from_bytes("manifest.csv", text.as_bytes().to_vec()),
        &mut |problem| {
            problems.push(problem.to_string());
        },
    )
    .map(|manifest| (manifest.batches.len(), manifest.cards(), problems))
    .map_err(|error| error.to_string())
}

const HEAD: &str = "Made up,5.10\n,,,,\"Mayor (Vote For=1)\",\"Mayor (Vote For=1)\"\n,,,,Ann,Bo\n\
                    TabulatorNum,BatchId,RecordId,ImprintedId,,\n";

fn dominion(rows: &str) -> (Vec<String>, Kept) {
    let (_, kept) = read("cvr.csv", format!("{HEAD}{rows}").into_bytes(), None).expect("it can be read");
    (kept.problems.iter().map(ToString::to_string).collect(), kept)
}

#[test]
fn faults_of_single_rows_are_told_and_the_rest_is_read() {
    let (problems, kept) = dominion(
        "1,A,1,1-A-1,1,0\n\
         1,A,2,1-A-2,yes,0\n\
         1,A,three,1-A-3,1,0\n\
         1,A,4,1-A-4,1\n\
         1,A,5,1-A-5,1,0,7\n\
         1,A,6,1-A-6,0,2\n\
         \"1\",\"A\",\"7\",\"1-A-7\",\"0\",\"1\"\n",
    );
    insta::assert_snapshot!(problems.join("\n"), @r#"
    cvr.csv:6: column 5 says "yes" where a vote is 0 or 1
    cvr.csv:7: RecordId is "three", not a number
    cvr.csv:8: it has 5 cells where the header has 6
    cvr.csv:9: it has 7 cells where the header has 6
    cvr.csv:10: a vote is a number above 1, and the row does not say that it sums several cards
    "#);
    let records: Vec<u128> = kept.records.iter().map(|record| record.card.record.0).collect();
    assert_eq!(records, [1, 7]);
}

#[test]
fn withheld_votes_are_cards_and_sums_are_none() {
    let (problems, kept) = dominion(
        "1,A,1,1-A-1,*,*\n\
         1,A,2,[Redacted],,\n\
         Redacted group 1,,,,7,12\n\
         1,A,3,1-A-3,1,0\n",
    );
    assert!(problems.is_empty(), "{problems:?}");
    let redactions: Vec<Redaction> = kept.records.iter().map(|record| record.redaction).collect();
    assert_eq!(
        redactions,
        [Redaction::Withheld, Redaction::Withheld, Redaction::None]
    );
    assert_eq!(kept.groups.len(), 1);
    assert_eq!(kept.groups[0].label, "Redacted group 1");
    assert_eq!(kept.groups[0].votes[0].1, [7, 12]);
}

#[test]
fn a_comma_within_a_formula_cell_does_not_shift_the_votes() {
    let (problems, kept) = dominion("1,=\"A, upper shelf\",=\"1\",=\"1-A,-1\",0,1\n");
    assert!(problems.is_empty(), "{problems:?}");
    let record = &kept.records[0];
    assert_eq!(record.card.batch.batch, "A, upper shelf");
    assert_eq!(record.card.imprinted, "1-A,-1");
    assert_eq!(record.votes[0].marks[0].candidate, CandidateId(1));
}

#[test]
fn old_encodings_are_read_and_said() {
    let mut bytes = HEAD.as_bytes().to_vec();
    bytes.extend_from_slice(b"1,Caf\xe9,1,x,1,0\n");
    let (_, kept) = read("cvr.csv", bytes, None).expect("it can be read");
    assert_eq!(kept.records[0].card.batch.batch, "Caf\u{e9}");
    assert_eq!(
        kept.problems[0].to_string(),
        "cvr.csv:5: this text is not UTF-8: read as Windows-1252"
    );
}

#[test]
fn whole_files_that_cannot_be_meant() {
    let both = "a\n,,,A (Vote For=1),A (Vote For=2)\n,,,x,y\nTabulatorNum,BatchId,RecordId,,\n";
    let ranks =
        "a\n,,,\"A (Number of positions=1, Number of ranks=2)\"\n,,,x\nTabulatorNum,BatchId,RecordId,\n";
    let open = format!("{HEAD}1,A,1,\"1-A-1,1,0\n{}", "1,A,2,1-A-2,1,0\n".repeat(400_000));
    let all = [
        refused("empty.csv", Vec::new(), None),
        refused("empty.csv", Vec::new(), Some(CvrFormat::DominionCsv)),
        refused("both.csv", both.into(), None),
        refused("ranks.csv", ranks.into(), None),
        refused("open.csv", open.into_bytes(), None),
        refused("alone.json", br#"{"Version":"5","ElectionId":"x","Sessions":[]}"#.to_vec(), None),
        refused("alone.zip", zip(&[("CvrExport.json".to_owned(), b"{}".to_vec())]), None),
        refused("two.zip", zip(&[("a.csv".to_owned(), b"Cast Vote Record,Ballot Style,Mayor\n1,a,b\n".to_vec())]), None),
        refused("cut.xml", b"<CastVoteRecordReport><CVR><CVRSnapshot>".to_vec(), None),
        refused("deep.xml", "<a>".repeat(100).into_bytes(), None),
        refused("deep.json", format!("{{\"CVR\":{}", "[".repeat(1000)).into_bytes(), None),
        refused(
            "entities.xml",
            b"<!DOCTYPE a [<!ENTITY b \"xxxx\">]><CastVoteRecordReport><Election><Name>&b;</Name></Election></CastVoteRecordReport>".to_vec(),
            None,
        ),
        refused("raire.txt", b"1\nContest,339,3,15,16\n".to_vec(), None),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn bombs_are_not_unpacked() {
    let zeros = vec![b'0'; 20 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(HEAD.as_bytes()).expect("memory");
    gzip.write_all(&zeros).expect("memory");
    let gzip = gzip.finish().expect("memory");
    let zipped = zip(&[("a.xml".to_owned(), [b"<Cvr>".as_slice(), &zeros].concat())]);
    let sheet = zip(&[("xl/workbook.xml".to_owned(), zeros)]);
    let mut all = vec![
        refused("bomb.csv.gz", gzip, None),
        refused("bomb.zip", zipped, Some(CvrFormat::Hart)),
    ];
    let error = read_manifest(&mut Source::from_bytes("bomb.xlsx", sheet), &mut |_| {}).expect_err("a bomb");
    all.push(error.to_string());
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn manifests_with_faults() {
    let head = "Container,Tabulator,Batch Name,Number of Ballots\n";
    let all: Vec<String> = [
        "B1,1,A,100\nB1,1,B,50\nB1,1,A,100\n",
        "B1,1,A,-3\n",
        "B1,1,A,1000000000000\n",
        "B1,1,A,ten\n",
        "B1,1,A,\n",
        "B1,1,,7\n",
        "B1,1,A,12.5\n",
        "",
    ]
    .iter()
    .map(|rows| manifest(&format!("{head}{rows}")).expect_err("a fault"))
    .chain([
        manifest("Batch,Number\nA,1\n").expect_err("a fault"),
        manifest("Batch,Batch Name,Ballots\nA,A,1\n").expect_err("a fault"),
    ])
    .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn manifests_as_people_make_them() {
    assert_eq!(
        manifest(
            "CountyID;ScannerID;BatchID;NumBallots;StorageLocation\nX;1;1;1,078;Bin 1\nX;1;2;78;Bin 1\n;;;1156;\n"
        ),
        Ok((
            2,
            1156,
            vec!["manifest.csv:4: it names no batch: read as a line of totals, and passed over".to_owned()]
        ))
    );
    assert_eq!(
        manifest("\u{feff}Batch Name\tNumber of Ballots\tNotes\nA\t5\thello\nB\t0\t\n"),
        Ok((
            2,
            5,
            vec![
                "manifest.csv:1: the column \"Notes\" is not read".to_owned(),
                "manifest.csv:3: batch B has no cards".to_owned()
            ]
        ))
    );
}

#[test]
fn batch_tallies() {
    let text =
        "jurisdiction,batch,ballots,Senate :: Ann,Senate :: \"Bo\" Ruiz\nADAMS,1,25,14,2\nADAMS,2,25,x,7\n";
    let read = |text: &str| {
        read_batch_tallies(
            &mut Source::from_bytes("t.csv", text.as_bytes().to_vec()),
            &mut |_| {},
        )
        .map_err(|error| error.to_string())
    };
    let error = read(text).expect_err("x is no number");
    assert_eq!(
        error,
        "t.csv:3: the number of votes for \"Ann\" of batch 2 is \"x\": it should be a whole number"
    );
}

fn county() -> Election {
    let mut election = Election::default();
    let mut mayor = Contest {
        votes_allowed: 2,
        ..Contest::new("Mayor")
    };
    for name in ["Ann Lee", "Bo | Ruiz", "Cy"] {
        mayor.add(name, false);
    }
    election.add(mayor);
    let mut ranked = Contest {
        kind: ContestKind::Irv,
        ranks: 3,
        ..Contest::new("Sheriff")
    };
    for name in ["Dee", "Eve", "Fay & Sons"] {
        ranked.add(name, false);
    }
    election.add(ranked);
    election
}

#[test]
fn hand_readings_say_what_is_on_the_card() {
    let election = county();
    let rows = [
        hand_reading_header(&election),
        [
            "",
            "1",
            "A",
            "1",
            "",
            "",
            "Board 1",
            "Ann Lee | cy",
            "Dee | | Eve",
        ]
        .map(str::to_owned)
        .to_vec(),
        [
            "",
            "1",
            "A",
            "2",
            "",
            "",
            "Board 1",
            "Bo | Ruiz",
            "Dee & Eve | Fay & Sons",
        ]
        .map(str::to_owned)
        .to_vec(),
        ["", "1", "A", "3", "", "", "Board 1", "blank", "not on card"]
            .map(str::to_owned)
            .to_vec(),
        ["", "1", "A", "4", "", "", "Board 1", "overvote", ""]
            .map(str::to_owned)
            .to_vec(),
        ["", "1", "A", "5", "", "no", "Board 1", "", ""]
            .map(str::to_owned)
            .to_vec(),
        ["", "1", "A", "6", "", "", "Board 1", "Mickey", ""]
            .map(str::to_owned)
            .to_vec(),
        ["", "1", "A", "7", "", "", "Board 1", "", ""]
            .map(str::to_owned)
            .to_vec(),
        ["", "1", "A", "8", "", "", "Board 1", "Cy | Cy", ""]
            .map(str::to_owned)
            .to_vec(),
        ["", "1", "A", "9", "", "no", "Board 1", "Cy", ""]
            .map(str::to_owned)
            .to_vec(),
        ["", "1", "A", "", "", "", "Board 1", "Cy", ""]
            .map(str::to_owned)
            .to_vec(),
        [
            "",
            "1",
            "A",
            "10",
            "",
            "",
            "Board 1",
            "Cy",
            "Dee | Eve | Fay & Sons | Dee",
        ]
        .map(str::to_owned)
        .to_vec(),
        ["", "1", "A", "11", "", "", "Board 1", "other", "other | Dee"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let mut told = Vec::new();
    let readings = read_hand_readings(
        &mut Source::from_bytes("hand.csv", csv(&rows, false, "\r\n").into_bytes()),
        &election,
        &mut |problem| told.push(problem.to_string()),
    )
    .expect("it can be read");
    let lines: Vec<String> = readings
        .iter()
        .map(|reading| {
            let votes: Vec<String> = reading
                .votes
                .iter()
                .map(|votes| {
                    let contest = &election.contests[votes.contest.index()];
                    let over = if votes.is_overvote(contest) { " over" } else { "" };
                    let marks: Vec<(u16, u32)> = votes
                        .marks
                        .iter()
                        .map(|mark| (mark.rank, mark.candidate.0))
                        .collect();
                    format!("{} {marks:?}{over}", contest.name)
                })
                .collect();
            format!("{} found {}: {}", reading.card, reading.found, votes.join("; "))
        })
        .collect();
    insta::assert_snapshot!([lines, told].concat().join("\n"));
}

#[test]
fn text_in_utf16_is_read_as_it_is_meant() {
    let text = format!("{HEAD}1,Überland,1,x,1,0\n");
    for encoding in [
        exports::Encoding::Utf16Little,
        exports::Encoding::Utf16Big,
        exports::Encoding::Utf8Mark,
    ] {
        let mut kept = Kept::default();
        read_cvrs(
            &mut Source::from_bytes("cvr.csv", encode(&text, encoding)),
            None,
            &mut kept,
        )
        .expect("it can be read");
        assert_eq!(kept.records[0].card.batch.batch, "Überland");
        assert!(kept.problems.is_empty());
    }
}
