// Show the block that printed a page beside it; matched characters light up together on both.

import { get, h, percent, t } from "./dom.js";
import { itemView } from "./item.js";
import { sheetView } from "./view.js";

/** Show the blocks of a page. `page` is its view; `choose(number)` chooses a character by its number on the page.
 * Returns null if no block printed the page; otherwise its element, and functions:
 * `follow(sheet, selected)` shows the carving of the chosen character, `over(number)` lights that of another one. */
export async function blocksBeside(address, page, choose) {
  const told = await get(`${address}/blocks`);
  if (!told.blocks.length) return null;
  let block = null, free = () => {}, sheet = { characters: [] }, chosen = -1;
  const about = h("p.soft");
  const detail = h("div");
  const carvingOf = (number) => (number === null || number === undefined ? -1 : block.carvings.findIndex((one) => one.printed.includes(number)));
  const onPage = (place) => sheet.characters.map((one, at) => [one, at]).filter(([one]) => block.carvings[place]?.printed.includes(one.number)).map(([, at]) => at);
  const view = sheetView((place) => {
    const [at] = onPage(place);
    if (at !== undefined) choose(at);
    else paint(place);
    open(place);
  }, () => {}, (place) => {
    view.light(place === null ? [] : [place]);
    page.light(place === null ? [] : onPage(place));
  });
  const open = (place) => { free(); free = itemView(detail, block.carvings[place].item); };
  const choice = h("select", { "aria-label": t("block"), onchange: () => { pick(Number(choice.value)); } });
  told.blocks.forEach((one, k) => choice.append(h("option", { value: k }, `${one.block} (${percent(one.probability)})`)));
  const shown = () => ({
    name: block.block, picture: block.picture, width: block.width, height: block.height,
    characters: block.carvings.map((one) => {
      const [x0, y0, x1, y1] = one.box;
      return {
        char: one.char, box: one.box, probability: 1, kind: one.printed.length ? "matched" : "",
        outline: [[x0, y0], [x1, y0], [x1, y1], [x0, y1]], title: one.char || "□",
      };
    }),
  });
  const paint = (place) => { chosen = place; if (block.width) view.show(shown(), place); };
  const pick = (k) => {
    block = told.blocks[k];
    free();
    free = () => {};
    detail.replaceChildren();
    view.element.hidden = !block.width;
    about.textContent = [
      t("beside_agree", { agreeing: block.agreeing, placed: block.placed }),
      block.width ? "" : t("beside_unknown"), block.width && !block.picture ? t("beside_no_picture") : "",
    ].filter(Boolean).join(" ");
    paint(carvingOf(sheet.characters[sheet.selected]?.number));
  };
  const element = h("div", { id: "beside" },
    h("section.panel", { "aria-label": t("beside") }, h("h2", {}, t("beside")), h("div.row", {}, choice), about, view.element), detail);
  pick(0);
  return {
    element,
    follow(next, selected) {
      sheet = { characters: next.characters, selected };
      const place = carvingOf(next.characters[selected]?.number);
      if (place !== chosen) paint(place);
    },
    over(number) {
      const place = carvingOf(number);
      view.light(place < 0 ? [] : [place]);
    },
    free: () => free(),
  };
}
