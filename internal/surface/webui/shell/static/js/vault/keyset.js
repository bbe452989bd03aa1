// The keyset of a person: statement, lock, passphrase. See doc/formats/vault.md.
import { bytes, cat, equal, hex, joined, number, Reader, sha256, short, unbase64 } from "./bytes.js";
import { argon2id } from "./stretch.js";
import { Alarm, gcmOpen, gcmSeal, HYBRID, importPairs, keyID, newPairs, POINT, PRIVATE, random, readSignature, Refused, sign, verified } from "./keys.js";

const S = crypto.subtle;
// The floors of the derivations are part of this script: no server can ask for less. Rounds are of PBKDF2; passes and KiB of Argon2id.
const ARGON2ID = 1, PBKDF2 = 2, LEAST_PASSES = 3, MOST_PASSES = 20, LEAST_MEMORY = 65_536, MOST_MEMORY = 1_048_576;
export const LEAST = 600_000, MOST = 20_000_000, LEAST_PASSPHRASE = 14;

export const damaged = (what) => new Alarm(`The server sent a damaged ${what}, or one that a newer version made.`);

export function parseStatement(stored) {
  try {
    const r = new Reader(stored), s = { stored, body: r.framed("SRK1"), signatures: [] };
    const n = r.number(1);
    for (let role = 1; role <= n; role++) { if (r.number(1) !== role) throw 0; s.signatures.push(readSignature(r)); }
    r.end();
    const b = new Reader(s.body);
    if (n < 1 || n > 2 || b.number(2) !== 1) throw 0;
    Object.assign(s, { tenant: b.text(), user: b.number(8), number: b.number(4), generation: b.number(4), time: b.number(8) });
    if (b.number(2) !== HYBRID) throw 0;
    s.encryption = b.take(b.number(2));
    if (b.number(2) !== 1) throw 0;
    s.signing = b.take(POINT);
    s.previous = b.take(32);
    s.kdf = { id: b.number(2), iterations: b.number(4), memory: b.number(4), salt: b.take(32) };
    b.end();
    const first = s.previous.every((x) => x === 0);
    if (!s.number || !s.generation || s.generation > s.number || (s.number === 1) !== first || s.encryption.length !== POINT + 1184 || (n === 2 && s.generation < 2)) throw 0;
    s.keyID = keyID(s.encryption);
    s.hash = sha256(joined("strongroom/statement/1", s.body));
    s.fingerprint = sha256(joined("strongroom/fingerprint/1", s.tenant, number(s.user, 8), s.encryption, s.signing)).subarray(0, 16);
    return s;
  } catch { throw damaged("keyset"); }
}

export function checkKDF({ id, iterations, memory }) {
  if (id === ARGON2ID) {
    if (iterations < LEAST_PASSES || iterations > MOST_PASSES || memory < LEAST_MEMORY || memory > MOST_MEMORY) throw new Alarm(`The server asks to protect the passphrase with ${iterations} passes over ${memory} KiB; from ${LEAST_PASSES} to ${MOST_PASSES} passes over ${LEAST_MEMORY} to ${MOST_MEMORY} KiB are accepted.`);
    return;
  }
  if (id !== PBKDF2 || memory !== 0) throw new Alarm(`The server asks for an unknown way to turn the passphrase into a key (number ${id}).`);
  if (iterations < LEAST || iterations > MOST) throw new Alarm(`The server asks to protect the passphrase with ${iterations} rounds; from ${LEAST} to ${MOST} are accepted.`);
}

const message = (role, body) => joined("strongroom/keyset/1", number(role, 1), body);

export async function verifyStatement(s, tenant, user) {
  if (s.tenant !== tenant || s.user !== user) throw new Alarm("The server sent somebody else's keyset.");
  checkKDF(s.kdf);
  if (!(await verified(s.signatures[0], s.signing, message(1, s.body)))) throw new Alarm("The server sent a keyset that is not signed by its own key.");
}

async function stretch(passphrase, { id, salt, iterations, memory }) {
  if (id === ARGON2ID) return argon2id(passphrase, salt, iterations, memory);
  const base = await S.importKey("raw", passphrase, "PBKDF2", false, ["deriveBits"]);
  return S.deriveBits({ name: "PBKDF2", hash: "SHA-512", salt, iterations }, base, 256);
}

