// What this browser remembers of a person's vaults, so that it notices when the server shows something older or other.
import { hex } from "./bytes.js";
import { Alarm } from "./keys.js";
import { fingerprintText } from "./keyset.js";

export class Memory {
  constructor(tenant, user) {
    this.at = `vault/${tenant}/${user}`;
    try { this.is = JSON.parse(localStorage.getItem(this.at)) ?? {}; } catch { this.is = {}; }
    this.is.vaults ??= {};
    this.is.people ??= {};
  }
  save() { localStorage.setItem(this.at, JSON.stringify(this.is)); }

  /** Compares the keyset that the server shows, null for none, with the one known here. */
  keyset(s) {
    const known = this.is.keyset;
    if (!known) return;
    if (!s) throw new Alarm("This browser knows your vault, and the server says that you have none. Do not choose a new passphrase.");
    if (hex(s.fingerprint) !== known.fingerprint) throw new Alarm(`The server shows other keys for you than this browser knows: ${fingerprintText(s.fingerprint)} in place of ${known.fingerprint.match(/.{4}/g).join(" ")}.`);
    if (s.number < known.number || (s.number === known.number && hex(s.hash) !== known.hash)) throw new Alarm("The server shows an older keyset of yours than this browser knows, such as one from before you changed the passphrase.");
  }
  keepKeyset(s) {
    this.is.keyset = { number: s.number, hash: hex(s.hash), fingerprint: hex(s.fingerprint) };
    this.save();
  }

  /** Says when the server leaves a vault out that is known here. Those of others, whose owner may have ended the access, are forgotten and given. */
  vaults(list) {
    const gone = Object.keys(this.is.vaults).filter((id) => !list.includes(Number(id)));
    if (gone.some((id) => !this.is.vaults[id].of)) throw new Alarm("The server no longer shows a vault that this browser knows.");
    for (const id of gone) delete this.is.vaults[id];
    if (gone.length) this.save();
    return gone.map(Number);
  }
  of(id) { return this.is.vaults[id]; }
  /** Remembers a vault; owner is the user whose vault it is, nothing for one's own. */
  keep(id, seen, owner) { this.is.vaults[id] = { ...seen, ...(owner ? { of: owner } : {}) }; this.save(); }

  /** Tells whether the keys of somebody were compared before; others in their place are an alarm. */
  knows(s) {
    const known = this.is.people[s.user];
    if (known && known !== hex(s.fingerprint)) throw new Alarm("The server shows other keys for somebody than those that you compared with her.");
    return !!known;
  }
  meet(s) { this.is.people[s.user] = hex(s.fingerprint); this.save(); }
}
