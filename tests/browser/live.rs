//! Pages that change while they are open.

use crate::page::{DESKTOP, PHONE};
use crate::site::{Site, has_browser, signed_in, with_browser};

#[test]
fn an_open_page_tells_of_a_finding_that_another_process_records() {
    if !has_browser() {
        return;
    }
    let site = Site::new();
    with_browser(&site, |chrome| {
        for (width, name, path) in [
            (DESKTOP, "wakefieldvotes-help.org", "/"),
            (PHONE, "bellmerevotes-help.org", "/findings"),
        ] {
            let mut page = signed_in(chrome, &site, "viewer", width);
            page.open(path);
            let before = page.text("h1");
            // The line is open before anything is recorded.
            let line = format!("{}/events", site.origin);
            while !page.chrome.answered.contains(&line) {
                page.chrome.listen(std::time::Duration::from_millis(50));
            }
            site.find_more(name);
            page.until("!document.querySelector('#news').hidden");
            let news = page.text("#news");
            assert!(news.contains("1 finding is new or has changed."), "{news}");
            assert!(news.contains(&name.replace('.', "[.]")), "{news}");
            if path == "/" {
                page.until(&format!(
                    "document.querySelector('h1').innerText !== {}",
                    serde_json::json!(before)
                ));
            }
            page.turn(|page| page.click("#news li a"));
            page.sees(&name.replace('.', "[.]"));
        }
    });
}
