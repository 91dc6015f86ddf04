//! How pages look: no sideways scrolling at any width, nothing against the rules of accessibility in light and dark.

use crate::axe;
use crate::chrome::Chrome;
use crate::page::{DESKTOP, PHONE, Page};
use crate::site::{PASSWORD, Site, has_browser, with_browser};

/// From the smallest telephone to a wall.
const WIDTHS: [u32; 6] = [320, 360, 768, 1024, 1280, 1920];

/// Every kind of page, with everything on it.
fn pages(site: &Site) -> Vec<String> {
    let audit = format!("/audits/{}", crate::audits::NAME);
    [
        "/",
        "/findings",
        "/findings?text=nothing-fits-this&stage=far",
        "/targets",
        "/targets/wakefield-county",
        "/sources",
        "/audits",
        &audit,
        &format!("{audit}/retrieval"),
        &format!("{audit}/enter"),
        "/brief",
        "/ledger",
        "/ledger/0",
        "/public",
        "/people",
        "/account",
        "/help",
        "/no-such-page",
        &format!("/findings/{}", site.finding("login-wakefieldvotes.com")),
        &format!("/findings/{}", site.finding("203.0.113.9")),
    ]
    .map(str::to_owned)
    .to_vec()
}

fn site() -> Site {
    let place = Site::workspace();
    crate::audits::drawn(&place);
    Site::of(place)
}

/// Signs in as the officer, who sees most.
fn officer<'a>(chrome: &'a mut Chrome, site: &Site) -> Page<'a> {
    crate::site::signed_in(chrome, site, "officer", DESKTOP)
}

#[test]
fn no_page_scrolls_sideways_at_any_width() {
    if !has_browser() {
        return;
    }
    let site = site();
    let pages = pages(&site);
    with_browser(&site, |chrome| {
        let mut page = officer(chrome, &site);
        for path in &pages {
            page.open(path);
            page.eval("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
            for width in WIDTHS {
                page.resize(width);
                page.until(&format!("innerWidth === {width}"));
                let over = page.eval(
                    "document.documentElement.scrollWidth > document.documentElement.clientWidth \
                     ? [...document.querySelectorAll('main *, header *, footer *')].filter((one) => !one.closest('.scroll') && one.getBoundingClientRect().right > innerWidth + 1)
                       .map((one) => one.outerHTML.slice(0, 120)).slice(-3) : []",
                );
                assert_eq!(over, serde_json::json!([]), "{path} at {width}");
            }
        }
    });
}

fn nothing_is_against_the_rules(scheme: &str) {
    let Some(rules) = has_browser().then(axe::rules).flatten() else {
        return;
    };
    let site = site();
    let pages = pages(&site);
    with_browser(&site, |chrome| {
        let person = crate::page::Person::new(chrome, &site.origin);
        let mut page = person.tab(chrome, PHONE);
        page.prefer(scheme, "");
        page.open("/sign-in");
        assert_eq!(
            axe::violations(&mut page, &rules),
            Vec::<String>::new(),
            "/sign-in, {scheme}"
        );
        page.sign_in("officer", PASSWORD, "");
        let mut against = Vec::new();
        for path in &pages {
            page.open(path);
            page.eval("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
            for width in WIDTHS {
                page.resize(width);
                page.until(&format!("innerWidth === {width}"));
                for one in axe::violations(&mut page, &rules) {
                    against.push(format!("{path} at {width}, {scheme}: {one}"));
                }
            }
        }
        assert!(against.is_empty(), "{against:#?}");
    });
}

#[test]
fn nothing_is_against_the_rules_of_accessibility_in_light() {
    nothing_is_against_the_rules("light");
}

#[test]
fn nothing_is_against_the_rules_of_accessibility_in_dark() {
    nothing_is_against_the_rules("dark");
}

/// Pictures for people to look at, in the folder that `POLLWATCH_PICTURES` names: nothing is compared.
#[test]
fn pictures_are_taken_where_somebody_asks_for_them() {
    let Some(folder) = std::env::var_os("POLLWATCH_PICTURES").map(std::path::PathBuf::from) else {
        return;
    };
    if !has_browser() {
        return;
    }
    std::fs::create_dir_all(&folder).expect("make the folder");
    let site = site();
    let pages = pages(&site);
    with_browser(&site, |chrome| {
        let mut page = officer(chrome, &site);
        for (number, path) in pages.iter().enumerate() {
            for theme in ["light", "dark", "contrast"] {
                for width in [PHONE, DESKTOP] {
                    page.resize(width);
                    page.eval(&format!("document.cookie = 'theme={theme}; Path=/'"));
                    page.open(path);
                    let name = format!("{number:02}-{theme}-{width}.png");
                    std::fs::write(folder.join(name), page.picture()).expect("write");
                }
            }
            page.eval("document.cookie = 'theme=dark; Path=/'");
            page.open(path);
            std::fs::write(folder.join(format!("{number:02}-print.pdf")), page.printed()).expect("write");
        }
    });
}
