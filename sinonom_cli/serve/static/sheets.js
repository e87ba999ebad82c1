// Pages and blocks: picture, text, names and carvings of each character, and corrections.

import { blocksBeside } from "./beside.js";
import { charOf, correct, factsOf, get, h, keep, kept, percent, pictureOf, say, showError, t } from "./dom.js";
import { itemView } from "./item.js";
import { meshViewer } from "./mesh.js";
import { sheetView } from "./view.js";

export async function sheetsScreen(main, state, rest) {
  main.append(h("h1", {}, t("sheets_title")));
  if (!state.folders.length) {
    main.append(h("p", {}, t("no_folders")));
    return null;
  }
  const folders = await Promise.all(state.folders.map((each) => get(`/api/folders/${each.id}`)));
  const choice = h("select", { id: "sheet" });
  folders.forEach((folder, id) => {
    const group = h("optgroup", { label: `${t(folder.kind)} – ${folder.path}` });
    folder.sheets.forEach((name, number) => group.append(h("option", { value: `${id}/${number}` }, name)));
    choice.append(group);
  });
  const wanted = rest.join("/");
  if ([...choice.options].some((option) => option.value === wanted)) choice.value = wanted;
  choice.addEventListener("change", () => { location.hash = `#/sheets/${choice.value}`; });
  const who = h("input", { id: "who", maxlength: 80, value: kept("who", state.who) });
  who.addEventListener("change", () => keep("who", who.value));
  main.append(h("div.row", {}, h("label", { for: "sheet" }, t("choose_sheet")), choice, h("label", { for: "who" }, t("who")), who));
  const place = h("div");
  main.append(place);
  if (!choice.value) return null;
  return editor(place, choice.value.split("/"), state, who);
}

