// The bridge's process, the switches, the truth, and the strip of what the bridge does.
import { $, make, put, mark, keep, act } from "./dom.js";

/** machine brings the bridge's part to life; label(thread) names a thread. */
export function machine(label) {
  const error = $("#bridge-error"), process = $("#process");
  let bridge = null, injured = null, alive = true;

  $("#kill").addEventListener("click", () => act("kill", {}, error));
  $("#start").addEventListener("click", () => act("start", {}, error));
  $("#line").addEventListener("click", () => act("switch", { name: "line", on: true }, error));
  for (const button of document.querySelectorAll("[data-switch]")) {
    button.addEventListener("click", () => act("switch", { name: button.dataset.switch, on: button.getAttribute("aria-pressed") !== "true" }, error));
  }
  setInterval(drawProcess, 500);

  // drawTip says what an injury means, and what to watch.
  function drawTip() {
    const tips = [];
    if (bridge && bridge.state !== "running") tips.push("Write on: what you write waits at the platforms and at the centre, and the bridge fetches it when it is back.");
    if (injured?.centre) tips.push("The centre answers nobody: texts wait in the bridge, in their order.");
    if (injured?.limited) tips.push("Slack takes no posts: answers wait, and each is tried again when Slack says so.");
    if (injured?.armed.length) tips.push(`The next answer gets lost of: ${injured.armed.join(", ")}. The bridge looks whether it was done before it repeats anything.`);
    put($("#armed"), tips.join(" "));
  }

  function drawProcess() {
    if (!bridge) return;
    const runs = bridge.state === "running";
    const rest = Math.max(0, Math.ceil((new Date(bridge.again ?? 0) - Date.now()) / 1000));
    let text = runs ? (bridge.online ? "running" : "starting") : bridge.state === "killed" ? "killed" : "ended";
    if (bridge.state === "killed" && rest) text += `, starts in ${rest} s`;
    mark(process, "data-level", runs ? (bridge.online ? "ok" : "warn") : "bad");
    put(process, text);
    put($("#pid"), (runs ? `process ${bridge.pid}` : "no process") + (bridge.kills ? ` · killed ${bridge.kills === 1 ? "once" : bridge.kills + " times"}` : ""));
    $("#kill").disabled = !runs;
    $("#start").disabled = runs;
    const lamp = $("#lamp");
    mark(lamp, "data-level", alive ? process.getAttribute("data-level") : "bad");
    put(lamp, alive ? "bridge " + text.split(",")[0] : "the demo does not answer: was it stopped?");
  }

  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
  const born = (step) => make("li", { "data-level": step.level, "data-what": step.what },
    make("time", { datetime: step.at }, clock.format(new Date(step.at))), make("b", {}, step.what), make("em", { class: "detail" }, step.detail ?? ""),
    make("span", { class: "of" }), step.id ? make("span", { title: step.id }, short(step.id)) : null);

  // short is the end of an id: delivery ids differ everywhere, an event's at its end.
  const short = (id) => (id.length > 14 ? "…" + id.slice(-12) : id);

  return {
    /** reached tells whether the demo itself is there. */
    reached(now) { alive = now; drawProcess(); },
    bridge(state) { bridge = state; drawProcess(); drawTip(); },
    truth(state) {
      for (const dd of document.querySelectorAll("[data-truth]")) {
        const value = state[dd.dataset.truth];
        put(dd, value);
        if (dd.parentElement.className === "point") mark(dd.parentElement, "data-level", value ? "bad" : "ok");
        if (dd.dataset.truth === "broken") dd.parentElement.hidden = !value;
      }
    },
    switches(state) {
      const on = { centre: state.centre, limited: state.limited, lost: state.armed.length > 0 };
      for (const button of document.querySelectorAll("[data-switch]")) mark(button, "aria-pressed", on[button.dataset.switch]);
      injured = state;
      drawTip();
    },
    strip(steps) {
      keep($("#strip"), steps.toReversed(), (step) => step.seq, born, (item, step) => {
        put($(".of", item), step.thread ? label(step.thread) + (step.session ? " · session " + step.session : "") : "");
      });
    },
  };
}
