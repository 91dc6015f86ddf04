//! Reading and deciding: overview, findings, a finding, targets, sources, brief, ledger, the public page.

use serde_json::json;

use crate::page::{DESKTOP, PHONE, Page, Person};
use crate::site::{Site, has_browser, signed_in, with_browser};

#[test]
fn the_overview_leads_from_the_bottom_line_to_each_part() {
    if !has_browser() {
        return;
    }
    let site = Site::new();
    with_browser(&site, |chrome| {
        for width in [PHONE, DESKTOP] {
            let mut page = signed_in(chrome, &site, "viewer", width);
            page.sees("alarms stand, about 2 of 4 registered targets");
            page.sees("Not known:");
            assert!(page.count("svg.map .tile") > 50);
            page.press("The map as a table");
            page.sees("Ohio");
            page.press("What the stages mean");
            page.sees("somebody tried to get in, or to take something");
            page.follow("Wakefield County Clerk");
            assert_eq!(page.path(), "/targets/wakefield-county");
            page.follow("Overview");
            page.turn(|page| page.click("p.todo a"));
            assert!(page.path().contains("decided=open"), "{}", page.path());
            page.follow("Targets");
            page.sees("Quiet County Registrar");
            page.follow("Sources");
            page.sees("names.txt");
            page.sees("access.log");
            page.sees("Never connected.");
        }
    });
}

#[test]
fn findings_are_filtered_sorted_paged_and_walked_through_with_keys() {
    if !has_browser() {
        return;
    }
    let site = Site::new();
    with_browser(&site, |chrome| {
        for width in [PHONE, DESKTOP] {
            let mut page = signed_in(chrome, &site, "viewer", width);
            page.follow("Findings");
            assert_eq!(page.count("tr[data-row]"), 50);
            // What is typed changes the list without a new page, and the address with it.
            page.eval("window.stayed = true");
            page.fill("#text", "account-check");
            page.until("document.querySelectorAll('tr[data-row]').length === 1");
            page.until("location.search.includes('text=account-check')");
            assert_eq!(page.eval("window.stayed"), true);
            page.fill("#text", "");
            page.until("document.querySelectorAll('tr[data-row]').length === 50");
            page.choose("select[name=desk]", "intrusion");
            page.until("[...document.querySelectorAll('tr[data-row]')].every((row) => row.innerText.includes('Bellmere'))");
            page.choose("select[name=desk]", "");
            page.choose("select[name=sort]", "newest");
            page.until("location.search.includes('sort=newest')");
            page.until("document.querySelector('tr[data-row]').innerText.includes('Bellmere')");
            page.open("/findings");
            page.follow("Next page");
            page.until("document.querySelectorAll('tr[data-row]').length < 50");
            assert!(page.path().contains("after="));
            page.follow("First page");

            page.key("j");
            page.key("j");
            page.key("k");
            page.key("j");
            let second = page.eval("document.querySelectorAll('tr[data-row]')[1].querySelector('a').href");
            assert_eq!(page.eval("document.activeElement.href"), second, "j and k move");
            page.turn(|page| page.key("Enter"));
            assert_eq!(page.eval("location.href"), second, "Enter opens");
            page.turn(|page| {
                page.key("g");
                page.key("f");
            });
            page.turn(|page| page.key("n"));
            assert!(page.path().contains("after="), "n turns the page");
            page.key("/");
            assert_eq!(page.eval("document.activeElement.id"), "text", "/ searches");
            page.key("Escape");
            page.turn(|page| {
                page.key("g");
                page.key("o");
            });
            assert_eq!(page.path(), "/");
        }
    });
}

