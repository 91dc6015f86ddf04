//! The rolls desk beside the csv-diff crate, DuckDB, and GNU sort with comm, on one pair of made-up rolls, each in a process of its own.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use pollwatch_rolls::compare::{Reading, Scratch, ingest};
use pollwatch_rolls::judge::Rules;
use pollwatch_rolls::layout::Layout;
use pollwatch_rolls::run::Comparison;

use crate::measure::{Took, once};
use crate::peers::{Peer, csv_diff, duckdb_rolls};
use crate::table::{NOTHING, count, markdown, memory, rate, seconds};
use crate::tools::{Said, say_peak, say_took};

/// Rows of each roll.
const ROWS: u64 = 5_000_000;
/// Of so many rows of the earlier roll one is changed, one is gone, and one is new in the later.
const CHANGED_EVERY: u64 = 250;
const GONE_EVERY: u64 = 3_300;
const NEW_EVERY: u64 = 1_000;
/// The identifier's column, by name and from 0.
const KEY: (&str, usize) = ("ncid", 3);
/// Counties of the roll.
const COUNTIES: u64 = 100;

const COLUMNS: [&str; 7] = [
    "tool",
    "changed, gone, new",
    "rows/s, wall",
    "wall",
    "CPU",
    "peak memory",
    "note",
];

/// Measures and prints.
pub fn run(scratch: &Path) -> anyhow::Result<()> {
    let folder = scratch.join("rolls");
    fs::create_dir_all(&folder)?;
    let (before, after) = pair(&folder, ROWS)?;
    let bytes = fs::metadata(&before)?.len() + fs::metadata(&after)?.len();
    let mut rows = Vec::new();
    let mut row = |name: &str, said: &Said, note: &str| -> anyhow::Result<()> {
        let took = said.took("")?;
        let number = |key: &str| {
            said.number(key)
                .map_or(NOTHING.to_owned(), |number| count(number as f64))
        };
        rows.push(vec![
            name.to_owned(),
            format!("{}, {}, {}", number("changed"), number("gone"), number("new")),
            count(rate(2 * ROWS, took.wall)),
            seconds(took.wall),
            seconds(took.cpu),
            memory(said.number("peak_kib")),
            note.to_owned(),
        ]);
        Ok(())
    };
    for path in [&before, &after] {
        // Both lie in the page cache, for every tool alike.
        Said::by_own("rolls-read", &[path])?;
    }
    let floor = Said::by_own("rolls-read", &[&before, &after]).context("cannot read the rolls")?;
    row(
        "plain read, lines counted",
        &floor,
        "both files, in the page cache",
    )?;
    eprintln!("rolls: Pollwatch");
    let own = Said::by_own("rolls-compare", &[&before, &after, &folder])?;
    row(
        "Pollwatch",
        &own,
        "rows paired, every change of every field counted by county and kind, all tests made; scratch files on disk",
    )?;
    let mut skipped = Vec::new();
    type SetUp = fn(&Path) -> anyhow::Result<Peer>;
    let peers: [(&str, SetUp, Vec<String>); 2] = [
        ("csv-diff", csv_diff, vec![KEY.1.to_string()]),
        (
            "DuckDB",
            duckdb_rolls,
            vec![KEY.0.to_owned(), folder.display().to_string()],
        ),
    ];
    for (name, set_up, more) in peers {
        eprintln!("rolls: {name}");
        let measured = set_up(scratch).and_then(|peer| {
            let said = Said::by(peer.command().args([&before, &after]).args(more))?;
            Ok((peer, said))
        });
        match measured {
            Ok((peer, said)) => row(peer.name, &said, peer.note)?,
            Err(error) => skipped.push(format!("skipped: {name}: {error:#}")),
        }
    }
    eprintln!("rolls: sort and comm");
    match Said::by_own("rolls-sort", &[&before, &after, &folder]) {
        Ok(said) => row(
            "GNU sort, comm",
            &said,
            "lines that only one file has: a changed row is one of each, fields and counties are not told",
        )?,
        Err(error) => skipped.push(format!("skipped: sort and comm: {error:#}")),
    }
    println!("{}", markdown("Rolls", &COLUMNS, &rows));
    let (changed, gone, new) = truth(ROWS);
    println!(
        "{} rows and 26 columns each, the later one in another order; {:.0} MB together; true: {} changed, {} gone, {} new. One run each. \
         Memory is the most that the process held, without the page cache.\n",
        count(ROWS as f64),
        bytes as f64 / 1e6,
        count(changed as f64),
        count(gone as f64),
        count(new as f64),
    );
    for line in skipped {
        println!("{line}\n");
    }
    Ok(())
}

