// Sharing a password with somebody outside: this page reveals it sealed, encrypts it anew under a random key, and sends the
// ciphertext. The key stands in the link, behind the #, which browsers send to nobody.
import { el } from "../elements.js";
import { base64 } from "../vault/bytes.js";
import { once } from "../sealed.js";
import { able, base64url, keysOf, LEAST_PASSPHRASE, random, Refused, ROUNDS, seal } from "./crypto.js";
import { post, working } from "./server.js";

customElements.define("sr-share", class extends HTMLElement {
  connectedCallback() {
    this.began = performance.now();
    this.form = this.querySelector("form");
    this.form.addEventListener("submit", (e) => { e.preventDefault(); working(this.form, () => this.send()); });
    const again = this.querySelector("[data-again]"), phrase = this.form.elements.passphrase;
    phrase.addEventListener("input", () => { again.hidden = !phrase.value; });
  }
  async send() {
    const f = this.form.elements, d = this.dataset, passphrase = f.passphrase.value;
    if (!able()) throw new Refused("This browser has no cryptography here: it needs a connection by https.");
    if (passphrase !== f.again.value) throw new Refused("The two passphrases are not the same.");
    if (passphrase && [...passphrase].length < LEAST_PASSPHRASE) throw new Refused(`A passphrase has at least ${LEAST_PASSPHRASE} characters.`);
    if (!passphrase && "passphrase" in d) throw new Refused("Every share needs a passphrase here.");
    if (f.reason.required && !f.reason.value.trim()) throw new Refused("Give the reason why it is shared.");
    const ends = Math.round(Number(d.now) + performance.now() - this.began) + Number(f.hours.value) * 3_600_000;
    const share = { tenant: d.tenant, mark: base64url(random(16)), ends, rounds: passphrase ? ROUNDS : 0, salt: random(16) };
    const key = random(32), keys = await keysOf(share, key, passphrase);

    const own = await once();
    const answer = await post(`/passwords/${d.id}/reveal`, new URLSearchParams({ why: "copy", sealed_to: own.public, reason: f.reason.value.trim() }));
    const content = { password: await own.open(answer.sealed, d.id), note: f.note.value };
    for (const n of ["name", "username", "url"]) if (f[n]?.checked) content[n] = f[n].value;
    const sealed = await seal(keys, content);
    await post(`/passwords/${d.id}/share`, JSON.stringify({
      mark: share.mark, ends, views: Number(f.views.value), rounds: share.rounds, salt: base64(share.salt),
      keyProof: base64(keys.keyProof), proof: base64(keys.proof), sealed: base64(sealed),
    }));
    this.form.reset();
    this.form.hidden = true;
    const link = `${location.origin}/s/${share.tenant}.${share.mark}#${base64url(key)}`, out = this.querySelector("[data-made]");
    out.querySelector("output").textContent = link;
    out.querySelector("[data-copies]").replaceChildren(el("sr-copy", { value: link, label: "Copy link", text: "Copy" }));
    out.querySelector("[data-with]").hidden = !passphrase;
    out.hidden = false;
    out.querySelector("h2").focus();
  }
});
