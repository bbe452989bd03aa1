// Vaults: grants, items, manifests, and what is remembered of them. See doc/formats/vault.md. Nothing is used before it is verified.
import { bytes, cat, equal, hex, hmac, joined, number, Reader, root, sha256, short, text } from "./bytes.js";
import { aes, Alarm, gcmOpen, gcmSeal, HYBRID, random, readSignature, Refused, sign, unwrap, verified, wrap, wrapContext, WRAPPED } from "./keys.js";
import { damaged, verifyStatement } from "./keyset.js";

export const MOST_ITEMS = 10_000, MOST_CONTENT = 64 << 10, MOST_LIMITED = 14, READER = 1, WRITER = 2, OWNER = 3;
const SYMMETRIC = 0x21, ZEROS = new Uint8Array(32);
const isZero = (b) => b.every((x) => x === 0);

// ---- grants

export function parseGrant(stored) {
  try {
    const r = new Reader(stored), g = { stored, body: r.framed("SRG1") };
    g.wrapped = r.take(WRAPPED);
    g.signature = readSignature(r);
    r.end();
    const b = new Reader(g.body);
    g.version = b.number(2);
    if (g.version < 1 || g.version > 2) throw 0;
    Object.assign(g, { tenant: b.text(), vault: b.number(8), epoch: b.number(8), grantee: b.number(8) });
    if (b.number(2) !== HYBRID) throw 0;
    Object.assign(g, { key: b.take(16), generation: b.number(4), role: b.number(1), granter: b.number(8), time: b.number(8), expiry: b.number(8), commitment: b.take(32) });
    if (g.version === 2) g.fingerprint = b.take(16);
    b.end();
    if ((g.version === 1 && g.granter !== g.grantee) || !g.vault || !g.epoch || g.epoch > 2 ** 31 || !g.grantee || !g.granter || g.role < READER || g.role > OWNER) throw 0;
    return g;
  } catch { throw damaged("grant"); }
}

const grantMessage = (body, wrapped) => joined("strongroom/grant/1", body, sha256(wrapped));
const commitment = (key) => hmac(key, bytes("strongroom/vault/commit/1"));

// The keys of who opened a vault stay with it, for items that are limited; owner is the user whose vault it is.
async function vaultOf(keys, owner, fields, raw) {
  const id = sha256(joined("strongroom/vaultkey/1", number(fields.id, 8), number(fields.epoch, 8), commitment(raw))).subarray(0, 16);
  return { ...fields, me: keys.statement.user, owner, keys, keyID: id, key: await aes(raw) };
}

async function sealGrant(keys, id, epoch, raw, to, role, expiry, now) {
  const s = keys.statement;
  const body = cat(number(2, 2), short(s.tenant), number(id, 8), number(epoch, 8), number(to.user, 8), number(HYBRID, 2), to.keyID, number(to.generation, 4), number(role, 1), number(s.user, 8), number(now, 8), number(expiry, 8), commitment(raw), to.fingerprint);
  const wrapped = await wrap(to.encryption, raw, wrapContext(body, HYBRID, to.keyID, to.generation));
  return cat(bytes("SRG1"), number(body.length, 2), body, wrapped, await sign(keys, grantMessage(body, wrapped)));
}

async function withKey(keys, id, epoch, to, now, raw = random(32)) {
  const s = keys.statement, grants = [];
  for (const { statement, role, expiry = 0 } of to) grants.push(await sealGrant(keys, id, epoch, raw, statement, role, expiry, now));
  const vault = await vaultOf(keys, s.user, { tenant: s.tenant, id, epoch, role: OWNER, grant: parseGrant(grants[0]), writers: new Map(to.filter((x) => x.role >= WRITER).map((x) => [x.statement.user, x.statement.signing])) }, raw);
  raw.fill(0);
  return { vault, grants };
}

/** Makes a vault with a fresh key, and its owner's grant to herself. */
export async function newVault(keys, id, now = Date.now()) {
  const { vault, grants } = await withKey(keys, id, 1, [{ statement: keys.statement, role: OWNER }], now);
  return { vault, grant: grants[0] };
}

