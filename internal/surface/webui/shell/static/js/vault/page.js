// The page of the vault: choose a passphrase, unlock, and work with items. What is typed or decrypted stays in this page.
import { ask } from "../swap.js";
import { el, icon } from "../elements.js";
import { Attached } from "./attached.js";
import { Audience } from "./audience.js";
import { base64, unbase64 } from "./bytes.js";
import { able, Alarm, random, Refused } from "./keys.js";
import { changePassphrase, fingerprintText, LEAST_PASSPHRASE, newKDF, newKeys, newKeyset, parseBefore, parseStatement, unlock, verifyStatement, weaker } from "./keyset.js";
import { following, pastOf } from "./history.js";
import { checkListing } from "./listing.js";
import { nameOf, People, renewal, statementsOf, verifyMembers, whole, wordsFor } from "./members.js";
import { Memory } from "./memory.js";
import { Several } from "./several.js";
import { Recoveries } from "./recoverypage.js";
import { checkLast, checkManifest, newVault, OWNER, openVault, parseManifest, readItem, readWithheld, sealItem, sealManifest, WRITER } from "./vault.js";

const IDLE = 10 * 60_000, CLEAR = 45_000, ROWS = 100;
const show = (e, on) => { e.hidden = !on; };

/** Asks the server; what it answers is data to be verified. */
async function server(path, body) {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const res = await ask(path, { ...init, headers: { Accept: "application/json", ...init.headers } });
  const json = await res.json().catch(() => ({}));
  if (res.ok) return json;
  if (json.location) location.assign(new URL(json.location, location.origin));
  throw new Refused([json.error?.text, json.error?.hint].filter(Boolean).join(" ") || `The server answered ${res.status}. Try again.`);
}

