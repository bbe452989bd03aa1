// Who has access to a vault: whose keys were compared, giving access and ending it. Works on the element of page.js.
import { el } from "../elements.js";
import { base64, equal, unbase64 } from "./bytes.js";
import { Alarm, Refused } from "./keys.js";
import { fromFingerprint, parseBefore, parseStatement, verifyStatement } from "./keyset.js";
import { checkManifest, ended, giveVault, nextEpoch, OWNER, parseGrant, READER, sealItem, sealManifest, WRITER, writersOf } from "./vault.js";
import { wordsOf } from "./words.js";

const ROLES = { [READER]: "may read", [WRITER]: "may read and write", [OWNER]: "the owner" };
const show = (e, on) => { e.hidden = !on; };
/** A day as people write it, in the zone of the reader. */
export const day = (t) => new Date(t).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
export const nameOf = (m) => m.name || `User ${m.user}`;

const until = (g) => !g.expiry ? "" : ended(g) ? `; ended on ${day(g.expiry - 1)}` : ` until the end of ${day(g.expiry - 1)}`;
/** The end of a day that was chosen, 0 for none. */
function endOf(day) {
  if (!day) return 0;
  const [y, m, d] = day.split("-").map(Number), at = new Date(y, m - 1, d + 1).getTime();
  if (!(at > Date.now())) throw new Refused("This day is over. Choose a later one, or none.");
  return at;
}

/** The fingerprint of keys as words. The statement is the one whose keys are used. */
export const wordsFor = (statement) => wordsOf(statement.fingerprint).join(" ");

/** Gives an answer of the server when it has these parts. What lacks one is not worked with, and is told as what it is. */
export function whole(answer, ...parts) {
  const missing = parts.find((p) => answer?.[p] === undefined || answer[p] === null);
  if (missing) throw new Alarm(`The server left a part out of its answer (${missing}).`);
  return answer;
}

/** Verifies who has access to a vault that the server sent. Gives its owner, those who may write, and everybody; or a stranger: the owner,
 * when nobody compared her keys in this browser yet, with nothing else verified. */
export async function verifyMembers(keys, memory, id, c) {
  whole(c, "grant", "manifest", "items", "members");
  const me = keys.statement, grant = parseGrant(unbase64(c.grant));
  if (grant.grantee === me.user && grant.granter !== me.user && grant.generation < me.generation) return { stale: true };
  const seen = memory.of(id);
  if (seen && !seen.of && grant.granter !== me.user) throw new Alarm("The server says that somebody gave you a vault that is your own.");
  const members = [];
  for (const m of c.members) {
    const newest = m.user === me.user ? me : parseStatement(unbase64(m.statement)), g = parseGrant(unbase64(m.grant)), before = parseBefore(m.before);
    if (m.user !== g.grantee) throw new Alarm("The server sent a grant of another vault or person.");
    await verifyStatement(newest, me.tenant, m.user);
    const known = m.user === me.user || (await memory.knows(newest, before));
    // What somebody wrote with the keys that the grant is for is verified with those; what is given goes to the newest.
    const statement = g.generation < newest.generation ? await fromFingerprint(newest, g.fingerprint, before) : newest;
    members.push({ user: m.user, name: String(m.name), statement, newest, known, grant: g });
  }
  let owner = me;
  if (grant.granter !== me.user) {
    const m = members.find((x) => x.user === grant.granter);
    if (!m) throw new Alarm("The server does not say whose vault this is.");
    if (!m.known) return { stranger: { ...m, statement: m.newest } };
    owner = m.newest;
  }
  const mine = members.find((m) => m.user === me.user);
  if (!mine || !equal(mine.grant.stored, grant.stored)) throw new Alarm("The server sent two grants of yours for one vault.");
  return { grant, owner, members, writers: await writersOf(id, grant.epoch, owner, members) };
}

/** The statements, which grants are for, of those members whom an item is limited to; null for everybody. */
export const statementsOf = (keys, members, to) => to && [...new Set(to)].map((u) => (u === keys.statement.user ? keys.statement : members.find((m) => m.user === u)?.statement)).filter(Boolean);
/** Whom a limited item is for in another vault: those of its members who have access there, who brings it, and the owner. */
export const within = ({ vault, members }, to) => to && [...new Set([vault.owner, vault.me, ...to.filter((u) => members.some((m) => m.user === u))])];

/** Gives an opened vault ({ vault, items, members, manifest }) new keys and seals everything in it anew, by keys that may be others than those
 * that opened it: what the server is sent. */
export async function renewal(keys, { vault, items, members, manifest }, memory, without) {
  await Promise.all([...items.values()].map((i) => i.signed()));
  const keep = members.filter((m) => m.user !== keys.statement.user && m.user !== without && !ended(m.grant)).map((m) => ({ statement: m.newest, role: m.grant.role, expiry: m.grant.expiry }));
  const next = await nextEpoch(keys, vault, keep), made = [], stay = [keys.statement, ...keep.map((k) => k.statement)];
  // What is limited stays so, to those who keep their access.
  for (const i of items.values()) made.push(await sealItem(keys, next.vault, i.leaf.item, i.leaf, i.content, Date.now(), i.leaf.to && stay.filter((s) => i.leaf.to.includes(s.user))));
  const leaves = made.map((i) => i.leaf), list = await sealManifest(keys, next.vault, manifest, leaves);
  await checkManifest(next.vault, list, leaves, memory.of(vault.id));
  return { grants: next.grants.map(base64), put: made.map((i) => base64(i.sealed)), manifest: base64(list.stored) };
}

