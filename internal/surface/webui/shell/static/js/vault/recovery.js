// How somebody comes back to her keys when the passphrase is forgotten: a printed code, or shares that officers have. Formats:
// doc/formats/vault.md. Nothing is used before it is verified.
import { bytes, cat, equal, hmac, joined, number, Reader, sha256, short } from "./bytes.js";
import { Alarm, gcmOpen, gcmSeal, HYBRID, importPairs, PRIVATE, random, readSignature, Refused, sign, unwrap, verified, wrap, wrapContext, WRAPPED } from "./keys.js";
import { damaged, newKDF, newKeyset, openLock, restate, unlock, verifyStatement } from "./keyset.js";
import { combine, split } from "./shamir.js";

const S = crypto.subtle, LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
export const KIT = 1, OFFICERS = 2, LEAST_NEEDED = 2, MOST_OFFICERS = 15, LASTS = 14 * 86_400_000;

// ---- the code of a kit

const codeCheck = (code) => sha256(joined("strongroom/recovery/code/1", code)).subarray(0, 4);

/** A code as people type it: 32 digits and letters in groups of four. */
export function codeText(code) {
  const all = cat(code, codeCheck(code));
  let out = "";
  for (let i = 0; i < 32; i++) {
    let n = 0;
    for (let bit = 5 * i; bit < 5 * i + 5; bit++) n = n * 2 + ((all[bit >> 3] >> (7 - (bit & 7))) & 1);
    out += (i && i % 4 === 0 ? "-" : "") + LETTERS[n];
  }
  return out;
}
export function parseCode(typed) {
  const s = typed.toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1").replace(/[-\s]/g, ""), all = new Uint8Array(20);
  if (s.length !== 32 || [...s].some((c) => !LETTERS.includes(c))) throw new Refused("This is no recovery code: it has 32 digits and letters, in groups of four.");
  [...s].forEach((c, i) => { const n = LETTERS.indexOf(c); for (let j = 0; j < 5; j++) { const bit = 5 * i + j; all[bit >> 3] |= ((n >> (4 - j)) & 1) << (7 - (bit & 7)); } });
  const code = all.slice(0, 16);
  if (!equal(codeCheck(code), all.subarray(16))) throw new Refused("A digit or letter of the recovery code is another one. Compare it with the kit once more.");
  return code;
}

// ---- recoveries

export function parseRecovery(stored) {
  try {
    const r = new Reader(stored), x = { stored, body: r.framed("SRR1") }, b = new Reader(x.body);
    if (b.number(2) !== 1) throw 0;
    Object.assign(x, { tenant: b.text(), user: b.number(8), number: b.number(4), generation: b.number(4), fingerprint: b.take(16), time: b.number(8), way: b.number(1), commitment: b.take(32), needed: b.number(1), officers: [] });
    const n = b.number(1), seen = new Set([x.user]);
    for (let i = 0; i < n; i++) {
      const user = b.number(8);
      if (b.number(2) !== HYBRID || !user || seen.has(user)) throw 0;
      seen.add(user);
      x.officers.push({ user, key: b.take(16), generation: b.number(4), fingerprint: b.take(16), commitment: b.take(32) });
    }
    b.end();
    const from = r.at;
    x.box = r.take(PRIVATE + 28);
    for (const o of x.officers) o.wrapped = r.take(WRAPPED);
    x.sealed = stored.subarray(from, r.at);
    x.signature = readSignature(r);
    r.end();
    const sound = x.way === KIT ? !x.needed && !n : x.way === OFFICERS && x.needed >= LEAST_NEEDED && x.needed <= n && n <= MOST_OFFICERS;
    if (!x.user || !x.number || !x.generation || !sound) throw 0;
    x.hash = sha256(joined("strongroom/recovery/hash/1", x.body));
    return x;
  } catch { throw damaged("recovery"); }
}

const recoveryMessage = (body, sealed) => joined("strongroom/recovery/1", body, sha256(sealed));

/** Checks that a recovery is of the keys of a verified statement, and that they signed it. */
export async function verifyRecovery(x, s) {
  if (x.tenant !== s.tenant || x.user !== s.user) throw new Alarm("The server sent somebody else’s recovery.");
  if (!(await verified(x.signature, s.signing, recoveryMessage(x.body, x.sealed))) || x.generation !== s.generation || !equal(x.fingerprint, s.fingerprint)) throw new Alarm("The server shows a recovery that was not chosen with the keys of this person.");
}

