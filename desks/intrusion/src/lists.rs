//! Lists of addresses that somebody gives: indicators, and declared assessors.

use std::net::IpAddr;

use jiff::Timestamp;
use pollwatch_model::{Problem, Register};
use serde::{Deserialize, Serialize};

use crate::event::address_key;

/// A network: an address and how many of its 128 bits count (IPv4 is mapped into IPv6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Network {
    key: u128,
    bits: u8,
}

impl Network {
    /// Reads an address or a network in CIDR form, IPv4 or IPv6 in any spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address
            .trim()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .ok()?;
        let written_as_four = address.is_ipv4();
        let bits = match (bits, written_as_four) {
            (None, _) => 128,
            (Some(bits), true) if bits <= 32 => 96 + bits,
            (Some(bits), false) if bits <= 128 => bits,
            _ => return None,
        };
        Some(Network {
            key: address_key(address) & mask(bits),
            bits,
        })
    }

    /// Whether an address lies in it.
    pub fn contains(self, key: u128) -> bool {
        key & mask(self.bits) == self.key
    }

    /// Whether it is wider than any one owner's: a /8 was the most that was ever given to one in version 4, and fc00::/7 holds all
    /// private networks of version 6 (RFC 4193).
    fn is_half_the_internet(self) -> bool {
        let is_four = self.key >> 32 == 0xffff && self.bits >= 96;
        if is_four {
            self.bits < 96 + 8
        } else {
            self.bits < 7
        }
    }

    /// Whether it is so wide that it says nothing of anybody: an IPv4 network of more than 65,536 addresses, an IPv6 network
    /// wider than a /32, which is what a registry gives to one provider (RIPE-738, section 5.1.1).
    fn is_too_wide(self) -> bool {
        let is_four = self.key >> 32 == 0xffff && self.bits >= 96;
        if is_four {
            self.bits < 96 + 16
        } else {
            self.bits < 32
        }
    }
}

fn mask(bits: u8) -> u128 {
    match bits {
        0 => 0,
        bits => u128::MAX << (128 - u32::from(bits.min(128))),
    }
}

/// Whether an address belongs to no one on the public internet: private, loopback, link-local, unspecified, multicast or
/// shared (RFC 1918, 4193, 3927, 6598, 6890). Documentation ranges are let through: examples and exercises use them.
pub(crate) fn is_nobody(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            let [a, b, ..] = four.octets();
            four.is_private()
                || four.is_loopback()
                || four.is_link_local()
                || four.is_unspecified()
                || four.is_broadcast()
                || four.is_multicast()
                || a == 0
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(six) => {
            six.is_loopback()
                || six.is_unspecified()
                || six.is_multicast()
                || six.is_unique_local()
                || six.is_unicast_link_local()
        }
    }
}

/// A set of addresses and networks, searched in logarithmic time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressSet {
    addresses: Vec<u128>,
    networks: Vec<Network>,
}

impl AddressSet {
    /// Of networks.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        let mut set = AddressSet::default();
        for network in networks {
            match network.bits {
                128 => set.addresses.push(network.key),
                _ => set.networks.push(network),
            }
        }
        set.addresses.sort_unstable();
        set.addresses.dedup();
        set.networks.sort_unstable();
        set.networks.dedup();
        set
    }

    /// Whether an address is in it.
    pub fn contains(&self, key: u128) -> bool {
        key != 0
            && (self.addresses.binary_search(&key).is_ok()
                || self.networks.iter().any(|network| network.contains(key)))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.addresses.len() + self.networks.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Most entries of a list.
const MAX_ENTRIES: usize = 1_000_000;

/// Reads a list of indicators: one a line, or CSV whose first column is the value and whose first line may be a heading.
///
/// Addresses and networks are taken; other indicators (domains, digests, URLs) say nothing about a client and are passed over.
/// Private and unspecified ranges, and networks so wide that half the world is in them, are refused with a problem each.
pub fn read_indicators(file: &str, text: &str) -> (AddressSet, Vec<Problem>) {
    let mut networks = Vec::new();
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate().take(MAX_ENTRIES) {
        let number = number as u64 + 1;
        let value = line
            .trim_start_matches('\u{feff}')
            .split([',', ';', '\t'])
            .next()
            .unwrap_or_default()
            .trim()
            .trim_matches('"');
        if value.is_empty() || value.starts_with('#') {
            continue;
        }
        // Defanged, as reports print them.
        let value = value.replace("[.]", ".").replace("[:]", ":");
        let Some(network) = Network::parse(&value) else {
            continue;
        };
        let address = crate::event::address_of(network.key);
        if is_nobody(address) {
            problems.push(Problem::remark(
                file,
                Some(number),
                format!("{value} is a private or reserved range: every office has visitors from it, so it is left out"),
            ));
            continue;
        }
        if network.is_too_wide() {
            problems.push(Problem::remark(
                file,
                Some(number),
                format!("{value} is too wide to say anything of a visitor, so it is left out; name smaller networks"),
            ));
            continue;
        }
        networks.push(network);
    }
    (AddressSet::new(networks), problems)
}

/// Reads a list of the office's own proxies and its content network's addresses: one address or network a line, or the first
/// column of CSV. Private ranges are what proxies have.
///
/// A network that holds a large part of the internet is refused: whoever is in it could pass for anybody.
pub fn read_proxies(file: &str, text: &str) -> (AddressSet, Vec<Problem>) {
    let mut networks = Vec::new();
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate().take(MAX_ENTRIES) {
        let value = line
            .trim_start_matches('\u{feff}')
            .split([',', ';', '\t', '#'])
            .next()
            .unwrap_or_default()
            .trim()
            .trim_matches('"');
        if value.is_empty() {
            continue;
        }
        let problem = match Network::parse(value) {
            Some(network) if !network.is_half_the_internet() => {
                networks.push(network);
                continue;
            }
            Some(_) => {
                format!("{value} is too wide to be anybody's proxies, so it is left out; name their networks")
            }
            // A heading.
            None if number == 0 => continue,
            None => format!("{value:?} is no address, so the line is left out"),
        };
        problems.push(Problem::remark(file, Some(number as u64 + 1), problem));
    }
    (AddressSet::new(networks), problems)
}

/// Somebody who was asked to test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessor {
    /// Who, as declared.
    pub name: String,
    /// Where they come from.
    pub networks: Vec<Network>,
    /// Begin of the agreed time; `None`: not bounded.
    pub from: Option<Timestamp>,
    /// End of the agreed time, the last moment included; `None`: not bounded.
    pub to: Option<Timestamp>,
    /// The target that asked; `None`: any.
    pub target: Option<String>,
}