/** Gives a vault a fresh key, with grants for its owner and those who keep their access: statements that were verified, roles, and ends. */
export function nextEpoch(keys, v, keep, now = Date.now()) {
  if (v.role !== OWNER) throw new Refused("Only the owner of a vault changes its keys.");
  return withKey(keys, v.id, v.epoch + 1, [{ statement: keys.statement, role: OWNER }, ...keep], now);
}

/** Gives somebody the vault of the owner of keys: the statement is the very one whose words were compared. expiry 0 is never. */
export async function giveVault(keys, v, to, role, expiry = 0, now = Date.now()) {
  if (v.role !== OWNER) throw new Refused("Only the owner of a vault gives access to it.");
  const raw = await vaultKey(keys, v.grant);
  try {
    return await sealGrant(keys, v.id, v.epoch, raw, to, role, expiry, now);
  } finally { raw.fill(0); }
}

/** Tells whether a grant has an end that has come. */
export const ended = (g, now = Date.now()) => g.expiry > 0 && now >= g.expiry;

/** Checks that a grant is of this vault and person, by the granter, for the very keys of the grantee's statement. */
export async function verifyGrant(g, id, grantee, granter) {
  if (g.tenant !== grantee.tenant || g.tenant !== granter.tenant || g.vault !== id || g.grantee !== grantee.user || g.granter !== granter.user) throw new Alarm("The server sent a grant of another vault or person.");
  if (!equal(g.key, grantee.keyID) || g.generation !== grantee.generation || (g.version === 2 && !equal(g.fingerprint, grantee.fingerprint))) throw new Alarm("The server sent a grant for keys that are not known.");
  if (!(await verified(g.signature, granter.signing, grantMessage(g.body, g.wrapped)))) throw new Alarm("The server sent a grant that nobody signed who may.");
}

async function vaultKey(keys, g) {
  let raw;
  try {
    raw = await unwrap(keys, g.wrapped, wrapContext(g.body, HYBRID, g.key, g.generation));
  } catch { throw new Alarm("The server sent a grant that does not open with your keys."); }
  if (equal(commitment(raw), g.commitment)) return raw;
  raw.fill(0);
  throw new Alarm("The server sent a grant with another key than it states.");
}

/** The statements of those who may write in a vault's epoch: its owner, who must be known, and those for whose keys her grants vouch. */
export async function writersOf(id, epoch, owner, members) {
  const out = [owner];
  for (const { statement, grant } of members) {
    await verifyStatement(statement, owner.tenant, grant.grantee);
    await verifyGrant(grant, id, statement, owner);
    if (grant.epoch !== epoch) throw new Alarm("The server sent a grant under a key that is not in use.");
    if (grant.role >= WRITER && grant.grantee !== owner.user) out.push(statement);
  }
  return out;
}

/** Opens a vault that granter, a verified statement, gave to the owner of keys. */
export async function openVault(keys, g, id, granter, writers, now = Date.now()) {
  await verifyGrant(g, id, keys.statement, granter);
  if (ended(g, now)) throw new Refused("This access to the vault has ended. Ask its owner.");
  const raw = await vaultKey(keys, g);
  try {
    return await vaultOf(keys, granter.user, { tenant: g.tenant, id, epoch: g.epoch, role: g.role, grant: g, writers: new Map(writers.map((w) => [w.user, w.signing])) }, raw);
  } finally { raw.fill(0); }
}

// ---- items: SRE1, class 2

