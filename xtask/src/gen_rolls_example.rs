//! Writes the rolls of `examples/us-2018/rolls`: six weekly files of an invented state, the last of which somebody tampered with.
//!
//! Every voter, street and county is made up of syllables. Churn is drawn from a generator of fixed seed; in the third week a
//! precinct is renumbered, in the fourth a county works off notices that its calendar announces, and before the last file the
//! house numbers of one party's voters in one county had two digits exchanged and the mail of others was sent to one box.
//! The same program gives the same lines on every machine. Nothing is fetched.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};

use crate::gen_example::Dice;

/// Where the pseudo-random numbers start. Any other number gives another state, as good as this one.
const SEED: u64 = 0x2018_0903;
/// The days of the files: Mondays before the election of 2018.
const DAYS: [(&str, &str); 6] = [
    ("2018-09-03", "09/03/2018"),
    ("2018-09-10", "09/10/2018"),
    ("2018-09-17", "09/17/2018"),
    ("2018-09-24", "09/24/2018"),
    ("2018-10-01", "10/01/2018"),
    ("2018-10-08", "10/08/2018"),
];
/// Counties and their entries at the beginning.
const COUNTIES: [(&str, usize); 6] = [
    ("ASHBROOK", 1_400),
    ("BRIARTON", 1_100),
    ("CALDERMERE", 900),
    ("DUNWICKE", 700),
    ("ELLERBY", 500),
    ("FENHOLLOW", 400),
];
const SYLLABLES: [&str; 24] = [
    "BRA", "DEL", "FEN", "GOR", "HAL", "IL", "JAR", "KES", "LOM", "MER", "NOR", "OST", "PEL", "QUI", "RAV",
    "SIL", "TOR", "UL", "VAN", "WEX", "YAR", "ZEL", "COR", "TAM",
];
const STREETS: [&str; 20] = [
    "LARKSPUR", "TEASEL", "BRACKEN", "SORREL", "YARROW", "COMFREY", "TANSY", "BURDOCK", "MALLOW", "CLOVER",
    "VETCH", "SEDGE", "RUSH", "FESCUE", "THRIFT", "CAMPION", "BETONY", "MULLEIN", "CHICORY", "TEAZLE",
];
const PARTIES: [&str; 3] = ["DEM", "REP", "UNA"];

/// What is written beside the files.
const CALENDAR: &str = "from,to,county,event,most,note\n2018-09-18,2018-09-24,4,list-maintenance,60,\"Confirmation cards returned, notice of 17 September\"\n";

#[derive(Clone)]
struct Voter {
    id: usize,
    county: usize,
    last: String,
    first: String,
    number: u64,
    street: usize,
    mail: u64,
    party: usize,
    status: &'static str,
    reason: &'static str,
    precinct: u64,
    born: u64,
    registered: String,
}

/// Writes the files or, with `check`, only says whether they hold what would be written.
pub fn run(check: bool) -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/us-2018/rolls");
    for (name, text) in files() {
        let path = folder.join(&name);
        if check {
            ensure!(
                read(&path)? == text,
                "{} is not what the generator makes",
                path.display()
            );
        } else if name.ends_with(".gz") {
            fs::create_dir_all(&folder)?;
            let file = fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
            let mut packed = GzBuilder::new().mtime(0).write(file, Compression::best());
            packed.write_all(text.as_bytes())?;
            packed.finish()?;
        } else {
            fs::create_dir_all(&folder)?;
            fs::write(&path, text)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        GzDecoder::new(&bytes[..]).read_to_string(&mut text)?;
    } else {
        text = String::from_utf8(bytes)?;
    }
    Ok(text)
}

/// Every file with its name.
fn files() -> Vec<(String, String)> {
    let mut dice = Dice::new(SEED);
    let mut voters = Vec::new();
    let mut next = 10_000;
    for (county, (_, count)) in COUNTIES.iter().enumerate() {
        for _ in 0..*count {
            voters.push(voter(&mut dice, &mut next, county, "05/12/2014"));
        }
    }
    let mut all = Vec::new();
    for (week, (iso, day)) in DAYS.iter().enumerate() {
        if week > 0 {
            churn(&mut dice, &mut voters, &mut next, week, DAYS[week - 1].1);
        }
        if week == DAYS.len() - 1 {
            tamper(&mut dice, &mut voters);
        }
        let _ = day;
        all.push((format!("roll_{iso}.txt.gz"), text(&voters)));
    }
    all.push(("calendar.csv".to_owned(), CALENDAR.to_owned()));
    all
}

