// Browse an index: thumbnails by character, block and doubt, and a map of the embeddings.

import { charOf, get, h, pictureOf, showError, t } from "./dom.js";
import { itemView } from "./item.js";

export async function browseScreen(main, state) {
  main.append(h("h1", {}, t("browse_title")));
  if (!state.index) {
    main.append(h("p", {}, t("no_index")));
    return null;
  }
  let free = () => {};
  const text = h("input", { type: "search", id: "search", placeholder: t("search_hint"), maxlength: 100 });
  const meaning = h("input", { type: "search", id: "meaning", placeholder: t("meaning_hint"), maxlength: 100 });
  const component = h("input", { type: "search", id: "component", placeholder: t("component_hint"), maxlength: 20, size: 8 });
  const block = h("select", { id: "block", "aria-label": t("block") }, h("option", { value: "" }, t("all_blocks")));
  const doubtful = h("input", { type: "checkbox", id: "doubtful" });
  const form = h("form.row", { role: "search" },
    h("label", { for: "search" }, t("search")), text, h("label", { for: "meaning" }, t("meaning")), meaning, h("label", { for: "component" }, t("component")), component, block,
    h("label", {}, doubtful, ` ${t("doubtful")}`), h("button.main", { type: "submit" }, t("find")));
  const chips = h("div.chips", { role: "group", "aria-label": t("characters"), tabindex: "0" });
  const results = h("section", { "aria-live": "polite", "aria-label": t("browse_title") });
  const detail = h("div", { id: "item" });
  const map = h("section.map", { "aria-label": t("map") }, h("h2", {}, t("map")));
  const open = (id) => {
    free();
    free = itemView(detail, id);
    detail.scrollIntoView({ block: "nearest" });
  };
  let page = 1;
  const find = async () => {
    const asked = new URLSearchParams({ text: text.value, meaning: meaning.value, component: component.value, block: block.value, doubtful: doubtful.checked ? "1" : "0", page, count: 60 });
    try {
      const told = await get(`/api/items?${asked}`);
      const list = h("ul.grid");
      for (const item of told.items) {
        list.append(h("li", {}, h("button", { type: "button", "data-id": item.id, onclick: () => open(item.id) },
          pictureOf(item, 112), charOf(item.char), h("span.facts.soft", {}, item.vietnamese || item.label), h("span.facts.soft", {}, item.block))));
      }
      const turn = (step) => () => { page += step; find(); };
      results.replaceChildren(h("p", {}, told.total ? t("found", told) : t("found_none")), list,
        told.pages > 1 ? h("div.row", {}, h("button", { type: "button", disabled: page <= 1, onclick: turn(-1) }, t("before")), h("span", {}, t("page_of", told)), h("button", { type: "button", disabled: page >= told.pages, onclick: turn(1) }, t("next"))) : "");
    } catch (error) {
      showError(results, error);
    }
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); page = 1; find(); });
  for (const input of [block, doubtful]) input.addEventListener("change", () => { page = 1; find(); });
  map.append(h("button", { type: "button", onclick: (event) => { event.target.remove(); showMap(map, open); } }, t("map_show")));
  main.append(form, h("h2", {}, t("characters")), chips, results, detail, map);
  await find();
  try {
    const [characters, blocks] = await Promise.all([get("/api/characters"), get("/api/blocks")]);
    const pick = (char) => () => { text.value = char; page = 1; find(); };
    chips.append(h("button", { type: "button", onclick: pick("") }, t("all")));
    for (const each of characters.characters) chips.append(h("button", { type: "button", onclick: pick(each.char) }, h("span", { lang: "zh-Hant" }, each.char), h("small.soft", {}, ` ${each.items}`)));
    for (const each of blocks.blocks) block.append(h("option", { value: each.block }, `${each.block} (${each.items})`));
    block.hidden = !blocks.blocks.length;
  } catch (error) {
    showError(chips, error);
  }
  return () => free();
}

async function showMap(place, open) {
  let told;
  try {
    told = await get("/api/map");
  } catch (error) {
    place.append(h("p.error", { role: "alert" }, error.message));
    return;
  }
  const canvas = h("canvas", { tabindex: "0", role: "application", "aria-label": t("map_label", told) });
  place.append(h("p.soft", {}, t("map_note", { shown: told.ids.length, total: told.total })), canvas);
  const cross = [0, 0];
  const size = () => [canvas.clientWidth, canvas.clientHeight];
  const nearest = () => {
    let best = 0, least = Infinity;
    told.x.forEach((x, k) => {
      const away = (x - cross[0]) ** 2 + (told.y[k] - cross[1]) ** 2;
      if (away < least) { least = away; best = k; }
    });
    return best;
  };
  const paint = () => {
    const [width, height] = size();
    const ratio = Math.min(devicePixelRatio, 2);
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    const few = told.ids.length <= 800;
    pen.fillStyle = style.getPropertyValue("--ink");
    pen.font = "15px serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const spot = (x, y) => [(0.5 + 0.47 * x) * width, (0.5 - 0.47 * y) * height];
    told.x.forEach((x, k) => {
      const [left, top] = spot(x, told.y[k]);
      if (few && told.chars[k]) pen.fillText(told.chars[k], left, top);
      else pen.fillRect(left - 1, top - 1, 2, 2);
    });
    if (!told.ids.length) return;
    const [left, top] = spot(...cross);
    pen.strokeStyle = style.getPropertyValue("--accent");
    pen.beginPath();
    pen.moveTo(left - 9, top); pen.lineTo(left + 9, top); pen.moveTo(left, top - 9); pen.lineTo(left, top + 9);
    pen.stroke();
    const best = nearest();
    const [x, y] = spot(told.x[best], told.y[best]);
    pen.strokeRect(x - 10, y - 10, 20, 20);
  };
  const point = (event) => {
    const frame = canvas.getBoundingClientRect();
    cross[0] = ((event.clientX - frame.left) / frame.width - 0.5) / 0.47;
    cross[1] = (0.5 - (event.clientY - frame.top) / frame.height) / 0.47;
  };
  canvas.addEventListener("pointermove", (event) => { point(event); paint(); });
  canvas.addEventListener("click", (event) => { point(event); paint(); if (told.ids.length) open(told.ids[nearest()]); });
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (event.key === "Enter" && told.ids.length) open(told.ids[nearest()]);
    if (!move) return;
    event.preventDefault();
    cross[0] = Math.min(Math.max(cross[0] + move[0] * 0.04, -1), 1);
    cross[1] = Math.min(Math.max(cross[1] + move[1] * 0.04, -1), 1);
    paint();
  });
  new ResizeObserver(paint).observe(canvas);
}
