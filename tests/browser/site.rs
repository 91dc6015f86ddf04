//! A workspace with something in it, the console that shows it, and a browser that looks.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use crate::chrome::{self, Chrome};
use crate::harness::Place;
use crate::page::{Page, Person};

/// The password of every account.
pub const PASSWORD: &str = "correct horse battery staple";

const REGISTER: &str = r#"
schema = 1
owner = "Example State Elections"
allow = ["wakefieldvotes-fans.org"]

[[target]]
id = "wakefield-county"
name = "Wakefield County Clerk"
kind = "office"
state = "TX"
domains = ["wakefieldvotes.gov"]

[[target]]
id = "bellmere-county"
name = "Bellmere County Elections"
kind = "office"
state = "OH"
domains = ["bellmerevotes.gov"]

[[target]]
id = "quiet-county"
name = "Quiet County Registrar"
kind = "office"
state = "NC"
domains = ["quietcountyregistrar.gov"]

[[target]]
id = "senate"
name = "United States Senate"
kind = "office"
domains = ["senate.gov"]
"#;

/// The console of a workspace, serving.
pub struct Site {
    pub place: Place,
    console: Option<Child>,
    /// Scheme, host and port.
    pub origin: String,
}

impl Site {
    /// The console of [`Site::workspace`].
    pub fn new() -> Site {
        Site::of(Site::workspace())
    }

    /// An election office that found names and a scan, in `ws`.
    pub fn workspace() -> Place {
        let place = Place::new();
        place
            .run(&["init", "ws", "--owner", "Example State Elections"])
            .succeeds();
        place.write("ws/register.toml", REGISTER);
        place.write("names.txt", names());
        place
            .ws(&["lookalike", "scan", "--record", &shown(&place, "names.txt")])
            .succeeds();
        place.write("access.log", log());
        let pair = format!("bellmere-county={}", shown(&place, "access.log"));
        place.ws(&["intrusion", "sweep", "--record", &pair]).succeeds();
        place
    }

    /// The console of a workspace `ws` that is there.
    pub fn of(place: Place) -> Site {
        for role in ["viewer", "audit-board", "analyst", "officer"] {
            place
                .run_with_input(
                    &["-C", "ws", "account", "add", role, "--role", role],
                    format!("{PASSWORD}\n").as_bytes(),
                )
                .succeeds();
        }
        let mut site = Site {
            place,
            console: None,
            origin: String::new(),
        };
        site.start();
        site
    }

    fn start(&mut self) {
        let mut console = self
            .place
            .command(&["-C", "ws", "serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the console");
        let mut said = String::new();
        BufReader::new(console.stdout.take().expect("a pipe"))
            .read_line(&mut said)
            .expect("read");
        let address = said
            .split_whitespace()
            .find(|word| word.starts_with("http"))
            .unwrap_or_else(|| panic!("the console said {said:?}"));
        self.origin = address.trim_end_matches('/').to_owned();
        self.console = Some(console);
    }

    /// Records one more name that imitates somebody, as another process.
    pub fn find_more(&self, name: &str) {
        self.place.write("more.txt", format!("{name}\n"));
        self.place
            .ws(&["lookalike", "scan", "--record", &shown(&self.place, "more.txt")])
            .succeeds();
    }

    /// The id of the most urgent finding with `text` in it.
    pub fn finding(&self, text: &str) -> String {
        let found = self.place.recorded();
        let of = found.iter().find(|finding| finding.to_string().contains(text));
        of.unwrap_or_else(|| panic!("no finding with {text}"))["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut console) = self.console.take() {
            let _ = console.kill();
            let _ = console.wait();
        }
    }
}

fn shown(place: &Place, name: &str) -> String {
    place.path(name).display().to_string()
}

/// Names enough for more than a page, and some that imitate nobody.
fn names() -> String {
    let mut text =
        "wakefleldvotes.org\nwakefieldvotes.gov.account-check.top\nmaplestreetbakery.com\n".to_owned();
    for word in [
        "login", "secure", "account", "verify", "results", "ballot", "mail", "update", "support", "portal",
    ] {
        for (name, zone) in [
            ("wakefieldvotes", "com"),
            ("bellmerevotes", "net"),
            ("wakefieldvotes", "info"),
        ] {
            text.push_str(&format!("{word}-{name}.{zone}\n{name}-{word}.{zone}\n"));
        }
    }
    text
}

/// Two days of visitors, and somebody who guesses paths.
fn log() -> String {
    let mut text = String::new();
    for visit in 0..96 {
        let (day, hour) = (1 + visit / 48, visit / 2 % 24);
        text.push_str(&format!(
            "198.18.0.{} - - [{day:02}/Sep/2026:{hour:02}:30:00 +0000] \"GET /results HTTP/1.1\" 200 14000 \"-\" \"Mozilla/5.0\"\n",
            visit + 1
        ));
    }
    for n in 0..60 {
        text.push_str(&format!(
            "203.0.113.9 - - [02/Sep/2026:23:50:{n:02} +0000] \"GET /index.php?id={n}%27%20UNION%20SELECT%20name,%20email%20FROM%20voters--%20<script>alert(1)</script> HTTP/1.1\" 404 1220 \"-\" \
             \"<img src=x onerror=alert(2)>\"\n"
        ));
    }
    text
}

/// Does `look` with a browser, where there is one; whatever a page complains of on its own fails the test.
///
/// Without a browser the test says that it was skipped, unless it runs where everything has to be there (`CI`).
pub fn with_browser(site: &Site, look: impl FnOnce(&mut Chrome)) {
    let mut chrome = Chrome::start(&chrome::program().expect("seen before"), &site.origin);
    look(&mut chrome);
    chrome.listen(std::time::Duration::from_millis(100));
    assert!(chrome.complaints.is_empty(), "{:#?}", chrome.complaints);
}

/// Whether there is a browser; says so when there is none.
pub fn has_browser() -> bool {
    if chrome::program().is_some() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "there is no Chromium, and with CI set no test is skipped: apt-get install chromium"
    );
    eprintln!("skipped: there is no Chromium (apt-get install chromium)");
    false
}

/// A tab of `width` in which `role` has signed in, in a browser of their own.
pub fn signed_in<'a>(chrome: &'a mut Chrome, site: &Site, role: &str, width: u32) -> Page<'a> {
    let person = Person::new(chrome, &site.origin);
    let mut page = person.tab(chrome, width);
    page.open("/sign-in");
    page.sign_in(role, PASSWORD, "");
    page
}