const bucketSize = (b) => (b % 2 ? 96 : 64) * 2 ** (b >> 1);
function pad(plain) {
  let b = 0;
  while (bucketSize(b) < plain.length + 4) b++;
  const out = new Uint8Array(bucketSize(b));
  out.set(number(plain.length, 4));
  out.set(plain, 4);
  return [out, b];
}
function unpad(padded, bucket) {
  const n = new Reader(padded).number(4);
  if (bucket > 28 || padded.length !== bucketSize(bucket) || n > padded.length - 4 || !isZero(padded.subarray(4 + n))) throw 0;
  let least = 0;
  while (bucketSize(least) < n + 4) least++;
  if (least !== bucket) throw 0;
  return padded.subarray(4, 4 + n);
}
// The field of an item says whom it is for: "limited:" and their numbers, ascending; "item" is everybody who has access.
const LIMITED = "limited:";
const fieldFor = (item, to) => (!item ? "about" : to?.length ? LIMITED + to.join(",") : "item");
function audience(item, field) {
  const to = field.startsWith(LIMITED) ? field.slice(LIMITED.length).split(",").map(Number) : null;
  if (to?.some((n, i) => !Number.isSafeInteger(n) || n < 1 || (i && n <= to[i - 1])) || to?.length > MOST_LIMITED || field !== fieldFor(item, to)) return undefined;
  return to;
}
function checkAudience(v, to, author) {
  if (to && (!to.includes(v.owner) || !to.includes(author))) throw new Alarm("The server sent an item that is kept from the owner of the vault, or from who wrote it.");
}
const itemMessage = (header, recipients, content) => joined("strongroom/sig/1", header, sha256(recipients), sha256(content));
const commits = (key) => hmac(key, bytes("strongroom/commit/1"));

/** Seals a version of an item; last is the leaf of the version before. to are the statements that the grants of those members are for whom it is
 * limited to: its key is wrapped to theirs and not to the vault's. */
export async function sealItem(keys, v, item, last, content, now = Date.now(), to = null) {
  const plain = bytes(JSON.stringify(content)), dataKey = random(32);
  if (plain.length > MOST_CONTENT) throw new Refused("An item holds at most 64 KiB.");
  if (v.role < WRITER) throw new Refused("You may read this vault and not write in it.");
  const list = to && [...to].sort((a, b) => a.user - b.user), users = list?.map((s) => s.user) ?? null, field = fieldFor(item, users);
  if (to && (audience(item, field) === undefined || !item || !to.length || bytes(field).length > 255)) throw new Refused(`An item is limited to at most ${MOST_LIMITED} members.`);
  if (to && (!users.includes(v.owner) || !users.includes(keys.statement.user))) throw new Refused("The owner of the vault, and whoever limits an item, are among those whom it is for.");
  const [padded, bucket] = pad(plain), version = (last?.version ?? 0) + 1;
  const header = cat(number(1, 2), number(1, 2), number(2, 1), short(v.tenant), short("vault_item"), number(v.id, 8), number(item, 8), short(field), number(version, 4), last?.header ?? ZEROS,
    number(v.epoch, 8), number(now, 8), number(keys.statement.user, 8), commits(dataKey), number(bucket, 1));
  const recipient = (type, id, generation, wrapped) => cat(number(type, 2), id, number(generation, 4), number(wrapped.length, 2), wrapped);
  const recipients = cat(number(list?.length ?? 1, 1), ...(list
    ? await Promise.all(list.map(async (s) => recipient(HYBRID, s.keyID, s.generation, await wrap(s.encryption, dataKey, wrapContext(header, HYBRID, s.keyID, s.generation)))))
    : [recipient(SYMMETRIC, v.keyID, v.epoch, await gcmSeal(v.key, dataKey, wrapContext(header, SYMMETRIC, v.keyID, v.epoch)))]));
  const content_ = await gcmSeal(dataKey, padded, header);
  dataKey.fill(0); padded.fill(0); plain.fill(0);
  const signature = await sign(keys, itemMessage(header, recipients, content_));
  const sealed = cat(bytes("SRE1"), number(header.length, 2), header, recipients, content_.subarray(0, 12), number(content_.length - 12, 4), content_.subarray(12), signature);
  return { sealed, leaf: { item, version, header: sha256(header), to: users } };
}

function parseHeader(e) {
  const h = new Reader(e.header);
  if (h.number(2) !== 1 || h.number(2) !== 1 || h.number(1) !== 2) throw 0;
  Object.assign(e, { tenant: h.text(), kind: h.text(), vault: h.number(8), item: h.number(8), field: h.text(), version: h.number(4), previous: h.take(32), epoch: h.number(8), time: h.number(8), author: h.number(8), commitment: h.take(32), bucket: h.number(1) });
  h.end();
  if (!e.version || (e.version === 1) !== isZero(e.previous)) throw 0;
  e.to = audience(e.item, e.field);
  return e;
}

