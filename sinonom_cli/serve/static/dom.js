// Make elements, translate, and talk to the server.

let words = {};

export async function loadWords(language) {
  words = await (await fetch(`/static/strings/${language}.json`)).json();
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
}

/** Return the text of a key in the language that is set, with values for its {names}. */
export function t(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Make an element: h("button.main", {type: "button", onclick: f}, "text", child). */
export function h(kind, attributes = {}, ...children) {
  const [tag, ...classes] = kind.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** A character, marked as Chinese script so that fonts and screen readers treat it so. */
export function charOf(char, kind = "span.char") {
  return h(kind, { lang: "zh-Hant" }, char || "□");
}

export function say(text) {
  const status = document.getElementById("status");
  status.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { status.textContent = ""; }, 4000);
}

export class Refused extends Error {
  constructor(message, hint, status) {
    super(message);
    this.hint = hint;
    this.status = status;
  }
}

async function answer(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(t("offline"), "", 0);
  }
  if (!response.ok) {
    let told = {};
    try { told = await response.json(); } catch { /* not JSON: the status says enough */ }
    throw new Refused(told.error ?? `HTTP ${response.status}`, told.hint ?? "", response.status);
  }
  return response;
}

export const get = async (path) => (await answer(path)).json();
export const getBytes = async (path) => (await answer(path)).arrayBuffer();
export const send = async (path, blob) =>
  (await answer(path, { method: "POST", body: blob, headers: { "Content-Type": "application/octet-stream" } })).json();
export const sendForBlob = async (path, blob) => (await answer(path, { method: "POST", body: blob })).blob();
export const correct = async (path, fields, token) =>
  (await answer(path, {
    method: "POST", body: JSON.stringify(fields),
    headers: { "Content-Type": "application/json", "X-Sinonom-Token": token },
  })).json();

export function showError(place, error) {
  place.replaceChildren(h("p.error", { role: "alert" }, error.message, error.hint ? h("small", {}, error.hint) : ""));
}

/** Readings and definition of a character in one line. */
export function factsOf(about) {
  const said = [about.vietnamese, about.mandarin].filter(Boolean).join(" · ");
  return [said, about.definition].filter(Boolean).join(" — ") || (about.char ? t("no_readings") : "");
}

export function placeOf(item) {
  if (!item.block) return "";
  const where = item.column ? `, ${t("column_place", item)}` : "";
  return `${t("block")} ${item.block}${where}`;
}

export const percent = (p) => (p > 0.99 ? ">99%" : p < 0.01 ? "<1%" : `${Math.round(100 * p)}%`);

/** A picture of an item; its character stands instead if it is missing. */
export function pictureOf(item, side = 192) {
  const image = h("img.thumb", { src: `${item.picture}?side=${side}`, alt: "", loading: "lazy" });
  image.addEventListener("error", () => {
    image.replaceWith(h("span.gone", { lang: "zh-Hant", title: t("picture_gone") }, item.char || "?"));
  });
  return image;
}

/** Return what the browser keeps under a name; the usual value if it keeps nothing. */
export function kept(name, usual) {
  try { return localStorage.getItem(name) ?? usual; } catch { return usual; }
}

export function keep(name, value) {
  try { localStorage.setItem(name, value); } catch { /* a browser that keeps nothing still works */ }
}
