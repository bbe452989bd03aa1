// Form fields that need script to be comfortable, drafts, and the warning before unsaved work is left.
import { askJSON } from "./swap.js";
import { el, icon } from "./elements.js";

const touched = (e) => e.dispatchEvent(new Event("input", { bubbles: true }));

// ---- a reference: type to search, choose from what is found

let serial = 0;

customElements.define("sr-ref", class extends HTMLElement {
  connectedCallback() {
    if (this.box) return;
    this.field = this.querySelector("select,input");
    this.multiple = "multiple" in this.dataset;
    this.setup();
    this.read();
    this.field.addEventListener("restore", () => this.read());
  }
  setup() {
    const f = this.field, list = "ref-" + ++serial;
    this.input = el("input", {
      type: "text", role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list, autocomplete: "off", spellcheck: "false",
      id: f.id, "aria-describedby": f.getAttribute("aria-describedby"), "aria-invalid": f.getAttribute("aria-invalid"), "aria-label": f.getAttribute("aria-label"),
      required: f.required && !this.multiple, disabled: f.disabled, placeholder: "Type to search…",
    });
    f.removeAttribute("id");
    f.required = false;
    f.hidden = true;
    this.querySelector(".chosen")?.setAttribute("hidden", "");
    this.chips = el("span", { class: "refchips" });
    this.clear = el("button", { type: "button", class: "refclear", "aria-label": `Clear ${this.dataset.label}`, tabindex: "-1", onclick: () => { this.set([]); this.input.focus(); } }, icon("x"));
    this.list = el("div", { role: "listbox", id: list, "aria-label": this.dataset.label });
    this.pop = el("div", { class: "reflist", hidden: true }, this.list, el("p", { class: "mut", role: "status", hidden: true }, "Nothing matches."));
    this.box = el("div", { class: "refbox" }, this.chips, this.input, this.clear, icon("chevron-down"), this.pop);
    this.append(this.box);
    this.input.addEventListener("input", (e) => { e.stopPropagation(); this.search(); });
    this.input.addEventListener("keydown", (e) => this.key(e));
    this.input.addEventListener("focus", () => this.input.select()); // typing looks for another one
    this.input.addEventListener("click", () => { if (!this.pop.hidden) return; this.input.select(); this.search(true); });
    this.input.addEventListener("blur", () => setTimeout(() => this.leave(), 120));
    this.list.addEventListener("pointerdown", (e) => { e.preventDefault(); const o = e.target.closest("[role=option]"); if (o) this.choose(o.item); });
  }
  /** Take over what the plain field says. */
  read() {
    if (this.field.localName === "select") {
      this.items = [...this.field.options].filter((o) => o.value !== "").map((o) => ({ id: o.value, label: o.label, sub: o.closest("optgroup")?.label }));
      const on = new Set([...this.field.selectedOptions].map((o) => o.value));
      this.chosen = this.items.filter((i) => on.has(i.id));
    } else {
      const known = new Map([...this.querySelectorAll(".chosen li")].map((l) => [l.dataset.id, { id: l.dataset.id, ...l.dataset }]));
      this.chosen = this.field.value.split(",").map((s) => s.trim()).filter(Boolean).map((id) => known.get(id) ?? { id, label: "#" + id });
    }
    this.paint();
  }
  set(chosen) {
    this.chosen = chosen;
    const ids = chosen.map((c) => c.id);
    if (this.field.localName === "select") {
      for (const o of this.field.options) o.selected = ids.includes(o.value);
      if (!ids.length && !this.multiple) this.field.value = "";
    } else this.field.value = ids.join(",");
    this.paint();
    touched(this.field);
    this.field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  paint() {
    this.clear.hidden = this.multiple || !this.chosen.length || this.field.disabled;
    if (!this.multiple) { this.input.value = this.chosen[0]?.label ?? ""; return; }
    this.chips.replaceChildren(...this.chosen.map((c) => el("span", { class: "chip" }, c.label,
      el("button", { type: "button", "aria-label": "Take away " + c.label, onclick: () => this.set(this.chosen.filter((x) => x !== c)) }, icon("x")))));
    this.input.value = "";
    this.input.placeholder = this.chosen.length ? "Add…" : "Type to search…";
  }
  search(all) {
    clearTimeout(this.timer);
    const q = all ? "" : this.input.value.trim();
    if (this.dataset.source) this.timer = setTimeout(() => this.remote(q), all ? 0 : 120);
    else this.offer(this.items.filter((i) => (i.label + " " + (i.sub ?? "")).toLowerCase().includes(q.toLowerCase())));
  }
  async remote(q) {
    this.ctl?.abort();
    this.ctl = new AbortController();
    const u = new URL(this.dataset.source, location.href);
    u.searchParams.set("q", q);
    const v = await askJSON(u, { signal: this.ctl.signal });
    if (v) this.offer(v.items ?? []);
  }
  offer(items) {
    const left = items.filter((i) => !this.multiple || !this.chosen.some((c) => c.id === String(i.id))).slice(0, 50);
    this.list.replaceChildren(...left.map((i, n) => {
      const o = el("div", { role: "option", id: `${this.list.id}-${n}`, "aria-selected": "false" }, ...(i.icon ? [icon(i.icon)] : []), el("span", { class: "t" }, el("b", {}, i.label), ...(i.sub ? [el("small", {}, i.sub)] : [])));
      o.item = { ...i, id: String(i.id) };
      return o;
    }));
    this.list.hidden = !left.length;
    this.pop.lastChild.hidden = !!left.length;
    this.pop.hidden = document.activeElement !== this.input;
    this.input.setAttribute("aria-expanded", String(!this.pop.hidden));
    this.pick(0);
  }
  get options() { return [...this.list.querySelectorAll("[role=option]")]; }
  pick(i) {
    const o = this.options;
    if (!o.length) return this.input.removeAttribute("aria-activedescendant");
    i = (i + o.length) % o.length;
    o.forEach((x, n) => x.setAttribute("aria-selected", String(n === i)));
    this.input.setAttribute("aria-activedescendant", o[i].id);
    o[i].scrollIntoView({ block: "nearest" });
  }
  key(e) {
    const o = this.options, i = o.findIndex((x) => x.getAttribute("aria-selected") === "true"), open = !this.pop.hidden;
    if (e.key === "ArrowDown") { if (open) this.pick(i + 1); else this.search(true); }
    else if (e.key === "ArrowUp" && open) this.pick(i - 1);
    else if (e.key === "Enter" && open && o[i] && !e.ctrlKey) this.choose(o[i].item);
    else if (e.key === "Escape" && open) { this.close(); this.paint(); }
    else if (e.key === "Backspace" && this.multiple && !this.input.value && this.chosen.length) return this.set(this.chosen.slice(0, -1));
    else return;
    e.preventDefault();
    e.stopPropagation();
  }
  choose(item) {
    this.set(this.multiple ? [...this.chosen, item] : [item]);
    this.close();
    this.input.focus();
  }
  close() { this.pop.hidden = true; this.input.setAttribute("aria-expanded", "false"); this.input.removeAttribute("aria-activedescendant"); }
  leave() {
    if (this.contains(document.activeElement)) return;
    this.close();
    if (!this.multiple && !this.input.value.trim() && this.chosen.length) this.set([]);
    else this.paint(); // half-typed text is no choice
  }
});

// ---- a text in which @ mentions people: a list of those whose names begin so

customElements.define("sr-mention", class extends HTMLElement {
  connectedCallback() {
    if (this.pop) return;
    const id = "mention-" + ++serial;
    this.field = this.querySelector("textarea");
    this.list = el("div", { role: "listbox", id, "aria-label": "People" });
    this.pop = el("div", { class: "reflist", hidden: true }, this.list);
    this.append(this.pop);
    this.field.setAttribute("aria-autocomplete", "list");
    this.field.setAttribute("aria-controls", id);
    this.field.addEventListener("input", () => this.look());
    this.field.addEventListener("click", () => this.look());
    this.field.addEventListener("blur", () => setTimeout(() => this.close(), 120));
    this.field.addEventListener("keydown", (e) => this.key(e));
    this.list.addEventListener("pointerdown", (e) => { e.preventDefault(); const o = e.target.closest("[role=option]"); if (o) this.choose(o); });
  }
  /** What stands between the last @ and the caret, when that may be a name. */
  typed() {
    const m = /(?:^|[^\p{L}\p{N}@.\\])@([\p{L}\p{N}'’.-]*(?: [\p{L}\p{N}'’.-]+){0,2})$/u.exec(this.field.value.slice(0, this.field.selectionEnd));
    return m && m[1].length < 40 ? m[1] : null;
  }
  look() {
    const q = this.typed();
    clearTimeout(this.timer);
    if (q === null) return this.close();
    this.timer = setTimeout(() => this.ask(q), 80);
  }
  async ask(q) {
    this.ctl?.abort();
    this.ctl = new AbortController();
    const v = await askJSON(this.dataset.source + "?q=" + encodeURIComponent(q), { signal: this.ctl.signal });
    const now = this.typed();
    if (!v || now !== q || document.activeElement !== this.field) return;
    const items = (v.items ?? []).filter((i) => i.label.toLowerCase() !== q.toLowerCase()).slice(0, 8);
    this.list.replaceChildren(...items.map((i, n) => el("div", { role: "option", id: `${this.list.id}-${n}`, "aria-selected": "false", "data-name": i.label }, icon("user"), el("span", { class: "t" }, el("b", {}, i.label)))));
    this.pop.hidden = !items.length;
    if (items.length) this.pick(0); else this.close();
  }
  get options() { return [...this.list.children]; }
  pick(i) {
    const o = this.options;
    i = (i + o.length) % o.length;
    o.forEach((x, n) => x.setAttribute("aria-selected", String(n === i)));
    this.field.setAttribute("aria-activedescendant", o[i].id);
    o[i].scrollIntoView({ block: "nearest" });
  }
  key(e) {
    if (this.pop.hidden || e.ctrlKey || e.metaKey) return;
    const o = this.options, i = o.findIndex((x) => x.getAttribute("aria-selected") === "true");
    if (e.key === "ArrowDown") this.pick(i + 1);
    else if (e.key === "ArrowUp") this.pick(i - 1);
    else if ((e.key === "Enter" || e.key === "Tab") && o[i]) this.choose(o[i]);
    else if (e.key === "Escape") this.close();
    else return;
    e.preventDefault();
    e.stopPropagation();
  }
  choose(o) {
    const end = this.field.selectionEnd;
    this.field.setRangeText(o.dataset.name + " ", end - (this.typed() ?? "").length, end, "end");
    this.close();
    this.field.focus();
    touched(this.field);
  }
  close() { clearTimeout(this.timer); this.ctl?.abort(); this.pop.hidden = true; this.list.replaceChildren(); this.field.removeAttribute("aria-activedescendant"); }
});

