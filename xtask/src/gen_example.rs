//! Writes the streams of `examples/us-2018`: `names.txt.gz`, a list of names, and `certificates.jsonl.gz`, the same kind
//! of names as a certificate stream with times.
//!
//! Ordinary names are made from the word lists in `examples/us-2018/words`; the names that public reports called
//! imitations come from `reported.csv` and are laid among them at places drawn by a generator of fixed seed. The same
//! inputs give the same lines on every machine. Nothing is fetched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};

/// Where the pseudo-random numbers start. Any other number gives another stream, as good as this one.
const SEED: u64 = 0x2018_1106;
/// Lines of `names.txt.gz`.
const NAMES: usize = 60_000;
/// Lines of `certificates.jsonl.gz`.
const CERTIFICATES: usize = 4_000;
/// 2018-01-01T00:00:00Z.
const YEAR_START: u64 = 1_514_764_800;
/// Seconds of 2018.
const YEAR_SECONDS: u64 = 365 * 86_400;
/// One ordinary name in so many comes from the .gov list.
const GOV_EVERY: u64 = 20;

/// Writes both streams or, with `check`, only says whether the files hold what would be written.
pub fn run(check: bool) -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/us-2018");
    let streams = generate(&folder)?;
    for (name, text) in [
        ("names.txt.gz", &streams.names),
        ("certificates.jsonl.gz", &streams.certificates),
    ] {
        let path = folder.join(name);
        if check {
            // The lines are compared, not the bytes of the archive: another release of the compressor may pack them
            // otherwise.
            ensure!(
                read_gzip(&path)? == *text,
                "{} is not what the generator makes",
                path.display()
            );
        } else {
            write_gzip(&path, text)?;
        }
    }
    Ok(())
}

struct Streams {
    names: String,
    certificates: String,
}

/// A name that a public report called an imitation.
struct Reported {
    name: String,
    date: String,
}

/// Makes both streams from the files in `folder`.
fn generate(folder: &Path) -> anyhow::Result<Streams> {
    let reported = read_reported(&folder.join("reported.csv"))?;
    // Only a report with a day in 2018 can lend its day to a certificate; every other name goes into the plain list.
    let (dated, undated): (Vec<Reported>, Vec<Reported>) = reported
        .into_iter()
        .partition(|entry| entry.date.starts_with("2018-") && entry.date.len() == 10);

    let mut taken = quoted_names(&folder.join("register.toml"))?;
    for entry in dated.iter().chain(&undated) {
        taken.insert(entry.name.clone());
    }
    let mut ordinary = Ordinary::read(folder, taken)?;

    let mut lines = ordinary.hosts(NAMES - undated.len())?;
    for entry in &undated {
        let place = ordinary.dice.below(lines.len() as u64 + 1) as usize;
        lines.insert(place, entry.name.clone());
    }
    let mut names = lines.join("\n");
    names.push('\n');

    let certificates = certificate_stream(&mut ordinary, &dated)?;
    Ok(Streams { names, certificates })
}

/// The certificate stream: times in order, ordinary ones spread over the year, reported ones at the day of the report.
fn certificate_stream(ordinary: &mut Ordinary, dated: &[Reported]) -> anyhow::Result<String> {
    // Seconds since 1970 and thousandths, so that no floating point decides an order.
    let mut entries: Vec<(u64, u64, Vec<String>)> = Vec::with_capacity(CERTIFICATES);
    for entry in dated {
        // Trend Micro named this host of the name that Microsoft took over in August.
        let name = if entry.name == "senate.group" {
            "adfs.senate.group".to_owned()
        } else {
            entry.name.clone()
        };
        entries.push((midnight(&entry.date)?, 0, vec![name]));
    }
    while entries.len() < CERTIFICATES {
        let registered = ordinary.registered()?;
        let mut all = vec![registered.clone()];
        match ordinary.dice.below(10) {
            0..=5 => all.push(format!("www.{registered}")),
            6 => all.push(format!("*.{registered}")),
            7 => {
                for host in ["www", "mail", "webmail", "cpanel", "autodiscover"] {
                    all.push(format!("{host}.{registered}"));
                }
            }
            8 => all[0] = format!("mail.{registered}"),
            _ => {}
        }
        let seen = YEAR_START + ordinary.dice.below(YEAR_SECONDS);
        entries.push((seen, ordinary.dice.below(1000), all));
    }
    entries.sort();

    let mut text = String::new();
    for (index, (seen, thousandths, all)) in entries.iter().enumerate() {
        let domains: Vec<String> = all.iter().map(|name| format!("\"{name}\"")).collect();
        text.push_str(&format!(
            concat!(
                r#"{{"message_type":"certificate_update","data":{{"update_type":"X509LogEntry","cert_index":{index},"#,
                r#""leaf_cert":{{"subject":{{"CN":"{first}"}},"all_domains":[{domains}]}},"#,
                r#""seen":{seen}.{thousandths:03},"source":{{"name":"Demonstration (no real log)","url":"log.invalid"}}}}}}"#,
                "\n"
            ),
            index = index,
            first = all[0],
            domains = domains.join(","),
            seen = seen,
            thousandths = thousandths,
        ));
    }
    Ok(text)
}

