// Whom the item that is open is for: everybody who has access to the vault, or some of them. Works on the element of page.js.
import { el } from "../elements.js";
import { Refused } from "./keys.js";
import { nameOf } from "./members.js";
import { MOST_LIMITED } from "./vault.js";

const show = (e, on) => { e.hidden = !on; };

export class Audience {
  constructor(page) {
    this.page = page;
    this.$ = (name) => page.querySelector(`[data-${name}]`);
    this.$("limited").addEventListener("change", () => this.draw());
  }
  /** Begins with whom an item is for; a new one is for everybody. */
  begin(it, writes) {
    const { page } = this, { vault, members } = page, to = it?.leaf.to ?? null;
    this.there = to ?? [];
    const row = (m) => {
      const always = m.user === vault.owner || m.user === vault.me, on = always || this.there.includes(m.user);
      return el("li", {}, el("label", { class: "chk" }, el("input", { type: "checkbox", value: m.user, "data-member": true, checked: on, disabled: always || !writes }), ` ${m.user === vault.me ? "You" : nameOf(m)}${m.user === vault.owner && m.user !== vault.me ? ", the owner" : ""}`));
    };
    this.$("limited").checked = !!to;
    this.$("limited").disabled = !writes;
    this.$("limited-who").replaceChildren(...members.map(row));
    show(this.$("limiting"), members.length > 1 || !!to);
    this.draw();
  }
  draw() { show(this.$("limited-to"), this.$("limited").checked); }
  /** The numbers of those whom the item is for; null for everybody. */
  chosen() {
    if (!this.$("limited").checked) return null;
    const to = [...this.$("limited-who").querySelectorAll("[data-member]")].filter((b) => b.checked).map((b) => Number(b.value));
    if (to.length > MOST_LIMITED) throw new Refused(`An item is limited to at most ${MOST_LIMITED} people. Make a vault of its own for more.`);
    return to;
  }
  forget() {
    this.there = [];
    this.$("limited-who").replaceChildren();
    this.$("limited").checked = false;
    show(this.$("limiting"), false);
  }
}