// ---- rows: add and remove lines

customElements.define("sr-rows", class extends HTMLElement {
  connectedCallback() {
    if (this.more) return;
    this.more = el("button", { type: "button", class: "btn s", onclick: () => this.add(true) }, icon("plus"), "Add");
    this.append(this.more);
    const lines = this.lines;
    this.pattern = lines.at(-1).cloneNode(true); // the server's last line is always an empty one
    for (const l of lines) this.equip(l);
    for (const l of lines.slice(1).reverse()) if (this.empty(l)) l.remove();
  }
  get lines() { return [...this.querySelectorAll(":scope > .rowline")]; }
  empty(l) { return [...l.querySelectorAll("input:not([type=hidden],[type=checkbox]),textarea")].every((i) => !i.value) && !l.querySelector("select:not([name$=_kind])")?.value; }
  equip(l) {
    l.append(el("button", { type: "button", class: "btn ghost ic", "aria-label": `Remove this line of ${this.dataset.label}`, title: "Remove", onclick: () => this.drop(l) }, icon("trash")));
  }
  add(focus) {
    const n = 1 + Math.max(-1, ...[...this.querySelectorAll("[name]")].map((i) => Number(i.name.slice(this.dataset.name.length + 1).split(".")[0]) || 0));
    const l = this.pattern.cloneNode(true);
    for (const i of l.querySelectorAll("[name],[id],[for]")) for (const a of ["name", "id", "for"]) {
      const v = i.getAttribute(a);
      if (v) i.setAttribute(a, v.replace(new RegExp(`(^|f-)${this.dataset.name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\.\\d+\\.`), `$1${this.dataset.name}.${n}.`));
    }
    this.more.before(l);
    this.equip(l);
    if (focus) l.querySelector("input:not([type=hidden]),select,textarea")?.focus();
    return l;
  }
  drop(l) {
    const next = l.nextElementSibling ?? l.previousElementSibling;
    if (this.lines.length > 1) l.remove();
    else for (const i of l.querySelectorAll("input:not([type=hidden]),textarea")) { i.value = ""; i.checked = false; }
    (next?.querySelector("input:not([type=hidden]),select") ?? this.more).focus();
    touched(this);
  }
  /** Make sure that a line with this number is there, for a draft. */
  reach(n) { while (this.lines.length <= n && this.lines.length < 200) this.add(false); }
});

