//! Clients that there is no room for in memory, put aside in a file without a name that is gone with the run.
//!
//! Each time memory is full, those that may go are written as one run, ordered by client. In the end the runs are merged, and
//! every client is handed on once with all its counts (external merge sort; Knuth, The Art of Computer Programming 3, 5.4).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use super::Client;

/// Bytes of one client in the file.
const RECORD: usize = 44;
/// Clients that are read of a run at once.
const READ_AT_ONCE: u64 = 512;

/// Clients on disk.
#[derive(Debug)]
pub(super) struct Spill {
    file: File,
    /// Of each run where it begins and how many clients it holds.
    runs: Vec<(u64, u64)>,
    end: u64,
}

impl Spill {
    /// Makes the file, in the system's folder for such.
    pub fn new() -> io::Result<Self> {
        Ok(Spill {
            file: tempfile::tempfile()?,
            runs: Vec::new(),
            end: 0,
        })
    }

    /// Puts clients aside that come ordered by their keys.
    pub fn add<'c>(&mut self, clients: impl ExactSizeIterator<Item = &'c Client>) -> io::Result<()> {
        let count = clients.len();
        self.file.seek(SeekFrom::Start(self.end))?;
        let mut out = BufWriter::with_capacity(1 << 16, &mut self.file);
        for client in clients {
            out.write_all(&written(client))?;
        }
        out.flush()?;
        drop(out);
        self.runs.push((self.end, count as u64));
        self.end += (count * RECORD) as u64;
        Ok(())
    }

    /// Hands on every client once, ordered by its key, what is known of it from all runs put together.
    pub fn merge(mut self, mut take: impl FnMut(Client)) -> io::Result<()> {
        let mut runs: Vec<Run> = self.runs.iter().map(|(at, left)| Run::new(*at, *left)).collect();
        let mut next: BinaryHeap<Reverse<(u128, usize)>> = BinaryHeap::new();
        for (place, run) in runs.iter_mut().enumerate() {
            if let Some(client) = run.peek(&mut self.file)? {
                next.push(Reverse((client.key, place)));
            }
        }
        let mut together: Option<Client> = None;
        // Of runs with the same client the earlier comes first.
        while let Some(Reverse((_, place))) = next.pop() {
            let run = &mut runs[place];
            if let Some(client) = run.peek(&mut self.file)? {
                run.at += 1;
                together = Some(match together.take() {
                    Some(known) if known.key == client.key => known.with_later(&client),
                    Some(known) => {
                        take(known);
                        client
                    }
                    None => client,
                });
            }
            if let Some(client) = run.peek(&mut self.file)? {
                next.push(Reverse((client.key, place)));
            }
        }
        together.into_iter().for_each(take);
        Ok(())
    }
}

/// A run that is being read.
struct Run {
    offset: u64,
    left: u64,
    clients: Vec<Client>,
    at: usize,
}

impl Run {
    fn new(offset: u64, left: u64) -> Self {
        Run {
            offset,
            left,
            clients: Vec::new(),
            at: 0,
        }
    }

    /// The next client; `None` behind the last.
    fn peek(&mut self, file: &mut File) -> io::Result<Option<Client>> {
        if self.at == self.clients.len() {
            let count = self.left.min(READ_AT_ONCE);
            let mut bytes = vec![0; count as usize * RECORD];
            file.seek(SeekFrom::Start(self.offset))?;
            file.read_exact(&mut bytes)?;
            self.clients.clear();
            self.clients.extend(bytes.chunks_exact(RECORD).map(read));
            self.at = 0;
            self.offset += bytes.len() as u64;
            self.left -= count;
        }
        Ok(self.clients.get(self.at).copied())
    }
}

/// A client as bytes. It is nobody of interest, so that neither kept lines nor marks need be written.
fn written(client: &Client) -> [u8; RECORD] {
    let mut bytes = [0; RECORD];
    bytes[..16].copy_from_slice(&client.key.to_le_bytes());
    for (place, word) in [client.first_s, client.last_s, client.requests, client.agent]
        .iter()
        .enumerate()
    {
        bytes[16 + place * 4..20 + place * 4].copy_from_slice(&word.to_le_bytes());
    }
    for (place, word) in [
        client.statics,
        client.referers,
        client.missing,
        client.records,
        client.since_static,
    ]
    .iter()
    .enumerate()
    {
        bytes[32 + place * 2..34 + place * 2].copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

fn read(bytes: &[u8]) -> Client {
    let mut key = [0; 16];
    key.copy_from_slice(&bytes[..16]);
    let long = |place: usize| {
        let at = 16 + place * 4;
        u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    };
    let short = |place: usize| {
        let at = 32 + place * 2;
        u16::from_le_bytes([bytes[at], bytes[at + 1]])
    };
    Client {
        key: u128::from_le_bytes(key),
        first_s: long(0),
        last_s: long(1),
        requests: long(2),
        agent: long(3),
        statics: short(0),
        referers: short(1),
        missing: short(2),
        records: short(3),
        since_static: short(4),
        ..Client::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Runs of any size give every client once, in order, its counts the sum and its first agent that of the first run.
        #[test]
        fn every_client_comes_back_once_with_all_its_counts(
            runs in prop::collection::vec(prop::collection::btree_map(0u128..900, (1u32..9, 0u32..5, 1u32..99), 0..700), 0..9),
        ) {
            let mut spill = Spill::new().unwrap();
            let mut truth: BTreeMap<u128, Client> = BTreeMap::new();
            for run in &runs {
                let clients: Vec<Client> = run
                    .iter()
                    .map(|(key, (requests, agent, first_s))| Client {
                        key: *key,
                        requests: *requests,
                        agent: *agent,
                        first_s: *first_s,
                        last_s: first_s + 7,
                        missing: *requests as u16,
                        ..Client::default()
                    })
                    .collect();
                for client in &clients {
                    truth
                        .entry(client.key)
                        .and_modify(|known| *known = known.with_later(client))
                        .or_insert(*client);
                }
                spill.add(clients.iter()).unwrap();
            }
            let mut got = Vec::new();
            spill.merge(|client| got.push(client)).unwrap();
            prop_assert_eq!(got, truth.into_values().collect::<Vec<_>>());
        }
    }
}
