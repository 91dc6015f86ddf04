//! What an attacker wrote, looked at in a real browser: it is text on every page, and nothing of it acts.

use crate::page::{DESKTOP, PHONE};
use crate::site::{Site, has_browser, signed_in, with_browser};

/// Closes what it may stand in, then opens a dialog, fetches from elsewhere and leaves a mark, each in several ways.
const MARKUP: &str = r#"'"></title></textarea></script><script>window.struck=1;alert(1)</script><img src="http://elsewhere.invalid/x" onerror="window.struck=1;alert(2)"><svg/onload=alert(3)><a href="javascript:alert(4)">x</a><iframe src="http://elsewhere.invalid/f"></iframe><style>*{display:none}</style>{{7*7}}<b hx-get="/people" hx-trigger="load">"#;

/// A message that asks for a password, in HTML that acts.
const MESSAGE: &str = "From: \"IT Help <script>alert(8)</script>\" <help@login-wakefieldvotes.com>\r\nTo: clerk@wakefieldvotes.gov\r\n\
    Subject: Verify your password <img src=x onerror=alert(8)>\r\nDate: Tue, 1 Sep 2026 10:00:00 +0000\r\n\
    Message-ID: <1@login-wakefieldvotes.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n\
    <p>Your mailbox is full. <script>alert(8)</script><img src=x onerror=alert(8)>\
    <a href=\"http://login-wakefieldvotes.com/login?x=<script>\">Sign in to verify your password within 24 hours</a></p>\r\n";

/// Every text of a finding, the whole of it and its targets among them.
const FIELDS: [&str; 14] = [
    "$.subject",
    "$.summary",
    "$.next",
    "$.target.name",
    "$.reasons[0].code",
    "$.reasons[0].text",
    "$.reasons[0].spans[0].text",
    "$.reasons[0].spans[0].of",
    "$.alternatives[0]",
    "$.indicators[0].type",
    "$.indicators[0].value",
    "$.techniques[0]",
    "$.evidence[0].locator",
    "$.evidence[0].media_type",
];

#[test]
fn stored_markup_is_text_in_a_real_browser() {
    if !has_browser() {
        return;
    }
    let place = Site::workspace();
    // A register that somebody imported, a file that somebody named, and a finding of which every text is hostile.
    let register = std::fs::read_to_string(place.path("ws/register.toml")).expect("the register");
    let name = toml::Value::from(MARKUP).to_string();
    let register = register
        .replace("\"Wakefield County Clerk\"", &name)
        .replace("\"Example State Elections\"", &name);
    place.write("ws/register.toml", register);
    let file = "<img src=x onerror=alert(9)>.txt";
    place.write(file, "wakefieldvotes-office.com\n");
    place
        .ws(&[
            "lookalike",
            "scan",
            "--record",
            &place.path(file).display().to_string(),
        ])
        .succeeds();
    place.write("message.eml", MESSAGE);
    place
        .ws(&[
            "mail",
            "check",
            "--record",
            &place.path("message.eml").display().to_string(),
        ])
        .succeeds();
    let site = Site::of(place);
    let id = site.finding("login-wakefieldvotes.com");
    let mail = site.finding("\"desk\":\"mail\"");
    let quoted = MARKUP.replace('\'', "''");
    let set: String = FIELDS
        .iter()
        .map(|field| format!(", '{field}', '{quoted}'"))
        .collect();
    site.place.edit_record(&format!(
        "UPDATE findings SET subject = '{quoted}', finding = json_set(json_replace(finding{set}), '$.details.note', '{quoted}', '$.verdict', '{quoted}') WHERE finding_id = '{id}'"
    ));
    with_browser(&site, |chrome| {
        let mut page = signed_in(chrome, &site, "officer", PHONE);
        page.open(&format!("/findings/{id}"));
        page.fill("#reason", MARKUP);
        page.follow("Add a note");
        for width in [PHONE, DESKTOP] {
            page.resize(width);
            for path in [
                "/".to_owned(),
                "/findings".to_owned(),
                "/findings?text=onerror".to_owned(),
                format!("/findings/{id}"),
                format!("/findings/{mail}"),
                "/targets".to_owned(),
                "/targets/wakefield-county".to_owned(),
                "/sources".to_owned(),
                "/brief".to_owned(),
                "/ledger".to_owned(),
                "/people".to_owned(),
                "/public".to_owned(),
                "/sign-in?to=javascript:alert(5)".to_owned(),
                "/findings?text=%3Cscript%3Ealert(6)%3C/script%3E&desk=%22%3E%3Csvg/onload=alert(7)%3E&from=%3Cb%3E".to_owned(),
            ] {
                page.open(&path);
                assert_eq!(page.eval("window.struck ?? 0"), 0, "{path}");
                for acting in ["img", "main style", "main script", "a[href^='javascript']", "[hx-trigger=load]", "iframe:not(.brief)"] {
                    assert_eq!(page.count(acting), 0, "{acting} at {path}");
                }
                assert_ne!(page.eval("getComputedStyle(document.querySelector('main')).display"), "none", "{path}");
                for summary in 0..page.count("main details") {
                    page.eval(&format!("document.querySelectorAll('main details')[{summary}].open = true"));
                }
            }
            page.open(&format!("/findings/{id}"));
            page.sees("<script>window.struck=1;alert(1)</script>");
            page.open(&format!("/findings/{mail}"));
            page.sees("onerror=alert(8)");
        }
    });
}

#[test]
fn what_acts_on_a_page_is_noticed_by_these_tests() {
    if !has_browser() {
        return;
    }
    let site = Site::of(Site::workspace());
    let mut chrome =
        crate::chrome::Chrome::start(&crate::chrome::program().expect("seen before"), &site.origin);
    let mut page = signed_in(&mut chrome, &site, "viewer", DESKTOP);
    // The policy refuses both, and says so; without that, the tests above would hold of any page.
    page.eval("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')");
    page.eval("{ const script = document.createElement('script'); script.textContent = 'window.struck = 1'; document.body.append(script); }");
    assert_eq!(page.eval("window.struck ?? 0"), 0);
    page.eval("{ const picture = new Image(); picture.src = 'http://elsewhere.invalid/x'; document.body.append(picture); }");
    page.eval("setTimeout(() => { alert('a dialog'); throw new Error('thrown'); }, 0); 0");
    chrome.listen(std::time::Duration::from_millis(1_000));
    let said = chrome.complaints.join("\n");
    for part in ["style-src", "script-src", "img-src", "dialog", "thrown"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
