// The two platforms as their customers see them.
import { $, make, put, mark, keep, face, time, follow, act, entered, grow } from "./dom.js";

const newThread = "", newPost = "forum";

/** place brings one platform to life; news(text) tells screen readers what somebody wrote. */
export function place(platform, news) {
  const section = document.getElementById(platform);
  const box = $(".scroll", section), list = $("[data-threads]", section), form = $("form", section);
  const where = $("[data-where]", form), text = $("textarea", form), error = $(".error", form);
  const open = new Set();     // the threads that are shown in full
  const heard = new Set();    // messages that were told
  let threads = [], awaited = false, first = true;

  // say writes; quick words know that Slack takes commands in the channel only.
  async function say(said, quick) {
    const known = new Set(threads.map((thread) => thread.id)), command = said.startsWith("/");
    const to = quick && command && platform === "slack" ? newThread : where.value;
    if (!command && (to === newThread || to === newPost)) awaited = known;
    if (await act("say", { platform, thread: to, text: said }, error)) return true;
    awaited = false;
    return false;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = text.value;
    if (!said.trim()) return;
    text.value = "";
    grow(text);
    if (!(await say(said)) && !text.value) text.value = said;
  });
  form.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-quick]");
    if (!chip) return;
    say(chip.dataset.quick, true);
  });
  where.addEventListener("change", () => { if (threads.some((thread) => thread.id === where.value)) open.add(where.value); draw(); });
  entered(form);

  function choose(id) {
    where.value = id;
    const chosen = threads.find((thread) => thread.id === id);
    text.placeholder = chosen ? "Reply in the thread" : "Message";
  }

  function toggle(id) {
    if (open.has(id)) open.delete(id);
    else { open.add(id); choose(id); }
    draw();
  }

  // message is one line of people, robots and buttons.
  function born(m) {
    return make("li", { class: "msg" }, face(m.who), make("div", { class: "body" },
      make("p", { class: "who" }, make("b", { class: "person" }), m.mine || m.failed ? null : make("span", { class: "tag" }, "APP"), time(m.at),
        m.private ? make("span", { class: "only" }, "only visible to you") : null),
      make("p", { class: "said", dir: "auto" }, make("b", { class: "speaker person" }), make("span", { class: "words" })), make("div", { class: "buttons" })));
  }
  function fill(thread) {
    return (item, m) => {
      put($("b", item), m.who);
      put($(".speaker", item), m.speaker ? m.speaker + ": " : "");
      put($(".words", item), m.loading ? "is thinking …" : m.text);
      item.classList.toggle("private", !!m.private);
      item.classList.toggle("failed", !!m.failed);
      item.classList.toggle("mine", !!m.mine);
      item.classList.toggle("more", !!m.more);
      const press = (b) => (event) => {
        event.currentTarget.classList.add("pressed");
        act("press", { platform, thread, message: m.id, action: b.action }, error);
      };
      $(".buttons", item).replaceChildren(...(m.buttons ?? []).map((b) =>
        make("button", { type: "button", class: b.main ? "button small main" : "button small", "data-action": b.action, onclick: press(b) }, b.label)));
    };
  }

  // grouped marks the messages that follow one of the same author within some minutes.
  function grouped(messages) {
    return messages.map((m, i) => {
      const before = messages[i - 1];
      return { ...m, more: !!before && before.who === m.who && !before.private === !m.private && !m.failed && new Date(m.at) - new Date(before.at) < 300000 };
    });
  }

  function bornThread(t) {
    if (t.loose) return make("li", { class: "thread loose" }, make("ul", { class: "messages" }));
    const id = "t" + platform + t.id.replace(/\W/g, "");
    return make("li", { class: "thread" }, make("ul", { class: "root messages" }),
      make("button", { type: "button", class: "unfold", "aria-controls": id, onclick: () => toggle(t.id) }),
      make("ul", { class: "replies messages", id }));
  }
  function fillThread(item, t) {
    if (t.loose) {
      keep($("ul", item), t.messages, (m) => m.id, born, fill(""));
      return;
    }
    const root = t.messages.slice(0, 1), replies = grouped(t.messages.slice(1));
    keep($(".root", item), root, (m) => m.id, born, fill(t.id));
    const unfold = $(".unfold", item), shown = open.has(t.id);
    const count = replies.length === 1 ? "1 reply" : replies.length + " replies";
    put(unfold, (platform === "slack" ? "Slack " : "Discord ") + t.no + " · " + (t.name ? (t.forum ? "Post: " : "") + t.name + " · " : "") + count);
    mark(unfold, "aria-expanded", shown);
    unfold.hidden = !replies.length && !t.name;
    const under = $(".replies", item);
    under.hidden = !shown;
    if (shown) keep(under, replies, (m) => m.id, born, fill(t.id));
    item.classList.toggle("chosen", where.value === t.id);
  }

  function choices() {
    const options = platform === "slack" ? [[newThread, "#help: a new thread"]] : [[newThread, "#support: a new thread"], [newPost, "Forum: a new post"]];
    for (const t of threads.toReversed()) {
      const words = [...(t.name || t.messages[0].text).replace(/\s+/g, " ")];
      options.push([t.id, "Thread: " + words.slice(0, 40).join("") + (words.length > 40 ? "…" : "")]);
    }
    const now = JSON.stringify(options);
    if (where.shows === now) return;
    where.shows = now;
    const chosen = where.value;
    where.replaceChildren(...options.map(([value, label]) => make("option", { value }, label)));
    where.value = options.some(([value]) => value === chosen) ? chosen : newThread;
  }

  function tell() {
    for (const t of threads) {
      for (const m of t.messages) {
        if (heard.has(m.id) || m.loading) continue;
        heard.add(m.id);
        if (!first && !m.mine) news(`${platform === "slack" ? "Slack" : "Discord"}, ${m.speaker ?? m.who}: ${m.text}`);
      }
    }
    first = false;
  }

  let loose = [];
  function draw() {
    choices();
    $("[data-hint]", section).hidden = threads.length + loose.length > 0;
    const items = threads.map((t) => ({ ...t, open: open.has(t.id), chosen: where.value === t.id }));
    for (const m of loose) items.push({ id: m.id, loose: true, messages: [m] });
    items.sort((a, b) => new Date(a.messages[0].at) - new Date(b.messages[0].at));
    follow(box, () => keep(list, items, (t) => t.id, bornThread, fillThread));
  }

  return function show(state) {
    const latest = state.threads.at(-1);
    const begun = awaited ? state.threads.find((t) => !awaited.has(t.id)) : null;
    const begins = first && latest;
    if (!first) for (const t of state.threads) if (!threads.some((old) => old.id === t.id)) open.add(t.id);
    threads = state.threads;
    loose = state.loose;
    choices();
    if (begun || begins) {
      awaited = false;
      open.add((begun ?? latest).id);
      choose((begun ?? latest).id);
    }
    draw();
    tell();
  };
}