function parseItem(sealed) {
  try {
    const r = new Reader(sealed), e = {};
    e.header = r.framed("SRE1");
    const from = r.at;
    e.keys = Array.from({ length: r.number(1) }, () => ({ type: r.number(2), id: r.take(16), generation: r.number(4), wrapped: r.take(r.number(2)) }));
    e.recipients = sealed.subarray(from, r.at);
    const nonce = r.take(12);
    e.content = cat(nonce, r.take(r.number(4)));
    e.signature = readSignature(r);
    r.end();
    parseHeader(e);
    const [type, size] = e.to ? [HYBRID, WRAPPED] : [SYMMETRIC, 60];
    if (e.keys.length !== (e.to?.length ?? 1) || e.keys.some((k) => k.type !== type || k.wrapped.length !== size)) throw 0;
    return e;
  } catch { throw damaged("item"); }
}

/** Opens the key of an item: with the vault's key, or with one's own when the item is limited. */
async function itemKey(v, e) {
  if (!e.to) {
    const [k] = e.keys;
    if (!equal(k.id, v.keyID) || k.generation !== v.epoch) throw new Alarm("The server sent an item that the key of this vault does not open.");
    return gcmOpen(v.key, k.wrapped, wrapContext(e.header, SYMMETRIC, k.id, k.generation));
  }
  const k = e.keys[e.to.indexOf(v.me)], mine = v.keys.statement;
  if (!equal(k.id, mine.keyID) || k.generation !== mine.generation) throw 0;
  return unwrap(v.keys, k.wrapped, wrapContext(e.header, HYBRID, k.id, k.generation));
}

/** Reads the header of an item that the server does not send because it is limited to others; its leaf. The list of the vault says that it is the
 * header of that item, and the header says whom the item is for. */
export function readWithheld(v, header) {
  const e = { header };
  try {
    parseHeader(e);
  } catch { throw damaged("item"); }
  if (!e.to || e.tenant !== v.tenant || e.kind !== "vault_item" || e.vault !== v.id) throw new Alarm("The server left an item out as if it were limited to others, and it is not.");
  if (e.epoch !== v.epoch) throw new Alarm("The server sent an item under a key that is not in use.");
  checkAudience(v, e.to, e.author);
  if (e.to.includes(v.me)) throw new Alarm("The server keeps an item from you that is for you too.");
  return { item: e.item, version: e.version, header: sha256(header), to: e.to };
}

/** Reads an item: of this vault, sealed under its key, with the header that its list is about. Whether what is in it was signed by who may
 * write is asked with signed(), and before anything but a title, user name or address is given out. */
export async function readItem(v, sealed) {
  const e = parseItem(sealed);
  if (e.tenant !== v.tenant || e.kind !== "vault_item" || e.vault !== v.id || e.to === undefined) throw new Alarm("The server sent an item of another vault.");
  if (e.epoch !== v.epoch) throw new Alarm("The server sent an item under a key that is not in use.");
  checkAudience(v, e.to, e.author);
  if (e.to && !e.to.includes(v.me)) throw new Alarm("The server sent an item that is limited to others.");
  let plain;
  try {
    const dataKey = await itemKey(v, e);
    if (!equal(commits(dataKey), e.commitment)) throw 0;
    plain = unpad(await gcmOpen(dataKey, e.content, e.header), e.bucket);
  } catch (x) { throw x instanceof Alarm ? x : new Alarm("The server sent an item that was altered."); }
  const content = JSON.parse(text(plain));
  if (content === null || typeof content !== "object" || Array.isArray(content) || Object.values(content).some((x) => typeof x !== "string")) throw damaged("item");
  let proof;
  return { content, time: e.time, author: e.author, leaf: { item: e.item, version: e.version, header: sha256(e.header), to: e.to }, signed: () => proof ??= checkSigned(v, e) };
}
async function checkSigned(v, e) {
  if (!(await verified(e.signature, v.writers.get(e.author), itemMessage(e.header, e.recipients, e.content)))) throw new Alarm("The server sent an item that nobody signed who may write in this vault.");
}

