const about = document.getElementById("about"), pairs = [...document.querySelectorAll("g")];
function show(pair) {
  about.textContent = pair.dataset.text;
  about.hidden = false;
}
for (const pair of pairs) {
  pair.onpointerenter = pair.onfocus = () => show(pair);
  pair.onpointerdown = () => pair.focus();
}
document.onkeydown = event => {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  const at = pairs.indexOf(document.activeElement);
  if (!step || at < 0) return;
  event.preventDefault();
  pairs[Math.min(Math.max(at + step, 0), pairs.length - 1)].focus();
};
