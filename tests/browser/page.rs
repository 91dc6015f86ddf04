//! A page, and what a person does with it: look, click, type, press keys.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::chrome::Chrome;

/// How long something that should happen is waited for. Long, because the machine may be busy; nothing here measures time.
const PATIENCE: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(20);

/// A telephone, as wide as most (360 CSS pixels).
pub const PHONE: u32 = 360;
/// A screen on a desk.
pub const DESKTOP: u32 = 1280;

/// Somebody with a browser of their own: cookies are shared with nobody.
pub struct Person {
    context: String,
    origin: String,
}

/// One tab.
pub struct Page<'a> {
    pub chrome: &'a mut Chrome,
    session: String,
    origin: String,
    has_script: bool,
    turns: u64,
}

impl Person {
    pub fn new(chrome: &mut Chrome, origin: &str) -> Person {
        let made = chrome
            .ask(None, "Target.createBrowserContext", json!({}))
            .expect("a context");
        Person {
            context: text(&made["browserContextId"]),
            origin: origin.to_owned(),
        }
    }

    /// Opens a tab of this width, with the scripts of pages switched on.
    pub fn tab<'a>(&self, chrome: &'a mut Chrome, width: u32) -> Page<'a> {
        let made = chrome
            .ask(
                None,
                "Target.createTarget",
                json!({"url": "about:blank", "browserContextId": self.context}),
            )
            .expect("a tab");
        let joined = chrome
            .ask(
                None,
                "Target.attachToTarget",
                json!({"targetId": made["targetId"], "flatten": true}),
            )
            .expect("to be attached");
        let mut page = Page {
            chrome,
            session: text(&joined["sessionId"]),
            origin: self.origin.clone(),
            has_script: true,
            turns: 0,
        };
        for domain in ["Page.enable", "Runtime.enable", "Network.enable", "Log.enable"] {
            page.ask(domain, json!({}));
        }
        page.resize(width);
        page.prefer("light", "");
        page
    }
}

