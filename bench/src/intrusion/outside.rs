//! A program of somebody else's, run to its end: its CPU time by what the system counted for children, its memory by looking.

use std::fs;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::measure::Took;

/// How often the memory of a running program is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// Ticks of the clock by which Linux counts the time of processes (`USER_HZ`, 100 on every architecture that it runs on here).
const TICKS_A_SECOND: f64 = 100.0;

/// Runs `command` to its end, or for as long as `limit`. CPU time and memory where the system tells them (Linux).
pub fn run(command: &mut Command, limit: Duration) -> anyhow::Result<(ExitStatus, Took, Option<u64>)> {
    let program = command.get_program().to_string_lossy().into_owned();
    let before = children_seconds();
    let begun = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot run {program}"))?;
    let mut peak = None;
    let status = loop {
        peak = peak.max(peak_of(&child));
        if let Some(status) = child
            .try_wait()
            .with_context(|| format!("cannot wait for {program}"))?
        {
            break status;
        }
        if begun.elapsed() > limit {
            child.kill().with_context(|| format!("cannot end {program}"))?;
            child.wait()?;
            anyhow::bail!("it had not ended after {} minutes", limit.as_secs() / 60);
        }
        std::thread::sleep(LOOK);
    };
    let wall = begun.elapsed();
    let cpu = match (before, children_seconds()) {
        (Some(before), Some(after)) => Duration::from_secs_f64((after - before).max(0.0)),
        _ => wall,
    };
    Ok((status, Took { cpu, wall }, peak))
}

/// CPU seconds of all children that have ended (proc(5), `stat`, fields 16 and 17).
fn children_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program stands in brackets and may hold blanks.
    let after_name = text.rsplit_once(')')?.1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: f64 = fields.get(13)?.parse::<f64>().ok()? + fields.get(14)?.parse::<f64>().ok()?;
    Some(ticks / TICKS_A_SECOND)
}

fn peak_of(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
