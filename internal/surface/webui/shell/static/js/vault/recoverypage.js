// The parts of the page about a forgotten passphrase: choosing a recovery, using it, and answering as an officer. Works on the element of
// page.js. The server offers; nothing is chosen without the person's passphrase.
import { el } from "../elements.js";
import { base64, unbase64 } from "./bytes.js";
import { Refused } from "./keys.js";
import { parseBefore, parseStatement, verifyStatement } from "./keyset.js";
import { day, nameOf, wordsFor } from "./members.js";
import { answerAsk, chooseKit, chooseOfficers, finishRecovery, KIT, newAsk, OFFICERS, parseAnswer, parseAsk, parseRecovery, recoverByKit, verifyAsk, verifyRecovery } from "./recovery.js";

const show = (e, on) => { e.hidden = !on; };
const taken = (input) => { const v = input.value; input.value = ""; return v; };

/** Two fields of a form that must be the same. */
function twice(f) {
  const p = taken(f.elements.passphrase), again = taken(f.elements.again);
  if (p !== again) throw new Refused("The two passphrases are not the same.");
  return p;
}

export class Recoveries {
  constructor(page, server) {
    this.page = page;
    this.server = server;
    const $ = this.$ = (name) => page.querySelector(`[data-${name}]`);
    const on = (name, type, f) => $(name).addEventListener(type, (e) => { e.preventDefault(); page.busy($(name), f); });
    on("usekit", "submit", () => this.useKit());
    on("ask", "submit", () => this.ask());
    on("finish", "submit", () => this.finish());
    on("unask", "click", () => this.send("/ask/none", {}, "The request was withdrawn."));
    on("makekit", "submit", () => this.makeKit());
    on("makeshares", "submit", () => this.makeShares());
    on("giveup", "click", () => confirm("Have no recovery any more? If the passphrase is forgotten then, the vaults are lost.") && this.send("/recovery/none", {}, "You have no recovery any more."));
    $("print").addEventListener("click", () => print());
    $("kit-done").addEventListener("click", () => this.kitDone());
  }

  /** Fetches and verifies what the server has of it. */
  async load() {
    const { page } = this, got = await this.server(page.base + "/recovery"), me = page.statement;
    await verifyStatement(me, page.tenant, page.user);
    const x = got.recovery ? parseRecovery(unbase64(got.recovery)) : null;
    if (x) {
      await verifyRecovery(x, me);
      page.memory.recovery(x);
      page.memory.keepRecovery(x);
    }
    this.chosen = x;
    this.number = Math.max(Number(got.number) || 0, page.memory.recoveries);
    this.policy = { way: String(got.policy.way), needed: Number(got.policy.needed) || 0, officers: [] };
    for (const o of got.policy.officers ?? []) {
      if (o.user === page.user) continue;
      const statement = o.statement ? parseStatement(unbase64(o.statement)) : null;
      if (statement) await verifyStatement(statement, page.tenant, o.user);
      this.policy.officers.push({ user: o.user, name: String(o.name), statement, known: !!statement && (await page.memory.knows(statement, parseBefore(o.before))) });
    }
    // A request that is over by this computer's clock is none; what was altered is an alarm.
    const over = (e) => { if (e instanceof Refused) return null; throw e; };
    this.asked = x && got.asked ? await this.own(got.asked).catch(over) : null;
    this.asks = (await Promise.all(got.asks.filter((a) => !a.answers.length).map((a) => this.other(a).catch(over)))).filter(Boolean);
    this.draw();
  }
  async own(a) {
    const ask = parseAsk(unbase64(a.ask)), keys = parseStatement(unbase64(a.keys));
    await verifyAsk(ask, this.chosen, keys);
    return { ask, keys, lock: unbase64(a.lock), answers: a.answers.map((n) => ({ answer: parseAnswer(unbase64(n.answer)), officer: parseStatement(unbase64(n.statement)) })) };
  }
  async other(a) {
    const owner = parseStatement(unbase64(a.statement)), x = parseRecovery(unbase64(a.recovery)), ask = parseAsk(unbase64(a.ask)), keys = parseStatement(unbase64(a.keys));
    await verifyStatement(owner, this.page.tenant, a.user);
    await this.page.memory.knows(owner, parseBefore(a.before));
    await verifyRecovery(x, owner);
    await verifyAsk(ask, x, keys);
    return { user: a.user, name: String(a.name), owner, x, ask, keys };
  }
  /** Sends something, and says that it is done. */
  async send(path, body, words) {
    await this.server(this.page.base + path, body);
    await this.load();
    this.page.say(words);
  }

  // ---- the passphrase is forgotten

  async useKit() {
    const f = this.$("usekit"), { page } = this, p = twice(f), code = taken(f.elements.code);
    await page.listed(page.statement);
    await page.recovered(await recoverByKit(this.chosen, page.statement, code, p, Date.now(), page.kdf()));
  }
  async ask() {
    const p = twice(this.$("ask")), { ask, statement, lock } = await newAsk(this.chosen, p, Date.now(), this.page.kdf());
    await this.send("/ask", { ask: base64(ask.stored), keys: base64(statement.stored), lock: base64(lock) }, "The officers were asked. Tell them the words.");
  }
  async finish() {
    const { page } = this, p = taken(this.$("finish").elements.passphrase);
    await this.load();
    const a = this.asked;
    if (!a) throw new Refused("There is no request of yours any more. Ask again.");
    await page.listed(page.statement);
    await page.recovered(await finishRecovery(this.chosen, page.statement, a.ask, a.keys, a.lock, a.answers, p, Date.now(), page.kdf()));
  }

