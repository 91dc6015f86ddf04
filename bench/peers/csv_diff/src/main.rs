//! The csv-diff crate over two rolls: `peer-csv-diff A B COLUMN`, where the column is that of the identifier, from 0. Prints `key=value`
//! lines, as the bench's own tools do.

use std::error::Error;
use std::fs::{self, File};
use std::time::Instant;

use csv_diff::csv::Csv;
use csv_diff::csv_diff::CsvByteDiffLocalBuilder;
use csv_diff::diff_row::DiffByteRecord;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [before, after, column] = arguments.as_slice() else {
        return Err("usage: peer-csv-diff A B COLUMN".into());
    };
    let begin = Instant::now();
    let reader = |path: &str| -> Result<Csv<File>, Box<dyn Error>> {
        let mut builder = csv::ReaderBuilder::new();
        builder.delimiter(b'\t').quoting(false);
        Ok(Csv::from(builder.from_path(path)?))
    };
    let diff = CsvByteDiffLocalBuilder::new()
        .primary_key_columns([column.parse::<usize>()?])
        .build()?;
    let records = diff.diff(reader(before)?, reader(after)?)?;
    let (mut new, mut gone, mut changed) = (0u64, 0u64, 0u64);
    for record in records.as_slice() {
        match record {
            DiffByteRecord::Add(_) => new += 1,
            DiffByteRecord::Delete(_) => gone += 1,
            DiffByteRecord::Modify { .. } => changed += 1,
        }
    }
    let status = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = status.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // User and system time of all threads, in hundredths of a second (proc(5), fields 14 and 15).
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    println!("new={new}\ngone={gone}\nchanged={changed}\ncpu={}\nwall={}", ticks / 100.0, begin.elapsed().as_secs_f64());
    let held = fs::read_to_string("/proc/self/status")?;
    if let Some(kib) = held.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
        println!("peak_kib={}", kib.trim().trim_end_matches(" kB"));
    }
    Ok(())
}
