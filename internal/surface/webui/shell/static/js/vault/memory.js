// What this browser remembers of a person's vaults, so that it notices when the server shows something older or other.
import { hex, unbase64, unhex } from "./bytes.js";
import { Alarm } from "./keys.js";
import { fingerprintText, fromFingerprint, verifyStatement } from "./keyset.js";
import { checkLast, parseManifest } from "./vault.js";

export class Memory {
  constructor(tenant, user) {
    this.at = `vault/${tenant}/${user}`;
    try { this.is = JSON.parse(localStorage.getItem(this.at)) ?? {}; } catch { this.is = {}; }
    this.is.vaults ??= {};
    this.is.people ??= {};
  }
  save() { localStorage.setItem(this.at, JSON.stringify(this.is)); }

  /** Compares the keyset that the server shows, null for none, with the one known here; before are the statements before it. */
  async keyset(s, before = []) {
    const known = this.is.keyset;
    if (!known) return;
    if (!s) throw new Alarm("This browser knows your vault, and the server says that you have none. Do not choose a new passphrase.");
    if (s.number < known.number || (s.number === known.number && hex(s.fingerprint) === known.fingerprint && hex(s.hash) !== known.hash)) throw new Alarm("The server shows an older keyset of yours than this browser knows, such as one from before you changed the passphrase.");
    try { await fromFingerprint(s, unhex(known.fingerprint), before); } catch {
      throw new Alarm(`The server shows other keys for you than this browser knows: ${fingerprintText(s.fingerprint)} in place of ${known.fingerprint.match(/.{4}/g).join(" ")}.`);
    }
  }
  keepKeyset(s) {
    this.is.keyset = { number: s.number, hash: hex(s.hash), fingerprint: hex(s.fingerprint) };
    this.save();
  }

  /** Says when the server leaves a vault out that is known here and was not deleted, or shows one again that was. Those of others, whose
   * owner may have ended the access, are forgotten and given. me is the person's statement, last are the last lists of what she deleted. */
  async vaults(me, list, last) {
    const there = (id) => list.includes(Number(id)), known = Object.entries(this.is.vaults), gone = [];
    if (known.some(([id, seen]) => seen.ended && there(id))) throw new Alarm("The server shows a vault again that you deleted.");
    for (const [id, seen] of known) {
      if (there(id) || seen.ended) continue;
      if (seen.of) { gone.push(Number(id)); delete this.is.vaults[id]; continue; }
      const m = last.map((b) => parseManifest(unbase64(b))).find((x) => x.vault === Number(id));
      if (!m || !me) throw new Alarm("The server no longer shows a vault that this browser knows.");
      await verifyStatement(me, me.tenant, me.user);
      this.is.vaults[id] = await checkLast(m, me, Number(id), seen);
    }
    if (known.length) this.save();
    return gone;
  }
  /** What is known of the tenant's audit log. */
  get log() { return this.is.log; }
  keepLog(seen) { this.is.log = seen; this.save(); }

  /** Compares the recovery that the server shows with the last one known here: an earlier one may be open to whoever has an old kit. */
  recovery(x) {
    const known = this.is.recovery;
    if (x && known && (x.number < known.number || (x.number === known.number && hex(x.hash) !== known.hash))) throw new Alarm("The server shows an earlier recovery of yours than the one that this browser knows.");
  }
  keepRecovery(x) { this.is.recovery = { number: x.number, hash: hex(x.hash) }; this.save(); }
  get recoveries() { return this.is.recovery?.number ?? 0; }

  of(id) { return this.is.vaults[id]; }
  /** Remembers a vault; owner is the user whose vault it is, nothing for one's own. */
  keep(id, seen, owner) { this.is.vaults[id] = { ...seen, ...(owner ? { of: owner } : {}) }; this.save(); }

  /** Tells whether the keys of somebody were compared before, or follow by statements from such keys; others in their place are an alarm. */
  async knows(s, before = []) {
    const known = this.is.people[s.user];
    if (!known || known === hex(s.fingerprint)) return !!known;
    try { await fromFingerprint(s, unhex(known), before); } catch { throw new Alarm("The server shows other keys for somebody than those that you compared with her."); }
    this.meet(s);
    return true;
  }
  meet(s) { this.is.people[s.user] = hex(s.fingerprint); this.save(); }
}
