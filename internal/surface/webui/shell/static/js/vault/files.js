// Files of items: sealed and opened here, piece by piece. See doc/formats/vault.md.
import { base64, bytes, cat, equal, joined, number, sha256, unbase64 } from "./bytes.js";
import { Alarm, gcmOpen, gcmSeal, random, Refused } from "./keys.js";
import { damaged } from "./keyset.js";

const S = crypto.subtle;
export const MOST_FILES = 20, MOST_FILE = 128 << 20;
const SEGMENT = 64 << 10, SEALED = SEGMENT + 28, PREFIX = 32;
const altered = () => new Alarm("The server sent a file that was altered, cut off, or is another one than the item names.");

/** Lists the files of an item's content. */
export function filesOf(content) {
  if (!content.files) return [];
  try {
    const list = JSON.parse(content.files), seen = new Set();
    if (list.length > MOST_FILES) throw 0;
    return list.map((f) => {
      const { n, name, type, size, since } = f, key = unbase64(f.key), tree = unbase64(f.root);
      if (!Number.isSafeInteger(n) || n < 1 || n >= 2 ** 48 || seen.has(n) || !Number.isSafeInteger(size) || size < 0 || size > MOST_FILE || !Number.isSafeInteger(since) || since < 1 || key.length !== 32 || tree.length !== 32) throw 0;
      seen.add(n);
      return { n, name: String(name), type: String(type), size, since, key, root: tree };
    });
  } catch { throw damaged("list of files"); }
}

/** The content with other files. */
export function withFiles(content, list) {
  const { files: _, ...out } = content;
  if (list.length > MOST_FILES) throw new Refused(`An item has at most ${MOST_FILES} files.`);
  if (list.length) out.files = JSON.stringify(list.map((f) => ({ n: f.n, name: f.name, type: f.type, size: f.size, since: f.since, key: base64(f.key), root: base64(f.root) })));
  return out;
}

/** How long a file is before it is sealed: the server sees no more of its size. */
export function paddedSize(size) {
  if (size <= 4096) return 4096;
  const step = 2 ** (Math.floor(Math.log2(size - 1)) - 2);
  return Math.ceil(size / step) * step;
}

async function keyOf(v, item, f, prefix) {
  const bind = sha256(joined("strongroom/vault/file/1", v.tenant, number(v.id, 8), number(item, 8), number(f.since, 8), number(f.n, 8)));
  const ikm = await S.importKey("raw", f.key, "HKDF", false, ["deriveKey"]);
  const key = await S.deriveKey({ name: "HKDF", hash: "SHA-256", salt: prefix.subarray(4), info: cat(bytes("strongroom/stream/1"), bind) }, ikm, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  return { key, data: (i, last) => cat(bind, number(i, 8), [last ? 1 : 0]) };
}
// Hashes of what is stored: the first 32 bytes, then each segment.
const leafOf = async (b) => new Uint8Array(await S.digest("SHA-256", cat([0], b)));
function treeOf(leaves) {
  let row = leaves;
  while (row.length > 1) {
    const next = [];
    for (let i = 0; i + 1 < row.length; i += 2) next.push(sha256(cat([1], row[i], row[i + 1])));
    if (row.length % 2) next.push(row[row.length - 1]);
    row = next;
  }
  return row[0];
}

/** Seals a Blob or File for an item. Gives the sealed Blob, and the file as the item lists it. told is called with bytes done. */
export async function sealFile(v, item, f, source, told) {
  if (source.size > MOST_FILE) throw new Refused(`A file in a vault has at most ${MOST_FILE >> 20} MiB.`);
  const file = { ...f, size: source.size, key: random(32) }, prefix = cat(bytes("SRS1"), random(28)), { key, data } = await keyOf(v, item, file, prefix);
  const whole = paddedSize(file.size), parts = [prefix], leaves = [await leafOf(prefix)];
  for (let at = 0, i = 0; at < whole; at += SEGMENT, i++) {
    const plain = new Uint8Array(Math.min(SEGMENT, whole - at));
    if (at < file.size) plain.set(new Uint8Array(await source.slice(at, Math.min(at + SEGMENT, file.size)).arrayBuffer()));
    const sealed = await gcmSeal(key, plain, data(i, at + SEGMENT >= whole));
    leaves.push(await leafOf(sealed));
    parts.push(sealed);
    told?.(Math.min(at + SEGMENT, file.size));
  }
  file.root = treeOf(leaves);
  return { file, sealed: new Blob(parts) };
}

/** Opens the stream of a file of an item. Gives a Blob, when all of it was verified. */
export async function openFile(v, item, f, stream, told) {
  const whole = paddedSize(f.size), parts = [], leaves = [], reader = stream.getReader();
  let have = new Uint8Array(0), at = 0, i = 0, key, data;
  const take = async (n) => {
    while (have.length < n) {
      const { done, value } = await reader.read();
      if (done) throw altered();
      have = have.length ? cat(have, value) : value;
    }
    const out = have.subarray(0, n);
    have = have.subarray(n);
    leaves.push(await leafOf(out));
    return out;
  };
  try {
    const prefix = await take(PREFIX);
    if (!equal(prefix.subarray(0, 4), bytes("SRS1"))) throw altered();
    ({ key, data } = await keyOf(v, item, f, prefix));
    for (; at < whole; at += SEGMENT, i++) {
      const n = Math.min(SEALED, whole - at + 28), sealed = await take(n);
      let plain;
      try { plain = await gcmOpen(key, sealed, data(i, at + SEGMENT >= whole)); } catch { throw altered(); }
      if (at < f.size) parts.push(plain.subarray(0, Math.min(plain.length, f.size - at)));
      told?.(Math.min(at + SEGMENT, f.size));
    }
    if (have.length || !(await reader.read()).done || !equal(treeOf(leaves), f.root)) throw altered();
  } finally { reader.cancel().catch(() => {}); }
  return new Blob(parts, { type: "application/octet-stream" }); // never shown by this origin, whatever it says it is
}

/** Sends sealed bytes; told is called with bytes sent. */
export function upload(url, blob, told) {
  return new Promise((done, failed) => {
    const x = new XMLHttpRequest();
    x.open("POST", url);
    x.responseType = "json";
    x.setRequestHeader("Accept", "application/json");
    x.setRequestHeader("Content-Type", "application/octet-stream");
    x.upload.onprogress = (e) => told?.(e.loaded);
    x.onerror = x.onabort = () => failed(new Refused("The server cannot be reached. Check the connection and try again."));
    x.onload = () => x.status === 200 ? done() : failed(new Refused([x.response?.error?.text, x.response?.error?.hint].filter(Boolean).join(" ") || `The server answered ${x.status}. Try again.`));
    x.send(blob);
  });
}

