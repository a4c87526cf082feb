"use strict";
document.querySelectorAll("[data-svg]").forEach(b => b.onclick = () => {
  const svg = document.querySelector("#" + b.dataset.svg + " svg").cloneNode(true), look = getComputedStyle(document.documentElement);
  const text = new XMLSerializer().serializeToString(svg).replace(/var\((--[a-z]+)\)/g, (all, name) => look.getPropertyValue(name).trim());
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "image/svg+xml"})); link.download = b.dataset.svg + ".svg"; link.click();
});
document.querySelectorAll("input[type=search]").forEach(i => i.oninput = () => {
  const words = i.value.toLowerCase().split(/\s+/);
  i.parentNode.querySelectorAll("tbody tr").forEach(r => {
    const text = [...r.cells].map(c => c.textContent.toLowerCase()).join(" ");
    r.hidden = !words.every(w => text.includes(w));
  });
});
document.querySelectorAll("th").forEach(h => h.onclick = () => {
  const body = h.closest("table").tBodies[0], at = h.cellIndex, up = h.dataset.up !== "1"; h.dataset.up = up ? "1" : "0";
  const keyed = [...body.rows].map(r => { const t = r.cells[at].textContent, n = parseFloat(t.replace(/,/g, "")); return [r, t, n]; });
  const compare = (a, b) => isNaN(a[2]) !== isNaN(b[2]) ? (isNaN(a[2]) ? 1 : -1) : (isNaN(a[2]) ? a[1].localeCompare(b[1], "en", {numeric: true}) : a[2] - b[2]) * (up ? 1 : -1);
  keyed.sort(compare).forEach(k => body.append(k[0]));
});