#[test]
fn a_decision_is_taken_and_stands_in_the_history_and_in_the_ledger() {
    if !has_browser() {
        return;
    }
    let site = Site::new();
    with_browser(&site, |chrome| {
        for (width, name) in [
            (PHONE, "login-wakefieldvotes.com"),
            (DESKTOP, "secure-wakefieldvotes.com"),
        ] {
            let id = site.finding(name);
            let mut page = signed_in(chrome, &site, "analyst", width);
            page.open(&format!("/findings/{id}"));
            page.sees("What else could explain it");
            page.sees(&name.replace('.', "[.]"));
            page.sees("Nobody has decided on it yet.");
            page.follow("Dismiss");
            page.sees("A dismissal or a note needs a reason");
            page.back();
            page.fill("#reason", "our vendor's <b>test</b> site\nsince May");
            page.follow("Dismiss");
            assert_eq!(page.path(), format!("/findings/{id}#decisions"));
            page.sees("our vendor's <b>test</b> site\nsince May");
            assert_eq!(page.count("ol.history .decided.dismissed"), 1);
            page.fill("#reason", "asked them by telephone");
            page.follow("Add a note");
            page.follow("Confirm");
            assert_eq!(
                page.eval(
                    "[...document.querySelectorAll('.decisions ol .decided')].map((one) => one.innerText)"
                ),
                json!(["dismissed", "note", "confirmed"])
            );
            page.sees("analyst");
            page.press("Show the proof, and how to check it");
            page.sees("pollwatch verify");
            page.turn(|page| page.click("section[aria-labelledby=proof] p a"));
            assert!(page.path().starts_with("/ledger/"));
            page.sees("The entry commits to a statement and tells nothing of it");
            let proof = fetched(&mut page, "document.querySelector('a[download]').href");
            assert_eq!(proof["status"], 200);
            assert!(
                proof["text"]
                    .as_str()
                    .expect("text")
                    .starts_with("c2sp.org/tlog-proof@v1"),
                "{proof}"
            );
            page.follow("Ledger");
            page.sees("decision");
            page.sees(if width == PHONE { "event" } else { "Last entry" });
        }
        let recorded = site
            .place
            .ws(&["findings", "show", &site.finding("login-wakefieldvotes.com")])
            .out;
        assert!(recorded.contains("asked them by telephone"), "{recorded}");
        site.place.ws(&["verify"]).succeeds();
    });
}

/// Status, headers and text of what lies at the address that an expression gives.
fn fetched(page: &mut Page, address: &str) -> serde_json::Value {
    page.eval(&format!(
        "fetch({address}).then(async (answer) => ({{status: answer.status, as: answer.headers.get('content-disposition'), text: await answer.text()}}))"
    ))
}

#[test]
fn a_brief_says_what_it_withholds_is_seen_and_saved() {
    if !has_browser() {
        return;
    }
    let site = Site::new();
    with_browser(&site, |chrome| {
        for width in [PHONE, DESKTOP] {
            let mut page = signed_in(chrome, &site, "viewer", width);
            page.follow("Brief");
            page.click("input[name=tlp][value=clear]");
            page.follow("Show");
            page.sees("findings are withheld: marked stricter than TLP:CLEAR");
            assert_eq!(page.count("iframe.brief"), 1);
            let saved = fetched(&mut page, "document.querySelector('a[download]').href");
            assert_eq!(saved["as"], "attachment; filename=\"brief-clear.html\"");
            assert!(saved["text"].as_str().expect("text").contains("TLP:CLEAR"));
            page.click("input[name=tlp][value=red]");
            page.follow("Show");
            assert_eq!(page.count("p.notice"), 0, "nothing is withheld from TLP:RED");
        }
    });
}

#[test]
fn the_language_changes_with_the_account_and_a_guest_sees_the_public_page_alone() {
    if !has_browser() {
        return;
    }
    let site = Site::new();
    with_browser(&site, |chrome| {
        for (width, role) in [(PHONE, "officer"), (DESKTOP, "viewer")] {
            let mut page = signed_in(chrome, &site, role, width);
            page.choose("select[name=language]", "es");
            page.choose("select[name=theme]", "dark");
            page.follow("Apply");
            page.sees("alarmas en pie");
            assert_eq!(page.eval("document.documentElement.lang"), "es");
            assert_eq!(
                page.eval("getComputedStyle(document.body).backgroundColor"),
                "rgb(21, 24, 27)"
            );
            page.follow("Hallazgos");
            page.choose("select[name=language]", "en");
            page.follow("Aplicar");
            assert_eq!(page.path(), "/findings", "it stays where it was");
        }
        // Nobody who has not signed in sees anything, until an officer says so.
        let guest = Person::new(chrome, &site.origin);
        let mut page = guest.tab(chrome, PHONE);
        page.open("/public");
        assert!(page.path().starts_with("/sign-in"));
        let mut page = signed_in(chrome, &site, "officer", PHONE);
        page.open("/people");
        page.turn(|page| page.click("form[action='/people/guest'] button"));
        page.sees("Guests may see the public page.");
        let mut page = guest.tab(chrome, DESKTOP);
        page.open("/public");
        page.sees("Public page");
        page.sees("Checkpoint");
        page.sees_not("wakefieldvotes");
        page.open("/findings");
        assert!(page.path().starts_with("/sign-in"));
    });
}