fn voter(dice: &mut Dice, next: &mut usize, county: usize, registered: &str) -> Voter {
    let mut name =
        |parts: u64| -> String { (0..parts).map(|_| SYLLABLES[dice.below(24) as usize]).collect() };
    let (last, first) = (name(3), name(2));
    *next += 1;
    let is_inactive = dice.below(12) == 0;
    Voter {
        id: *next,
        county,
        last,
        first,
        number: 100 + dice.below(8_900),
        street: dice.below(20) as usize,
        mail: 0,
        party: dice.below(3) as usize,
        status: if is_inactive { "I" } else { "A" },
        reason: if is_inactive { "IN" } else { "AV" },
        precinct: 1 + dice.below(4),
        born: 1930 + dice.below(70),
        registered: registered.to_owned(),
    }
}

/// A week as rolls have them.
fn churn(dice: &mut Dice, voters: &mut Vec<Voter>, next: &mut usize, week: usize, day: &str) {
    for voter in voters.iter_mut().filter(|voter| voter.status != "R") {
        match dice.below(10_000) {
            0..25 => {
                voter.number = 100 + dice.below(8_900);
                voter.street = dice.below(20) as usize;
                voter.precinct = 1 + dice.below(4);
            }
            25..32 => voter.party = dice.below(3) as usize,
            32..40 => voter.mail = 1 + dice.below(9_000),
            40..48 if voter.status == "A" => (voter.status, voter.reason) = ("I", "IN"),
            48..52 if voter.status == "I" => (voter.status, voter.reason) = ("A", "AV"),
            52..64 => (voter.status, voter.reason) = ("R", "RD"),
            _ => {}
        }
    }
    // Removed entries leave the file some weeks later.
    voters.retain(|voter| voter.status != "R" || dice.below(3) > 0);
    if week == 2 {
        for voter in voters
            .iter_mut()
            .filter(|voter| voter.county == 1 && voter.precinct == 3 && voter.status != "R")
        {
            voter.precinct = 33;
        }
    }
    if week == 3 {
        let mut left = 40;
        for voter in voters
            .iter_mut()
            .filter(|voter| voter.county == 3 && voter.status == "A")
        {
            if left > 0 && dice.below(12) == 0 {
                (voter.status, voter.reason) = ("I", "IU");
                left -= 1;
            }
        }
    }
    for (county, (_, count)) in COUNTIES.iter().enumerate() {
        let most = (count / 300) as u64;
        for _ in 0..most + dice.below(most + 2) {
            let mut new = voter(dice, next, county, day);
            (new.status, new.reason) = ("A", "AN");
            voters.push(new);
        }
    }
}

/// What somebody did before the last file was drawn.
fn tamper(dice: &mut Dice, voters: &mut [Voter]) {
    let mut left = 48;
    for voter in voters
        .iter_mut()
        .filter(|voter| voter.county == 2 && voter.party == 1 && voter.status == "A")
    {
        let (tens, ones) = (voter.number / 10 % 10, voter.number % 10);
        if left > 0 && tens != ones && dice.below(4) > 0 {
            voter.number = voter.number / 100 * 100 + ones * 10 + tens;
            left -= 1;
        }
    }
    let mut left = 26;
    for voter in voters
        .iter_mut()
        .filter(|voter| voter.county == 4 && voter.status == "A")
    {
        if left > 0 && dice.below(5) == 0 {
            voter.mail = 7_700;
            left -= 1;
        }
    }
}

fn text(voters: &[Voter]) -> String {
    let mut text = String::from(
        "county_id\tcounty_desc\tncid\tlast_name\tfirst_name\tstatus_cd\treason_cd\tres_street_address\tzip_code\tmail_addr1\tregistr_dt\tparty_cd\tbirth_year\tprecinct_abbrv\n",
    );
    for voter in voters {
        let address = format!("{} {} LN", voter.number, STREETS[voter.street]);
        let mail = if voter.mail == 0 {
            address.clone()
        } else {
            format!("PO BOX {}", voter.mail)
        };
        text.push_str(&format!(
            "{}\t{}\tZZ{:07}\t{}\t{}\t{}\t{}\t{address}\t{:05}\t{mail}\t{}\t{}\t{}\t{:02}\n",
            voter.county + 1,
            COUNTIES[voter.county].0,
            voter.id,
            voter.last,
            voter.first,
            voter.status,
            voter.reason,
            1_000 + voter.county * 10,
            voter.registered,
            PARTIES[voter.party],
            voter.born,
            voter.precinct,
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_what_the_generator_makes() {
        run(true).expect("run `cargo xtask gen`");
    }
}