  // ---- choosing

  async makeKit() {
    const { page } = this, p = taken(this.$("makekit").elements.passphrase);
    const { recovery, code } = await chooseKit(page.statement, page.lockBox, p, this.number + 1);
    await this.server(page.base + "/recovery", { recovery: base64(recovery.stored) });
    page.memory.keepRecovery(recovery);
    await this.load();
    this.$("code").textContent = code;
    this.$("kit-where").textContent = location.host;
    this.$("kit-number").textContent = `${recovery.number}, of ${day(recovery.time)}`;
    this.kit(true);
    this.$("kit").scrollIntoView();
  }
  kit(on) {
    show(this.$("kit"), on);
    for (const n of ["open", "more"]) show(this.$(n), !on && !!this.page.keys);
    if (on) for (const n of ["access", "meet", "requests"]) show(this.$(n), false);
  }
  kitDone() {
    this.$("code").textContent = "";
    this.kit(false);
    this.page.draw();
  }
  async makeShares() {
    const { page } = this, f = this.$("makeshares"), p = taken(f.elements.passphrase), list = this.policy.officers.filter((o) => o.statement);
    if (list.some((o) => !f.elements[`officer-${o.user}`].checked)) throw new Refused("Compare the words of every officer first.");
    for (const o of list) await page.listed(o.statement);
    const x = await chooseOfficers(page.statement, page.lockBox, p, this.number + 1, list.map((o) => o.statement), this.policy.needed);
    await this.server(page.base + "/recovery", { recovery: base64(x.stored) });
    for (const o of list) page.memory.meet(o.statement);
    page.memory.keepRecovery(x);
    await this.load();
    page.say("The officers have their shares.");
  }

  // ---- as an officer

  async answer(a) {
    const { page } = this;
    await page.listed(a.owner);
    const answer = await answerAsk(page.keys, a.x, a.owner, a.ask, a.keys);
    await this.send(`/people/${a.user}/answer`, { answer: base64(answer) }, `Your share was opened for ${nameOf(a)}.`);
  }

  // ---- what is seen

  draw() {
    if (!this.policy) return;
    const { page, chosen: x, policy, asked } = this, open = !!page.keys;
    const locked = !open && !!page.statement;
    show(this.$("forgot"), locked);
    show(this.$("forgot-none"), !x);
    show(this.$("usekit"), x?.way === KIT);
    show(this.$("ask"), x?.way === OFFICERS && !asked);
    show(this.$("finish"), !!asked);
    if (x?.way === OFFICERS) this.$("ask-text").textContent = `${x.needed} of ${x.officers.length} officers, and you, open your keys. Choose the passphrase that they will have. Then you get words, which you tell the officers.`;
    this.$("ask-words").textContent = asked ? wordsFor(asked.keys) : "";
    this.$("ask-state").textContent = asked ? `${asked.answers.length} of the ${x.needed} officers who are needed have answered.` : "";
    this.$("recovery-text").textContent = this.words();
    const kit = open && policy.way === "kit", shares = open && policy.way === "officers";
    show(this.$("makekit"), kit);
    show(this.$("makeshares"), shares && policy.officers.filter((o) => o.statement).length >= policy.needed);
    show(this.$("giveup"), open && !!x);
    this.$("officers").replaceChildren(...(shares ? policy.officers : []).map((o) => el("li", { class: "vofficer" }, el("b", {}, nameOf(o)), o.statement ? "" : " has no vault keys yet, and gets no share.",
      ...(o.statement ? [el("p", { class: "mono vwords" }, wordsFor(o.statement)), el("label", { class: "chk" }, el("input", { type: "checkbox", name: `officer-${o.user}`, checked: o.known }), ` I compared the words with ${nameOf(o)}, and they are the same`)] : []))));
    show(this.$("requests"), open && this.asks.length > 0 && this.$("kit").hidden);
    this.$("request-list").replaceChildren(...(open ? this.asks : []).map((a) => {
      const tick = el("input", { type: "checkbox" });
      return el("li", { class: "vofficer" }, el("b", {}, nameOf(a)), ` asked on ${day(a.ask.time)}. The words of the request:`, el("p", { class: "mono vwords" }, wordsFor(a.keys)), el("label", { class: "chk" }, tick, ` ${nameOf(a)} told me these words`),
        el("p", {}, el("button", { type: "button", class: "btn primary", onclick: () => page.busy(page, () => { if (!tick.checked) throw new Refused("Compare the words with the person first."); return this.answer(a); }) }, "Open my share for this person")));
    }));
  }
  words() {
    const { chosen: x, policy } = this, offer = { none: "Your administrators allow no recovery.", kit: "Your administrators allow a printed recovery kit: a code that you keep on paper.", officers: `Your administrators allow a recovery by officers: ${policy.needed} of them, and you, open your keys. Nobody of them can alone, and not without you.` }[policy.way] ?? "";
    if (!x) return `${offer} You have chosen none.`;
    return `${offer} ${x.way === KIT ? `You have a kit, number ${x.number}, made on ${day(x.time)}. A new one takes its place.` : `You gave shares to ${x.officers.length} officers on ${day(x.time)}; ${x.needed} are needed. New shares take the place of those.`}`;
  }
  forget() {
    this.$("code").textContent = "";
    show(this.$("kit"), false);
    for (const n of ["makekit", "makeshares"]) this.$(n).reset();
  }
}