/// Makes ordinary names, none twice and none that belongs to somebody in the register or in the reports.
struct Ordinary {
    dice: Dice,
    words: BTreeMap<String, Vec<String>>,
    patterns: Weighted<(String, String)>,
    endings: BTreeMap<String, Weighted<String>>,
    hosts: Weighted<String>,
    gov: Vec<String>,
    taken: BTreeSet<String>,
}

impl Ordinary {
    fn read(folder: &Path, taken: BTreeSet<String>) -> anyhow::Result<Self> {
        let words = folder.join("words");
        let mut patterns = Weighted::default();
        let mut lists = BTreeMap::new();
        for line in read_lines(&words.join("patterns.txt"))? {
            let [weight, ending, pattern] = fields(&line)?;
            for list in placeholders(pattern) {
                if !matches!(list, "n" | "z") && !lists.contains_key(list) {
                    lists.insert(list.to_owned(), read_lines(&words.join(format!("{list}.txt")))?);
                }
            }
            patterns.push(weight.parse()?, (ending.to_owned(), pattern.to_owned()));
        }
        let mut endings: BTreeMap<String, Weighted<String>> = BTreeMap::new();
        for line in read_lines(&words.join("endings.txt"))? {
            let [kind, weight, suffix] = fields(&line)?;
            endings
                .entry(kind.to_owned())
                .or_default()
                .push(weight.parse()?, suffix.to_owned());
        }
        let mut hosts = Weighted::default();
        for line in read_lines(&words.join("hosts.txt"))? {
            let [weight, host] = fields(&line)?;
            hosts.push(weight.parse()?, host.to_owned());
        }
        Ok(Ordinary {
            dice: Dice(SEED),
            words: lists,
            patterns,
            endings,
            hosts,
            gov: read_lines(&words.join("gov.txt"))?,
            taken,
        })
    }

    /// `count` host names: now and then several of one registered name, one after the other, as in a real stream.
    fn hosts(&mut self, count: usize) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::with_capacity(count);
        while lines.len() < count {
            let registered = self.registered()?;
            let mut chosen = BTreeSet::new();
            for _ in 0..=self.dice.below(3) {
                chosen.insert(self.hosts.pick(&mut self.dice).clone());
            }
            for host in chosen {
                if lines.len() < count {
                    lines.push(match host.as_str() {
                        "-" => registered.clone(),
                        host => format!("{host}.{registered}"),
                    });
                }
            }
        }
        Ok(lines)
    }

    /// The next registered name.
    fn registered(&mut self) -> anyhow::Result<String> {
        for _ in 0..10_000 {
            let name = if self.dice.below(GOV_EVERY) == 0 {
                self.gov[self.dice.below(self.gov.len() as u64) as usize].clone()
            } else {
                self.compose()?
            };
            if self.is_free(&name) {
                self.taken.insert(name.clone());
                return Ok(name);
            }
        }
        bail!("the word lists are too short for so many names")
    }

    /// Whether neither the name nor a name above it is taken.
    fn is_free(&self, name: &str) -> bool {
        let mut rest = name;
        loop {
            if self.taken.contains(rest) {
                return false;
            }
            match rest.split_once('.') {
                Some((_, above)) => rest = above,
                None => return true,
            }
        }
    }

    fn compose(&mut self) -> anyhow::Result<String> {
        let (ending, pattern) = self.patterns.pick(&mut self.dice);
        let mut name = String::new();
        let mut rest = pattern.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            name.push_str(before);
            let (list, after) = after.split_once('}').context("a pattern lacks its }")?;
            match list {
                "n" => name.push_str(&(self.dice.below(98) + 2).to_string()),
                "z" => name.push_str(&meaningless(&mut self.dice)),
                list => {
                    let words = &self.words[list];
                    name.push_str(&words[self.dice.below(words.len() as u64) as usize]);
                }
            }
            rest = after;
        }
        name.push_str(rest);
        let endings = self
            .endings
            .get(ending)
            .with_context(|| format!("endings.txt has no {ending}"))?;
        name.push('.');
        name.push_str(endings.pick(&mut self.dice));
        Ok(name)
    }
}