impl Assessor {
    /// Whether an address was agreed on for all of the time from `first_ms` to `last_ms`.
    pub fn covers(&self, key: u128, first_ms: i64, last_ms: i64) -> bool {
        self.networks.iter().any(|network| network.contains(key))
            && self.from.is_none_or(|from| from.as_millisecond() <= first_ms)
            && self.to.is_none_or(|to| last_ms <= to.as_millisecond())
    }
}

/// Reads a list of assessors: CSV of `address, name, from, to`, all but the first optional; dates as `2026-09-01` (the last
/// day is included) or as full times.
pub fn read_assessors(file: &str, text: &str) -> (Vec<Assessor>, Vec<Problem>) {
    let mut assessors = Vec::new();
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate().take(MAX_ENTRIES) {
        let number = number as u64 + 1;
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut cells = line
            .split([',', ';', '\t'])
            .map(|cell| cell.trim().trim_matches('"'));
        let value = cells.next().unwrap_or_default();
        let Some(network) = Network::parse(value) else {
            if number > 1 {
                problems.push(Problem::remark(
                    file,
                    Some(number),
                    format!("{value:?} is no address, so the line is left out"),
                ));
            }
            continue;
        };
        let name = cells.next().unwrap_or_default();
        let mut bound = |is_end: bool| match cells.next().unwrap_or_default() {
            "" => Ok(None),
            text => day_or_time(text, is_end).map(Some).ok_or(text.to_owned()),
        };
        match (bound(false), bound(true)) {
            (Ok(from), Ok(to)) => assessors.push(Assessor {
                name: if name.is_empty() { "declared assessor".to_owned() } else { name.to_owned() },
                networks: vec![network],
                from,
                to,
                target: None,
            }),
            (Err(text), _) | (_, Err(text)) => problems.push(Problem::remark(
                file,
                Some(number),
                format!("{text:?} is no date like 2026-09-01, so the line is left out and its address counts as any other"),
            )),
        }
    }
    (assessors, problems)
}

/// The assessors that a register declares.
pub fn assessors_of(register: &Register) -> Vec<Assessor> {
    let mut assessors = Vec::new();
    for target in &register.targets {
        for declared in &target.assessors {
            assessors.push(Assessor {
                name: declared.name.clone(),
                networks: declared
                    .addresses
                    .iter()
                    .filter_map(|text| Network::parse(text))
                    .collect(),
                from: declared.from,
                to: declared.to,
                target: Some(target.id.to_string()),
            });
        }
    }
    assessors
}

/// A time, or a day: its first moment, or its last.
pub fn day_or_time(text: &str, is_end: bool) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let day: jiff::civil::Date = text.parse().ok()?;
    let midnight = jiff::tz::Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
    if is_end {
        Timestamp::from_millisecond(midnight.as_millisecond() + 86_400_000 - 1).ok()
    } else {
        Some(midnight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_take_addresses_in_every_spelling_and_refuse_what_says_nothing() {
        let text = "value,type\n5.149.249.172,ipv4\n198.51.100[.]7\n::ffff:203.0.113.9\n2001:DB8:0:0::1\n10.0.0.0/8\n0.0.0.0/0\n\
                    192.168.1.4\n::/0\n203.0.114.0/24\nevil.example,domain\n";
        let (set, problems) = read_indicators("list.csv", text);
        let key = |text: &str| address_key(text.parse().unwrap());
        for known in [
            "5.149.249.172",
            "198.51.100.7",
            "203.0.113.9",
            "2001:db8::1",
            "203.0.114.77",
        ] {
            assert!(set.contains(key(known)), "{known}");
        }
        for other in ["10.1.2.3", "8.8.8.8", "192.168.1.4", "2001:db8::2"] {
            assert!(!set.contains(key(other)), "{other}");
        }
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(!set.contains(0));
    }

    #[test]
    fn an_assessor_is_bound_to_the_agreed_time() {
        let (assessors, problems) = read_assessors(
            "a.csv",
            "address,name,from,to\n192.0.2.250,Blue Team,2026-09-01,2026-09-06\n192.0.2.9,X,soon\n",
        );
        assert_eq!((assessors.len(), problems.len()), (1, 1));
        let key = address_key("192.0.2.250".parse().unwrap());
        let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        assert!(assessors[0].covers(key, ms("2026-09-06T22:00:00Z"), ms("2026-09-06T23:59:59Z")));
        assert!(!assessors[0].covers(key, ms("2026-09-06T22:00:00Z"), ms("2026-09-07T00:00:01Z")));
    }
}
