// Sealed reveals: the server relays a secret that only this page can open (doc/formats/envelope.md, "Sealed reveal").
import { base64, bytes, cat, equal, hmac, joined, Reader, sha256, text, unbase64 } from "./vault/bytes.js";

/** Whether this browser can; without TLS it cannot. */
export const able = () => !!globalThis.crypto?.subtle;

const damaged = () => new Error("The secret came damaged. Load the page again.");

async function gcm(key, nonceAndContent, bind) {
  const k = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonceAndContent.subarray(0, 12), additionalData: bind }, k, nonceAndContent.subarray(12)));
}

/** Takes apart an envelope of the server class. */
function parse(sealed) {
  const r = new Reader(sealed), e = { header: r.framed("SRE1") };
  for (let n = r.number(1); n > 0; n--) { r.take(2 + 16 + 4); r.take(r.number(2)); }
  const nonce = r.take(12);
  e.content = cat(nonce, r.take(r.number(4)));
  if (r.number(2) !== 0) throw damaged();
  r.end();
  const h = new Reader(e.header);
  if (h.number(2) !== 1 || h.number(2) !== 1 || h.number(1) !== 1) throw damaged();
  Object.assign(e, { tenant: h.text(), kind: h.text() });
  h.take(8);
  Object.assign(e, { object: h.number(8), field: h.text(), version: h.number(4) });
  h.take(32 + 8 + 8 + 8);
  e.commitment = h.take(32);
  h.take(1);
  h.end();
  return e;
}

/** Keys for one reveal: what to send along, and what opens the answer about the password with this id. */
export async function once() {
  const pair = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveBits"]);
  const own = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  async function open({ key, envelope }, password) {
    const k = unbase64(key), e = parse(unbase64(envelope));
    if (e.kind !== "password" || String(e.object) !== password || e.field !== "password") throw new Error("The server sent the secret of something else.");
    const point = k.slice(0, 65), bind = sha256(e.header);
    const from = await crypto.subtle.importKey("raw", point, { name: "ECDH", namedCurve: "P-256" }, false, []);
    const shared = await crypto.subtle.importKey("raw", await crypto.subtle.deriveBits({ name: "ECDH", public: from }, pair.privateKey, 256), "HKDF", false, ["deriveBits"]);
    const kek = await crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-384", salt: new Uint8Array(0), info: joined("strongroom/reveal/1", point, own, bind) }, shared, 256);
    const dataKey = await gcm(kek, k.subarray(65), bind);
    if (!equal(hmac(dataKey, bytes("strongroom/commit/1")), e.commitment)) throw damaged();
    const padded = await gcm(dataKey, e.content, e.header);
    return text(new Reader(padded).take(4 + new Reader(padded).number(4)).subarray(4));
  }
  return { public: base64(own), open: (v, password) => open(v, password).catch((e) => { throw e instanceof DOMException || e instanceof RangeError ? damaged() : e; }) };
}
