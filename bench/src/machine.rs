//! On what the figures were measured, and when.

use std::fs;
use std::path::Path;

/// One paragraph: date, processor, load, and the file system under `scratch`.
pub fn describe(scratch: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("processor not told", |text| {
            text.trim_start_matches([' ', '\t', ':'])
        });
    let loadavg = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = loadavg.split_whitespace().take(3).collect();
    let load = if load.is_empty() {
        "not told".to_owned()
    } else {
        load.join(" ")
    };
    let file_system = file_system_of(scratch).unwrap_or_else(|| "not told".to_owned());
    let seconds = jiff::Timestamp::now().as_second();
    let now = jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |now| now.to_string());
    format!(
        "Measured {now}; {cores} cores, {model}; load average at the start (1, 5, 15 minutes): {load}; scratch on {file_system}."
    )
}

/// The kind of file system that holds `folder`: on a tmpfs a sync costs nothing, and figures with syncs say nothing.
fn file_system_of(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((Path::new(fields.next()?), fields.next()?))
        })
        .filter(|(mount, _)| folder.starts_with(mount))
        .max_by_key(|(mount, _)| mount.components().count())
        .map(|(_, kind)| kind.to_owned())
}