impl Page<'_> {
    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.chrome
            .ask(Some(&self.session), method, parameters)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn resize(&mut self, width: u32) {
        let height = if width < 700 { 740 } else { 900 };
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}),
        );
    }

    /// Switches the scripts of pages off: those of the test still run.
    pub fn without_script(mut self) -> Self {
        self.ask("Emulation.setScriptExecutionDisabled", json!({"value": true}));
        self.has_script = false;
        self
    }

    /// As a system set to `light` or `dark` shows it, or as `print` does; without smooth scrolling, which would move what is clicked on.
    pub fn prefer(&mut self, scheme: &str, medium: &str) {
        self.ask(
            "Emulation.setEmulatedMedia",
            json!({"media": medium, "features": [
                {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]}),
        );
    }

    /// Goes to a path and waits until it is loaded.
    pub fn open(&mut self, path: &str) {
        let address = format!("{}{path}", self.origin);
        self.turn(|page| {
            let went = page.ask("Page.navigate", json!({"url": address}));
            assert!(went.get("errorText").is_none(), "{path}: {went}");
        });
    }

    /// Does something that leads to another page, and waits until that is loaded.
    pub fn turn(&mut self, act: impl FnOnce(&mut Self)) {
        self.turns += 1;
        let mark = self.turns;
        // A page that comes back from the browser's cache has an older mark.
        self.eval(&format!("window.pageBefore = {mark}"));
        act(self);
        self.until(&format!(
            "window.pageBefore !== {mark} && document.readyState === 'complete'"
        ));
    }

    /// What an expression gives.
    pub fn eval(&mut self, expression: &str) -> Value {
        self.try_eval(expression)
            .unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    fn try_eval(&mut self, expression: &str) -> Result<Value, String> {
        let answer = self.chrome.ask(
            Some(&self.session),
            "Runtime.evaluate",
            json!({"expression": expression, "returnByValue": true, "awaitPromise": self.has_script}),
        )?;
        match answer.get("exceptionDetails") {
            Some(thrown) => Err(thrown.to_string()),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn until(&mut self, expression: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            // Between two pages there is nothing to ask.
            if self.try_eval(expression) == Ok(Value::Bool(true)) {
                return;
            }
            if Instant::now() > end {
                let (at, text) = (self.path(), self.body());
                panic!("{expression} does not come true at {at}, where it says:\n{text}");
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until the page shows `words` where one can see them.
    #[track_caller]
    pub fn sees(&mut self, words: &str) {
        self.until(&format!("document.body.innerText.includes({})", json!(words)));
    }

    #[track_caller]
    pub fn sees_not(&mut self, words: &str) {
        let shown = self.body();
        assert!(!shown.contains(words), "{words:?} at {}:\n{shown}", self.path());
    }

    pub fn body(&mut self) -> String {
        text(&self.eval("document.body ? document.body.innerText : ''"))
    }

    /// The text of the first element that a selector finds.
    pub fn text(&mut self, selector: &str) -> String {
        text(&self.eval(&format!(
            "document.querySelector({})?.innerText.trim() ?? ''",
            json!(selector)
        )))
    }

    /// How many elements a selector finds.
    pub fn count(&mut self, selector: &str) -> u64 {
        self.eval(&format!("document.querySelectorAll({}).length", json!(selector)))
            .as_u64()
            .expect("a number")
    }

    /// Path and query of the page.
    pub fn path(&mut self) -> String {
        text(&self.eval("location.pathname + location.search + location.hash"))
    }

    /// Clicks with the mouse on the middle of what `find` (an expression) gives, as far as it can be seen and nothing covers it.
    #[track_caller]
    fn click_on(&mut self, find: &str) {
        let place = self.eval(&format!(
            "(() => {{ const at = {find}; if (!at) return null; at.scrollIntoView({{block: 'center', behavior: 'instant'}});
              const box = [...at.getClientRects()].find((r) => r.width && r.height); if (!box) return 'hidden';
              const x = box.x + box.width / 2, y = box.y + box.height / 2, top = document.elementFromPoint(x, y);
              return top && (at.contains(top) || top.contains(at)) ? [x, y] : 'covered by ' + (top ? top.outerHTML.slice(0, 200) : 'nothing'); }})()"
        ));
        let (Some(x), Some(y)) = (place[0].as_f64(), place[1].as_f64()) else {
            let (at, text) = (self.path(), self.body());
            panic!("{find} is {place} at {at}, where it says:\n{text}");
        };
        for kind in ["mousePressed", "mouseReleased"] {
            self.ask(
                "Input.dispatchMouseEvent",
                json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}),
            );
        }
    }

    /// Clicks on the first that a selector finds.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        self.click_on(&format!("document.querySelector({})", json!(selector)));
    }

    /// Clicks on the link, button or summary that is called `name`.
    #[track_caller]
    pub fn press(&mut self, name: &str) {
        self.click_on(&format!(
            "[...document.querySelectorAll('a, button, summary')].find((one) => one.innerText.trim() === {} && one.getClientRects().length)",
            json!(name)
        ));
    }

    /// Goes back to the page before.
    pub fn back(&mut self) {
        self.turn(|page| {
            page.eval("history.back()");
        });
    }

    /// The same, when it leads to another page.
    #[track_caller]
    pub fn follow(&mut self, name: &str) {
        self.turn(|page| page.press(name));
    }

    /// Types into a field after clicking on it; what stood there is replaced.
    #[track_caller]
    pub fn fill(&mut self, selector: &str, words: &str) {
        self.click(selector);
        self.eval(&format!("document.querySelector({}).select()", json!(selector)));
        if words.is_empty() {
            self.key("Backspace");
        } else {
            self.ask("Input.insertText", json!({"text": words}));
        }
    }

    /// Chooses an option of a list by its value, as the list's own window cannot be driven without a screen.
    #[track_caller]
    pub fn choose(&mut self, selector: &str, value: &str) {
        let chosen = self.eval(&format!(
            "(() => {{ const list = document.querySelector({}); list.value = {}; \
             list.dispatchEvent(new Event('change', {{bubbles: true}})); return list.value; }})()",
            json!(selector),
            json!(value)
        ));
        assert_eq!(chosen, value, "{selector}");
    }

    /// Presses a key.
    pub fn key(&mut self, key: &str) {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            "Tab" => (9, ""),
            "Backspace" => (8, ""),
            letter => (u32::from(letter.as_bytes()[0].to_ascii_uppercase()), letter),
        };
        let mut down = json!({"type": if text.is_empty() { "rawKeyDown" } else { "keyDown" }, "key": key,
            "windowsVirtualKeyCode": code, "nativeVirtualKeyCode": code});
        if !text.is_empty() {
            down["text"] = text.into();
        }
        self.ask("Input.dispatchKeyEvent", down);
        self.ask(
            "Input.dispatchKeyEvent",
            json!({"type": "keyUp", "key": key, "windowsVirtualKeyCode": code, "nativeVirtualKeyCode": code}),
        );
    }

    /// Signs in and lands on `/`, or wherever the form was asked for.
    #[track_caller]
    pub fn sign_in(&mut self, name: &str, password: &str, code: &str) {
        self.fill("#name", name);
        self.fill("#password", password);
        if !code.is_empty() {
            self.fill("#code", code);
        }
        self.turn(|page| page.click(".sign-in form button"));
    }

    /// A picture of the whole page, for people to look at.
    pub fn picture(&mut self) -> Vec<u8> {
        use base64::Engine as _;
        let shot = self.ask(
            "Page.captureScreenshot",
            json!({"format": "png", "captureBeyondViewport": true}),
        );
        base64::engine::general_purpose::STANDARD
            .decode(text(&shot["data"]))
            .expect("base64")
    }

    /// The page as it is printed.
    pub fn printed(&mut self) -> Vec<u8> {
        use base64::Engine as _;
        let pdf = self.ask(
            "Page.printToPDF",
            json!({"preferCSSPageSize": true, "printBackground": true}),
        );
        base64::engine::general_purpose::STANDARD
            .decode(text(&pdf["data"]))
            .expect("base64")
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
