"""The frame of a report's HTML page: its styles and its script. The page loads nothing from a network."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light; --line: #ddd; --faint: #666; --right: #1e963c; --wrong: #c4c4c4; --bad: #b3261e }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1180px; padding: 1.5rem; color: #1a1a1a; background: #fff;
  font: 15px/1.45 system-ui, "Noto Sans", "Segoe UI", sans-serif }
h1 { font-size: 1.5rem; margin: 0 0 .2rem } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem }
p { margin: .3rem 0 } .faint { color: var(--faint) } small { color: var(--faint) }
.char { font-family: "HanaMinA", "HanaMinB", "BabelStone Han", "Noto Serif CJK TC", "Songti TC", serif }
table { border-collapse: collapse }
th, td { padding: .35rem .8rem; text-align: left; border-bottom: 1px solid var(--line) }
th { font-weight: 600 } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
i { display: inline-block; width: 80px; height: 80px; border: 4px solid var(--wrong);
  background: #fff center / contain no-repeat content-box }
i.right { border-color: var(--right) } i.query { border-color: #3c5aaa } i.gone { background-color: #eee }
i.char { font-size: 54px; font-style: normal; line-height: 72px; text-align: center; overflow: hidden }
.answer { display: flex; gap: 12px; padding: .7rem 0; border-bottom: 1px solid var(--line) }
.answer > div { width: 112px; overflow-wrap: anywhere; font-size: 12.5px; line-height: 1.3 }
.answer > div:first-child { width: 150px }
.bad { color: var(--bad) } .good { color: var(--right) }
.confused { display: grid; grid-template-columns: repeat(auto-fill, minmax(360px, 1fr)); gap: 14px 10px }
.confused > div { display: flex; gap: 8px; align-items: center; font-size: 12.5px; line-height: 1.35 }
i { flex: none }
nav { position: sticky; top: 0; background: #fff; padding: .6rem 0; border-bottom: 1px solid var(--line); z-index: 1 }
nav input, nav select { font: inherit; padding: .25rem .5rem; margin-right: .6rem }
svg text { font: 12px system-ui, sans-serif; fill: #333 }
[hidden] { display: none !important }
"""

SCRIPT = """
const lines = [...document.querySelectorAll(".answer")], count = document.getElementById("count");
const text = document.getElementById("text"), which = document.getElementById("which");
function filter() {
  const words = text.value.toLowerCase().split(/\\s+/).filter(Boolean), wanted = which.value;
  let shown = 0;
  for (const line of lines) {
    const fits = (!wanted || line.dataset.tags.split("|").includes(wanted))
      && words.every(word => line.dataset.text.includes(word));
    line.hidden = !fits;
    shown += fits;
  }
  count.textContent = `${shown} of ${lines.length}`;
}
text.oninput = which.onchange = filter;
filter();
"""


def page(title: str, pictures: str, body: str) -> str:
    """Return the whole page as HTML; `pictures` holds the CSS rules with the pictures."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<meta name="generator" content="sinonom query --report">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}{pictures}\n</style>\n</head>\n<body>\n{body}\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def histogram(bars: list[tuple[str, int]], total: int) -> str:
    """Return the bars as SVG; each has its name below it, and its count and share of `total` above it."""
    step, height = 92, 150
    most = max([count for _, count in bars] + [1])
    parts = [f'<svg width="{step * len(bars)}" height="{height + 46}" role="img" aria-label="Histogram of ranks">']
    for place, (name, count) in enumerate(bars):
        x, tall = place * step, round(height * count / most)
        colour = "#b3261e" if place == len(bars) - 1 else "#1e963c" if place == 0 else "#7a9cc6"
        parts.append(
            f'<rect x="{x + 6}" y="{20 + height - tall}" width="{step - 12}" height="{tall}" fill="{colour}"/>'
            f'<text x="{x + step / 2}" y="{15 + height - tall}" text-anchor="middle">{count:,}'
            f" ({100 * count / max(total, 1):.1f} %)</text>"
            f'<text x="{x + step / 2}" y="{height + 38}" text-anchor="middle">{name}</text>'
        )
    return "".join([*parts, "</svg>"])
