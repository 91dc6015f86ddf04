//! A ballot audit on a tablet: what a board of two people does there.

use crate::harness::Place;
use crate::page::{DESKTOP, PHONE, Page};
use crate::site::{Site, has_browser, signed_in, with_browser};

/// The name of the audit.
pub const NAME: &str = "general-2026";

const CONTESTS: &str =
    "contest,candidate,seats\nMayor,Ames,1\nMayor,Brandt,\nMayor,Castillo,\nMeasure 7,Yes,1\nMeasure 7,No,\n";

/// Opens an audit of 200 cards in `ws`, commits to it, rolls dice and draws the first round.
pub fn drawn(place: &Place) {
    let columns = ["Ames", "Brandt", "Castillo", "Yes", "No"];
    let mut cvr = format!("Test,5.10{}\r\n", ",".repeat(11));
    cvr.push_str(&format!(
        "{}Mayor (Vote For=1),Mayor (Vote For=1),Mayor (Vote For=1),Measure 7 (Vote For=1),Measure 7 (Vote For=1)\r\n{}{}\r\n",
        ",".repeat(8),
        ",".repeat(8),
        columns.join(",")
    ));
    cvr.push_str("CvrNumber,TabulatorNum,BatchId,RecordId,ImprintedId,CountingGroup,PrecinctPortion,BallotType,,,,,\r\n");
    let mut manifest = "Container,Tabulator,Batch Name,Number of Ballots\n".to_owned();
    for card in 0..200_u32 {
        let (batch, record) = (card / 50 + 1, card % 50 + 1);
        if record == 1 {
            manifest.push_str(&format!("Box {batch},101,{batch},50\n"));
        }
        let mayor = if card * 37 % 100 < 70 { "1,0,0" } else { "0,1,0" };
        let measure = if card * 59 % 100 < 70 { "1,0" } else { "0,1" };
        cvr.push_str(&format!(
            "{},101,{batch},{record},101-{batch}-{record},Mail,Precinct 1,Style 1,{mayor},{measure}\r\n",
            card + 1
        ));
    }
    place.write("cvr.csv", &cvr);
    place.write("manifest.csv", &manifest);
    place.write("contests.csv", CONTESTS);
    let path = |name: &str| place.path(name).display().to_string();
    let (manifest, cvr, contests) = (path("manifest.csv"), path("cvr.csv"), path("contests.csv"));
    place
        .ws(&[
            "audit",
            "init",
            NAME,
            "--title",
            "General election",
            "--target",
            "wakefield-county",
            "--manifest",
            &manifest,
            "--cvr",
            &cvr,
            "--contests",
            &contests,
            "--paper-trail",
            "yes",
            "--manifest-independent",
            "yes",
        ])
        .succeeds();
    place.ws(&["audit", "commit"]).succeeds();
    let now = jiff::Timestamp::now().to_string();
    place
        .ws(&[
            "audit",
            "seed",
            "09213847561029384756",
            "--rolled-at",
            &now,
            "--rolled-by",
            "the deputy clerk",
            "--seen-by",
            "two observers",
        ])
        .succeeds();
    place.ws(&["audit", "sample"]).succeeds();
}

/// Marks the first candidate of each contest on the card, both members agreeing.
fn mark(page: &mut Page) {
    for contest in 0..page.count("form.ballot fieldset.contest") {
        page.click(&format!(
            "form.ballot fieldset.contest:nth-of-type({}) input[type=checkbox]",
            contest + 1
        ));
    }
    page.click("form.ballot input[name=agree]");
}

