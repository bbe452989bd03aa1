// Lists: selecting rows, the bar of what may be done with them, and moving by keyboard.
import { el } from "./elements.js";

customElements.define("sr-table", class extends HTMLElement {
  connectedCallback() {
    this.addEventListener("change", (e) => {
      const all = this.all;
      if (e.target === all) for (const r of this.boxes) r.checked = all.checked;
      if (e.target.matches("[data-all],td.ck input,[data-every]")) this.count();
    });
    this.addEventListener("click", (e) => {
      if (e.target.closest("[data-none]")) { for (const r of this.boxes) r.checked = false; this.count(); this.all?.focus(); }
      const box = e.target.closest("td.ck input");
      if (!box) return;
      if (e.shiftKey) this.range(box);
      this.last = box;
    });
    if (this.all) this.count();
  }
  get all() { return this.querySelector("[data-all]"); }
  get boxes() { return [...this.querySelectorAll("td.ck input")]; }
  range(to) {
    const b = this.boxes, i = b.indexOf(this.last), j = b.indexOf(to);
    if (i < 0 || j < 0) return;
    for (const x of b.slice(Math.min(i, j), Math.max(i, j) + 1)) x.checked = to.checked;
    this.count();
  }
  count() {
    const rows = this.boxes, n = rows.filter((r) => r.checked).length, every = this.querySelector("[data-every]");
    this.all.checked = n > 0 && n === rows.length;
    this.all.indeterminate = n > 0 && n < rows.length;
    const wider = every && n === rows.length && Number(this.dataset.matching) > rows.length;
    if (every) { every.closest("label").hidden = !wider; if (!wider) every.checked = false; }
    const all = every?.checked;
    const c = this.querySelector(".bulk [data-count]");
    if (c) c.textContent = (all ? Number(this.dataset.matching).toLocaleString("en") : n) + " selected";
  }
  /** What a dialog's form has to send for the selected rows. */
  picked() {
    const f = this.querySelector(".rowform");
    return [...new FormData(f)].map(([name, value]) => el("input", { type: "hidden", name, value, class: "picked" }));
  }
});

const rows = () => [...document.querySelectorAll("[data-rows] tbody tr")].filter((r) => r.offsetParent);
let cursor = null;

/** Move the cursor row by d; true when there was a list to move in. */
export function moveRow(d) {
  const all = rows();
  if (!all.length) return moveTicket(d);
  const i = all.indexOf(cursor?.isConnected ? cursor : all.find((r) => r.contains(document.activeElement)));
  const to = all[Math.max(0, Math.min(all.length - 1, i + d))];
  cursor?.classList.remove("cur");
  cursor = to;
  to.classList.add("cur");
  (to.querySelector("a.rowlink") ?? to.querySelector("a"))?.focus({ preventScroll: true });
  to.scrollIntoView({ block: "nearest" });
  return true;
}

/** Move through the queue of the desk. */
function moveTicket(d) {
  const all = [...document.querySelectorAll(".qlist > a")];
  const i = all.findIndex((a) => a === document.activeElement), at = i < 0 ? all.findIndex((a) => a.ariaCurrent) : i;
  const to = all[Math.max(0, Math.min(all.length - 1, at + d))];
  to?.focus();
  return !!to;
}

/** Select the cursor row; with reach, all from the last one selected. */
export function pickRow(reach) {
  const box = cursor?.isConnected && cursor.querySelector("td.ck input");
  if (!box) return false;
  const t = box.closest("sr-table");
  box.checked = !box.checked;
  if (reach) t.range(box);
  t.last = box;
  t.count();
  return true;
}

/** Open the cursor row where the focus has left its link. */
export function openRow() {
  const a = cursor?.isConnected && cursor.querySelector("a.rowlink");
  if (a) a.click();
  return !!a;
}