/** Show a sheet and correct it. Returns a function that frees what it holds. */
async function editor(place, [folder, number], state, who) {
  const address = `/api/folders/${folder}/sheets/${number}`;
  let sheet = await get(address);
  let selected = 0, adding = false, busy = false;
  let free = () => {}, beside = null;
  let shownFor = "";
  const progress = h("p.soft", { "aria-live": "polite", id: "progress" });
  const unfit = h("p.error");
  const text = h("div.text", { id: "text", role: "group", "aria-label": t("text") });
  const about = h("section.panel", { "aria-label": t("names"), id: "character" });
  const carvings = h("section.panel", { id: "carvings" });
  const help = h("p.soft", { role: "status" });
  const view = sheetView((at) => choose(at, true), (box) => { add(false); act("add", { boxes: [box.map((v) => Number(v.toFixed(3)))] }); },
    (at) => beside?.over(at === null ? null : sheet.characters[at]?.number));
  const field = h("input", { id: "char", maxlength: 12, autocomplete: "off", size: 10 });

  const choose = (at, focus = false) => {
    selected = Math.min(Math.max(at, 0), sheet.characters.length - 1);
    paint();
    if (focus) text.querySelector("[aria-current]")?.focus();
  };
  const act = async (action, fields = {}, next = selected) => {
    if (busy) return;
    busy = true;
    const inText = text.contains(document.activeElement) || document.activeElement === document.body;
    try {
      sheet = await correct(`${address}/corrections`, { action, version: sheet.version, who: who.value, ...fields }, state.token);
      say(action === "undo" ? t("undone") : t("saved", { action: t(`action_${action}`) }));
      if (action === "add") {
        const [x, y] = fields.boxes[0];
        next = sheet.characters.findIndex((one) => Math.abs(one.box[0] - x) < 0.01 && Math.abs(one.box[1] - y) < 0.01);
      }
      choose(next, inText || action === "add");
    } catch (error) {
      if (error.status === 409 && action !== "undo") {  // another window was faster
        sheet = await get(address).catch(() => sheet);
        paint();
      }
      help.replaceChildren();
      showError(help, error);
      return;
    } finally {
      busy = false;
    }
    help.replaceChildren();
  };
  const add = (on) => {
    adding = on;
    view.add(on);
    help.textContent = on ? t("add_help") : "";
  };
  const here = () => sheet.characters[selected];
  const take = (char) => act("change", { places: [selected], chars: [char] }, selected + 1);
  const accept = () => { if (here()?.char) act("accept", { places: [selected] }, selected + 1); else field.focus(); };
  const merge = () => { if (selected + 1 < sheet.characters.length) act("merge", { places: [selected, selected + 1] }); };
  const split = () => act("split", { places: [selected] });
  const remove = () => act("delete", { places: [selected] });
  const typed = () => {
    const said = field.value.trim();
    const code = /^(?:u\+|0x)?([0-9a-f]{4,6})$/i.exec(said);
    const char = code && parseInt(code[1], 16) <= 0x10ffff ? String.fromCodePoint(parseInt(code[1], 16)) : said;
    field.value = "";
    if (char) { take(char); text.querySelector("button")?.focus(); }
  };
  const form = h("form.row", {}, h("label", { for: "char" }, t("type")), field, h("button", { type: "submit" }, t("set")));
  form.addEventListener("submit", (event) => { event.preventDefault(); typed(); });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { field.value = ""; text.querySelector("[aria-current]")?.focus(); event.stopPropagation(); }
  });
  const tool = (key, sign, work) => h("button", { type: "button", id: `do-${key}`, onclick: work }, t(key), " ", h("kbd", { "aria-hidden": "true" }, sign));
  const tools = h("div.row", {}, tool("accept", "Enter", accept), tool("split", "S", split), tool("merge", "M", merge), tool("delete", "Del", remove), tool("add", "A", () => add(!adding)), tool("undo", "Z", () => act("undo")));

  const paint = () => {
    view.show(sheet, selected);
    beside?.follow(sheet, selected);
    unfit.textContent = sheet.unfit ? t("unfit", { count: sheet.unfit }) : "";
    progress.textContent = t("progress", { done: sheet.characters.filter((one) => one.checked).length, count: sheet.characters.length });
    paintText();
    paintAbout();
  };
  const paintText = () => {
    const focused = text.contains(document.activeElement);
    const columns = new Map();
    sheet.characters.forEach((one, at) => {
      if (!columns.has(one.column)) columns.set(one.column, h("div"));
      const kind = one.checked ? "button.checked" : one.probability < 0.5 ? "button.doubt" : "button";
      const button = h(kind, {
        type: "button", lang: "zh-Hant", tabindex: at === selected ? "0" : "-1", "aria-current": at === selected ? "true" : null,
        "aria-label": `${one.char || t("unknown")}, ${t("column_place", one)}${one.checked ? `, ${t("checked")}` : ""}`, onclick: () => choose(at, true),
      }, one.char || "□");
      columns.get(one.column).append(button);
    });
    text.replaceChildren(...columns.values());
    if (!sheet.characters.length) text.replaceChildren(h("p", {}, t("no_characters")));
    if (focused) text.querySelector("[aria-current]")?.focus();
  };
  const paintAbout = () => {
    const one = here();
    const key = one ? `${sheet.version}/${selected}/${one.char}` : "";
    if (key === shownFor) return;
    shownFor = key;
    free();
    free = () => {};
    about.replaceChildren();
    carvings.replaceChildren();
    if (!one) return;
    const names = h("ol.names");
    one.names.forEach((name, rank) => {
      names.append(h("li", {}, h("button", { type: "button", onclick: () => take(name.char) },
        h("kbd", { "aria-hidden": "true" }, String(rank + 1)), charOf(name.char), h("span.facts", {}, factsOf(name)), h("span", {}, percent(name.probability)))));
    });
    about.append(h("h2", {}, charOf(one.char), " ", h("small.soft", {}, `${one.label} ${t("column_place", one)}`)),
      h("p.facts", {}, factsOf(one)), h("p.soft", {}, t("selected", { number: selected + 1, count: sheet.characters.length }), one.checked ? ` · ${t("checked")}` : ""), names);
    paintCarvings(one);
  };
  let wait = 0;
  const paintCarvings = (one) => {
    clearTimeout(wait);
    wait = setTimeout(async () => {  // somebody who walks through a page quickly does not load a mesh at each step
      const asked = shownFor;
      const parts = [];
      if (one.mesh) {
        const mesh = h("div");
        parts.push(h("h2", {}, t("mesh")), mesh);
        free = meshViewer(mesh, one.mesh, one.char || "□");
      }
      if (state.index && one.char) {
        const found = await get(`/api/items?${new URLSearchParams({ char: one.char, count: 24 })}`).catch(() => null);
        if (asked !== shownFor) return;
        const detail = h("div");
        let end = () => {};
        const before = free;
        free = () => { before(); end(); };
        const strip = h("div.strip", {}, ...(found?.items ?? []).map((item) => h("button", {
          type: "button", "aria-label": item.block || item.source, onclick: () => { end(); end = itemView(detail, item.id); } }, pictureOf(item, 96))));
        parts.push(h("h2", {}, t(found?.items.length ? "carvings" : "carvings_none", { char: one.char })), strip, detail);
      }
      carvings.replaceChildren(...parts);
      carvings.hidden = !parts.length;
    }, 180);
  };

  const keys = (event) => {
    const target = event.target;
    const back = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (!back && (event.ctrlKey || event.metaKey || event.altKey)) return;
    if (target.closest("input, select, canvas, summary") || (target.closest("button, a") && !text.contains(target) && ["Enter", " "].includes(event.key))) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const side = { ArrowLeft: 1, ArrowRight: -1 }[event.key];
    const work = { s: split, m: merge, a: () => add(!adding), z: () => act("undo"), Delete: remove, Enter: accept, Escape: () => add(false) }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (step) choose(selected + step, true);
    else if (side) choose(inColumn(side), true);
    else if (/^[1-5]$/.test(event.key)) { const name = here()?.names[Number(event.key) - 1]; if (name) take(name.char); }
    else if (work) work();
    else if (event.key.length === 1 && event.key !== " ") { field.focus(); return; }  // the key then goes to the field
    else return;
    event.preventDefault();
  };
  const inColumn = (side) => {
    const column = here()?.column + side;
    const there = sheet.characters.map((one, at) => [one, at]).filter(([one]) => one.column === column);
    if (!there.length) return selected;
    return there.reduce((best, each) => (Math.abs(each[0].place - here().place) < Math.abs(best[0].place - here().place) ? each : best))[1];
  };
  document.addEventListener("keydown", keys);
  const file = h("a", { href: `/api/folders/${folder}/corrections`, download: "corrections.jsonl" }, t("download"));
  const right = h("div", {}, h("h2", {}, t("text")), text, about, carvings);
  const shown = h("div.sheet", {}, h("div", {}, view.element, tools, help, form, h("p.soft", {}, t("keys")), h("p", {}, file)), right);
  place.append(progress, unfit, shown);
  paint();
  let ended = false;
  blocksBeside(address, view, (at) => choose(at, true)).then((found) => {
    if (ended || !found) return;
    beside = found;
    shown.classList.add("with-block");
    shown.insertBefore(found.element, right);
    beside.follow(sheet, selected);
  }).catch((error) => { if (!ended) place.append(h("p.error", { role: "alert" }, error.message)); });
  return () => { ended = true; document.removeEventListener("keydown", keys); clearTimeout(wait); free(); beside?.free(); };
}
