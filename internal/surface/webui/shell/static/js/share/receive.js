// What somebody outside opens: the key stands behind the # of the link and is never sent; the passphrase is not either.
import { el } from "../elements.js";
import { base64, unbase64 } from "../vault/bytes.js";
import { able, keysOf, open, Refused, unbase64url } from "./crypto.js";
import { post, working } from "./server.js";

const LABELS = { name: "For", username: "User name", password: "Password", url: "Address", note: "Note" };

customElements.define("sr-shared", class extends HTMLElement {
  connectedCallback() {
    const d = this.dataset;
    this.form = this.querySelector("form");
    this.share = { tenant: d.tenant, mark: d.mark, ends: Number(d.ends), rounds: Number(d.rounds), salt: unbase64(d.salt) };
    this.form.addEventListener("submit", (e) => { e.preventDefault(); working(this.form, () => this.open()); });
  }
  async open() {
    if (!able()) throw new Refused("This browser has no cryptography here: it needs a connection by https.");
    const phrase = this.form.elements.passphrase;
    const keys = await keysOf(this.share, unbase64url(location.hash.slice(1)), phrase?.value ?? "");
    const { sealed } = await post(`/s/${this.share.tenant}.${this.share.mark}/open`, JSON.stringify({ keyProof: base64(keys.keyProof), proof: base64(keys.proof) }));
    const what = await open(keys, unbase64(sealed)).catch(() => { throw new Refused("What the server sent was not made by who sent you the link, or was changed since. Tell them so."); });
    history.replaceState(null, "", location.pathname); // the key does not stay in the address
    if (phrase) phrase.value = "";
    this.show(what);
  }
  show(what) {
    const list = this.querySelector("dl");
    for (const [n, label] of Object.entries(LABELS)) {
      if (typeof what[n] !== "string" || !what[n]) continue;
      const secret = n === "password", value = el("output", { class: secret || n === "username" ? "mono" : undefined, "data-untrusted": true }, what[n]);
      const copy = n === "note" || n === "name" ? "" : el("sr-copy", { value: what[n], label: `Copy ${label.toLowerCase()}` });
      list.append(el("div", {}, el("dt", {}, label), el("dd", {}, value, copy)));
    }
    this.form.hidden = true;
    this.querySelector("[data-closed]").hidden = true;
    const shown = this.querySelector("[data-shown]");
    shown.hidden = false;
    shown.querySelector("h1").focus();
  }
});