// ---- a new password: show and generate

const sets = ["abcdefghijkmnopqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "!#%+-:=?@_"];
function below(n) { // without the bias of a remainder
  const b = new Uint32Array(1), most = 2 ** 32 - (2 ** 32 % n);
  do crypto.getRandomValues(b); while (b[0] >= most);
  return b[0] % n;
}
/** A random password with at least one character of each set, none of which look alike. */
export function generate(length = 20) {
  const all = sets.join("");
  for (;;) {
    const p = Array.from({ length }, () => all[below(all.length)]).join("");
    if (sets.every((s) => [...p].some((c) => s.includes(c)))) return p;
  }
}
customElements.define("sr-newsecret", class extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input"), show = this.querySelector("[data-show]");
    const see = (on) => { input.type = on ? "text" : "password"; show.setAttribute("aria-pressed", String(on)); show.replaceChildren(icon(on ? "eye-off" : "eye")); };
    show.onclick = () => see(input.type === "password");
    this.querySelector("[data-generate]").onclick = async () => {
      let v = generate();
      if (this.dataset.url) {
        const got = await askJSON(this.dataset.url, { method: "POST", body: new URLSearchParams() });
        if (!got) return;
        v = got.secret;
      }
      input.value = v;
      see(true);
      touched(input);
    };
    input.form?.addEventListener("submit", () => see(false));
  }
});

