//! Everything again in a browser that runs no script: reading, entering, deciding.

use crate::page::{DESKTOP, PHONE, Person};
use crate::site::{PASSWORD, Site, has_browser, with_browser};

#[test]
fn without_a_script_everything_is_read_and_decided() {
    if !has_browser() {
        return;
    }
    let site = Site::new();
    let id = site.finding("login-wakefieldvotes.com");
    with_browser(&site, |chrome| {
        for width in [PHONE, DESKTOP] {
            let person = Person::new(chrome, &site.origin);
            let mut page = person.tab(chrome, width).without_script();
            page.open("/findings");
            page.sign_in("officer", PASSWORD, "");
            assert_eq!(page.eval("typeof htmx"), "undefined", "no script of the page ran");
            page.fill("#text", "account-check");
            page.follow("Show");
            assert_eq!(page.count("tr[data-row]"), 1);
            page.open("/findings");
            page.follow("Next page");
            page.follow("First page");
            for (path, words) in [
                ("/", "Not known:"),
                ("/targets", "Quiet County Registrar"),
                ("/targets/wakefield-county", "Wakefield County Clerk"),
                ("/sources", "names.txt"),
                ("/brief", "Who may read it"),
                ("/ledger", "Checkpoint"),
                ("/ledger/0", "The entry"),
                ("/people", "Guest view"),
                ("/account", "Second factor"),
                ("/help", "What the desks see"),
                ("/public", "Public page"),
            ] {
                page.open(path);
                page.sees(words);
            }
            page.open(&format!("/findings/{id}"));
            page.fill("#reason", "seen without a script");
            page.follow("Add a note");
            page.sees("seen without a script");
            page.choose("select[name=language]", "es");
            page.follow("Apply");
            page.sees("Añadir una nota");
            page.choose("select[name=language]", "en");
            page.follow("Aplicar");
            page.open("/account");
            page.follow("Sign out");
            assert!(page.path().starts_with("/sign-in"));
        }
    });
}
