// Ask: a picture, or a box on it, and the five nearest carvings.

import { charOf, factsOf, h, percent, pictureOf, placeOf, send, sendForBlob, showError, t } from "./dom.js";
import { itemView } from "./item.js";

export function askScreen(main, state) {
  const chosen = h("input.hidden", { type: "file", accept: "image/*,.tif,.tiff,.bmp", tabindex: "-1", "aria-hidden": "true", id: "file" });
  const camera = h("input.hidden", { type: "file", accept: "image/*", capture: "environment", tabindex: "-1", "aria-hidden": "true" });
  const drop = h("section.drop", { "aria-label": t("ask_title") }, h("p", {}, t("ask_drop")),
    h("div.row", {}, h("button.main", { type: "button", onclick: () => chosen.click() }, t("choose")), h("button", { type: "button", onclick: () => camera.click() }, t("photo"))),
    h("p.soft", {}, t("ask_note")), chosen, camera);
  const below = h("div", { id: "asked" });
  main.append(h("h1", {}, t("ask_title")), drop, below);
  let free = () => {};
  const take = (file) => { if (file) { free(); free = asked(below, file, state); } };
  for (const input of [chosen, camera]) input.addEventListener("change", () => { take(input.files[0]); input.value = ""; });
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  const paste = (event) => take([...event.clipboardData.files][0]);
  document.addEventListener("paste", paste);
  return () => { document.removeEventListener("paste", paste); free(); };
}

/** Show a picture and its answers. Returns a function that frees them. */
function asked(place, file, state) {
  let free = () => {};
  let address = URL.createObjectURL(file);
  let turn = 0;
  const image = h("img", { src: address, alt: t("picture"), id: "query-picture", draggable: "false" });
  image.addEventListener("error", async () => {  // such as TIFF, which browsers do not show
    if (image.dataset.again) return;
    image.dataset.again = "yes";
    try {
      const shown = await sendForBlob("/api/preview", file);
      URL.revokeObjectURL(address);
      address = URL.createObjectURL(shown);
      image.src = address;
    } catch { /* the answer says what is wrong with the picture */ }
  });
  const answers = h("div", { "aria-live": "polite" });
  const detail = h("div");
  const ask = async (blob) => {
    const mine = ++turn;
    free();
    detail.replaceChildren();
    answers.replaceChildren(h("p.soft", {}, t("searching")));
    try {
      const told = await send(`/api/query?top=5`, blob);
      if (mine === turn) showAnswers(answers, told, state, (id, button) => {
        for (const each of answers.querySelectorAll("button")) each.setAttribute("aria-pressed", each === button);
        free();
        free = itemView(detail, id, blob);
      });
    } catch (error) {
      if (mine === turn) showError(answers, error);
    }
  };
  const box = boxOn(image, ask, file);
  const text = h("div");
  const read = h("button", { type: "button", onclick: async () => {
    text.replaceChildren(h("p.soft", {}, t("reading")));
    try {
      const told = await send("/api/read", file);
      text.replaceChildren(h("h2", {}, t("page_reads")), h("p.char", { lang: "zh-Hant", id: "page-text" }, told.text), h("p.soft", {}, t("page_note")));
    } catch (error) {
      showError(text, error);
    }
  } }, t("read_page"));
  place.replaceChildren(h("div.asked", {},
    h("section", { "aria-label": t("picture") }, box.element, h("div.row", {}, box.ask, box.start, read), h("p.soft", {}, t("box_help")), text),
    h("section", { "aria-label": t("answers") }, answers)), detail);
  ask(file);
  return () => { turn += 1; free(); URL.revokeObjectURL(address); };
}

