//! Addresses of cryptocurrency wallets whose checksum is right: a number that only looks like one is none.
//!
//! Bitcoin (and coins of its form) in Base58Check, and Bitcoin's SegWit addresses in Bech32 and Bech32m (BIP 173, BIP 350).
//! Ethereum's checksum needs a digest that nothing else here needs; its addresses are taken by their form (`0x` and 40
//! hexadecimal digits) and said to be unchecked.

use sha2::{Digest, Sha256};

/// A wallet's address in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wallet {
    /// The address, as it stands there.
    pub address: String,
    /// Where it begins, in bytes.
    pub offset: usize,
    /// Whether its checksum was checked and is right.
    pub is_checked: bool,
}

/// Most wallets of one text.
const MAX_WALLETS: usize = 20;
/// Longest Bech32 text (BIP 173).
const MAX_BECH32: usize = 90;

/// The wallets of `text`, in order, each once.
pub fn wallets(text: &str) -> Vec<Wallet> {
    let mut found: Vec<Wallet> = Vec::new();
    let mut next = 0;
    for piece in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let begin = next;
        next += piece.len();
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if found.len() >= MAX_WALLETS {
            break;
        }
        // Base58Check of Bitcoin's kind has 26 to 35 characters, Ethereum's form 42, Bech32 at most 90.
        let is_checked = match word.len() {
            26..=35 if is_base58check(word) => true,
            14..=MAX_BECH32 if is_bech32(word) => true,
            42 if is_ethereum(word) => false,
            _ => continue,
        };
        if !found.iter().any(|known| known.address == word) {
            found.push(Wallet {
                address: word.to_owned(),
                offset: begin,
                is_checked,
            });
        }
    }
    found
}

const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// 25 bytes whose last four begin the double SHA-256 of the others.
fn is_base58check(word: &str) -> bool {
    let mut bytes = [0u8; 25];
    for letter in word.bytes() {
        let Some(value) = BASE58.iter().position(|b| *b == letter) else {
            return false;
        };
        let mut carry = value as u32;
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        if carry > 0 {
            return false;
        }
    }
    let ones = word.bytes().take_while(|b| *b == b'1').count();
    let zeros = bytes.iter().take_while(|b| **b == 0).count();
    let sum = Sha256::digest(Sha256::digest(&bytes[..21]));
    ones == zeros && sum[..4] == bytes[21..]
}

const BECH32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// What the polynomial of a right Bech32 text comes to (BIP 173), and of Bech32m (BIP 350).
const RIGHT: [u32; 2] = [1, 0x2bc8_30a3];

/// A SegWit address: `bc` or `tb`, a `1`, and data of which the last six characters are the checksum.
fn is_bech32(word: &str) -> bool {
    let is_one_case = word == word.to_ascii_lowercase() || word == word.to_ascii_uppercase();
    let lower = word.to_ascii_lowercase();
    let Some((human, data)) = lower.rsplit_once('1') else {
        return false;
    };
    if !is_one_case || !matches!(human, "bc" | "tb") || data.len() < 7 {
        return false;
    }
    let mut values: Vec<u32> = human.bytes().map(|b| u32::from(b >> 5)).collect();
    values.push(0);
    values.extend(human.bytes().map(|b| u32::from(b & 31)));
    for letter in data.bytes() {
        match BECH32.iter().position(|b| *b == letter) {
            Some(value) => values.push(value as u32),
            None => return false,
        }
    }
    RIGHT.contains(&polymod(&values))
}

/// BIP 173, section "Bech32".
fn polymod(values: &[u32]) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.iter().fold(1, |sum, value| {
        let top = sum >> 25;
        let next = (sum & 0x1ff_ffff) << 5 ^ value;
        GENERATOR.iter().enumerate().fold(
            next,
            |next, (bit, part)| if top >> bit & 1 == 1 { next ^ part } else { next },
        )
    })
}

fn is_ethereum(word: &str) -> bool {
    word.strip_prefix("0x")
        .is_some_and(|digits| digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The address of the first block's coins, and the examples of BIP 173 and BIP 350.
    const RIGHT_ONES: [&str; 4] = [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    ];

    #[test]
    fn published_addresses_are_right() {
        for address in RIGHT_ONES {
            let text = format!("Send 0.5 BTC to {address}, within 48 hours.");
            let found = wallets(&text);
            assert_eq!(found.len(), 1, "{address}");
            assert!(
                found[0].is_checked
                    && found[0].address == address
                    && text[found[0].offset..].starts_with(address)
            );
        }
        let ethereum = wallets("0x52908400098527886E0F7030069857D2E4169EE7");
        assert!(ethereum.len() == 1 && !ethereum[0].is_checked);
    }

    #[test]
    fn one_wrong_letter_is_no_wallet() {
        for address in RIGHT_ONES {
            let mut bytes = address.as_bytes().to_vec();
            let at = address.len() - 3;
            bytes[at] = if bytes[at].eq_ignore_ascii_case(&b'q') {
                b'p'
            } else {
                b'q'
            };
            assert!(
                wallets(std::str::from_utf8(&bytes).unwrap()).is_empty(),
                "{address}"
            );
        }
        // Numbers of parcels, digests and tokens of links.
        assert!(
            wallets("1Z999AA10123456784 d41d8cd98f00b204e9800998ecf8427e eyJhbGciOiJIUzI1NiIsInR5cCI6")
                .is_empty()
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC{0,200}") {
            for wallet in wallets(&text) {
                prop_assert!(text[wallet.offset..].starts_with(&wallet.address));
            }
        }
    }
}
