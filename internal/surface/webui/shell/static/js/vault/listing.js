// Whether a person's keys stand in the tenant's signed audit log, and whether that continues the log seen before. Formats:
// doc/formats/vault.md and doc/formats/audit-checkpoint.md.
import { bytes, cat, equal, hex, sha256, unbase64, unhex } from "./bytes.js";
import { Alarm } from "./keys.js";

const S = crypto.subtle, half = (n) => Math.floor(n / 2), odd = (n) => n % 2 === 1;
const node = (a, b) => sha256(cat([1], a, b));
export const leafHash = (b) => sha256(cat([0], b));

/** RFC 9162, 2.1.3.2: tells whether a leaf is in the tree of size leaves. */
export function included(path, size, root, index, leaf) {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return false;
  let f = index, s = size - 1, r = leaf;
  for (const p of path) {
    if (s === 0) return false;
    if (odd(f) || f === s) {
      r = node(p, r);
      while (!odd(f) && f !== 0) { f = half(f); s = half(s); }
    } else r = node(r, p);
    f = half(f);
    s = half(s);
  }
  return s === 0 && equal(r, root);
}

/** RFC 9162, 2.1.4.2: tells whether the tree of first leaves is the beginning of that of second. */
export function consistent(proof, second, secondRoot, first, firstRoot) {
  if (first < 1 || first > second) return false;
  if (first === second) return proof.length === 0 && equal(firstRoot, secondRoot);
  let f = first - 1, s = second - 1, list = proof, power = first;
  while (!odd(power) && power > 1) power = half(power);
  if (power === 1) list = [firstRoot, ...proof];
  if (!list.length) return false;
  while (odd(f)) { f = half(f); s = half(s); }
  let a = list[0], b = list[0];
  for (const c of list.slice(1)) {
    if (s === 0) return false;
    if (odd(f) || f === s) {
      a = node(c, a);
      b = node(c, b);
      while (!odd(f) && f !== 0) { f = half(f); s = half(s); }
    } else b = node(b, c);
    f = half(f);
    s = half(s);
  }
  return s === 0 && equal(a, firstRoot) && equal(b, secondRoot);
}

/** Opens a signed checkpoint with a note verifier key: origin, size and root. */
export async function openCheckpoint(note, key) {
  const [name, id, ...rest] = key.split("+"), pub = unbase64(rest.join("+"));
  if (!name || pub.length !== 33 || pub[0] !== 1 || hex(sha256(cat(bytes(`${name}\n`), pub)).subarray(0, 4)) !== id) throw 0;
  const at = note.lastIndexOf("\n\n"), text = note.slice(0, at + 1), lines = note.slice(at + 2).split("\n"), k = await S.importKey("raw", pub.subarray(1), "Ed25519", false, ["verify"]);
  if (at < 0 || lines.pop() !== "") throw 0;
  for (const line of lines) {
    if (!line.startsWith(`— ${name} `)) continue;
    const sig = unbase64(line.slice(name.length + 3));
    if (sig.length !== 68 || hex(sig.subarray(0, 4)) !== id || !(await S.verify("Ed25519", k, sig.subarray(4), bytes(text)))) throw 0;
    const [origin, size, root, time, end, more] = text.split("\n");
    if (origin !== name || !/^(0|[1-9][0-9]{0,15})$/.test(size) || !(time === "" ? end === undefined : /^time [1-9][0-9]*$/.test(time) && end === "") || more !== undefined) throw 0;
    const c = { origin, size: Number(size), root: unbase64(root) };
    if (!Number.isSafeInteger(c.size) || c.root.length !== 32) throw 0;
    return c;
  }
  throw 0;
}

const list = (hashes) => hashes.map((h) => { const b = unbase64(h); if (b.length !== 32) throw 0; return b; });
const base64url = (b) => btoa(String.fromCharCode(...b)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

function states(origin, l, s) {
  const leaf = JSON.parse(l.leaf), detail = JSON.parse(l.detail);
  return origin === `strongroom/${leaf.tenant}` && leaf.action === "vault.listed" && leaf.actor === 0 && leaf.object === s.user && leaf.version === s.number
    && leaf.detail === base64url(sha256(bytes(l.detail))) && detail.text === hex(s.hash);
}

/** Checks that a statement stands in the log, and that the log continues the one seen before, nothing for none. Gives what is to be
 * remembered. The first key of a log that is shown is taken for its key. */
export async function checkListing(s, l, seen) {
  if (seen && l.key !== seen.key) throw new Alarm("The server shows another key of the audit log than the one known here.");
  let c;
  try { c = await openCheckpoint(l.checkpoint, l.key); } catch { throw new Alarm("The server sent a state of the audit log that the log’s key did not sign."); }
  const says = (f, text) => { let ok = false; try { ok = f(); } catch { /* it is none */ } if (!ok) throw new Alarm(text); };
  if (seen) says(() => consistent(list(l.since), c.size, c.root, seen.size, unhex(seen.root)), "The server shows another audit log than the one seen here before.");
  says(() => included(list(l.path), c.size, c.root, l.seq, leafHash(bytes(l.leaf))), "The server shows keys that do not stand in the signed audit log.");
  says(() => states(c.origin, l, s), "The server shows other keys than those that stand in the audit log.");
  return { key: l.key, size: c.size, root: hex(c.root) };
}