#[test]
fn a_board_of_two_enters_cards_and_nothing_is_kept_that_is_not_whole() {
    if !has_browser() {
        return;
    }
    let place = Site::workspace();
    drawn(&place);
    let site = Site::of(place);
    with_browser(&site, |chrome| {
        for width in [PHONE, DESKTOP] {
            let mut page = signed_in(chrome, &site, "audit-board", width);
            page.open("/audits");
            page.follow("General election");
            page.sees("The risk so far");
            let before = read(&site);
            page.follow("Enter cards");
            // A board is two people.
            page.fill("form.ballot input[name=first]", "Pat Doe");
            page.fill("form.ballot input[name=second]", "pat doe");
            mark(&mut page);
            page.follow("Keep this card");
            page.sees("A board has two different people");
            assert_eq!(
                page.eval("document.querySelector('form.ballot input[name=first]').value"),
                "Pat Doe"
            );
            page.fill("form.ballot input[name=second]", "Lee Roe");
            // Nothing marked is not the same as "no mark".
            page.click("form.ballot input[name=agree]");
            page.follow("Keep this card");
            page.sees("choose “no mark”");
            // Somebody closes the browser in the middle, and comes back: nothing was kept, and it is the same card.
            let card = page.eval("document.querySelector('form.ballot input[name=card]').value");
            mark(&mut page);
            page.open("/audits");
            assert_eq!(read(&site), before, "an entry that was not sent is none");
            page.open(&format!("/audits/{NAME}/enter"));
            assert_eq!(
                page.eval("document.querySelector('form.ballot input[name=card]').value"),
                card
            );
            page.fill("form.ballot input[name=first]", "Pat Doe");
            page.fill("form.ballot input[name=second]", "Lee Roe");
            mark(&mut page);
            page.follow("Keep this card");
            page.sees("The card is kept. Here is the next one.");
            assert_eq!(read(&site), before + 1);
            assert_eq!(
                page.eval("document.querySelector('form.ballot input[name=first]').value"),
                "Pat Doe",
                "not typed twice"
            );
            // A card that is not in its box is told as such.
            page.follow("The card was not found");
            page.sees("The card is kept.");
            assert_eq!(read(&site), before + 2);
            page.open(&format!("/audits/{NAME}/retrieval"));
            page.sees("✓ Read");
            // The log of the audit names both, and the account that sent it.
            let log = site.place.ws(&["audit", "log"]).out;
            assert!(log.contains("Pat Doe + Lee Roe"), "{log}");
        }
    });
    site.place.ws(&["verify"]).succeeds();
}

#[test]
fn without_a_script_a_board_enters_a_card_and_an_officer_sees_a_disagreement_and_takes_the_package() {
    if !has_browser() {
        return;
    }
    let place = Site::workspace();
    drawn(&place);
    let site = Site::of(place);
    with_browser(&site, |chrome| {
        let mut page = signed_in(chrome, &site, "officer", PHONE).without_script();
        page.open(&format!("/audits/{NAME}/enter"));
        let card = page.eval("document.querySelector('form.ballot input[name=card]').value");
        let card = card.as_str().expect("a card").to_owned();
        for (first, choice) in [("Pat Doe", 1), ("Kim Poe", 2)] {
            page.open(&format!("/audits/{NAME}/enter?card={card}"));
            page.fill("form.ballot input[name=first]", first);
            page.fill("form.ballot input[name=second]", "Lee Roe");
            for contest in 0..page.count("form.ballot fieldset.contest") {
                page.click(&format!(
                    "form.ballot fieldset.contest:nth-of-type({}) label:nth-of-type({choice}) input[type=checkbox]",
                    contest + 1
                ));
            }
            page.click("form.ballot input[name=agree]");
            page.follow("Keep this card");
        }
        page.open(&format!("/audits/{NAME}"));
        page.sees("Kim Poe + Lee Roe");
        page.sees("Pat Doe + Lee Roe");
        assert_eq!(
            page.count("svg.risk"),
            0,
            "nothing is drawn of a risk that no reading moved"
        );
        let mut page = signed_in(chrome, &site, "officer", DESKTOP);
        page.open(&format!("/audits/{NAME}"));
        let package = page.eval(
            "fetch(location.href + '/package', {method: 'POST', body: new URLSearchParams(new FormData(document.querySelector('section[aria-labelledby=package] form')))}) \
             .then(async (answer) => [answer.status, answer.headers.get('content-disposition'), (await answer.text()).slice(0, 2)])",
        );
        assert_eq!(
            package,
            serde_json::json!([200, format!("attachment; filename=\"audit-{NAME}.zip\""), "PK"])
        );
    });
}

/// Readings in the audit's log.
fn read(site: &Site) -> usize {
    site.place
        .ws(&["audit", "log"])
        .succeeds()
        .out
        .matches("read by")
        .count()
}
