// What a share is made of and opened with (doc/formats/share.md). Neither its key nor its passphrase nor what is in it leaves
// the two browsers: the server keeps ciphertext, and proofs that say nothing about the keys.
import { bytes, cat, joined, number, Reader, text } from "../vault/bytes.js";

// Floors are compiled in: what a server asks for below them is refused.
export const ROUNDS = 600_000, MOST_ROUNDS = 20_000_000, LEAST_PASSPHRASE = 8;
const PADDING = 256, NONCE = 12;

/** What is to be told in these very words. */
export class Refused extends Error {}

export const able = () => !!globalThis.crypto?.subtle;
export const random = (n) => crypto.getRandomValues(new Uint8Array(n));
export const base64url = (b) => btoa(String.fromCharCode(...b)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
export function unbase64url(s) {
  if (!/^[A-Za-z0-9_-]*$/.test(s)) throw new Refused("This link is not complete.");
  return Uint8Array.from(atob(s.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}

async function stretched(passphrase, { rounds, salt }) {
  if (!rounds) return new Uint8Array(0);
  if (!Number.isSafeInteger(rounds) || rounds < ROUNDS || rounds > MOST_ROUNDS || salt.length !== 16) throw new Refused("The server asks for a weaker protection of the passphrase than this page takes. Nothing was sent.");
  const k = await crypto.subtle.importKey("raw", bytes(passphrase.normalize("NFKC")), "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-512", salt, iterations: rounds }, k, 256));
}

/** Everything that content is bound to: whose share, which, until when, and how its passphrase is derived. */
const context = (s) => joined("strongroom/share/1", s.tenant, s.mark, number(s.ends, 8), number(s.rounds ? 1 : 0, 1), number(s.rounds, 4), s.salt);

async function derive(ikm, label, bound) {
  const k = await crypto.subtle.importKey("raw", ikm, "HKDF", false, ["deriveBits"]);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: joined(label, bound) }, k, 256));
}

/** The keys and proofs of a share: of its link's key, and of that and the passphrase together. */
export async function keysOf(share, key, passphrase) {
  if (key.length !== 32) throw new Refused("This link is not complete. Ask who sent it for the whole of it.");
  const bound = context(share), both = cat(key, await stretched(passphrase, share));
  return {
    bound,
    content: await crypto.subtle.importKey("raw", await derive(both, "strongroom/share/content/1", bound), "AES-GCM", false, ["encrypt", "decrypt"]),
    keyProof: await derive(key, "strongroom/share/key/1", bound),
    proof: await derive(both, "strongroom/share/proof/1", bound),
  };
}

export async function seal({ content, bound }, what) {
  const b = bytes(JSON.stringify(what)), plain = new Uint8Array(Math.ceil((4 + b.length) / PADDING) * PADDING), iv = random(NONCE);
  plain.set(cat(number(b.length, 4), b));
  return cat(iv, new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bound }, content, plain)));
}

export async function open({ content, bound }, sealed) {
  const plain = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.subarray(0, NONCE), additionalData: bound }, content, sealed.subarray(NONCE)));
  const r = new Reader(plain);
  return JSON.parse(text(r.take(r.number(4))));
}
