// Small tools of the page. Everything that people wrote reaches the page as text, never as markup.

export const $ = (selector, within = document) => within.querySelector(selector);

/** make builds an element: attributes by name (class, data-…, aria-…), on… handlers, then children (texts or elements). */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

/** put sets a text, and leaves alone what shows it already. */
export function put(element, text) {
  text = String(text);
  if (element.textContent !== text) element.textContent = text;
}

/** mark sets an attribute, or takes it away if value is null. */
export function mark(element, name, value) {
  if (value == null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/**
 * keep makes the children of list those of items, in their order: each has a key, is made once and filled whenever its
 * item differs. What stays is not touched, so that focus and a screen reader's place stay too.
 */
export function keep(list, items, key, born, fill) {
  const had = new Map();
  for (const child of [...list.children]) had.set(child.dataset.key, child);
  let at = list.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let child = had.get(name);
    had.delete(name);
    if (!child) {
      child = born(item);
      child.dataset.key = name;
    }
    if (child !== at) list.insertBefore(child, at);
    else at = at.nextElementSibling;
    const now = JSON.stringify(item);
    if (child.shows !== now) {
      child.shows = now;
      fill(child, item);
    }
  }
  for (const child of had.values()) child.remove();
}

/** face is a circle or square with initials, in a colour that belongs to the name. */
export function face(name) {
  const letters = [...name.trim()].filter((letter) => /[\p{L}\p{N}]/u.test(letter));
  let hue = 0;
  for (const letter of name) hue = (hue * 31 + letter.codePointAt(0)) % 6;
  return make("span", { class: "face", "data-hue": hue, "aria-hidden": "true" }, (letters[0] ?? "?").toUpperCase());
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** time is a time element with hours and minutes. */
export function time(at) {
  return make("time", { datetime: at }, clock.format(new Date(at)));
}

/** follow keeps a scrolled box at its end, unless its reader has scrolled back. */
export function follow(box, change) {
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  const was = box.scrollHeight;
  change();
  if (atEnd && box.scrollHeight !== was) box.scrollTop = box.scrollHeight;
}

/** act asks the demo to do something, and shows what a person would be told if it cannot be. */
export async function act(what, body, error) {
  if (error) put(error, "");
  try {
    const answer = await fetch("do/" + what, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (answer.ok) return true;
    const text = await answer.text();
    let told = text;
    try { told = JSON.parse(text).error; } catch { /* it is plain text */ }
    if (error) put(error, told);
  } catch {
    if (error) put(error, "The demo does not answer. Was it stopped?");
  }
  return false;
}

/** entered makes Enter send a form; Shift+Enter begins a line. A text field grows with its text. */
export function entered(form) {
  const field = $("textarea", form);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  // A line break that comes another way, from a telephone's keyboard for instance, is none either.
  let shift = false;
  field.addEventListener("keydown", (event) => { shift = event.shiftKey; });
  field.addEventListener("beforeinput", (event) => {
    if (!shift && (event.inputType === "insertLineBreak" || event.data === "\n")) event.preventDefault();
  });
  field.addEventListener("input", () => grow(field));
}

export function grow(field) {
  field.style.height = "auto";
  field.style.height = Math.min(field.scrollHeight + 2, 160) + "px";
}