/** The part of the page about people. */
export class People {
  constructor(page, server) {
    this.page = page;
    this.server = server;
    const $ = this.$ = (name) => page.querySelector(`[data-${name}]`);
    const on = (name, type, f) => $(name).addEventListener(type, (e) => { e.preventDefault(); page.busy($(name), f); });
    on("give", "submit", () => this.give());
    on("meet", "submit", () => this.meet());
    on("renew", "click", () => this.renew(null));
    $("who").addEventListener("change", () => this.chosen());
    $("sharing").addEventListener("toggle", () => { if ($("sharing").open) page.busy(page, () => this.load()); });
  }

  // ---- the owner of a vault whom this browser does not know

  ask(id, stranger) {
    this.stranger = { id, ...stranger };
    this.$("meet-text").textContent = `${nameOf(stranger)} gives you a vault. Before it is opened, compare these words of the owner’s keys with the owner, by telephone or in person: the owner’s own page Vault shows them. The server could have shown you other keys.`;
    this.$("meet-words").textContent = wordsFor(stranger.statement);
    this.$("meet").reset();
  }
  async meet() {
    const { id, statement } = this.stranger;
    await this.page.listed(statement);
    this.page.memory.meet(statement);
    this.stranger = null;
    await this.page.open(id);
    this.page.say("The vault was opened.");
  }

  // ---- who has access

  /** Fetches to whom a vault can be given. */
  async load() {
    const list = await this.server(this.page.base + "/people"), there = this.page.members.filter((m) => !m.grant.expiry).map((m) => m.user), tenant = this.page.tenant;
    this.people = new Map();
    for (const p of list) {
      const statement = parseStatement(unbase64(p.statement));
      await verifyStatement(statement, tenant, p.user);
      const known = await this.page.memory.knows(statement, parseBefore(p.before));
      if (!there.includes(p.user)) this.people.set(p.user, { user: p.user, name: String(p.name), statement, known });
    }
    this.$("who").replaceChildren(el("option", { value: "" }, this.people.size ? "Choose somebody" : "Nobody else has keys for vaults"), ...[...this.people.values()].map((p) => el("option", { value: p.user }, nameOf(p))));
    this.chosen();
  }
  chosen() {
    const p = this.people?.get(Number(this.$("who").value));
    show(this.$("compare"), !!p);
    this.$("their-words").textContent = p ? wordsFor(p.statement) : "";
    this.$("compare-text").textContent = p ? `The words of ${nameOf(p)}’s keys. Compare them with this person by telephone or in person: the page Vault of each shows the own ones. The server could have shown you other keys.` : "";
    this.$("compared").checked = !!p && p.known;
  }
  async give() {
    const { page } = this, f = this.$("give"), p = this.people?.get(Number(f.elements.who.value));
    if (!p) throw new Refused("Choose somebody.");
    if (!f.elements.compared.checked) throw new Refused("Compare the words first.");
    await page.listed(p.statement);
    const grant = await giveVault(page.keys, page.vault, p.statement, Number(f.elements.role.value), endOf(f.elements.until.value));
    await this.server(`${page.base}/vaults/${page.vault.id}/grants`, { grant: base64(grant) });
    page.memory.meet(p.statement);
    f.elements.until.value = "";
    await page.open(page.vault.id);
    await this.load();
    page.say(`${nameOf(p)} has access.`);
  }

  /** Gives the vault new keys and seals everything in it anew; who is left out loses her access. */
  async renew(without) {
    const { page } = this, { keys, vault } = page;
    if (!confirm(without ? `End the access of ${nameOf(without)}? Everything in the vault is sealed anew under new keys. What was read may be remembered.` : "Give this vault new keys? Everything in it is sealed anew.")) return;
    const sent = await renewal(keys, page, page.memory, without?.user);
    await this.server(`${page.base}/vaults/${vault.id}/renew`, sent);
    await page.open(vault.id);
    if (this.$("sharing").open) await this.load();
    page.say(without ? `${nameOf(without)} has no access any more.` : "The vault has new keys.");
  }

  draw() {
    const { page } = this, { vault, stranger } = page, mine = vault?.role === OWNER;
    show(this.$("meet"), !!stranger);
    show(this.$("access"), !!vault);
    show(this.$("sharing"), mine);
    if (!vault) return;
    const owner = page.members.find((m) => m.user === vault.grant.granter);
    this.$("whose").textContent = mine ? "You alone say who has access to this vault." : `${nameOf(owner)} says who has access to this vault. You ${vault.role >= WRITER ? "may read and change what is in it" : "may read what is in it"}.`;
    this.$("members").replaceChildren(...page.members.map((m) => el("li", {},
      el("span", { class: "grow" }, el("b", {}, m.user === page.user ? "You" : nameOf(m)), ` · ${ROLES[m.grant.role]}${until(m.grant)}${mine && m.statement !== m.newest ? "; has new keys, for which this vault needs new keys too" : ""}`),
      mine && m.user !== page.user ? el("button", { type: "button", class: "btn s danger", "aria-label": `End access of ${nameOf(m)}`, onclick: () => page.busy(page, () => this.renew(m)) }, "End access") : "")));
  }
  forget() {
    this.people = this.stranger = null;
    this.$("sharing").open = false;
    for (const n of ["members", "who"]) this.$(n).replaceChildren();
    for (const n of ["their-words", "meet-words", "meet-text", "compare-text", "whose"]) this.$(n).textContent = "";
  }
}
