//! twistrs as a set look-up: every permutation of every protected name goes into a hash set, and names are looked up in it.
//!
//! `peer-twistrs PROTECTED REPETITIONS (NAMES ALARMS)…`: all files have one name a line; those of `NAMES` that are in the set are
//! written to `ALARMS`. The first pair is timed `REPETITIONS` times. Prints `key=value` lines, as the bench's own tools do.

use std::collections::HashSet;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::time::Instant;

use twistrs::filter::Permissive;
use twistrs::permutate::Domain;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [protected, repetitions, pairs @ ..] = arguments.as_slice() else {
        return Err("usage: peer-twistrs PROTECTED REPETITIONS (NAMES ALARMS)…".into());
    };
    let protected = fs::read_to_string(protected)?;
    let repetitions: usize = repetitions.parse()?;

    let begin = Clock::now();
    let mut candidates: HashSet<Box<str>> = HashSet::new();
    let mut refused = 0;
    for name in protected.lines() {
        match Domain::new(name) {
            Ok(domain) => domain.visit_all(&Permissive, |permutation| {
                if !candidates.contains(permutation.domain.fqdn) {
                    candidates.insert(permutation.domain.fqdn.into());
                }
            }),
            Err(_) => refused += 1,
        }
    }
    for name in protected.lines() {
        candidates.remove(name);
    }
    let (cpu, wall) = begin.elapsed();
    println!(
        "setup_cpu={cpu}\nsetup_wall={wall}\ncandidates={}\nrefused={refused}",
        candidates.len()
    );

    for (number, pair) in pairs.chunks_exact(2).enumerate() {
        let mut best: Option<(f64, f64)> = None;
        let mut names = 0;
        let mut hits: Vec<String> = Vec::new();
        for _ in 0..if number == 0 { repetitions } else { 1 } {
            let begin = Clock::now();
            names = 0;
            hits.clear();
            let mut reader = BufReader::with_capacity(1 << 20, File::open(&pair[0])?);
            let mut line = String::new();
            while reader.read_line(&mut line)? != 0 {
                names += 1;
                let name = line.trim_end();
                if candidates.contains(name) {
                    hits.push(name.to_owned());
                }
                line.clear();
            }
            let (cpu, wall) = begin.elapsed();
            best = Some(best.map_or((cpu, wall), |(c, w)| (c.min(cpu), w.min(wall))));
        }
        let mut alarms = File::create(&pair[1])?;
        for hit in &hits {
            writeln!(alarms, "{hit}")?;
        }
        if let (0, Some((cpu, wall))) = (number, best) {
            println!("names={names}\ncpu={cpu}\nwall={wall}");
        }
    }
    Ok(println!("peak_kib={}", peak_kib()))
}

struct Clock {
    wall: Instant,
    cpu: f64,
}

impl Clock {
    fn now() -> Self {
        Clock {
            wall: Instant::now(),
            cpu: cpu_seconds(),
        }
    }

    /// CPU seconds and seconds by the clock on the wall.
    fn elapsed(&self) -> (f64, f64) {
        let wall = self.wall.elapsed().as_secs_f64();
        let cpu = cpu_seconds() - self.cpu;
        (if cpu > 0.0 { cpu } else { wall }, wall)
    }
}

/// CPU time of the process's first thread, the only one; 0 where the system does not tell.
fn cpu_seconds() -> f64 {
    let schedstat = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    schedstat
        .split_whitespace()
        .next()
        .and_then(|nanos| nanos.parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1e9
}

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