/// The tools of this file, in a process of their own.
pub fn run_tool(name: &str, arguments: &[&str]) -> anyhow::Result<()> {
    match (name, arguments) {
        ("rolls-read", paths) => read(paths),
        ("rolls-make", [rows, folder]) => pair(Path::new(folder), rows.parse()?).map(|_| ()),
        ("rolls-compare", [before, after, scratch]) => compare(before, after, Path::new(scratch)),
        ("rolls-sort", [before, after, scratch]) => sort(before, after, Path::new(scratch)),
        _ => bail!("there is no tool {name} with these arguments"),
    }
}

fn read(paths: &[&str]) -> anyhow::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    let (lines, took) = once(|| {
        let mut lines = 0;
        for path in paths {
            let mut file = File::open(path)?;
            loop {
                let read = std::io::Read::read(&mut file, &mut buffer)?;
                if read == 0 {
                    break;
                }
                lines += memchr::memchr_iter(b'\n', &buffer[..read]).count();
            }
        }
        Ok(lines)
    })?;
    println!("lines={lines}");
    say_took("", took);
    say_peak();
    Ok(())
}

/// Pollwatch's own comparison, from files to what stands out.
fn compare(before: &str, after: &str, scratch: &Path) -> anyhow::Result<()> {
    let folder = scratch.join("partitions");
    fs::create_dir_all(&folder)?;
    let scratch = Scratch::new(&folder);
    let layout = Arc::new(Layout::built_in("nc").context("no layout nc")?);
    let (report, took) = once(|| {
        let mut comparison = Comparison::new(1);
        for path in [before, after] {
            let reading = Reading {
                name: path,
                layout: Arc::clone(&layout),
                plain: Some(PathBuf::from(path)),
                scratch: Some(&scratch),
                key: 1,
            };
            let mut bytes = BufReader::with_capacity(1 << 20, File::open(path)?);
            let read = ingest(&reading, &mut bytes, &mut |_| {})?;
            comparison.add(read.snapshot, 0, &mut |_| {})?;
        }
        let rules = Rules {
            correction: Default::default(),
            calendar: Default::default(),
        };
        Ok(comparison.finish(&rules, &mut |_| {})?)
    })?;
    let interval = report.intervals.first().context("nothing was compared")?;
    ensure!(interval.refused.is_none(), "{:?}", interval.refused);
    println!(
        "same={}\nchanged={}\ngone={}\nnew={}\ntests={}",
        interval.same, interval.changed, interval.gone, interval.new, report.judgement.tests
    );
    say_took("", took);
    say_peak();
    fs::remove_dir_all(&folder).ok();
    Ok(())
}

