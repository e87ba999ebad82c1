const lines = [...document.querySelectorAll(".answer")], count = document.getElementById("count");
const text = document.getElementById("text"), which = document.getElementById("which");
function filter() {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean), wanted = which.value;
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
