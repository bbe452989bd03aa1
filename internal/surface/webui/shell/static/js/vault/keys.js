// Keys of the vault in the browser: signatures, the hybrid wrapping of vault keys, AES-GCM. Formats: doc/formats/vault.md
// and doc/formats/envelope.md. Everything secret is made and used by WebCrypto.
import { bytes, cat, equal, joined, number, sha256 } from "./bytes.js";

const S = crypto.subtle;
const ECDSA = { name: "ECDSA", namedCurve: "P-256" }, SIGN = { name: "ECDSA", hash: "SHA-256" }, ECDH = { name: "ECDH", namedCurve: "P-256" }, KEM = "ML-KEM-768";
export const HYBRID = 0x12, POINT = 65, PRIVATE = 128, WRAPPED = 1213;

/** What verification refuses: the server sent what it must not. */
export class Alarm extends Error {}
/** What does not concern the server, such as a wrong passphrase. */
export class Refused extends Error {}

export const random = (n) => crypto.getRandomValues(new Uint8Array(n));

/** Tells whether this browser has what the vault needs. */
export async function able() {
  try {
    await S.generateKey(KEM, false, ["encapsulateBits", "decapsulateBits"]);
    return true;
  } catch { return false; }
}

// ---- AES-256-GCM: nonce, ciphertext, tag

const aes = (raw) => S.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
export async function gcmSeal(raw, plain, bind) {
  const iv = random(12);
  return cat(iv, new Uint8Array(await S.encrypt({ name: "AES-GCM", iv, additionalData: bind }, raw instanceof CryptoKey ? raw : await aes(raw), plain)));
}
export async function gcmOpen(raw, box, bind) {
  const key = raw instanceof CryptoKey ? raw : await aes(raw);
  return new Uint8Array(await S.decrypt({ name: "AES-GCM", iv: box.subarray(0, 12), additionalData: bind }, key, box.subarray(12)));
}
export { aes };

// ---- signatures

export const signerID = (pub) => sha256(joined("strongroom/signer/1", number(1, 2), pub)).subarray(0, 16);
export const keyID = (pub) => sha256(joined("strongroom/key/1", number(HYBRID, 2), pub)).subarray(0, 16);

export const readSignature = (r) => {
  if (r.number(2) !== 1) throw new RangeError("unknown signature");
  return { id: r.take(16), sig: r.take(64) };
};
// What is known of a public key that was met: nobody changes the bytes of a parsed statement.
const met = new WeakMap();
function signer(pub) {
  let known = met.get(pub);
  if (!known) met.set(pub, known = { id: signerID(pub), key: S.importKey("raw", pub, ECDSA, false, ["verify"]) });
  return known;
}
/** Tells whether the owner of a public key, a point of 65 bytes or nothing, signed a message. */
export async function verified({ id, sig }, pub, message) {
  if (!pub || !equal(id, signer(pub).id)) return false;
  return S.verify(SIGN, await signer(pub).key, sig, message);
}
export const sign = async (keys, message) => cat(number(1, 2), signerID(keys.signing), new Uint8Array(await S.sign(SIGN, keys.sign, message)));

// ---- key pairs

const url64 = (b) => btoa(String.fromCharCode(...b)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
const fromUrl64 = (s) => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const jwk = (d, point) => ({ kty: "EC", crv: "P-256", d: url64(d), x: url64(point.subarray(1, 33)), y: url64(point.subarray(33)) });
const raw = async (k, as = "raw") => new Uint8Array(await S.exportKey(as, k));

/** Makes key pairs: the public ones, and the private ones as the lock holds them (128 bytes, to be cleared). */
export async function newPairs() {
  const [sign, dh, kem] = await Promise.all([S.generateKey(ECDSA, true, ["sign", "verify"]), S.generateKey(ECDH, true, ["deriveBits"]), S.generateKey(KEM, true, ["encapsulateBits", "decapsulateBits"])]);
  const [a, b] = await Promise.all([S.exportKey("jwk", dh.privateKey), S.exportKey("jwk", sign.privateKey)]);
  return {
    signing: await raw(sign.publicKey),
    encryption: cat(await raw(dh.publicKey), await raw(kem.publicKey, "raw-public")),
    secret: cat(fromUrl64(a.d), await raw(kem.privateKey, "raw-seed"), fromUrl64(b.d)),
  };
}

/** Imports private keys so that no script can read them again. They are tried against the public ones: they must belong to them. */
export async function importPairs(secret, encryption, signing) {
  const keys = { encryption, signing };
  try {
    keys.dh = await S.importKey("jwk", jwk(secret.subarray(0, 32), encryption.subarray(0, POINT)), ECDH, false, ["deriveBits"]);
    keys.kem = await S.importKey("raw-seed", secret.subarray(32, 96), KEM, false, ["decapsulateBits"]);
    keys.sign = await S.importKey("jwk", jwk(secret.subarray(96), signing), ECDSA, false, ["sign"]);
    const probe = random(32), there = await wrap(encryption, probe, probe);
    const message = bytes("strongroom/probe/1"), sig = new Uint8Array(await S.sign(SIGN, keys.sign, message));
    if (equal(await unwrap(keys, there, probe), probe) && (await verified({ id: signerID(signing), sig }, signing, message))) return keys;
  } catch { /* they do not belong together */ }
  throw new Alarm("The keys behind the passphrase are not those that the server shows for you.");
}

// ---- P-256 and ML-KEM-768 together: recipient 0x12

async function hybridKey(classic, quantum, sent, pub, ctx) {
  const ikm = await S.importKey("raw", cat(classic, quantum), "HKDF", false, ["deriveKey"]);
  const info = joined("strongroom/kem/1", number(HYBRID, 2), sent.subarray(0, POINT), sent.subarray(POINT), pub.subarray(0, POINT), pub.subarray(POINT), ctx);
  return S.deriveKey({ name: "HKDF", hash: "SHA-384", salt: new Uint8Array(48), info }, ikm, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** Wraps a key of 32 bytes to the very public key that is given. */
export async function wrap(pub, key, ctx) {
  const e = await S.generateKey(ECDH, false, ["deriveBits"]);
  const classic = await S.deriveBits({ name: "ECDH", public: await S.importKey("raw", pub.subarray(0, POINT), ECDH, false, []) }, e.privateKey, 256);
  const { sharedKey, ciphertext } = await S.encapsulateBits(KEM, await S.importKey("raw-public", pub.subarray(POINT), KEM, false, ["encapsulateBits"]));
  const sent = cat(await raw(e.publicKey), new Uint8Array(ciphertext));
  return cat(sent, await gcmSeal(await hybridKey(new Uint8Array(classic), new Uint8Array(sharedKey), sent, pub, ctx), key, ctx));
}

export async function unwrap(keys, wrapped, ctx) {
  const sent = wrapped.subarray(0, WRAPPED - 60);
  const from = await S.importKey("raw", sent.subarray(0, POINT), ECDH, false, []);
  const classic = new Uint8Array(await S.deriveBits({ name: "ECDH", public: from }, keys.dh, 256));
  const quantum = new Uint8Array(await S.decapsulateBits(KEM, keys.kem, sent.subarray(POINT)));
  return gcmOpen(await hybridKey(classic, quantum, sent, keys.encryption, ctx), wrapped.subarray(sent.length), ctx);
}

/** What a wrapped key is bound to: where it belongs and for whom it is. */
export const wrapContext = (header, type, id, generation) => sha256(joined("strongroom/wrap/1", header, number(type, 2), id, number(generation, 4)));