/// Sorts both files and counts the lines that only one has.
fn sort(before: &str, after: &str, scratch: &Path) -> anyhow::Result<()> {
    let begin = Instant::now();
    let sorted = [scratch.join("a.sorted"), scratch.join("b.sorted")];
    for (from, to) in [before, after].iter().zip(&sorted) {
        let status = Command::new("sort")
            .env("LC_ALL", "C")
            .args(["-S", "400M", "--parallel=2", "-T"])
            .arg(scratch)
            .arg("-o")
            .arg(to)
            .arg(from)
            .status()
            .context("cannot run sort")?;
        ensure!(status.success(), "sort ended with {status}");
    }
    let mut comm = Command::new("comm")
        .env("LC_ALL", "C")
        .arg("-3")
        .args(&sorted)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run comm")?;
    let (mut gone, mut new) = (0u64, 0u64);
    if let Some(out) = comm.stdout.take() {
        for line in std::io::BufRead::split(BufReader::new(out), b'\n') {
            if line?.starts_with(b"\t") {
                new += 1
            } else {
                gone += 1
            }
        }
    }
    comm.wait()?;
    let wall = begin.elapsed();
    for path in sorted {
        fs::remove_file(path).ok();
    }
    println!("gone={gone}\nnew={new}");
    let cpu = children_cpu().unwrap_or_default();
    say_took("", Took { cpu, wall });
    Ok(())
}

/// CPU time of the processes that this one has waited for (proc(5), fields 16 and 17, in hundredths of a second).
fn children_cpu() -> Option<Duration> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = text.rsplit(')').next()?.split_whitespace().collect();
    let ticks: u64 = fields.get(13)?.parse::<u64>().ok()? + fields.get(14)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

/// Changed, gone and new rows of a pair.
fn truth(rows: u64) -> (u64, u64, u64) {
    let of = |every: u64, salt: u64| {
        (0..rows)
            .filter(|id| mixed(*id, salt).is_multiple_of(every))
            .count() as u64
    };
    let gone = of(GONE_EVERY, 2);
    // Some that draw a change draw the value that they had.
    let differs = |id: u64| {
        let [mut one, mut other] = [Vec::new(), Vec::new()];
        row(&mut one, id, 0).and(row(&mut other, id, 1)).is_ok() && one != other
    };
    let changed = (0..rows)
        .filter(|id| mixed(*id, 1).is_multiple_of(CHANGED_EVERY) && !mixed(*id, 2).is_multiple_of(GONE_EVERY))
        .filter(|id| differs(*id))
        .count() as u64;
    (changed, gone, rows / NEW_EVERY)
}

/// A pair of rolls in the folder, made where it is not there. Every row is a function of its number, so that nothing is kept: the
/// later file takes the numbers in the order of an affine map, which is no order that the earlier one has.
fn pair(folder: &Path, rows: u64) -> anyhow::Result<(PathBuf, PathBuf)> {
    let paths = ["a", "b"].map(|which| folder.join(format!("roll_{rows}_{which}.txt")));
    if paths.iter().all(|path| path.is_file()) {
        let [before, after] = paths;
        return Ok((before, after));
    }
    eprintln!("rolls: making two rolls of {} rows", count(rows as f64));
    let write =
        |path: &Path, each: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>| -> anyhow::Result<()> {
            let part = path.with_extension("part");
            let mut out = BufWriter::with_capacity(1 << 20, File::create(&part)?);
            out.write_all(HEADER.as_bytes())?;
            each(&mut out)?;
            out.flush()?;
            Ok(fs::rename(part, path)?)
        };
    write(&paths[0], &mut |out| (0..rows).try_for_each(|id| row(out, id, 0)))?;
    let all = rows + rows / NEW_EVERY;
    // A prime that divides no number of rows below it: every number is met once.
    const STEP: u64 = 2_147_483_647;
    write(&paths[1], &mut |out| {
        for at in 0..all {
            let id = (u128::from(at) * u128::from(STEP) % u128::from(all)) as u64;
            if id < rows && mixed(id, 2).is_multiple_of(GONE_EVERY) {
                continue;
            }
            let version = u64::from(id < rows && mixed(id, 1).is_multiple_of(CHANGED_EVERY));
            row(out, id, version)?;
        }
        Ok(())
    })?;
    let [before, after] = paths;
    Ok((before, after))
}

