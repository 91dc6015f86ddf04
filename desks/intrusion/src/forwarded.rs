//! Who is behind a proxy that the office runs itself.
//!
//! A proxy writes down whom it spoke with at the right end of a chain (`X-Forwarded-For`, or `Forwarded`, RFC 7239); what stands
//! further left it was told by that visitor, who may have made it up (RFC 7239, section 8.1). A chain is therefore read from the
//! right, and only past addresses that the office has declared as its own proxies or its content network's.

use std::net::IpAddr;

use crate::event::address_key;
use crate::lists::AddressSet;

/// Most hops that are looked at, from the right: an office has a few proxies in a row, and a visitor may send a thousand.
const MAX_HOPS: usize = 16;

/// The key of the client: the address that the server spoke with, or where that is a trusted proxy's, the right-most of the
/// chain that is not. What is no address hides who is behind it, and ends the chain.
pub fn client_of(spoken_with: u128, chain: &[u8], trusted: &AddressSet) -> u128 {
    let mut client = spoken_with;
    for hop in hops(chain).take(MAX_HOPS) {
        if !trusted.contains(client) {
            break;
        }
        match hop {
            Some(address) => client = address_key(address),
            None => break,
        }
    }
    client
}

/// Whether a chain names, as the nearest, another than whom the server spoke with.
pub fn names_another(spoken_with: u128, chain: &[u8]) -> bool {
    hops(chain)
        .next()
        .flatten()
        .is_some_and(|address| address_key(address) != spoken_with)
}

/// The hops of a chain from the right; `None` for one that is no address, such as `unknown` or `_hidden`.
fn hops(chain: &[u8]) -> impl Iterator<Item = Option<IpAddr>> {
    chain
        .rsplit(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|hop| !hop.is_empty())
        .map(address_of_hop)
}

/// The address of a hop: alone, with a port, in brackets, or as `for=` among the parameters of RFC 7239.
fn address_of_hop(hop: &[u8]) -> Option<IpAddr> {
    let node = hop
        .split(|byte| *byte == b';')
        .map(<[u8]>::trim_ascii)
        .find_map(|pair| {
            let (name, value) = pair.split_at_checked(4)?;
            name.eq_ignore_ascii_case(b"for=").then_some(value)
        })
        .unwrap_or(hop);
    // Logs escape the quotes that RFC 7239 asks for around version 6.
    let quote = |byte: &u8| matches!(byte, b'"' | b'\\' | b' ');
    let begin = node.iter().position(|byte| !quote(byte))?;
    let end = node.iter().rposition(|byte| !quote(byte))? + 1;
    let text = std::str::from_utf8(&node[begin..end]).ok()?;
    if let Some(inner) = text.strip_prefix('[') {
        return inner.split_once(']')?.0.parse().ok();
    }
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    // Version 4 with a port; a bare version 6 has more than one colon.
    let (address, port) = text.split_once(':')?;
    port.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    address.parse::<std::net::Ipv4Addr>().ok().map(IpAddr::V4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::read_proxies;
    use proptest::prelude::*;

    fn key(text: &str) -> u128 {
        address_key(text.parse().unwrap())
    }

    fn client(spoken_with: &str, chain: &str) -> IpAddr {
        let (trusted, problems) = read_proxies(
            "proxies",
            "10.0.0.0/8\n192.0.2.0/24 # content network\nfd00::/8\n",
        );
        assert!(problems.is_empty(), "{problems:?}");
        crate::event::address_of(client_of(key(spoken_with), chain.as_bytes(), &trusted))
    }

    #[test]
    fn the_right_most_that_is_not_ours_is_the_client() {
        for (spoken_with, chain, expect) in [
            // Whom nobody declared is the client, whatever it sends.
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
            ("10.0.0.5", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.5", "198.51.100.1, 192.0.2.7", "198.51.100.1"),
            // What a visitor wrote before is not believed.
            ("10.0.0.5", "10.9.9.9, 127.0.0.1, 198.51.100.1", "198.51.100.1"),
            ("10.0.0.5", "198.51.100.1:4711", "198.51.100.1"),
            ("fd00::5", "[2001:db8::9]:443", "2001:db8::9"),
            ("10.0.0.5", "2001:db8::9", "2001:db8::9"),
            // Examples of RFC 7239, sections 4 and 6.
            (
                "10.0.0.5",
                "for=192.0.2.43, for=\"[2001:db8:cafe::17]\"",
                "2001:db8:cafe::17",
            ),
            (
                "10.0.0.5",
                "For=\"[2001:db8:cafe::17]:4711\"",
                "2001:db8:cafe::17",
            ),
            (
                "10.0.0.5",
                "for=198.51.100.17;proto=http;by=203.0.113.43",
                "198.51.100.17",
            ),
            (
                "10.0.0.5",
                "proto=http;for=\\\"[2001:db8:cafe::17]\\\"",
                "2001:db8:cafe::17",
            ),
            // Hidden or garbled: what is known is the proxy.
            ("10.0.0.5", "198.51.100.1, unknown", "10.0.0.5"),
            ("10.0.0.5", "for=_hidden", "10.0.0.5"),
            ("10.0.0.5", "", "10.0.0.5"),
            ("10.0.0.5", "300.1.1.1", "10.0.0.5"),
            ("10.0.0.5", "1.2.3.4:x", "10.0.0.5"),
        ] {
            assert_eq!(
                client(spoken_with, chain).to_string(),
                expect,
                "{spoken_with} for {chain:?}"
            );
        }
    }

    #[test]
    fn a_chain_without_end_is_bounded() {
        let chain = format!("198.51.100.1{}", ", 10.0.0.1".repeat(100_000));
        assert_eq!(client("10.0.0.5", &chain).to_string(), "10.0.0.1");
    }

    proptest! {
        /// Whatever the chain: the client is whom the server spoke with or an address that the chain holds, and never one behind
        /// somebody who was not declared.
        #[test]
        fn nobody_is_believed_who_was_not_declared(
            spoken_with in prop::sample::select(vec!["10.0.0.5", "203.0.113.9"]),
            hops in prop::collection::vec(
                prop::sample::select(vec!["10.0.0.1", "192.0.2.7", "198.51.100.1", "unknown", "for=10.0.0.2", "", "\"", "[::1"]), 0..12),
        ) {
            let chain = hops.join(",");
            let found = client(spoken_with, &chain).to_string();
            let ours = |hop: &str| hop.contains("10.0.0.") || hop.contains("192.0.2.");
            if !ours(spoken_with) {
                prop_assert_eq!(found, spoken_with);
            } else {
                let right: Vec<&str> = hops.iter().rev().copied().filter(|hop| !hop.is_empty()).collect();
                let past: Vec<&str> = right.iter().copied().take_while(|hop| ours(hop)).collect();
                match right.get(past.len()) {
                    Some(&"198.51.100.1") => prop_assert_eq!(found, "198.51.100.1"),
                    _ => prop_assert!(ours(&found)),
                }
            }
        }

        #[test]
        fn no_chain_stops_it(chain in prop::collection::vec(any::<u8>(), 0..200)) {
            let (trusted, _) = read_proxies("proxies", "0.0.0.0/8\n10.0.0.0/8\n");
            client_of(key("10.0.0.5"), &chain, &trusted);
            names_another(key("10.0.0.5"), &chain);
        }
    }
}
