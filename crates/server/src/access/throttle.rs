//! The brake on guessing passwords: by name and by address, whether or not there is such a name.
//!
//! A bucket holds a few free tries and fills up slowly. A person who mistypes notices nothing; somebody who guesses gets some
//! hundreds of tries a day at one name, and learns nothing from being held up, because a name that does not exist is held up
//! just so. A browser that has signed in to a name before has a bucket of its own, so that nobody can lock others out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Tries at one name before it is slowed.
const TRIES_OF_A_NAME: f64 = 10.0;
/// Seconds until a name gets another try (NIST SP 800-63B-4, section 3.2.2 asks for no more than 100 in a row).
const SECONDS_A_NAME: f64 = 120.0;
/// Tries from one address before it is slowed: an office behind one address signs in every morning.
const TRIES_OF_AN_ADDRESS: f64 = 40.0;
/// Seconds until an address gets another try.
const SECONDS_AN_ADDRESS: f64 = 10.0;
/// Most buckets that are kept; beyond that the fuller ones are forgotten. Bounds what an attacker can fill.
const MAX_BUCKETS: usize = 100_000;

/// What a bucket is kept for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Bucket {
    /// A name, as typed.
    Name(String),
    /// A name, from a browser that has signed in to it.
    KnownBrowser(String),
    /// Where the request came from; of IPv6 the /64 that one subscriber has.
    Address(IpAddr),
}

impl Bucket {
    pub(crate) fn of_address(address: IpAddr) -> Self {
        Bucket::Address(match address {
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => IpAddr::V4(v4),
                None => {
                    let mut octets = v6.octets();
                    octets[8..].fill(0);
                    IpAddr::V6(octets.into())
                }
            },
            v4 => v4,
        })
    }

    /// Most tries, and the seconds that each takes to come back.
    fn limits(&self) -> (f64, f64) {
        match self {
            Bucket::Name(_) | Bucket::KnownBrowser(_) => (TRIES_OF_A_NAME, SECONDS_A_NAME),
            Bucket::Address(_) => (TRIES_OF_AN_ADDRESS, SECONDS_AN_ADDRESS),
        }
    }
}

/// The buckets.
#[derive(Default)]
pub(crate) struct Throttle {
    buckets: Mutex<HashMap<Bucket, (f64, Instant)>>,
    refused: AtomicU64,
}

impl Throttle {
    /// Takes a try out of every bucket, or out of none. Gives the seconds to wait when one of them is empty.
    pub(crate) fn take(&self, wanted: &[Bucket], now: Instant) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let left_in = |bucket: &Bucket, (left, since): (f64, Instant)| {
            let (most, seconds) = bucket.limits();
            (left + now.saturating_duration_since(since).as_secs_f64() / seconds).min(most)
        };
        if buckets.len() >= MAX_BUCKETS {
            buckets.retain(|bucket, kept| left_in(bucket, *kept) < bucket.limits().0 / 2.0);
            if buckets.len() >= MAX_BUCKETS {
                buckets.clear();
            }
        }
        let mut filled = Vec::with_capacity(wanted.len());
        for bucket in wanted {
            let (most, seconds) = bucket.limits();
            let left = buckets.get(bucket).map_or(most, |kept| left_in(bucket, *kept));
            if left < 1.0 {
                self.refused.fetch_add(1, Ordering::Relaxed);
                return Err((((1.0 - left) * seconds).ceil() as u64).max(1));
            }
            filled.push(left - 1.0);
        }
        for (bucket, left) in wanted.iter().zip(filled) {
            buckets.insert(bucket.clone(), (left, now));
        }
        Ok(())
    }

    /// Fills buckets again: somebody signed in.
    pub(crate) fn give_back(&self, buckets: &[Bucket]) {
        let mut kept = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        for bucket in buckets {
            kept.remove(bucket);
        }
    }

    /// Tries that were refused since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_name_is_slowed_and_recovers_and_a_known_browser_is_not_locked_out() {
        let throttle = Throttle::default();
        let start = Instant::now();
        let name = Bucket::Name("ada".to_owned());
        let tries = (0..100)
            .filter(|n| {
                let address = Bucket::Address(format!("192.0.2.{n}").parse().unwrap());
                throttle.take(&[name.clone(), address], start).is_ok()
            })
            .count();
        assert_eq!(tries, 10);
        let known = Bucket::KnownBrowser("ada".to_owned());
        assert!(throttle.take(&[known], start).is_ok());
        let one = std::slice::from_ref(&name);
        assert_eq!(throttle.take(one, start), Err(120));
        assert!(throttle.take(one, start + Duration::from_secs(120)).is_ok());
        assert!(throttle.take(one, start + Duration::from_secs(121)).is_err());
        assert_eq!(throttle.refused(), 92);
    }

    #[test]
    fn one_subscriber_has_one_bucket() {
        let of = |text: &str| Bucket::of_address(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
