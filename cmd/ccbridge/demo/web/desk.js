// The agent's desk.
import { $, make, put, mark, keep, time, follow, act, entered, grow } from "./dom.js";

const states = { robot: "with the robot", queued: "waits", agent: "with you", dormant: "put aside", ended: "ended" };

/** desk brings the desk to life; label(thread) names a visitor's thread. */
export function desk(label, news) {
  const list = $("#visitors"), talk = $("#talk"), box = $(".talk .scroll"), form = $("#answer"), text = $("#answer-text"), error = $("#desk-error");
  let sessions = [], chosen = null, byHand = false;
  const waited = new Set();

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = text.value;
    if (!said.trim()) return;
    text.value = "";
    grow(text);
    if (!(await act("answer", { visitor: chosen, text: said }, error)) && !text.value) text.value = said;
  });
  entered(form);
  $("#accept").addEventListener("click", async () => {
    byHand = true;
    if (await act("accept", { visitor: chosen }, error)) focusWhenFree();
  });
  $("#finish").addEventListener("click", () => act("finish", { visitor: chosen }, error));

  // focusWhenFree puts the keyboard into the answer once it can be written.
  function focusWhenFree() {
    const tries = setInterval(() => {
      if (text.disabled) return;
      clearInterval(tries);
      text.focus();
    }, 50);
    setTimeout(() => clearInterval(tries), 3000);
  }

  // pick chooses whom to show: whom the agent chose, else who waits, talks, or came last.
  function pick() {
    const now = sessions.find((s) => s.visitor === chosen);
    if (now && now.state !== "ended" && (byHand || now.state === "agent")) return;
    byHand = false;
    const best = ["queued", "agent", "dormant", "robot"].map((state) => sessions.findLast((s) => s.state === state)).find(Boolean);
    if (best) chosen = best.visitor;
    else if (!now) chosen = sessions.at(-1)?.visitor ?? null;
  }

  function born() {
    return make("li", {}, make("button", { type: "button", class: "visitor", onclick: (event) => {
      chosen = event.currentTarget.parentElement.dataset.key;
      byHand = true;
      draw();
    } }, make("b", { class: "person" }), make("span", { class: "soft" }), make("span", { class: "badge" })));
  }
  function fill(item, s) {
    put($("b", item), s.name);
    put($(".soft", item), s.from);
    const badge = $(".badge", item);
    mark(badge, "data-state", s.state);
    put(badge, s.place ? `waits, place ${s.place}` : states[s.state] ?? s.state);
    mark($("button", item), "aria-pressed", s.chosen);
  }

  const kinds = { CUSTOMER: "customer", ROBOT: "robot", AGENT: "agent", SYSTEM: "centre" };
  function bornLine(l) {
    return make("li", { class: l.source === "AGENT" ? "bubble mine" : "bubble", "data-who": kinds[l.source] ?? "centre" },
      make("p", { class: "who" }, make("b", { class: "person" }, l.who), time(l.at)), make("p", { class: "said", dir: "auto" }, make("span", { class: "words" }, l.text)));
  }

  function draw() {
    const live = (s) => (s.state === "ended" ? 1 : 0);
    const order = sessions.map((s) => ({ visitor: s.visitor, name: s.name, state: s.state, place: s.place, from: label(s.thread), chosen: s.visitor === chosen }))
      .toReversed().sort((a, b) => live(a) - live(b) || (a.state === "queued" ? 0 : 1) - (b.state === "queued" ? 0 : 1));
    keep(list, order, (s) => s.visitor, born, fill);
    const waiting = sessions.filter((s) => s.state === "queued").length;
    const lamp = $("#waiting");
    put(lamp, waiting === 0 ? "nobody waits" : waiting === 1 ? "1 waits" : `${waiting} wait`);
    mark(lamp, "data-level", waiting ? "warn" : "info");
    const s = sessions.find((s) => s.visitor === chosen);
    $("#talkhead").hidden = !s;
    $("#desk-hint").hidden = !!s;
    const mine = s?.state === "agent";
    text.disabled = $("button", form).disabled = !mine;
    text.placeholder = mine ? `Answer ${s.name}` : s?.state === "queued" ? "Accept first" : s?.state === "robot" ? "The robot is answering" : "Accept a visitor first";
    if (!s) return;
    put($("#talk-name"), s.name);
    put($("#talk-thread"), label(s.thread));
    mark($("#talk-state"), "data-state", s.state);
    put($("#talk-state"), s.state === "ended" && s.ended_by ? "ended " + s.ended_by : states[s.state] ?? s.state);
    $("#accept").hidden = s.state !== "queued";
    $("#finish").hidden = !mine;
    if (talk.dataset.visitor !== s.visitor) talk.replaceChildren();
    talk.dataset.visitor = s.visitor;
    const lines = s.lines.map((l, i) => ({ ...l, key: i + l.at }));
    follow(box, () => keep(talk, lines, (l) => l.key, bornLine, () => {}));
  }

  return function show(state) {
    sessions = state.sessions;
    for (const s of sessions) {
      if (s.state === "queued" && !waited.has(s.visitor)) {
        waited.add(s.visitor);
        news(`Desk: ${s.name} waits for a human`);
      }
    }
    pick();
    draw();
  };
}
