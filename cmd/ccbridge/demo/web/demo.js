// The page of `ccbridge demo`: it is told over one stream what has changed, and asks for deeds with small posts.
import { $, make, mark } from "./dom.js";
import { place } from "./chats.js";
import { desk } from "./desk.js";
import { machine } from "./strip.js";

const said = $("#said");

/** news tells screen readers what somebody wrote; only the last lines are kept. */
function news(text) {
  said.append(make("span", {}, text + " "));
  while (said.children.length > 8) said.firstElementChild.remove();
}

const names = new Map(); // of the threads: "Slack 1"

/** label names a thread for those who look at all of them at once. */
const label = (thread) => names.get(thread) ?? "";

const parts = { slack: place("slack", news), discord: place("discord", news), desk: desk(label, news), ...machine(label) };
const seen = {};

// tour marks what the visitor has tried already.
function tour() {
  const agent = seen.desk?.sessions.some((s) => s.lines.some((l) => l.source === "AGENT"));
  const done = {
    write: (seen.slack?.threads.length ?? 0) + (seen.discord?.threads.length ?? 0) > 0,
    human: seen.desk?.sessions.some((s) => s.state === "queued" || s.state === "agent") || agent,
    accept: agent,
    kill: seen.bridge?.kills > 0,
    lost: seen.bridge?.looks > 0,
  };
  let next = true;
  for (const item of document.querySelectorAll("[data-step]")) {
    if (done[item.dataset.step]) item.classList.add("done");
    const isDone = item.classList.contains("done");
    mark(item, "aria-current", !isDone && next ? "step" : null);
    if (!isDone) next = false;
  }
}

function show(changed) {
  Object.assign(seen, changed);
  for (const platform of ["slack", "discord"]) {
    changed[platform]?.threads.forEach((thread) => names.set(thread.id, `${platform === "slack" ? "Slack" : "Discord"} ${thread.no}`));
  }
  // What is named by thread comes after the threads.
  for (const part of ["slack", "discord", "desk", "bridge", "truth", "switches", "strip"]) {
    if (changed[part] !== undefined) parts[part](changed[part]);
  }
  tour();
}

const stream = new EventSource("events");
stream.addEventListener("message", (event) => show(JSON.parse(event.data)));
stream.addEventListener("open", () => parts.reached(true));
stream.addEventListener("error", () => parts.reached(false));