// ---- drafts and unsaved changes

const week = 7 * 86400e3;
const fieldsOf = (f) => [...f.elements].filter((e) => e.name && !e.closest("[data-nodraft]") && !["password", "file", "hidden", "submit", "button"].includes(e.type) && e.autocomplete !== "new-password");
const snapshot = (f) => {
  const v = {};
  for (const e of fieldsOf(f)) {
    if (e.type === "checkbox" || e.type === "radio") { if (e.checked) (v[e.name] ??= []).push(e.value); else v[e.name] ??= []; }
    else if (e.localName === "select") (v[e.name] ??= []).push(...[...e.selectedOptions].map((o) => o.value));
    else (v[e.name] ??= []).push(e.value);
  }
  return v;
};
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const store = { // private windows may refuse
  get(k) { try { return JSON.parse(localStorage.getItem(k)); } catch { return null; } },
  set(k, v) { try { localStorage.setItem(k, JSON.stringify(v)); return true; } catch { return false; } },
  drop(k) { try { localStorage.removeItem(k); } catch { /* nothing was kept */ } },
};

function restore(f, values) {
  for (const name of Object.keys(values)) {
    const m = /^(.*)\.(\d+)\.[^.]+$/.exec(name);
    if (m) f.querySelector(`sr-rows[data-name="${CSS.escape(m[1])}"]`)?.reach(Number(m[2]));
  }
  for (const e of fieldsOf(f)) {
    const v = values[e.name];
    if (!v) continue;
    if (e.type === "checkbox" || e.type === "radio") e.checked = v.includes(e.value);
    else if (e.localName === "select") for (const o of e.options) o.selected = v.includes(o.value);
    else e.value = v[0] ?? "";
    e.dispatchEvent(new Event("restore"));
  }
}