/// Letters that can be spoken and say nothing.
fn meaningless(dice: &mut Dice) -> String {
    let length = 6 + dice.below(4);
    (0..length)
        .map(|place| {
            let letters: &[u8] = if place % 2 == 0 {
                b"bcdfghjklmnprstvwxz"
            } else {
                b"aeiouy"
            };
            char::from(letters[dice.below(letters.len() as u64) as usize])
        })
        .collect()
}

/// Things with whole-number weights.
struct Weighted<T> {
    things: Vec<(u64, T)>,
    total: u64,
}

impl<T> Default for Weighted<T> {
    fn default() -> Self {
        Weighted {
            things: Vec::new(),
            total: 0,
        }
    }
}

impl<T> Weighted<T> {
    fn push(&mut self, weight: u64, thing: T) {
        self.total += weight;
        self.things.push((weight, thing));
    }

    fn pick(&self, dice: &mut Dice) -> &T {
        let mut left = dice.below(self.total);
        for (weight, thing) in &self.things {
            if left < *weight {
                return thing;
            }
            left -= weight;
        }
        &self.things[self.things.len() - 1].1
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): tiny, and the same on every machine.
pub struct Dice(u64);

impl Dice {
    /// Begins at `seed`.
    pub fn new(seed: u64) -> Self {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is at least 1. The bias of this method is below one in a billion here.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}

fn read_reported(path: &PathBuf) -> anyhow::Result<Vec<Reported>> {
    let mut reader = csv::Reader::from_path(path).with_context(|| path.display().to_string())?;
    let headers = reader.headers()?.clone();
    let column = |name: &str| {
        headers
            .iter()
            .position(|header| header == name)
            .with_context(|| format!("{} has no column {name}", path.display()))
    };
    let (domain, date) = (column("domain")?, column("date")?);
    let mut reported = Vec::new();
    for record in reader.records() {
        let record = record?;
        reported.push(Reported {
            name: record[domain].to_owned(),
            date: record[date].to_owned(),
        });
    }
    Ok(reported)
}

/// Every quoted string of a TOML file that could be a domain name.
fn quoted_names(path: &Path) -> anyhow::Result<BTreeSet<String>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .filter(|quoted| quoted.contains('.') && !quoted.contains(['/', ' ', ':']))
        .map(str::to_owned)
        .collect())
}

/// The lines of a word list without comments and empty lines.
fn read_lines(path: &Path) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect())
}

fn fields<const COUNT: usize>(line: &str) -> anyhow::Result<[&str; COUNT]> {
    line.split_whitespace()
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| anyhow::anyhow!("{line:?} has not {COUNT} fields"))
}

/// The names of the word lists in a pattern.
fn placeholders(pattern: &str) -> impl Iterator<Item = &str> {
    pattern
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}').map(|(list, _)| list))
}

/// Seconds since 1970 at the begin of a day of 2018, written `2018-MM-DD`, in UTC.
fn midnight(date: &str) -> anyhow::Result<u64> {
    const DAYS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut parts = date.split('-').skip(1);
    let month: usize = parts.next().context("a date lacks its month")?.parse()?;
    let day: u64 = parts.next().context("a date lacks its day")?.parse()?;
    ensure!(
        (1..=12).contains(&month) && (1..=DAYS[month - 1]).contains(&day),
        "{date} is not a day of 2018"
    );
    Ok(YEAR_START + (DAYS[..month - 1].iter().sum::<u64>() + day - 1) * 86_400)
}

pub fn read_gzip(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    GzDecoder::new(fs::File::open(path).with_context(|| path.display().to_string())?)
        .read_to_string(&mut text)?;
    Ok(text)
}

pub fn write_gzip(path: &Path, text: &str) -> anyhow::Result<()> {
    let file = fs::File::create(path).with_context(|| path.display().to_string())?;
    // No name and no time in the header: the same text gives the same bytes.
    let mut encoder = GzBuilder::new().mtime(0).write(file, Compression::best());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dice_are_splitmix64() {
        let mut dice = Dice(1_234_567);
        assert_eq!(dice.next(), 6_457_827_717_110_365_317);
        assert_eq!(dice.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_day_of_2018_has_its_second() {
        assert_eq!(midnight("2018-08-20").unwrap(), 1_534_723_200);
        assert!(midnight("2018-02-29").is_err());
    }

    #[test]
    fn the_files_are_what_the_generator_makes() {
        run(true).unwrap();
    }
}