customElements.define("sr-vault", class extends HTMLElement {
  connectedCallback() {
    this.$ = (name) => this.querySelector(`[data-${name}]`);
    this.base = this.dataset.base;
    const on = (name, type, f) => this.$(name).addEventListener(type, (e) => { e.preventDefault(); this.busy(this.$(name), () => f(e)); });
    on("unlock", "submit", () => this.unlock());
    on("setup", "submit", () => this.setup());
    on("newvault", "submit", () => this.addVault());
    on("change", "submit", () => this.change());
    on("rotate", "submit", () => this.rotate());
    on("edit", "submit", () => this.save());
    on("delete", "click", () => this.remove());
    on("endvault", "submit", () => this.endVault());
    this.$("add").addEventListener("click", () => this.busy(this, () => this.edit(null)));
    this.$("cancel").addEventListener("click", () => this.$("dialog").close());
    this.$("dialog").addEventListener("close", () => this.forget());
    this.$("look").addEventListener("click", () => this.look(this.$("password").type === "password"));
    this.$("generate").addEventListener("click", () => { this.$("password").value = generated(); this.look(true); });
    this.$("lock").addEventListener("click", () => this.lock());
    this.$("search").addEventListener("input", () => { this.whole = false; this.draw(); });
    this.$("rest").addEventListener("click", () => { this.whole = true; this.draw(); });
    this.$("choose").addEventListener("change", () => this.busy(this, () => this.open(Number(this.$("choose").value))));
    for (const t of ["pointerdown", "keydown", "input"]) this.addEventListener(t, () => this.used());
    this.people = new People(this, server);
    this.attached = new Attached(this);
    this.several = new Several(this, server);
    this.audience = new Audience(this);
    this.recoveries = new Recoveries(this, server);
    addEventListener("pagehide", this.leave = () => this.lock());
    this.busy(this, () => this.start());
  }
  disconnectedCallback() { removeEventListener("pagehide", this.leave); this.lock(); }

  /** Runs something that takes a while and says in words what went wrong. */
  async busy(where, f) {
    if (this.working) return;
    this.working = true;
    show(this.$("alarm"), false);
    for (const e of this.querySelectorAll("[data-error]")) show(e, false);
    this.setAttribute("aria-busy", "true");
    try {
      await f();
    } catch (e) {
      this.failed(where, e);
    } finally {
      this.working = false;
      this.removeAttribute("aria-busy");
    }
  }
  failed(where, e) {
    if (e instanceof Alarm) {
      this.lock();
      this.$("dialog").close();
      for (const n of ["unlock", "setup", "locked", "forgot"]) show(this.$(n), false);
      this.$("alarm-text").textContent = `${e.message} Nothing was opened. Do not go on, and tell your administrator that the server may have been tampered with.`;
      show(this.$("alarm"), true);
      this.$("alarm").focus();
      return;
    }
    const words = e instanceof Refused || e.message?.startsWith("The server cannot") ? e.message : "This did not work. Load the page again.";
    const p = (where.querySelector?.("[data-error]") ?? this.$("error"));
    p.textContent = words;
    show(p, true);
  }

  async start() {
    if (!(await able())) throw new Refused("This browser lacks cryptography that the vault needs (ML-KEM-768 in WebCrypto). Update it, or use another browser.");
    await this.load();
    show(this.$("locked"), true);
    show(this.$("setup"), !this.statement);
    show(this.$("unlock"), !!this.statement);
    if (this.statement) await this.recoveries.load();
    this.dataset.state = this.statement ? "locked" : "new";
  }
  async load() {
    const s = whole(await server(this.base + "/state"), "tenant", "user", "vaults");
    if (s.statement || s.lock) whole(s, "statement", "lock");
    // Whose vault it is stands in the page and in the answer; keys decide in the end.
    this.tenant = s.tenant;
    this.user = s.user;
    this.memory = new Memory(s.tenant, s.user);
    this.statement = s.statement ? parseStatement(unbase64(s.statement)) : null;
    this.lockBox = s.lock ? unbase64(s.lock) : null;
    this.list = s.vaults;
    if (this.statement) await verifyStatement(this.statement, this.tenant, this.user);
    await this.memory.keyset(this.statement, parseBefore(s.before));
    this.gone = await this.memory.vaults(this.statement, this.list, s.ended ?? []);
  }

  async setup() {
    const f = this.$("setup"), p = taken(f.elements.passphrase), again = taken(f.elements.again);
    if (p !== again) throw new Refused("The two passphrases are not the same.");
    const made = await newKeyset(this.tenant, this.user, p, Date.now(), this.kdf());
    await this.keep(made);
    await this.recoveries.load();
    await this.makeVault("Personal");
    this.opened();
  }
  async unlock() {
    const p = taken(this.$("unlock").elements.passphrase), t = performance.now();
    const keys = await unlock(this.tenant, this.user, this.statement, this.lockBox, p);
    this.dataset.unlockMs = Math.round(performance.now() - t);
    await this.listedSelf();
    this.memory.keepKeyset(this.statement);
    this.keys = keys;
    await this.strengthen(p);
    if (this.list.length) await this.open(this.list.includes(this.last) ? this.last : this.list[0]);
    this.opened();
  }
  /** Goes on with keys that were recovered under a new passphrase. */
  async recovered(made) {
    await this.keep(made);
    await this.listedSelf();
    await this.recoveries.load();
    if (this.list.length) await this.open(this.list[0]);
    this.opened();
    this.say("The vaults are open, and the new passphrase is yours from now on.");
  }
  /** Checks that somebody's keys stand in the signed audit log, which continues the one that this browser knows. */
  async listed(statement) {
    const seen = this.memory.log;
    this.memory.keepLog(await checkListing(statement, await server(`${this.base}/people/${statement.user}?since=${seen?.size ?? 0}`), seen));
  }
  async listedSelf() {
    try {
      await this.listed(this.statement);
    } catch (e) {
      if (!(e instanceof Refused)) throw e;
      await server(this.base + "/keyset", { statement: base64(this.statement.stored), lock: base64(this.lockBox) }); // from before there was this
      await this.listed(this.statement);
    }
  }
  async change() {
    const f = this.$("change"), old = taken(f.elements.old), p = taken(f.elements.passphrase), again = taken(f.elements.again);
    if (p !== again) throw new Refused("The two passphrases are not the same.");
    const made = await changePassphrase(this.tenant, this.user, this.statement, this.lockBox, old, p, Date.now(), this.kdf());
    await this.keep(made);
    this.say("The passphrase was changed.");
  }
  /** Keeps the same keys under another statement and lock. */
  async keep(made) {
    await server(this.base + "/keyset", { statement: base64(made.statement.stored), lock: base64(made.lock) });
    this.memory.keepKeyset(made.statement);
    Object.assign(this, { statement: made.statement, lockBox: made.lock, keys: made.keys });
  }
  /** The derivation for a new passphrase. */
  kdf() { return newKDF("approved" in this.dataset); }
  /** Brings a passphrase that was just typed over to the derivation of today. What hinders that hinders no unlocking. */
  async strengthen(p) {
    if (!weaker(this.statement.kdf) || "approved" in this.dataset) return;
    try {
      await this.keep(await changePassphrase(this.tenant, this.user, this.statement, this.lockBox, p, p));
    } catch (e) { if (e instanceof Alarm) throw e; }
  }

  // ---- vaults

  async addVault() {
    const f = this.$("newvault"), title = f.elements.title.value.trim();
    if (!title) throw new Refused("The name of the vault is missing.");
    await this.makeVault(title);
    f.reset();
    this.draw();
    this.say("The vault was made.");
  }
  async makeVault(title) {
    const { id } = await server(this.base + "/vaults", {});
    if (!Number.isSafeInteger(id) || id < 1 || this.list.includes(id)) throw new Alarm("The server gave a number for a new vault that is in use.");
    const { vault, grant } = await newVault(this.keys, id);
    const about = await sealItem(this.keys, vault, 0, null, { title });
    const manifest = await sealManifest(this.keys, vault, null, [about.leaf]);
    await server(`${this.base}/vaults/${id}`, { grant: base64(grant), put: [base64(about.sealed)], manifest: base64(manifest.stored) });
    this.memory.keep(id, await checkManifest(vault, manifest, [about.leaf], undefined));
    this.list.push(id);
    await this.open(id);
  }
  /** Deletes the open vault for good. Its owner signs that, so that her other browsers know that it was she. */
  async endVault() {
    const f = this.$("endvault"), { vault } = this, title = this.titles.get(vault.id);
    if (f.elements.title.value !== title) throw new Refused(`Write the name of the vault: ${title}`);
    const last = await sealManifest(this.keys, vault, this.manifest, []);
    const seen = await checkLast(last, this.keys.statement, vault.id, this.memory.of(vault.id));
    await server(`${this.base}/vaults/${vault.id}/delete`, { manifest: base64(last.stored) });
    this.memory.keep(vault.id, seen);
    f.reset();
    this.list = this.list.filter((id) => id !== vault.id);
    this.vault = this.manifest = this.items = this.withheld = null;
    this.$("ending").open = false;
    if (this.list.length) await this.open(this.list[0]);
    else this.draw();
    this.say("The vault was deleted.");
  }
  async open(id) {
    const t = performance.now(), c = await server(`${this.base}/vaults/${id}`);
    const fetched = performance.now(), o = await this.opens(id, c);
    this.last = id;
    if (o.stranger || o.stale) return this.meet(id, o.stranger);
    this.memory.keep(id, o.seen, o.owner === this.keys.statement ? 0 : o.owner.user);
    Object.assign(this, { vault: o.vault, stranger: null, stale: false, members: o.members, manifest: o.manifest, items: o.items, withheld: o.withheld });
    this.titles ??= new Map();
    this.titles.set(id, this.items.get(0)?.content.title ?? "");
    this.dataset.openMs = Math.round(performance.now() - fetched);
    this.dataset.fetchMs = Math.round(fetched - t);
    this.draw();
    this.drawn = performance.now();
    this.proven = this.prove([...o.items.values()]);
  }
  /** Verifies and opens a vault that the server sent; nothing is remembered yet. */
  async opens(id, c) {
    const { grant, owner, members, writers, stranger, stale } = await verifyMembers(this.keys, this.memory, id, c);
    if (stranger || stale) return { stranger, stale };
    const vault = await openVault(this.keys, grant, id, owner, writers);
    const manifest = parseManifest(unbase64(c.manifest));
    const items = await Promise.all(c.items.map((i) => readItem(vault, unbase64(i))));
    const withheld = (c.withheld ?? []).map((h) => readWithheld(vault, unbase64(h)));
    const seen = await checkManifest(vault, manifest, [...items.map((i) => i.leaf), ...withheld], this.memory.of(id));
    return { vault, owner, members, manifest, withheld, items: new Map(items.map((i) => [i.leaf.item, i])), seen };
  }
  /** Takes new keys, and puts every own vault under them. */
  async rotate() {
    const f = this.$("rotate"), p = taken(f.elements.passphrase);
    const made = await newKeys(this.statement, this.lockBox, p, Date.now(), this.kdf()), vaults = {};
    for (const id of this.list) {
      const o = await this.opens(id, await server(`${this.base}/vaults/${id}`));
      if (o.vault?.role === OWNER) vaults[id] = await renewal(made.keys, o, this.memory);
    }
    await server(this.base + "/keys", { statement: base64(made.statement.stored), lock: base64(made.lock), vaults });
    this.memory.keepKeyset(made.statement);
    Object.assign(this, { statement: made.statement, lockBox: made.lock, keys: made.keys });
    await this.listedSelf();
    await this.recoveries.load();
    if (this.list.length) await this.open(this.last ?? this.list[0]);
    this.opened();
    this.say("You have new keys, and your vaults are under them.");
  }
  /** Asks for the owner of a vault to be known before it is opened. */
  meet(id, stranger) {
    this.vault = this.manifest = null;
    this.items = new Map();
    this.withheld = [];
    this.stranger = stranger;
    this.stale = !stranger;
    this.titles ??= new Map();
    if (stranger) {
      this.titles.set(id, `Vault of ${nameOf(stranger)}`);
      this.people.ask(id, stranger);
    }
    this.draw();
  }
  /** Checks who signed each item, after the list was drawn: the signed list binds their headers, and nothing but what is drawn is given out
   * or written before. */
  async prove(items) {
    delete this.dataset.provenMs;
    try {
      for (let i = 0; i < items.length; i += ROWS) await Promise.all(items.slice(i, i + ROWS).map((x) => x.signed()));
      this.dataset.provenMs = Math.round(performance.now() - this.drawn);
    } catch (e) { this.failed(this, e); }
  }
  /** Writes a change: what is put, what is removed, and the list that comes of it. */
  async write(put, removed, also = {}) {
    await Promise.all([...this.items.values()].map((i) => i.signed()));
    const next = new Map(this.items);
    for (const p of put) next.set(p.leaf.item, p);
    for (const i of removed) next.delete(i);
    const leaves = [...[...next.values()].map((i) => i.leaf), ...this.withheld];
    const manifest = await sealManifest(this.keys, this.vault, this.manifest, leaves);
    await server(`${this.base}/vaults/${this.vault.id}`, { put: put.map((p) => base64(p.sealed)), remove: removed, manifest: base64(manifest.stored), ...also });
    this.memory.keep(this.vault.id, await checkManifest(this.vault, manifest, leaves, this.memory.of(this.vault.id)), this.vault.grant.granter === this.user ? 0 : this.vault.grant.granter);
    this.manifest = manifest;
    this.items = next;
    this.draw();
  }

  // ---- items

  async edit(item) {
    const f = this.$("edit"), it = item === null ? null : this.items.get(item);
    await it?.signed();
    this.editing = item;
    f.reset();
    for (const n of FIELDS) f.elements[n].value = it?.content[n] ?? "";
    this.look(false);
    const writes = this.vault.role >= WRITER;
    this.$("dialog-title").textContent = !it ? "New item" : writes ? "Change the item" : "Item";
    for (const n of FIELDS) f.elements[n].readOnly = !writes;
    show(this.$("delete"), !!it && writes);
    this.past(it ? pastOf(it.content) : []);
    this.attached.begin(it, writes);
    this.audience.begin(it, writes);
    show(this.$("generate"), writes);
    show(this.$("save"), writes);
    show(f.querySelector("[data-error]"), false);
    this.$("dialog").showModal();
  }
  forget() {
    const f = this.$("edit");
    f.reset();
    for (const n of FIELDS) f.elements[n].value = "";
    this.past([]);
    this.attached.forget();
    this.audience.forget();
    this.editing = null;
  }
  look(on) {
    this.$("password").type = on ? "text" : "password";
    this.$("look").setAttribute("aria-pressed", String(on));
  }
  async save() {
    const f = this.$("edit"), it = this.editing === null ? null : this.items.get(this.editing);
    let content = { ...it?.content };
    for (const n of FIELDS) content[n] = f.elements[n].value;
    if (!content.title.trim()) throw new Refused("The title is missing.");
    const to = statementsOf(this.keys, this.members, this.audience.chosen());
    if (it) content = following(it.content, content, FIELDS);
    const item = this.editing ?? this.unused(), files = await this.attached.send(item, (it?.leaf.version ?? 0) + 1, content);
    content = files.content;
    const made = await sealItem(this.keys, this.vault, item, it?.leaf, content, Date.now(), to);
    await this.write([{ ...made, content, time: Date.now(), author: this.user, signed: () => Promise.resolve() }], [], files.also);
    this.$("dialog").close();
    this.say(it ? "Saved." : "Added.");
  }
  /** Lists what the item held before; passwords are shown one at a time. */
  past(list) {
    const labels = { title: "Title", username: "User name", password: "Password", url: "Address", notes: "Notes" };
    const value = (n, v) => n !== "password" || !v ? v || "empty" : el("button", { type: "button", class: "btn s", onclick: (e) => e.currentTarget.replaceWith(el("span", { class: "mono" }, v)) }, "Show");
    this.$("past").replaceChildren(...list.flatMap((x) => FIELDS.filter((n) => typeof x[n] === "string").map((n) => el("li", {}, el("span", { class: "mut" }, `${labels[n]} until ${new Date(x.at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" })}: `), value(n, x[n])))));
    show(this.$("history"), this.$("past").childElementCount > 0);
    this.$("history").open = false;
  }
  async remove() {
    const item = this.editing;
    if (item === null || !confirm("Delete this item? It cannot be brought back.")) return;
    await this.write([], [item]);
    this.$("dialog").close();
    this.say("Deleted.");
  }
  unused(items = this.items, withheld = this.withheld) {
    for (;;) {
      const r = random(6), n = r.reduce((a, x) => a * 256 + x, 0);
      if (n && !items.has(n) && !withheld?.some((l) => l.item === n)) return n;
    }
  }

  // ---- what is seen

  opened() {
    show(this.$("locked"), false);
    show(this.$("open"), true);
    show(this.$("more"), true);
    this.$("fingerprint").textContent = fingerprintText(this.statement.fingerprint);
    this.$("words").textContent = wordsFor(this.keys.statement);
    show(this.$("gone"), this.gone.length > 0);
    this.draw();
    this.used();
    this.dataset.state = "open";
    this.$("search").focus();
  }
  draw() {
    if (!this.keys) return;
    const c = this.$("choose");
    c.replaceChildren(...this.list.map((id) => el("option", { value: id, selected: id === this.last }, this.titles?.get(id) || `Vault ${id}`)));
    show(this.$("choosing"), this.list.length > 1);
    show(this.$("add"), !!this.vault && this.vault.role >= WRITER);
    show(this.$("ending"), this.vault?.role === OWNER);
    this.people.draw();
    this.recoveries.draw();
    const q = this.$("search").value.trim().toLowerCase();
    const all = [...(this.items?.values() ?? [])].filter((i) => i.leaf.item);
    const order = new Intl.Collator();
    const found = all.filter((i) => !q || ["title", "username", "url", "notes"].some((n) => (i.content[n] ?? "").toLowerCase().includes(q)))
      .sort((a, b) => order.compare(a.content.title, b.content.title) || a.leaf.item - b.leaf.item);
    const most = this.whole ? Infinity : ROWS;
    this.$("rows").replaceChildren(...found.slice(0, most).map((i) => this.row(i)));
    this.$("rest").textContent = `Show the other ${found.length - most}`;
    show(this.$("rest"), found.length > most);
    this.$("count").textContent = all.length === found.length ? `${all.length} ${all.length === 1 ? "item" : "items"}` : `${found.length} of ${all.length} items`;
    show(this.$("table"), found.length > 0);
    this.$("none").textContent = this.stale ? "This vault was given to your keys before. It opens when its owner gives it new keys." : this.stranger ? "This vault is not open yet." : !this.vault ? "You have no vault yet. Make one below." : all.length ? "Nothing matches." : "Nothing is in this vault yet.";
    show(this.$("none"), found.length === 0);
    const kept = this.withheld?.length ?? 0;
    this.$("withheld").textContent = kept === 1 ? "One more item in this vault is limited to others." : `${kept} more items in this vault are limited to others.`;
    show(this.$("withheld"), kept > 0);
    this.several.draw();
  }
  row({ leaf, content, signed }) {
    const button = (label, name, f) => el("button", { type: "button", class: "btn ghost ic", "aria-label": label, title: label, onclick: f }, icon(name));
    const copy = (what, value) => button(`Copy ${what} of ${content.title}`, what === "password" ? "key" : "user", () => this.busy(this, async () => { await signed(); await this.copy(value, what); }));
    return el("tr", {},
      el("td", { class: "vpick" }, this.several.box({ leaf, content })),
      el("td", {}, el("button", { type: "button", class: "vtitle", onclick: () => this.busy(this, () => this.edit(leaf.item)) }, content.title), leaf.to ? el("span", { class: "pill" }, `For ${leaf.to.length === 1 ? "you only" : `${leaf.to.length} people`}`) : ""),
      el("td", {}, content.username ?? ""),
      el("td", {}, link(content.url)),
      el("td", { class: "vacts" }, content.username ? copy("user name", content.username) : "", content.password ? copy("password", content.password) : ""));
  }
  async copy(value, what) {
    try {
      await navigator.clipboard.writeText(value);
    } catch { return this.say("The browser did not allow copying."); }
    this.say(what === "password" ? `Password copied. The clipboard is emptied in ${CLEAR / 1000} seconds if this page is still open.` : "User name copied.");
    clearTimeout(this.clearing);
    if (what === "password") this.clearing = setTimeout(() => this.empty(), CLEAR);
  }
  empty() {
    clearTimeout(this.clearing);
    this.clearing = 0;
    navigator.clipboard.writeText("").catch(() => {});
  }
  say(words) { this.$("status").textContent = words; }
  used() {
    clearTimeout(this.idle);
    if (this.keys) this.idle = setTimeout(() => this.lock(), Number(this.dataset.idle) || IDLE);
  }
  /** Forgets everything that was opened. */
  lock() {
    clearTimeout(this.idle);
    if (!this.keys) return;
    if (this.clearing) this.empty();
    this.keys = this.vault = this.items = this.manifest = this.titles = this.members = this.stranger = this.withheld = null;
    this.people.forget();
    this.several.forget();
    this.recoveries.forget();
    this.$("dialog").close();
    for (const n of ["rows", "choose"]) this.$(n).replaceChildren();
    this.$("search").value = "";
    for (const n of ["fingerprint", "words"]) this.$(n).textContent = "";
    this.say("Locked.");
    for (const n of ["open", "more", "access", "meet", "kit", "requests"]) show(this.$(n), false);
    show(this.$("locked"), true);
    show(this.$("setup"), false);
    show(this.$("unlock"), true);
    this.recoveries.draw();
    this.dataset.state = "locked";
  }
});

const FIELDS = ["title", "username", "password", "url", "notes"];

function taken(input) {
  const v = input.value;
  input.value = "";
  return v;
}

function link(url) {
  if (!url) return "";
  try {
    const u = new URL(url);
    if (u.protocol === "https:" || u.protocol === "http:") return el("a", { href: u.href, target: "_blank", rel: "noopener noreferrer" }, url);
  } catch { /* it is no address */ }
  return url;
}

/** A password of 20 characters of 64: 120 bits. */
function generated() {
  const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_.+*#!";
  return [...random(20)].map((x) => letters[x % 64]).join("");
}