const dirty = new Set(); // forms that would lose something
const flush = new Map(); // forms whose draft is behind, with what brings it up to date
const clock = (t) => new Date(t).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

function guard(f) {
  if (f.guarded) return;
  f.guarded = true;
  const key = f.dataset.draft && "draft:" + f.dataset.draft, note = f.querySelector("[data-draft-note]");
  const clean = snapshot(f);
  let timer;
  if (key) {
    const sent = sessionStorage.getItem("sent");
    if (sent === key && !f.querySelector(".errors")) store.drop(key);
    const d = store.get(key);
    if (d && Date.now() - d.at > week) store.drop(key);
    else if (d && !f.querySelector(".errors") && !same(d.values, clean)) {
      restore(f, d.values);
      const back = el("button", { type: "button", class: "btn s ghost", onclick: () => { store.drop(key); flush.delete(f); dirty.delete(f); location.reload(); } }, "Discard");
      note?.replaceChildren(`Your draft of ${new Date(d.at).toDateString() === new Date().toDateString() ? clock(d.at) : new Date(d.at).toLocaleDateString("en-GB")} is back. `, back);
    }
  }
  const keep = () => {
    clearTimeout(timer);
    flush.delete(f);
    const now = snapshot(f);
    if (same(now, clean)) { if (!hasMore(f)) dirty.delete(f); if (key) store.drop(key); return; }
    const kept = key && store.set(key, { at: Date.now(), values: now });
    if (kept) note?.replaceChildren(`Draft kept at ${clock(Date.now())}`);
    if (kept && !hasMore(f)) dirty.delete(f); // nothing would be lost
  };
  f.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(keep, 300);
    flush.set(f, keep);
    dirty.add(f);
  });
  f.addEventListener("submit", () => { clearTimeout(timer); flush.delete(f); dirty.delete(f); if (key) sessionStorage.setItem("sent", key); });
}
// What a draft does not hold: secrets and files.
const hasMore = (f) => [...f.elements].some((e) => ((e.type === "file" || e.type === "password" || e.autocomplete === "new-password") && e.value));
const flushAll = () => { for (const keep of [...flush.values()]) keep(); };
addEventListener("pagehide", flushAll);
document.addEventListener("visibilitychange", () => document.hidden && flushAll());

function guards(root = document) { for (const f of root.querySelectorAll("form[data-guard],form[data-draft]")) guard(f); }
/** Start drafts and guards, once the fields have taken their final form. */
export function startForms() {
  const sent = sessionStorage.getItem("sent");
  if (sent && !document.querySelector(".errors")) store.drop(sent);
  guards();
  sessionStorage.removeItem("sent");
  document.addEventListener("swapped", (e) => guards(e.target.parentElement ?? document));
  document.querySelector(".errors")?.focus();
}
addEventListener("beforeunload", (e) => { flushAll(); if ([...dirty].some((f) => f.isConnected)) e.preventDefault(); });

// Signing out leaves nothing behind in this browser.
document.addEventListener("submit", (e) => {
  if (!e.target.matches("form[action$='/sign-out']")) return;
  for (const k of Object.keys(localStorage)) if (k.startsWith("draft:")) store.drop(k);
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (e) => {
  const f = e.target;
  if (e.defaultPrevented || f.dataset.swap || f.method === "dialog" || (f.getAttribute("method") ?? "get").toLowerCase() !== "post") return;
  if (f.dataset.sent) { e.preventDefault(); return; }
  f.dataset.sent = "1";
  e.submitter?.setAttribute("aria-busy", "true");
  const again = () => { delete f.dataset.sent; e.submitter?.removeAttribute("aria-busy"); };
  setTimeout(() => { if (e.defaultPrevented) again(); }); // a script sends it
  setTimeout(again, 10000);
});
addEventListener("pageshow", () => { for (const f of document.querySelectorAll("form[data-sent]")) delete f.dataset.sent; });

document.addEventListener("invalid", (e) => { const d = e.target.closest("details"); if (d) d.open = true; }, true);
