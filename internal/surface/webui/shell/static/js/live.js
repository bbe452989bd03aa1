// Keeps the page up to date: the server sends blocks of it when what they show has changed. What somebody is writing
// is never touched, and a page that nobody looks at listens to nothing.
import { ask, parse, replace, tell } from "./swap.js";
import { el, icon } from "./elements.js";

const AGAIN = 20000; // after the server could not be reached, or had no room
const SAYS = 8000; // how often one says that one writes on

const byId = (id) => document.getElementById(id);

customElements.define("sr-live", class extends HTMLElement {
  connectedCallback() {
    this.seen = () => (document.hidden ? this.close() : this.open());
    this.typed = (e) => { if (e.target.closest?.("#say")) this.writes(); };
    this.left = () => this.close();
    document.addEventListener("visibilitychange", this.seen);
    document.addEventListener("input", this.typed);
    addEventListener("pagehide", this.left);
    addEventListener("pageshow", this.seen);
    byId("say")?.addEventListener("submit", () => { this.sent = true; });
    this.open();
  }
  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.seen);
    document.removeEventListener("input", this.typed);
    removeEventListener("pagehide", this.left);
    removeEventListener("pageshow", this.seen);
    this.close();
  }
  open() {
    if (this.source || this.over || document.hidden) return;
    clearTimeout(this.timer);
    const url = new URL(this.dataset.src, location.href);
    url.searchParams.set("at", this.dataset.at);
    const s = this.source = new EventSource(url);
    s.onopen = () => { this.dataset.state = "open"; this.failed = 0; };
    s.addEventListener("block", (e) => { if (e.lastEventId) this.dataset.at = e.lastEventId; this.put(e.data); });
    for (const name of ["gone", "end"]) s.addEventListener(name, (e) => { this.over = name === "end"; tell(e.data, "bad"); if (this.over) this.close(); });
    s.onerror = () => {
      this.dataset.state = "waiting";
      if (s.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      this.close();
      this.failed = (this.failed ?? 0) + 1;
      if (this.failed < 4) this.timer = setTimeout(() => this.open(), AGAIN * this.failed); // a proxy that blocks it will not change its mind
    };
  }
  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.dataset.state = "closed";
  }

  /** Put a block in its place, where nobody is marking text in it just now. */
  put(html) {
    const doc = parse(html), next = doc.body.firstElementChild, cur = next && byId(next.id);
    if (!cur) return;
    const marked = getSelection();
    if (!marked.isCollapsed && cur.contains(marked.anchorNode)) {
      this.waiting ??= new Map();
      if (!this.waiting.size) setTimeout(() => { const all = [...this.waiting.values()]; this.waiting.clear(); all.forEach((x) => this.put(x)); }, 1500);
      this.waiting.set(next.id, html);
      return;
    }
    const top = cur.scrollTop, end = cur.scrollHeight - cur.clientHeight - top < 40;
    const open = [...cur.querySelectorAll("details")].map((d) => d.open);
    const known = new Set([...cur.querySelectorAll(".msg[id]")].map((m) => m.id));
    if (!replace(next.id, doc)) return;
    const now = byId(next.id);
    now.querySelectorAll("details").forEach((d, i) => { d.open = open[i] ?? d.open; });
    const fresh = now.id === "msgs" ? [...now.querySelectorAll(".msg[id]")].filter((m) => !known.has(m.id)) : [];
    for (const m of fresh) m.classList.add("fresh");
    now.scrollTop = now.id === "msgs" && end ? now.scrollHeight : top;
    if (now.id === "msgs") this.met(now, fresh.filter((m) => !("own" in m.dataset)));
  }

  /** Somebody else wrote: who is writing is told, and sends after having seen it. */
  met(msgs, others) {
    const form = byId("say"), note = form?.querySelector("[data-met]"), seen = form?.elements.seen;
    if (!seen || !others.length) return;
    const read = () => { seen.value = byId("msgs").dataset.latest; note.hidden = true; };
    if (!form.elements.notes_body.value.trim()) return read();
    const who = [...new Set(others.map((m) => m.querySelector("header b")?.textContent))].join(" and ");
    const go = el("button", { type: "button", class: "btn s", onclick: () => { const m = byId(others[0].id); m?.scrollIntoView({ block: "center" }); m?.focus(); read(); } }, "Show");
    note.replaceChildren(icon("alert-triangle"), el("span", {}, `${who} wrote on this ticket while you were writing. Yours is kept.`), go);
    note.hidden = false;
  }

  /** Say that one is writing, now and then, and that one is not any more. */
  writes() {
    const form = byId("say"), url = form?.dataset.writing;
    if (!url || this.sent) return;
    const on = form.elements.notes_body.value.trim() !== "";
    if (on === this.on && (!on || performance.now() - this.said < SAYS)) return;
    this.on = on;
    this.said = performance.now();
    ask(url, { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams({ on: on ? "1" : "" }) }).catch(() => {});
  }
});
