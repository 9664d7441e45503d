// The page works without this script. With it, what is marked data-live is fetched again every two seconds and only what
// changed is put in: where somebody is at work, the focus or an opened question stays.
"use strict";

const wait = 2000; // ms between two looks
const line = document.getElementById("line");
const news = document.getElementById("news");

// busy tells whether somebody is at work in an element.
const busy = (e) => e.contains(document.activeElement) || e.querySelector("details[open]") !== null || e.matches("details[open]");

// sync makes old like fresh, with as few changes as possible.
function sync(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const parts = [...old.children], wanted = [...fresh.children];
  if (wanted.some((e) => e.dataset.key) || parts.some((e) => e.dataset.key)) {
    syncRows(old, parts, wanted);
    return;
  }
  const alike = parts.length === wanted.length && parts.every((e, i) => e.tagName === wanted[i].tagName);
  if (alike && (busy(old) || old.querySelector("[data-key]"))) {
    for (const a of fresh.attributes) if (old.getAttribute(a.name) !== a.value) old.setAttribute(a.name, a.value);
    parts.forEach((e, i) => sync(e, wanted[i]));
    return;
  }
  if (!busy(old)) old.replaceWith(document.importNode(fresh, true));
}

// syncRows is sync for children that have keys.
function syncRows(old, rows, wanted) {
  const known = new Map(rows.map((e) => [e.dataset.key, e]));
  let before = null;
  for (const want of wanted) {
    const row = known.get(want.dataset.key);
    known.delete(want.dataset.key);
    let now = row;
    if (!row) {
      now = document.importNode(want, true);
      now.classList.add("changed");
    } else if (!busy(row) && !row.isEqualNode(want)) {
      now = document.importNode(want, true);
      row.replaceWith(now);
    }
    const place = before ? before.nextElementSibling : old.firstElementChild;
    if (place !== now && !(row && busy(row))) old.insertBefore(now, place);
    before = now;
  }
  for (const gone of known.values()) {
    if (gone.contains(document.activeElement)) document.getElementById("content").focus();
    gone.remove();
  }
}

// say has a screen reader tell what changed.
function say(text) {
  if (news.textContent !== text) news.textContent = text;
}

function show(level, text) {
  line.hidden = false;
  if (line.textContent === text) return;
  line.dataset.level = level;
  line.textContent = text;
}

// look fetches the page and puts in what changed.
async function look() {
  const answer = await fetch(location.href, { headers: { "X-Live": "1" }, redirect: "error", signal: AbortSignal.timeout(15000) });
  if (answer.status === 401) {
    location.assign("/admin/login?next=" + encodeURIComponent(location.pathname + location.search));
    return;
  }
  if (!answer.ok) throw new Error("status " + answer.status);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const before = [...document.querySelectorAll("[data-say]")].map((e) => e.textContent.replace(/\d+ (s|min|h|d)\b/g, "")).join();
  for (const e of document.querySelectorAll("[data-live]")) {
    const want = fresh.getElementById(e.id);
    if (want) sync(e, want);
  }
  const after = [...document.querySelectorAll("[data-say]")].map((e) => e.textContent.replace(/\d+ (s|min|h|d)\b/g, ""));
  if (before !== after.join()) say(document.querySelector("[data-say]").textContent.trim());
  show("ok", "live");
}

async function keepLooking() {
  for (;;) {
    const began = Date.now();
    if (!document.hidden) {
      try {
        await look();
      } catch {
        show("bad", "no answer");
        say("The bridge does not answer: what is shown may be old.");
      }
    }
    const took = Date.now() - began;
    await new Promise((done) => setTimeout(done, Math.max(wait, 4 * took)));
  }
}

// Escape closes an opened question and gives the focus back.
document.addEventListener("keydown", (e) => {
  const open = e.key === "Escape" && document.activeElement.closest("details[open]");
  if (open) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

if (line) {
  show("ok", "live");
  setTimeout(keepLooking, wait);
}