/** Opens an item: read, and signed by who may write in the vault. */
export async function openItem(v, sealed) {
  const i = await readItem(v, sealed);
  await i.signed();
  return i;
}

// ---- manifests

export function treeRoot(leaves) {
  const list = [...leaves].sort((a, b) => a.item - b.item);
  for (let i = 1; i < list.length; i++) if (list[i].item === list[i - 1].item) throw new Alarm("The server sent one item of a vault twice.");
  return root(list.map((l) => cat(number(l.item, 8), number(l.version, 4), l.header)));
}

export function parseManifest(stored) {
  try {
    const r = new Reader(stored), m = { stored, body: r.framed("SRM1") };
    m.signature = readSignature(r);
    r.end();
    const b = new Reader(m.body);
    if (b.number(2) !== 1) throw 0;
    Object.assign(m, { tenant: b.text(), vault: b.number(8), epoch: b.number(8), counter: b.number(8), time: b.number(8), author: b.number(8), previous: b.take(32), items: b.number(4), root: b.take(32) });
    b.end();
    if (!m.counter || (m.counter === 1) !== isZero(m.previous)) throw 0;
    m.hash = sha256(joined("strongroom/manifest/hash/1", m.body));
    return m;
  } catch { throw damaged("list"); }
}

/** States what is in a vault after a write; last is the manifest before. */
export async function sealManifest(keys, v, last, leaves, now = Date.now()) {
  if (leaves.length > MOST_ITEMS + 1) throw new Refused("A vault holds at most 10,000 items.");
  const body = cat(number(1, 2), short(v.tenant), number(v.id, 8), number(v.epoch, 8), number((last?.counter ?? 0) + 1, 8), number(now, 8), number(keys.statement.user, 8), last?.hash ?? ZEROS, number(leaves.length, 4), treeRoot(leaves));
  return parseManifest(cat(bytes("SRM1"), number(body.length, 2), body, await sign(keys, joined("strongroom/manifest/1", body))));
}

/** Verifies that a manifest ends a vault of the owner of a statement and follows what is remembered; gives what is to be remembered. */
export async function checkLast(m, owner, id, seen) {
  if (m.items !== 0 || !equal(m.root, treeRoot([])) || m.tenant !== owner.tenant || m.vault !== id || m.author !== owner.user || !(await verified(m.signature, owner.signing, joined("strongroom/manifest/1", m.body)))) throw new Alarm("The server says that a vault was deleted, and its owner did not sign that.");
  if (m.counter < seen.counter || m.epoch < seen.epoch || (m.counter === seen.counter && hex(m.hash) !== seen.hash) || (m.counter === seen.counter + 1 && hex(m.previous) !== seen.hash)) throw new Alarm("The server says that a vault was deleted in another history than the one seen here before.");
  return { epoch: m.epoch, counter: m.counter, hash: hex(m.hash), ended: true };
}

/** Verifies a manifest against what came with it and what is remembered; gives what is to be remembered. */
export async function checkManifest(v, m, leaves, seen) {
  if (m.tenant !== v.tenant || m.vault !== v.id) throw new Alarm("The server sent the list of another vault.");
  if (m.epoch !== v.epoch) throw new Alarm("The server sent a list under a key that is not in use.");
  if (!(await verified(m.signature, v.writers.get(m.author), joined("strongroom/manifest/1", m.body)))) throw new Alarm("The server sent a list that nobody signed who may write in this vault.");
  if (seen) {
    if (m.counter < seen.counter || m.epoch < seen.epoch) throw new Alarm("The server sent an older state of this vault than the one seen here before.");
    if ((m.counter === seen.counter && hex(m.hash) !== seen.hash) || (m.counter === seen.counter + 1 && hex(m.previous) !== seen.hash)) throw new Alarm("The server sent another history of this vault than the one seen here before.");
  }
  if (m.items !== leaves.length || !equal(treeRoot(leaves), m.root)) throw new Alarm("The server left items of this vault out, added some, or sent old versions of them.");
  return { epoch: m.epoch, counter: m.counter, hash: hex(m.hash) };
}