async function userKey(passphrase, kdf, tenant, user) {
  checkKDF(kdf);
  const stretched = await stretch(bytes(passphrase.normalize("NFKC")), kdf);
  const ikm = await S.importKey("raw", stretched, "HKDF", false, ["deriveKey"]);
  const info = joined("strongroom/vault/user/1", tenant, number(user, 8));
  return S.deriveKey({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info }, ikm, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

const lockBind = (hash) => joined("strongroom/vault/lock/1", hash);

async function state(keys, s, passphrase, secret, old) {
  s.body = cat(number(1, 2), short(s.tenant), number(s.user, 8), number(s.number, 4), number(s.generation, 4), number(s.time, 8), number(HYBRID, 2), number(s.encryption.length, 2), s.encryption,
    number(1, 2), s.signing, s.previous, number(s.kdf.id, 2), number(s.kdf.iterations, 4), number(s.kdf.memory, 4), s.kdf.salt);
  const signatures = [number(1, 1), await sign(keys, message(1, s.body)), ...(old ? [number(2, 1), await sign(old, message(2, s.body))] : [])];
  const statement = parseStatement(cat(bytes("SRK1"), number(s.body.length, 2), s.body, number(old ? 2 : 1, 1), ...signatures));
  const key = await userKey(passphrase, s.kdf, s.tenant, s.user);
  return { statement, lock: cat(bytes("SRL1"), statement.hash, await gcmSeal(key, secret, lockBind(statement.hash))) };
}

/** The derivation for a new passphrase: Argon2id, and PBKDF2 where only what FIPS 140-3 approves is wanted. */
export const newKDF = (approved = false) => (approved ? { id: PBKDF2, iterations: LEAST, memory: 0, salt: random(32) } : { id: ARGON2ID, iterations: LEAST_PASSES, memory: LEAST_MEMORY, salt: random(32) });

/** Tells whether a passphrase is to be brought over to the derivation of today, when it is typed. */
export const weaker = (kdf) => kdf.id === PBKDF2;

export function checkPassphrase(p) {
  if ([...p].length < LEAST_PASSPHRASE) throw new Refused(`A passphrase has at least ${LEAST_PASSPHRASE} characters.`);
}

/** Makes the keyset of a person: what the server keeps of it, and the opened keys. */
export async function newKeyset(tenant, user, passphrase, now = Date.now(), kdf = newKDF()) {
  checkPassphrase(passphrase);
  const { secret, encryption, signing } = await newPairs();
  try {
    const keys = await importPairs(secret, encryption, signing);
    const made = await state(keys, { tenant, user, number: 1, generation: 1, time: now, encryption, signing, previous: new Uint8Array(32), kdf }, passphrase, secret);
    return { ...made, keys: { ...keys, statement: made.statement } };
  } finally { secret.fill(0); }
}

export async function openLock(s, lock, passphrase) {
  const r = new Reader(lock);
  try {
    r.magic("SRL1");
    if (!equal(r.take(32), s.hash)) throw 0;
  } catch { throw damaged("lock of your keyset"); }
  const box = r.take(lock.length - r.at);
  if (box.length !== PRIVATE + 28) throw damaged("lock of your keyset");
  const key = await userKey(passphrase, s.kdf, s.tenant, s.user);
  try {
    return await gcmOpen(key, box, lockBind(s.hash));
  } catch { throw new Refused("This passphrase does not open the vault. Nobody can reset a vault passphrase."); }
}

/** Opens a person's keys. The derivation is checked against the floors before it runs. */
export async function unlock(tenant, user, s, lock, passphrase) {
  await verifyStatement(s, tenant, user);
  const secret = await openLock(s, lock, passphrase);
  try {
    return { ...(await importPairs(secret, s.encryption, s.signing)), statement: s };
  } finally { secret.fill(0); }
}

/** States a new passphrase for the same keys. */
export async function changePassphrase(tenant, user, s, lock, old, passphrase, now = Date.now(), kdf = newKDF()) {
  checkPassphrase(passphrase);
  await verifyStatement(s, tenant, user);
  const secret = await openLock(s, lock, old);
  try {
    return await restate(s, secret, passphrase, now, kdf);
  } finally { secret.fill(0); }
}

/** States a passphrase for the private keys of a verified statement; they must belong to it. */
export async function restate(s, secret, passphrase, now = Date.now(), kdf = newKDF()) {
  checkPassphrase(passphrase);
  const keys = await importPairs(secret, s.encryption, s.signing);
  const made = await state(keys, { tenant: s.tenant, user: s.user, number: s.number + 1, generation: s.generation, time: now, encryption: s.encryption, signing: s.signing, previous: s.hash, kdf }, passphrase, secret);
  return { ...made, keys: { ...keys, statement: made.statement } };
}

/** Makes the next generation of keys, in a statement that the present ones sign. */
export async function newKeys(s, lock, passphrase, now = Date.now(), kdf = newKDF()) {
  await verifyStatement(s, s.tenant, s.user);
  const before = await openLock(s, lock, passphrase), made = await newPairs(), { secret, encryption, signing } = made;
  try {
    const old = await importPairs(before, s.encryption, s.signing), keys = await importPairs(secret, encryption, signing);
    const stated = await state(keys, { tenant: s.tenant, user: s.user, number: s.number + 1, generation: s.generation + 1, time: now, encryption, signing, previous: s.hash, kdf }, passphrase, secret, old);
    return { ...stated, keys: { ...keys, statement: stated.statement } };
  } finally { before.fill(0); secret.fill(0); }
}

/** Checks that s is the statement after old: it names it, and where the keys are others, the old ones signed it. Both must be verified. */
async function follows(s, old) {
  const same = equal(s.signing, old.signing) && equal(s.encryption, old.encryption);
  if (s.number !== old.number + 1 || !equal(s.previous, old.hash)) throw new Alarm("The server sent a keyset that does not follow the one known before.");
  if (same && s.generation === old.generation && s.signatures.length === 1) return;
  if (!same && s.generation === old.generation + 1 && s.signatures.length === 2 && (await verified(s.signatures[1], old.signing, message(2, s.body)))) return;
  throw new Alarm("The server sent a keyset with other keys, which the keys before did not sign.");
}

/** Finds the statement with a fingerprint among those before s, in their order, and checks that each one after it follows, up to s. Gives it;
 * it is s when that has the fingerprint itself. */
export async function fromFingerprint(s, fingerprint, before) {
  if (equal(s.fingerprint, fingerprint)) return s;
  const at = before.findIndex((b) => equal(b.fingerprint, fingerprint));
  if (at < 0) throw new Alarm("The server shows other keys than those that are known, and no statement by which the known ones name them.");
  const chain = [...before.slice(at), s];
  for (const [i, one] of chain.entries()) {
    await verifyStatement(one, s.tenant, s.user);
    if (i) await follows(one, chain[i - 1]);
  }
  return chain[0];
}

/** Reads the statements before somebody's newest one, as the server sends them. */
export const parseBefore = (list) => (list ?? []).map((b) => parseStatement(unbase64(b)));

export const fingerprintText = (f) => hex(f).match(/.{4}/g).join(" ");
