// Live updates, keyboard moves and the browser's time zone. Every page works without this file.
"use strict";

(() => {
  const oneYear = 31536000;

  // --- Times in the reader's zone: the server writes them so once it knows the zone. ---
  try {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone && !document.cookie.split("; ").includes("zone=" + encodeURIComponent(zone))) {
      document.cookie = "zone=" + encodeURIComponent(zone) + "; Path=/; SameSite=Lax; Max-Age=" + oneYear
        + (location.protocol === "https:" ? "; Secure" : "");
    }
    const pad = (number) => String(number).padStart(2, "0");
    const localize = (root) => {
      for (const time of root.querySelectorAll("time[data-local]")) {
        const at = new Date(time.dateTime);
        if (Number.isNaN(at.getTime())) continue;
        const name = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(at)
          .find((part) => part.type === "timeZoneName");
        time.textContent = at.getFullYear() + "-" + pad(at.getMonth() + 1) + "-" + pad(at.getDate()) + " "
          + pad(at.getHours()) + ":" + pad(at.getMinutes()) + " " + (name ? name.value : "");
      }
    };
    localize(document);
  } catch { /* An old browser keeps UTC, which the page names. */ }

  // --- Live updates ---
  const news = document.getElementById("news");
  let source = null;
  let count = 0;
  let isDue = false;

  const refresh = async () => {
    const live = document.getElementById("live");
    if (!live || !news.hasAttribute("data-live") || document.visibilityState === "hidden") return false;
    if (live.contains(document.activeElement) && document.activeElement !== document.body) return false;
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (!answer.ok) return false;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
    if (!fresh) return false;
    for (const details of live.querySelectorAll("details[open] > summary")) {
      for (const other of fresh.querySelectorAll("details > summary")) {
        if (other.textContent === details.textContent) other.parentElement.open = true;
      }
    }
    live.replaceWith(document.adoptNode(fresh));
    return true;
  };

  // A flood of news renews the page once a second, and once more at its end.
  const renew = () => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => { isDue = false; refresh().then((done) => { if (done) count = 0; }).catch(() => {}); }, count > 20 ? 1000 : 0);
  };

  const announce = (text, alarms, link) => {
    news.textContent = "";
    const line = document.createElement("p");
    line.append(text);
    if (link) {
      const show = document.createElement("a");
      show.href = location.href;
      show.textContent = news.dataset.show;
      line.append(" ", show);
    }
    news.append(line);
    if (alarms.length) {
      const list = document.createElement("ul");
      for (const alarm of alarms.slice(0, 3)) {
        const item = document.createElement("li");
        const to = document.createElement("a");
        to.href = "/findings/" + encodeURIComponent(alarm.id);
        to.lang = "en";
        to.textContent = alarm.summary;
        item.append(to);
        list.append(item);
      }
      news.append(list);
    }
    news.hidden = false;
  };

  const listen = () => {
    if (!news || source || !window.EventSource) return;
    source = new EventSource(news.dataset.stream);
    source.addEventListener("ready", () => news.classList.remove("lost"));
    source.addEventListener("news", (event) => {
      let heard;
      try { heard = JSON.parse(event.data); } catch { return; }
      count += heard.findings;
      const text = count === 1 ? news.dataset.one : news.dataset.many.replace("{}", String(count));
      if (heard.findings) announce(text, heard.alarms, true);
    });
    // The counts come a moment after the news: what is fetched before shows the old ones.
    source.addEventListener("counted", renew);
    source.addEventListener("lagged", renew);
    source.addEventListener("error", () => {
      if (source && source.readyState === EventSource.CLOSED) {
        news.classList.add("lost");
        announce(news.dataset.lost, [], false);
      }
    });
  };
  const close = () => { if (source) { source.close(); source = null; } };
  // A browser opens six lines to one host at most: a page that nobody sees gives its line back.
  if (news) {
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") close(); else { listen(); refresh().catch(() => {}); }
    });
    window.addEventListener("pagehide", close);
    if (document.visibilityState !== "hidden") listen();
  }

  // --- Keys ---
  let row = -1;
  let prefix = "";
  const rows = () => [...document.querySelectorAll("tr[data-row]")];
  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    row = Math.max(0, Math.min(all.length - 1, row + step));
    const link = all[row].querySelector("a");
    if (link) { link.focus(); all[row].scrollIntoView({ block: "nearest" }); }
  };
  const go = (selector) => { const link = document.querySelector(selector); if (link) link.click(); };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target;
    if (at instanceof HTMLElement && at.closest("input, select, textarea, [contenteditable]")) {
      if (event.key === "Escape") at.blur();
      return;
    }
    const key = prefix + event.key;
    prefix = event.key === "g" ? "g " : "";
    switch (key) {
      case "j": move(1); break;
      case "k": move(-1); break;
      case "n": go("nav.pages a[rel=next]"); break;
      case "/": { const field = document.querySelector("input[type=search]"); if (!field) return; field.focus(); field.select(); break; }
      case "g o": location.assign("/"); break;
      case "g f": location.assign("/findings"); break;
      default: return;
    }
    event.preventDefault();
  });
  document.addEventListener("focusin", (event) => {
    const at = event.target instanceof HTMLElement ? event.target.closest("tr[data-row]") : null;
    if (at) row = rows().indexOf(at);
  });
})();