const HEADER: &str = "county_id\tcounty_desc\tvoter_reg_num\tncid\tlast_name\tfirst_name\tmiddle_name\tstatus_cd\tvoter_status_desc\treason_cd\t\
    voter_status_reason_desc\tres_street_address\tres_city_desc\tstate_cd\tzip_code\tmail_addr1\tmail_city\tmail_zipcode\tconfidential_ind\t\
    registr_dt\trace_code\tparty_cd\tgender_code\tbirth_year\tprecinct_abbrv\tcong_dist_abbrv\n";

const LAST: [&str; 16] = [
    "ARDLEY", "BELTON", "CORDEZ", "DUNFIELD", "ELWOOD", "FARBERG", "GRAHAM", "HALSTEIN", "ISLAND", "KELINS",
    "LANBY", "MARSEN", "NORWOOD", "OSTERLEY", "PENDEZ", "RANWELL",
];
const FIRST: [&str; 12] = [
    "MARY", "JAMES", "LINDA", "ROBERT", "SUSAN", "DAVID", "KAREN", "THOMAS", "NANCY", "DANIEL", "RUTH",
    "PAUL",
];
const STREETS: [&str; 10] = [
    "OAK ST",
    "MAPLE RD",
    "PINE AVE",
    "CEDAR DR",
    "ELM LN",
    "MAIN CT",
    "CHURCH ST",
    "MILL RD",
    "RIVER WAY",
    "LAKE BLVD",
];

/// A number that looks random (SplitMix64).
fn mixed(id: u64, salt: u64) -> u64 {
    let mut z = id
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(salt.wrapping_mul(0xd1b5_4a32_d192_ed03));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Writes one voter; version 1 has moved, changed party, or was made inactive.
fn row(out: &mut dyn Write, id: u64, version: u64) -> std::io::Result<()> {
    let draw = |salt: u64, end: u64| mixed(id, 100 + salt) % end;
    let of = |list: &[&'static str], salt: u64| list[draw(salt, list.len() as u64) as usize];
    let county = draw(1, COUNTIES) + 1;
    let what = if version == 0 { 9 } else { draw(20, 10) };
    let moved = if what < 5 { 1_000 } else { 0 };
    let (status, words, reason) = if what == 5 || (version == 0 && draw(3, 10) == 0) {
        ("I", "INACTIVE", "IN")
    } else {
        ("A", "ACTIVE", "AV")
    };
    let explained = if reason == "IN" {
        "CONFIRMATION NOT RETURNED"
    } else {
        "VERIFIED"
    };
    let address = format!("{} {}", 1 + draw(4 + moved, 9_900), of(&STREETS, 5 + moved));
    let party = ["DEM", "REP", "UNA", "LIB"]
        [((draw(6, 4) + u64::from((6..10).contains(&what) && version == 1)) % 4) as usize];
    let (city, zip) = (draw(7, 60), 27_000 + county * 9 + draw(8, 9));
    writeln!(
        out,
        "{county}\tCOUNTY{county:03}\t{:012}\tAB{id:09}\t{}{}\t{}\t{}\t{status}\t{words}\t{reason}\t{explained}\t{address}\tCITY{city:02}\tNC\t{zip}\t\
         {address}\tCITY{city:02}\t{zip}\tN\t{:02}/{:02}/{}\t{}\t{party}\t{}\t{}\t{:02}\t{}",
        id + 9_000_000,
        of(&LAST, 9),
        of(&LAST, 10),
        of(&FIRST, 11),
        of(&FIRST, 12),
        1 + draw(13, 12),
        1 + draw(14, 28),
        1980 + draw(15, 46),
        ["W", "B", "A", "U"][draw(16, 4) as usize],
        ["F", "M"][draw(17, 2) as usize],
        1930 + draw(18, 78),
        draw(19, 20),
        county % 13 + 1,
    )
}