function showAnswers(place, told, state, choose) {
  if (!told.results.length) {
    place.replaceChildren(h("p", {}, t("nothing")));
    return;
  }
  const list = h("ol.answers");
  told.results.forEach((result, rank) => {
    const item = told.items?.[rank];
    const about = item ?? result;
    const sure = result.probability === undefined ? "" : result.probability;
    const inside = [
      item ? pictureOf(item) : "", h("span.row", {}, charOf(about.char), h("span.soft", {}, about.label)),
      h("span.facts", {}, factsOf(about)),
      sure === "" ? "" : h("div.bar", { "aria-hidden": "true" }, barOf(sure)),
      h("div.facts", {}, sure === "" ? `${t("distance")} ${result.distance.toPrecision(3)}` : `${t("probability")} ${percent(sure)}`),
      item ? h("div.facts.soft", {}, placeOf(item) || item.source.split("/").pop()) : "",
      result.picture ? h("div.error", {}, t("picture_gone")) : "",
    ];
    const button = item ? h("button", { type: "button", "aria-pressed": "false", "data-rank": rank + 1 }, ...inside) : null;
    if (button) button.addEventListener("click", () => choose(item.id, button));
    list.append(h("li", {}, button ?? h("div.panel", {}, ...inside)));
  });
  const stale = told.changed ? h("p.error", {}, t("changed", { sets: told.changed.join(", ") })) : "";
  place.replaceChildren(h("h2", {}, t(told.items ? "answers" : "answers_named")), stale, list);
  if (!state.index) place.append(h("p.soft", {}, t("no_index")));
  const first = list.querySelector("button");
  if (first) choose(told.items[0].id, first);
}

function barOf(share) {
  const bar = h("span");
  bar.style.width = `${Math.round(100 * share)}%`;
  return bar;
}

/** Let the user draw a box on a picture, with the pointer or the keyboard, and ask about it. */
function boxOn(image, ask, file) {
  const element = h("div.query-box", {}, image);
  const cut = h("div.cut", { tabindex: "0", role: "button", "aria-label": t("box"), hidden: true });
  element.append(cut);
  let box = null;  // x0, y0, x1, y1 as shares of the picture
  const paint = () => {
    cut.hidden = !box;
    button.textContent = box ? t("box_ask") : t("box_none");
    if (!box) return;
    const [x0, y0, x1, y1] = box.map((share) => `${100 * share}`);
    Object.assign(cut.style, { left: `${x0}%`, top: `${y0}%`, width: `${x1 - x0}%`, height: `${y1 - y0}%` });
  };
  const cropped = () => new Promise((done) => {
    const [x0, y0, x1, y1] = box.map((share, k) => Math.round(share * (k % 2 ? image.naturalHeight : image.naturalWidth)));
    const canvas = h("canvas", { width: Math.max(1, x1 - x0), height: Math.max(1, y1 - y0) });
    canvas.getContext("2d").drawImage(image, x0, y0, canvas.width, canvas.height, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(done, "image/png");
  });
  const go = async () => ask(box ? await cropped() : file);
  const button = h("button", { type: "button", onclick: go }, t("box_none"));
  const start = h("button", { type: "button", onclick: () => { box ??= [0.35, 0.35, 0.65, 0.65]; paint(); cut.focus(); } }, t("box_start"));
  const at = (event) => {
    const frame = image.getBoundingClientRect();
    return [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height].map((v) => Math.min(Math.max(v, 0), 1));
  };
  let from = null;
  image.addEventListener("pointerdown", (event) => { from = at(event); image.setPointerCapture(event.pointerId); event.preventDefault(); });
  image.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [x, y] = at(event);
    box = [Math.min(x, from[0]), Math.min(y, from[1]), Math.max(x, from[0]), Math.max(y, from[1])];
    paint();
  });
  image.addEventListener("pointerup", () => {
    if (!from) return;
    from = null;
    const small = !box || (box[2] - box[0]) * image.clientWidth < 6 || (box[3] - box[1]) * image.clientHeight < 6;
    if (small) { box = null; paint(); } else { paint(); go(); }
  });
  image.addEventListener("pointercancel", () => { from = null; });
  cut.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); go(); return; }
    if (event.key === "Escape") { box = null; paint(); start.focus(); return; }
    if (!move) return;
    event.preventDefault();
    const [dx, dy] = move.map((step) => step * 0.01);
    const [x0, y0, x1, y1] = box;
    const next = event.shiftKey ? [x0, y0, x1 + dx, y1 + dy] : [x0 + dx, y0 + dy, x1 + dx, y1 + dy];
    if (next[0] >= 0 && next[1] >= 0 && next[2] <= 1 && next[3] <= 1 && next[2] - next[0] > 0.01 && next[3] - next[1] > 0.01) box = next;
    paint();
  });
  return { element, ask: button, start };
}
