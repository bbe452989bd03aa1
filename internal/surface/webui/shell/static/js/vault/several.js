// Several items at once: moving and copying them into another vault, and deleting them. Works on the element of page.js.
import { el } from "../elements.js";
import { base64, hex, unbase64 } from "./bytes.js";
import { fetchFile, sendFile } from "./attached.js";
import { filesOf, withFiles } from "./files.js";
import { Refused } from "./keys.js";
import { statementsOf, verifyMembers, within } from "./members.js";
import { checkManifest, openVault, parseManifest, readItem, readWithheld, sealItem, sealManifest, WRITER } from "./vault.js";

const STEP = 200;
const show = (e, on) => { e.hidden = !on; };
const several = (n) => n === 1 ? "one item" : `${n} items`;
const place = (content) => content.moved?.split("#")[0];

export class Several {
  constructor(page, server) {
    this.page = page;
    this.server = server;
    this.$ = (name) => page.querySelector(`[data-${name}]`);
    this.chosen = new Set();
    this.$("several-all").addEventListener("change", () => {
      const on = this.$("several-all").checked;
      for (const box of page.querySelectorAll("[data-rows] [data-pick]")) this.pick(Number(box.value), box.checked = on);
    });
    for (const [name, f] of [["move", () => this.bring(true)], ["copy-to", () => this.bring(false)], ["delete-all", () => this.remove()]]) this.$(`several-${name}`).addEventListener("click", () => page.busy(page, f));
  }
  /** The box of a row. */
  box({ leaf, content }) {
    return el("input", { type: "checkbox", value: leaf.item, "data-pick": true, "aria-label": `Choose ${content.title}`, checked: this.chosen.has(leaf.item), onchange: (e) => this.pick(leaf.item, e.target.checked) });
  }
  pick(item, on) {
    if (on) this.chosen.add(item);
    else this.chosen.delete(item);
    this.bar();
  }
  forget() {
    this.chosen.clear();
    this.$("several-to").replaceChildren();
    this.bar();
  }
  draw() {
    const { page } = this, there = page.items ?? new Map();
    for (const i of this.chosen) if (!there.has(i)) this.chosen.delete(i);
    const others = page.list.filter((id) => id !== page.vault?.id), was = Number(this.$("several-to").value);
    this.$("several-to").replaceChildren(...others.map((id) => el("option", { value: id, selected: id === was }, page.titles?.get(id) || `Vault ${id}`)));
    this.bar();
  }
  bar() {
    const writes = this.page.vault?.role >= WRITER, others = this.$("several-to").childElementCount > 0, n = this.chosen.size, boxes = this.page.querySelectorAll("[data-rows] [data-pick]").length;
    show(this.$("several"), n > 0);
    this.$("several-count").textContent = `${several(n)} chosen`;
    this.$("several-all").checked = n > 0 && n >= boxes;
    for (const name of ["to", "copy-to"]) show(this.$(`several-${name}`), others);
    show(this.$("several-move"), others && writes);
    show(this.$("several-delete-all"), writes);
  }
  items() { return [...this.chosen].map((i) => this.page.items.get(i)).filter(Boolean); }

