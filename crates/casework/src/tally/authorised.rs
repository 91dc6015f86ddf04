//! Assessors that a target declared: what they did is no attack.

use std::net::IpAddr;

use pollwatch_model::register::Assessor;
use pollwatch_model::{Finding, Observed};

/// Whether everything that `finding` holds against somebody was done by one declared assessor within the agreed time.
///
/// The intrusion desk says so itself, by the verdict `authorised`; this check holds for desks and offices that were not told
/// of the assessor. A finding that names no client, more clients than it lists, or no time, is not excused by it.
pub(super) fn is_authorised(finding: &Finding, assessors: &[Assessor]) -> bool {
    let Some(clients) = clients(finding) else {
        return false;
    };
    assessors.iter().any(|assessor| {
        let networks: Vec<Network> = assessor
            .addresses
            .iter()
            .filter_map(|text| Network::parse(text))
            .collect();
        is_within(finding.observed, assessor)
            && clients
                .iter()
                .all(|client| networks.iter().any(|one| one.holds(*client)))
    })
}

fn clients(finding: &Finding) -> Option<Vec<IpAddr>> {
    let listed = finding.details.get("clients")?.as_array()?;
    let clients: Option<Vec<IpAddr>> = listed
        .iter()
        .map(|client| client.as_str()?.parse().ok())
        .collect();
    let clients = clients.filter(|clients| !clients.is_empty())?;
    let is_whole = match finding.details.get("client_count") {
        Some(count) => count.as_u64() == Some(clients.len() as u64),
        None => true,
    };
    is_whole.then_some(clients)
}

fn is_within(observed: Observed, assessor: &Assessor) -> bool {
    let (Some(first), Some(last)) = (observed.first, observed.last) else {
        return false;
    };
    assessor.from.is_none_or(|from| from <= first) && assessor.to.is_none_or(|to| last <= to)
}

/// An address with the number of its leading bits that count.
struct Network {
    bits: u128,
    prefix: u32,
    width: u32,
}

impl Network {
    /// `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`.
    fn parse(text: &str) -> Option<Network> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let (bits, width) = bits_of(address.trim().parse().ok()?);
        let prefix = match prefix {
            Some(prefix) => prefix.trim().parse().ok()?,
            None => width,
        };
        (prefix <= width).then_some(Network { bits, prefix, width })
    }

    fn holds(&self, address: IpAddr) -> bool {
        let (bits, width) = bits_of(address);
        width == self.width && (self.prefix == 0 || (bits ^ self.bits) >> (width - self.prefix) == 0)
    }
}

/// An address as a number and its width; IPv4 written as IPv6 (RFC 4291, section 2.5.5.2) is IPv4.
fn bits_of(address: IpAddr) -> (u128, u32) {
    match address.to_canonical() {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses_alone() {
        let holds = |network: &str, address: &str| {
            Network::parse(network).is_some_and(|network| network.holds(address.parse().unwrap()))
        };
        assert!(holds("192.0.2.0/24", "192.0.2.255") && !holds("192.0.2.0/24", "192.0.3.0"));
        assert!(holds("192.0.2.7", "::ffff:192.0.2.7") && !holds("192.0.2.7", "192.0.2.8"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1") && !holds("2001:db8::/32", "192.0.2.1"));
        assert!(holds("0.0.0.0/0", "198.51.100.1") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(Network::parse("192.0.2.0/33").is_none() && Network::parse("nobody").is_none());
    }
}
