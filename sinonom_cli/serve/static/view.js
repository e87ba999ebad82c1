// Show the picture of a sheet with the outlines of its characters; move and zoom by pointer, wheel, touch and buttons.

import { h, t } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";

function svg(kind, attributes = {}) {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** Make a view. `choose(place)` is called when a character is clicked, `drawn(box)` when a box was drawn, `over(place)`
 * when the pointer comes to a character, and `over(null)` when it leaves. */
export function sheetView(choose, drawn, over = () => {}) {
  const root = svg("svg", { role: "group", preserveAspectRatio: "xMidYMid meet" });
  const picture = svg("image", { x: 0, y: 0, preserveAspectRatio: "none" });
  const layer = svg("g");
  const fresh = svg("rect", { class: "new", visibility: "hidden" });
  root.append(picture, layer, fresh);
  let sheet = null;
  let frame = [0, 0, 1, 1];
  let adding = false;
  const set = (next) => { frame = next; root.setAttribute("viewBox", next.join(" ")); };
  const all = () => set([0, 0, sheet.width, sheet.height]);
  const zoom = (by, x = frame[0] + frame[2] / 2, y = frame[1] + frame[3] / 2) => {
    const width = Math.min(Math.max(frame[2] * by, sheet.width / 60), sheet.width * 1.5);
    const share = width / frame[2];
    set([x - (x - frame[0]) * share, y - (y - frame[1]) * share, width, frame[3] * share]);
  };
  const at = (event) => {
    const spot = new DOMPoint(event.clientX, event.clientY).matrixTransform(root.getScreenCTM().inverse());
    return [spot.x, spot.y];
  };
  root.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY > 0 ? 1.15 : 0.87, ...at(event)); }, { passive: false });
  const pointers = new Map();
  let from = null, moved = false, spread = 0;
  const distance = () => { const [a, b] = [...pointers.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
  root.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    from = at(event);
    moved = false;
    if (adding) root.setPointerCapture(event.pointerId);
    if (pointers.size === 2) spread = distance();
  });
  root.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before || !from) return;
    if (Math.hypot(event.clientX - before[0], event.clientY - before[1]) > 3) {
      if (!moved && !adding) root.setPointerCapture(event.pointerId);
      moved = true;
    }
    if (!moved) return;
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    const now = at(event);
    if (adding) {
      const [x, y, x1, y1] = [Math.min(from[0], now[0]), Math.min(from[1], now[1]), Math.max(from[0], now[0]), Math.max(from[1], now[1])];
      for (const [name, value] of Object.entries({ x, y, width: x1 - x, height: y1 - y, visibility: "visible" })) fresh.setAttribute(name, value);
    } else if (pointers.size === 2) {
      const next = distance();
      if (next > 0) zoom(spread / next, ...at(event));
      spread = next;
    } else {
      set([frame[0] - (now[0] - from[0]), frame[1] - (now[1] - from[1]), frame[2], frame[3]]);
      from = at(event);
    }
  });
  const up = (event) => {
    pointers.delete(event.pointerId);
    if (adding && from && moved && event.type === "pointerup") {
      const now = at(event);
      const clip = (value, most) => Math.min(Math.max(value, 0), most);
      const xs = [from[0], now[0]].map((v) => clip(v, sheet.width)).sort((a, b) => a - b);
      const ys = [from[1], now[1]].map((v) => clip(v, sheet.height)).sort((a, b) => a - b);
      const large = xs[1] - xs[0] > sheet.width / 500 && ys[1] - ys[0] > sheet.height / 500;
      fresh.setAttribute("visibility", "hidden");
      if (large) drawn([xs[0], ys[0], xs[1], ys[1]]);
    }
    from = null;
  };
  root.addEventListener("pointerup", up);
  root.addEventListener("pointercancel", up);
  const button = (key, sign, work) => h("button", { type: "button", "aria-label": t(key), title: t(key), onclick: work }, sign);
  const tools = h("div.tools", {}, button("zoom_in", "+", () => zoom(0.7)), button("zoom_out", "−", () => zoom(1.4)), button("zoom_all", "⤢", all));
  const element = h("div.view", {}, root, tools);
  return {
    element,
    show(next, selected) {
      const other = sheet?.picture !== next.picture || sheet?.name !== next.name;
      sheet = next;
      root.setAttribute("aria-label", t("view_label", { name: next.name }));
      if (other) {
        if (next.picture) picture.setAttribute("href", next.picture); else picture.removeAttribute("href");
        picture.setAttribute("width", next.width);
        picture.setAttribute("height", next.height);
        all();
      }
      layer.replaceChildren(...next.characters.map((one, place) => {
        const kind = [one.kind ?? "", place === selected ? "selected" : "", one.checked ? "checked" : one.probability < 0.5 ? "doubt" : ""].join(" ").trim();
        const outline = svg("polygon", { points: one.outline.map((point) => point.join(",")).join(" "), class: kind, "data-place": place });
        const title = svg("title");
        title.textContent = one.title ?? `${one.column}.${one.place} ${one.char || "□"}`;
        outline.append(title);
        outline.addEventListener("pointerenter", () => over(place));
        outline.addEventListener("pointerleave", () => over(null));
        outline.addEventListener("click", () => { if (!moved) choose(place); });
        return outline;
      }));
      const chosen = next.characters[selected];
      if (chosen) {  // bring it into view
        const [x0, y0, x1, y1] = chosen.box;
        const outside = x0 < frame[0] || y0 < frame[1] || x1 > frame[0] + frame[2] || y1 > frame[1] + frame[3];
        if (outside) set([(x0 + x1 - frame[2]) / 2, (y0 + y1 - frame[3]) / 2, frame[2], frame[3]]);
      }
    },
    light(places) {
      for (const outline of layer.children) outline.classList.toggle("lit", places.includes(Number(outline.dataset.place)));
    },
    add(on) {
      adding = on;
      root.style.cursor = on ? "crosshair" : "";
      if (!on) fresh.setAttribute("visibility", "hidden");
    },
  };
}