  async remove() {
    const list = this.items();
    if (!list.length || !confirm(`Delete ${several(list.length)}? Nothing brings ${list.length === 1 ? "it" : "them"} back.`)) return;
    await this.without(list);
    this.page.say(`${several(list.length)} deleted.`);
  }
  async without(list) {
    for (let i = 0; i < list.length; i += STEP) await this.page.write([], list.slice(i, i + STEP).map((x) => x.leaf.item));
    this.chosen.clear();
    this.page.draw();
  }
  /** Seals the chosen items anew in another vault; when they are moved, they are deleted here after that. What was interrupted in between is gone
   * on with when the same is asked again: a moved item says which one it was. */
  async bring(moves) {
    const { page } = this, list = this.items(), id = Number(this.$("several-to").value), name = this.$("several-to").selectedOptions[0]?.textContent;
    if (!list.length || !id) return;
    if (!confirm(`${moves ? "Move" : "Copy"} ${several(list.length)} to ${name}? Who has access to that vault can read ${list.length === 1 ? "it" : "them"} there${moves ? ", earlier values too" : ""}. ${list.some((i) => i.leaf.to) ? "What is limited stays so, to those of its people who have access there, its owner and you." : ""}`)) return;
    const from = page.vault, to = await this.other(id);
    for (let i = 0; i < list.length; i += STEP) await this.part(from, list.slice(i, i + STEP), to, moves);
    if (moves) await this.without(list);
    this.chosen.clear();
    page.draw();
    page.say(`${several(list.length)} ${moves ? "moved" : "copied"} to ${name}.`);
  }
  async part(from, list, to, moves) {
    const put = [], also = { attach: [], detach: [] };
    for (const it of list) {
      await it.signed();
      let content = { ...it.content };
      delete content.moved;
      if (moves) content.moved = `${from.id}/${it.leaf.item}#${hex(it.leaf.header)}`;
      else delete content.history;
      const was = moves ? [...to.items.values()].find((x) => place(x.content) === place(content)) : null;
      if (was?.content.moved === content.moved && was) continue; // it is there since the time before
      const item = was?.leaf.item ?? this.page.unused(to.items, to.withheld), since = (was?.leaf.version ?? 0) + 1, files = [];
      if (was) also.detach.push(...filesOf(was.content).map((f) => f.n));
      for (const f of filesOf(it.content)) {
        const blob = await fetchFile(this.page.base, from, it.leaf.item, f);
        files.push(await sendFile(this.page.base, to.vault, item, { n: this.page.unused(), name: f.name, type: f.type, since }, blob));
      }
      also.attach.push(...files.map((f) => ({ item, file: f.n })));
      content = withFiles(content, files);
      put.push({ ...(await sealItem(this.page.keys, to.vault, item, was?.leaf, content, Date.now(), statementsOf(this.page.keys, to.members, within(to, it.leaf.to)))), content });
    }
    if (!put.length) return;
    for (const p of put) to.items.set(p.leaf.item, p);
    const leaves = [...[...to.items.values()].map((i) => i.leaf), ...to.withheld], manifest = await sealManifest(this.page.keys, to.vault, to.manifest, leaves);
    await this.server(`${this.page.base}/vaults/${to.vault.id}`, { put: put.map((p) => base64(p.sealed)), remove: [], manifest: base64(manifest.stored), ...also });
    this.page.memory.keep(to.vault.id, await checkManifest(to.vault, manifest, leaves, this.page.memory.of(to.vault.id)), to.owner);
    to.manifest = manifest;
  }
  /** Opens another vault beside the one that is shown. */
  async other(id) {
    const { page } = this, c = await this.server(`${page.base}/vaults/${id}`), { grant, owner, members, writers, stranger, stale } = await verifyMembers(page.keys, page.memory, id, c);
    if (stranger || stale) throw new Refused("Open that vault once first: its owner’s words were not compared yet.");
    const vault = await openVault(page.keys, grant, id, owner, writers);
    if (vault.role < WRITER) throw new Refused("You may read that vault and not write in it. Ask its owner.");
    const manifest = parseManifest(unbase64(c.manifest)), items = await Promise.all(c.items.map((i) => readItem(vault, unbase64(i)))), withheld = (c.withheld ?? []).map((h) => readWithheld(vault, unbase64(h)));
    await Promise.all(items.map((i) => i.signed()));
    const of = owner === page.keys.statement ? 0 : owner.user;
    page.memory.keep(id, await checkManifest(vault, manifest, [...items.map((i) => i.leaf), ...withheld], page.memory.of(id)), of);
    return { vault, members, withheld, manifest, owner: of, items: new Map(items.map((i) => [i.leaf.item, i])) };
  }
}
