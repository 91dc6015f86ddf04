//! Passwords, by Argon2id (RFC 9106).

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};

/// Fewest characters of a password (NIST SP 800-63B-4, section 3.1.1.2: 15 where it is the only factor).
pub(crate) const MIN_CHARS: usize = 15;

/// Longest password, in bytes: a bound on what is hashed, far above what anybody types.
pub(crate) const MAX_BYTES: usize = 1_024;

/// 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet, Argon2id).
fn hasher() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("the numbers are within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash of a password in PHC string form. Takes tens of milliseconds.
pub(crate) fn hash(password: &str) -> Result<String, crate::Error> {
    let salt: [u8; 16] = crate::app::random()?;
    let hash = hasher().hash_password_with_salt(password.as_bytes(), &salt);
    Ok(hash
        .map_err(|error| crate::Error::Random(error.to_string()))?
        .to_string())
}

/// Whether `password` is the one that `hash` was made of. Takes tens of milliseconds.
pub(crate) fn verify(password: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else {
        return false;
    };
    password.len() <= MAX_BYTES && hasher().verify_password(password.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_alone() {
        let one = hash("correct horse battery staple").unwrap();
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(
            one,
            hash("correct horse battery staple").unwrap(),
            "each has its own salt"
        );
        assert!(verify("correct horse battery staple", &one));
        assert!(!verify("correct horse battery stapl", &one));
        assert!(!verify("", "not a hash"));
    }
}
