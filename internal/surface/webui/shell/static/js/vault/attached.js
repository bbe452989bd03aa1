// The files of the item that is open: chosen, removed, saved. Works on the element of page.js.
import { ask } from "../swap.js";
import { el, icon } from "../elements.js";
import { Alarm, Refused } from "./keys.js";
import { filesOf, MOST_FILE, MOST_FILES, openFile, sealFile, upload, withFiles } from "./files.js";

const show = (e, on) => { e.hidden = !on; };
export const sizeOf = (n) => n < 1024 ? n === 1 ? "1 byte" : `${n} bytes` : n < 1 << 20 ? `${Math.ceil(n / 1024)} KiB` : `${(n / (1 << 20)).toFixed(1)} MiB`;

/** Fetches and opens a file of an item; a Blob. */
export async function fetchFile(base, vault, item, f, told) {
  const res = await ask(`${base}/vaults/${vault.id}/files/${f.n}`, { headers: { Accept: "application/octet-stream" } });
  if (res.status === 404) throw new Alarm("The server does not have a file that this item lists.");
  if (!res.ok || !res.body) throw new Refused(`The server answered ${res.status}. Try again.`);
  return openFile(vault, item, f, res.body, told);
}

/** Seals a file for an item and sends it; gives it as the item lists it. */
export async function sendFile(base, vault, item, f, source, told) {
  const { file, sealed } = await sealFile(vault, item, f, source, (n) => told?.(n / 2));
  await upload(`${base}/vaults/${vault.id}/files/${file.n}`, sealed, (n) => told?.(source.size / 2 * (1 + n / sealed.size)));
  return file;
}

export class Attached {
  constructor(page) {
    this.page = page;
    this.$ = (name) => page.querySelector(`[data-${name}]`);
    this.$("attach").addEventListener("change", () => this.chosen());
    this.forget();
  }
  /** Begins with the files of an item, nothing for a new one. */
  begin(it, writes) {
    this.item = it?.leaf.item ?? null;
    this.kept = it ? filesOf(it.content) : [];
    this.fresh = [];
    this.gone = [];
    this.writes = writes;
    this.draw();
  }
  forget() {
    this.kept = [];
    this.fresh = [];
    this.gone = [];
    this.item = null;
    this.$("attach").value = "";
    this.$("files").replaceChildren();
    show(this.$("sending"), false);
  }
  chosen() {
    const said = this.$("edit").querySelector(":scope > [data-error]");
    const more = [...this.$("attach").files], big = more.find((f) => f.size > MOST_FILE);
    this.$("attach").value = "";
    show(said, false);
    if (big || this.kept.length + this.fresh.length + more.length > MOST_FILES) {
      said.textContent = big ? `${big.name} is bigger than ${MOST_FILE >> 20} MiB.` : `An item has at most ${MOST_FILES} files.`;
      return show(said, true);
    }
    this.fresh.push(...more);
    this.draw();
  }
  draw() {
    const button = (label, name, f) => el("button", { type: "button", class: "btn ghost ic", "aria-label": label, title: label, onclick: f }, icon(name));
    const row = (f, ...acts) => el("li", {}, el("span", { class: "grow" }, f.name, " ", el("span", { class: "mut" }, sizeOf(f.size))), ...acts);
    this.$("files").replaceChildren(
      ...this.kept.map((f) => row(f, button(`Save ${f.name} on this device`, "download", () => this.page.busy(this.$("edit"), () => this.save(f))),
        this.writes ? button(`Remove ${f.name}`, "trash", () => { this.kept = this.kept.filter((x) => x !== f); this.gone.push(f.n); this.draw(); }) : "")),
      ...this.fresh.map((f) => row(f, el("span", { class: "mut" }, "sent when you save"), button(`Remove ${f.name}`, "trash", () => { this.fresh = this.fresh.filter((x) => x !== f); this.draw(); }))));
    show(this.$("attaching"), this.writes);
    show(this.$("files"), this.kept.length + this.fresh.length > 0);
    show(this.$("filed"), this.writes || this.kept.length > 0);
  }
  progress(words, done, most) {
    show(this.$("sending"), true);
    this.$("sending-text").textContent = words;
    const p = this.$("progress");
    p.max = Math.max(most, 1);
    p.value = done;
  }
  /** Opens a file and hands it to the browser to be kept. */
  async save(f) {
    try {
      const blob = await fetchFile(this.page.base, this.page.vault, this.item, f, (n) => this.progress(`Opening ${f.name}`, n, f.size));
      const url = URL.createObjectURL(blob), a = el("a", { href: url, download: f.name });
      a.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
      this.page.say(`${f.name} was opened and saved.`);
    } finally { show(this.$("sending"), false); }
  }
  /** Sends what was chosen, for version since of an item. Gives the content with its files, and what the write says of them. */
  async send(item, since, content) {
    const sent = [], all = this.fresh.reduce((n, f) => n + f.size, 0);
    let before = 0;
    try {
      for (const f of this.fresh) {
        sent.push(await sendFile(this.page.base, this.page.vault, item, { n: this.page.unused(), name: f.name, type: f.type, since }, f, (n) => this.progress(`Sending ${f.name}`, before + n, all)));
        before += f.size;
      }
    } finally { show(this.$("sending"), false); }
    return { content: withFiles(content, [...this.kept, ...sent]), also: { attach: sent.map((f) => ({ item, file: f.n })), detach: this.gone } };
  }
}