// HMAC takes keys of up to a block; a recovery secret has 16 or 32 bytes.
const commitment = (secret) => hmac(secret, bytes("strongroom/recovery/commit/1"));
const shareCommitment = (place, share) => sha256(joined("strongroom/recovery/share/1", number(place, 1), share));
const shareHeader = (body, place) => joined("strongroom/recovery/give/1", body, number(place, 1));
const boxBind = (hash) => joined("strongroom/recovery/box/1", hash);
async function boxKey(x, secret) {
  const ikm = await S.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  return S.deriveKey({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: joined("strongroom/recovery/key/1", x.tenant, number(x.user, 8)) }, ikm, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** Opens the private keys with the passphrase, for f alone. */
async function withSecret(s, lock, passphrase, f) {
  await verifyStatement(s, s.tenant, s.user);
  const secret = await openLock(s, lock, passphrase);
  try {
    return await f(secret, await importPairs(secret, s.encryption, s.signing));
  } finally { secret.fill(0); }
}

async function choose(s, lock, passphrase, way, num, recoverySecret, needed, officers, shares, now) {
  return withSecret(s, lock, passphrase, async (secret, keys) => {
    const list = officers.flatMap((o, i) => [number(o.user, 8), number(HYBRID, 2), o.keyID, number(o.generation, 4), o.fingerprint, shareCommitment(i + 1, shares[i])]);
    const body = cat(number(1, 2), short(s.tenant), number(s.user, 8), number(num, 4), number(s.generation, 4), s.fingerprint, number(now, 8), number(way, 1), commitment(recoverySecret), number(needed, 1), number(officers.length, 1), ...list);
    const box = await gcmSeal(await boxKey(s, recoverySecret), secret, boxBind(sha256(joined("strongroom/recovery/hash/1", body))));
    const wrapped = await Promise.all(officers.map((o, i) => wrap(o.encryption, shares[i], wrapContext(shareHeader(body, i + 1), HYBRID, o.keyID, o.generation))));
    const sealed = cat(box, ...wrapped);
    return parseRecovery(cat(bytes("SRR1"), number(body.length, 2), body, sealed, await sign(keys, recoveryMessage(body, sealed))));
  });
}

/** Seals the keys of a statement under a fresh code, which is for paper. The passphrase opens them for that. */
export async function chooseKit(s, lock, passphrase, num, now = Date.now()) {
  const code = random(16);
  return { recovery: await choose(s, lock, passphrase, KIT, num, code, 0, [], [], now), code: codeText(code) };
}

/** Gives each officer a share of what opens the keys: statements that were verified, and whose words were compared. */
export async function chooseOfficers(s, lock, passphrase, num, officers, needed, now = Date.now()) {
  const users = new Set([s.user, ...officers.map((o) => o.user)]);
  if (needed < LEAST_NEEDED || needed > officers.length || officers.length > MOST_OFFICERS || users.size !== officers.length + 1) throw new Refused(`At least ${LEAST_NEEDED} of at most ${MOST_OFFICERS} officers, all others than you, are needed.`);
  const secret = random(32), shares = split(secret, officers.length, needed);
  try {
    return await choose(s, lock, passphrase, OFFICERS, num, secret, needed, officers, shares, now);
  } finally { for (const b of [secret, ...shares]) b.fill(0); }
}

async function openWith(x, s, recoverySecret, passphrase, now, kdf) {
  await verifyRecovery(x, s);
  if (!equal(commitment(recoverySecret), x.commitment)) throw new Refused("This recovery code does not open the keys. It may be that of an earlier kit: look for the latest one.");
  let secret;
  try { secret = await gcmOpen(await boxKey(x, recoverySecret), x.box, boxBind(x.hash)); } catch { throw new Alarm("The server sent a recovery that was altered."); }
  try {
    return await restate(s, secret, passphrase, now, kdf);
  } finally { secret.fill(0); }
}

/** Opens the keys of a verified statement with the code of a kit, and states a new passphrase for them. */
export async function recoverByKit(x, s, typed, passphrase, now = Date.now(), kdf = newKDF()) {
  if (x.way !== KIT) throw new Refused("These keys are recovered by officers, and not by a printed code.");
  const code = parseCode(typed);
  try { return await openWith(x, s, code, passphrase, now, kdf); } finally { code.fill(0); }
}

// ---- requests and answers

/** Asks officers for their shares, with keys of their own under the passphrase to be. */
export async function newAsk(x, passphrase, now = Date.now(), kdf = newKDF()) {
  if (x.way !== OFFICERS) throw new Refused("These keys are recovered by a printed code, and not by officers.");
  const made = await newKeyset(x.tenant, x.user, passphrase, now, kdf);
  const body = cat(number(1, 2), short(x.tenant), number(x.user, 8), x.hash, made.statement.hash, number(now, 8));
  const ask = parseAsk(cat(bytes("SRA1"), number(body.length, 2), body, await sign(made.keys, joined("strongroom/recovery/ask/1", body))));
  return { ask, statement: made.statement, lock: made.lock };
}

export function parseAsk(stored) {
  try {
    const r = new Reader(stored), a = { stored, body: r.framed("SRA1") }, b = new Reader(a.body);
    a.signature = readSignature(r);
    r.end();
    if (b.number(2) !== 1) throw 0;
    Object.assign(a, { tenant: b.text(), user: b.number(8), recovery: b.take(32), keys: b.take(32), time: b.number(8) });
    b.end();
    a.hash = sha256(joined("strongroom/recovery/ask/hash/1", a.body));
    return a;
  } catch { throw damaged("request for a recovery"); }
}

/** Checks that a request is for a recovery and made with the keys of a statement. Whose they are is known from their words alone. */
export async function verifyAsk(a, x, keys, now = Date.now()) {
  if (a.tenant !== x.tenant || a.user !== x.user || !equal(a.recovery, x.hash) || x.way !== OFFICERS) throw new Alarm("The server sent a request for another recovery than the one that the person chose last.");
  if (!equal(a.keys, keys.hash) || !(await verified(a.signature, keys.signing, joined("strongroom/recovery/ask/1", a.body)))) throw new Alarm("The server sent a request with other keys than those that made it.");
  if (now - a.time > LASTS) throw new Refused("This request for a recovery is older than 14 days. Who needs it asks again.");
  await verifyStatement(keys, x.tenant, x.user);
}

const answerMessage = (body, wrapped) => joined("strongroom/recovery/answer/1", body, sha256(wrapped));
const answerHeader = (body) => joined("strongroom/recovery/answer/wrap/1", body);

/** Opens the share of the owner of keys, an officer, and seals it to the keys of a request. owner is the statement of who asks. */
export async function answerAsk(keys, x, owner, a, asking, now = Date.now()) {
  await verifyRecovery(x, owner);
  await verifyAsk(a, x, asking, now);
  const me = keys.statement, i = x.officers.findIndex((o) => o.user === me.user), o = x.officers[i];
  if (!o) throw new Refused("You have no share of these keys.");
  let share;
  try {
    if (!equal(o.key, me.keyID) || o.generation !== me.generation) throw 0;
    share = await unwrap(keys, o.wrapped, wrapContext(shareHeader(x.body, i + 1), HYBRID, o.key, o.generation));
  } catch { throw new Refused("Your keys do not open your share: it was given to other keys. If you changed your keys since, this share is lost, and another officer is needed."); }
  try {
    if (!equal(shareCommitment(i + 1, share), o.commitment)) throw new Alarm("Your share is another one than the person stated.");
    const body = cat(number(1, 2), short(x.tenant), number(x.user, 8), a.hash, number(me.user, 8), number(i + 1, 1), number(now, 8));
    const wrapped = await wrap(asking.encryption, share, wrapContext(answerHeader(body), HYBRID, asking.keyID, asking.generation));
    return cat(bytes("SRO1"), number(body.length, 2), body, wrapped, await sign(keys, answerMessage(body, wrapped)));
  } finally { share.fill(0); }
}

export function parseAnswer(stored) {
  try {
    const r = new Reader(stored), n = { stored, body: r.framed("SRO1") }, b = new Reader(n.body);
    n.wrapped = r.take(WRAPPED);
    n.signature = readSignature(r);
    r.end();
    if (b.number(2) !== 1) throw 0;
    Object.assign(n, { tenant: b.text(), user: b.number(8), ask: b.take(32), officer: b.number(8), place: b.number(1), time: b.number(8) });
    b.end();
    if (!n.officer || !n.place) throw 0;
    return n;
  } catch { throw damaged("answer to a request"); }
}

async function openAnswer(n, x, a, keys, officer) {
  const o = x.officers[n.place - 1];
  if (n.tenant !== x.tenant || n.user !== x.user || !equal(n.ask, a.hash)) throw new Alarm("The server sent an answer to another request.");
  if (!o || o.user !== n.officer || n.officer !== officer.user || officer.tenant !== x.tenant || !equal(o.fingerprint, officer.fingerprint)) throw new Alarm("The server shows other keys of an officer than those that were given the share.");
  if (!(await verified(n.signature, officer.signing, answerMessage(n.body, n.wrapped)))) throw new Alarm("The server sent an answer that the officer did not sign.");
  let share;
  try {
    share = await unwrap(keys, n.wrapped, wrapContext(answerHeader(n.body), HYBRID, keys.statement.keyID, keys.statement.generation));
  } catch { throw new Alarm("The server sent an answer that does not open with the keys that asked."); }
  if (!equal(shareCommitment(n.place, share), o.commitment)) throw new Alarm(`The share of officer ${n.officer} is another one than the one given to this officer.`);
  return share;
}

/** Opens the keys of a verified statement with answers ({ answer, officer }: parsed, with the officer's statement), and states the passphrase
 * of the request for them. */
export async function finishRecovery(x, s, a, asking, lock, answers, passphrase, now = Date.now(), kdf = newKDF()) {
  await verifyRecovery(x, s);
  await verifyAsk(a, x, asking, now);
  const places = new Set(answers.map(({ answer }) => answer.place)).size;
  if (places < x.needed) throw new Refused(`${places} of the ${x.needed} officers who are needed have answered. Tell the others the words of your request.`);
  const keys = await unlock(x.tenant, x.user, asking, lock, passphrase), shares = new Map();
  let secret;
  try {
    for (const { answer, officer } of answers) shares.set(answer.place, await openAnswer(answer, x, a, keys, officer));
    secret = combine(shares);
    return await openWith(x, s, secret, passphrase, now, kdf);
  } finally { for (const b of [...shares.values(), ...(secret ? [secret] : [])]) b.fill(0); }
}
