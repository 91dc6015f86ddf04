//! CPU time, time by the clock on the wall, and memory, of this process.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// What something took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Took {
    /// CPU time of all threads of the process.
    pub cpu: Duration,
    /// Time by the clock on the wall.
    pub wall: Duration,
}

impl Took {
    /// The smaller of each: other programs on the machine can only ever add.
    pub fn best(self, other: Took) -> Took {
        Took {
            cpu: self.cpu.min(other.cpu),
            wall: self.wall.min(other.wall),
        }
    }
}

impl std::ops::AddAssign for Took {
    fn add_assign(&mut self, other: Took) {
        self.cpu += other.cpu;
        self.wall += other.wall;
    }
}

/// Runs `work` once and says what it took.
pub fn once<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Took)> {
    let (wall, cpu) = (Instant::now(), cpu_now());
    let value = work()?;
    Ok((
        value,
        Took {
            cpu: cpu_now().saturating_sub(cpu),
            wall: wall.elapsed(),
        },
    ))
}

/// Runs `work` at least once and up to `repetitions` times: the last value and the best times.
pub fn best_of<T>(
    repetitions: usize,
    mut work: impl FnMut() -> anyhow::Result<T>,
) -> anyhow::Result<(T, Took)> {
    let (mut value, mut best) = once(&mut work)?;
    for _ in 1..repetitions {
        let (again, took) = once(&mut work)?;
        value = again;
        best = best.best(took);
    }
    Ok((value, best))
}

fn cpu_now() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Most memory that the process has held so far, in KiB, where the system tells.
pub fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
