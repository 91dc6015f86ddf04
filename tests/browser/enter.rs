//! Signing in and out.

use crate::page::{DESKTOP, PHONE, Person};
use crate::site::{PASSWORD, Site, has_browser, signed_in, with_browser};

#[test]
fn a_person_signs_in_sees_what_is_theirs_and_signs_out() {
    if !has_browser() {
        return;
    }
    let site = Site::new();
    with_browser(&site, |chrome| {
        for (width, role) in [(PHONE, "viewer"), (DESKTOP, "analyst")] {
            let person = Person::new(chrome, &site.origin);
            let mut page = person.tab(chrome, width);
            page.open("/findings?severity=high");
            assert!(page.path().starts_with("/sign-in?to="), "{}", page.path());
            page.sign_in(role, "not the password at all", "");
            page.sees("Account, password or code is wrong");
            assert_eq!(page.eval("document.querySelector('#password').value"), "");
            page.sign_in(role, PASSWORD, "");
            assert_eq!(page.path(), "/findings?severity=high", "where one wanted to go");
            // A decision is offered to those alone who may take one.
            page.turn(|page| page.click("tr[data-row] th a"));
            assert_eq!(page.count("form.decide"), u64::from(role == "analyst"));
            page.turn(|page| page.click(".who a[href='/account']"));
            page.follow("Sign out");
            assert_eq!(page.path(), "/sign-in");
            page.back();
            assert!(
                page.path().starts_with("/sign-in"),
                "nothing is left to go back to: {}",
                page.path()
            );
        }
    });
}

#[test]
fn a_second_factor_is_set_up_and_asked_for() {
    if !has_browser() {
        return;
    }
    let site = Site::new();
    with_browser(&site, |chrome| {
        let mut page = signed_in(chrome, &site, "analyst", PHONE);
        page.open("/account");
        page.fill("#confirm", PASSWORD);
        page.follow("Set up");
        let secret = page.text("ol.steps code").replace(' ', "");
        page.fill("#code", "000000");
        page.follow("Turn on");
        page.sees("That code does not fit.");
        page.fill("#code", &code(&secret, 0));
        page.follow("Turn on");
        // All sessions have ended, this one too.
        assert_eq!(page.path(), "/sign-in");
        page.sign_in("analyst", PASSWORD, "");
        page.sees("Account, password or code is wrong");
        // Each code counts once: the next one, as a clock a little ahead shows it.
        page.sign_in("analyst", PASSWORD, &code(&secret, 1));
        page.sees("Not known:");
        page.open("/account");
        page.sees("Second factor\non");
        page.follow("Sign out everywhere");
        assert!(page.path().starts_with("/sign-in"));
    });
}

/// The code of RFC 6238 for a secret in base 32, `steps` half minutes from now.
fn code(secret: &str, steps: u64) -> String {
    let mut bits = 0_u64;
    let mut held = 0;
    let mut key = Vec::new();
    for letter in secret.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .iter()
            .position(|one| *one == letter)
            .expect("base 32");
        bits = (bits << 5) | value as u64;
        held += 5;
        if held >= 8 {
            held -= 8;
            key.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    let step = now.as_secs() / 30 + steps;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = ring::hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let at = usize::from(bytes[19] & 15);
    let number = u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}
