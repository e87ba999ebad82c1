// Set language and colours, and show the screen that the address names.

import { get, h, keep, kept, loadWords, say, showError, t } from "./dom.js";
import { askScreen } from "./ask.js";
import { browseScreen } from "./browse.js";
import { sheetsScreen } from "./sheets.js";

const screens = { ask: askScreen, browse: browseScreen, sheets: sheetsScreen };
const main = document.getElementById("main");
let state = null;
let leave = () => {};

function paint() {
  const chosen = document.getElementById("theme").value;
  const dark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

async function show(focus = true) {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  const screen = screens[name] ? name : "ask";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#/${screen}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  leave();
  leave = () => {};
  main.replaceChildren();
  document.title = `${t(screen)} – sinonom`;
  try {
    state ??= await get("/api/state");
    leave = (await screens[screen](main, state, rest)) ?? (() => {});
  } catch (error) {
    showError(main, error);
  }
  if (focus) main.focus();
}

async function start() {
  const language = document.getElementById("language");
  language.value = kept("language", (navigator.language || "").toLowerCase().startsWith("vi") ? "vi" : "en");
  const theme = document.getElementById("theme");
  theme.value = kept("theme", "auto");
  paint();
  await loadWords(language.value);
  language.addEventListener("change", async () => {
    keep("language", language.value);
    await loadWords(language.value);
    await show(false);
  });
  theme.addEventListener("change", () => { keep("theme", theme.value); paint(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  addEventListener("hashchange", () => show());
  await show(false);
  document.body.dataset.ready = "yes";
}

start().catch((error) => { main.replaceChildren(h("p.error", { role: "alert" }, error.message)); say(error.message); });
