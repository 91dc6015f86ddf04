//! The daemon's standard input, read as it comes. It cannot be read twice: what was read and not recorded when the daemon was
//! killed is lost, and only that.

use std::io::{Cursor, Read};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};

use jiff::Timestamp;
use pollwatch_engine::{Error, Following, ReadInput, SourceState, WatchedSource};
use pollwatch_model::Position;

use crate::daemon::Daemon;
use crate::source::{Follower, POLL, Settling};

/// Bytes that are read in one go, and the longest line that is given whole.
const CHUNK_BYTES: usize = 1 << 20;
/// Chunks that may wait for the desk before the writer is held up.
const CHUNKS_WAITING: usize = 4;

/// Follows standard input until it ends or the daemon stops.
pub fn follow(daemon: &Daemon, source: &WatchedSource) -> Result<(), Error> {
    let begun = Timestamp::now();
    let (mut follower, _) = Follower::open(daemon, source, &begun.to_string())?;
    let (give, take) = sync_channel(CHUNKS_WAITING);
    // Not joined: a read that never returns must not keep the daemon from ending.
    std::thread::spawn(move || read_all(&give));
    let name = format!("{}~{}", source.name, begun.strftime("%Y%m%dT%H%M%SZ"));
    let input = follower.input(&name);
    let mut position = Position::default();
    let mut held: Vec<u8> = Vec::new();
    let mut is_ended = false;
    while !is_ended && !daemon.stop.is_asked() {
        match take.recv_timeout(POLL) {
            Ok(chunk) => held.extend(chunk),
            Err(RecvTimeoutError::Timeout) => {
                follower.state(SourceState::Waiting, held.len() as u64, None);
            }
            Err(RecvTimeoutError::Disconnected) => is_ended = true,
        }
        let whole = match held.iter().rposition(|byte| *byte == b'\n') {
            _ if is_ended => held.len(),
            Some(at) => at + 1,
            None if held.len() >= CHUNK_BYTES => held.len(),
            None => 0,
        };
        if whole > 0 || is_ended {
            let following = if is_ended {
                Following::Ended
            } else {
                Following::MayGrow
            };
            let begin = position.offset;
            let mut bytes = Cursor::new(&held[..whole]);
            loop {
                bytes.set_position(position.offset - begin);
                let before = position;
                let step = follower.run().feed(&input, position, &mut bytes, following)?;
                position = step.reached;
                let is_over = step.is_end || step.failure.is_some() || position == before;
                follower.take(step);
                if is_over || position.offset >= begin + whole as u64 {
                    break;
                }
            }
            let used = (position.offset.saturating_sub(begin) as usize).min(held.len());
            if used == 0 && whole >= CHUNK_BYTES {
                follower.remark(
                    &name,
                    format!("{whole} bytes hold no record that ends and were passed over"),
                );
                held.clear();
                position.offset += whole as u64;
            } else {
                held.drain(..used);
            }
            follower.read(ReadInput {
                ordinal: 0,
                name: name.clone(),
                position,
                is_done: is_ended,
            });
        }
        if follower.is_due() || is_ended {
            let open = if is_ended {
                Vec::new()
            } else {
                vec![(input.clone(), position)]
            };
            let settling = if is_ended {
                Settling::Now
            } else {
                Settling::WhenDue
            };
            follower.record(&open, &serde_json::Value::Null, settling)?;
        }
    }
    if !is_ended {
        follower.record(&[(input, position)], &serde_json::Value::Null, Settling::Now)?;
    }
    follower.state(SourceState::Ended, 0, None);
    Ok(())
}

fn read_all(give: &SyncSender<Vec<u8>>) {
    let mut stdin = std::io::stdin().lock();
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        match stdin.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(got) => {
                chunk.truncate(got);
                if give.send(chunk).is_err() {
                    return;
                }
            }
        }
    }
}
