// Show one item: depth image, what is known, its mesh, and the query laid over it.

import { charOf, factsOf, get, h, pictureOf, placeOf, send, showError, t } from "./dom.js";
import { meshViewer } from "./mesh.js";

/** Show an item in an element. `query`: the picture that was asked, or null. Returns a function that frees it. */
export function itemView(place, id, query = null) {
  let free = () => {};
  let ended = false;
  const mesh = h("div", {}, h("p.soft", {}, t("mesh_loading")));
  const about = h("div");
  const over = h("div");
  place.replaceChildren(h("div.detail", {}, h("section.panel", { "aria-label": t("item") }, about), h("section.panel", { "aria-label": t("mesh") }, h("h2", {}, t("mesh")), mesh), query ? h("section.panel", { "aria-label": t("overlay") }, h("h2", {}, t("overlay")), over) : ""));
  (async () => {
    try {
      const item = await get(`/api/items/${id}`);
      if (ended) return;
      const name = item.char || item.item;
      about.replaceChildren(
        h("h2", {}, charOf(item.char), ` ${item.label}`), pictureOf(item, 512), h("p.facts", {}, factsOf(item)),
        h("p.facts", {}, placeOf(item)), h("p.facts.soft", {}, `${t("source")}: ${item.source || item.item}`),
        item.doubt ? h("p.error", {}, item.doubt) : "",
      );
      if (item.mesh) free = meshViewer(mesh, item.mesh, name);
      else mesh.replaceChildren(h("p.soft", {}, item.looked_at.length ? t("mesh_none", { folders: item.looked_at.join(", ") }) : t("mesh_not")));
    } catch (error) {
      if (!ended) showError(about, error);
    }
  })();
  if (query) overlayView(over, id, query);
  return () => { ended = true; free(); };
}

async function overlayView(place, id, query) {
  try {
    const told = await send(`/api/items/${id}/overlay`, query);
    const item = h("img", { src: told.item, alt: t("overlay_alt_item") });
    const asked = h("img", { src: told.query, alt: t("overlay_alt_query") });
    const slider = h("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": t("overlay_slider"), id: "overlay-slider" });
    const mix = () => { item.style.opacity = slider.value / 100; asked.style.opacity = 1 - slider.value / 100; };
    slider.addEventListener("input", mix);
    mix();
    place.replaceChildren(h("div.overlay", {}, asked, item), slider, h("p.soft", {}, `${t("overlay_slider")} · ${t("overlay_agree", { value: told.correlation.toFixed(2) })}`));
  } catch (error) {
    showError(place, error);
  }
}
