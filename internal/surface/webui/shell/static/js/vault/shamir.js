// Shamir's shares over GF(256) with x^8 + x^4 + x^3 + x + 1: see doc/formats/vault.md. Nothing is looked up or branched on by a secret byte.
import { random } from "./keys.js";

/** Multiplies in the field. */
export function mul(a, b) {
  let p = 0;
  for (let i = 0; i < 8; i++) {
    p ^= -(b & 1) & a;
    a = ((a << 1) ^ (-(a >> 7) & 0x1b)) & 255;
    b >>= 1;
  }
  return p;
}
function inverse(a) {
  let out = 1;
  for (let i = 0; i < 7; i++) { a = mul(a, a); out = mul(out, a); }
  return out;
}

/** Gives n shares of which any m give the secret: the i-th is the values at i + 1. */
export function split(secret, n, m) {
  if (m < 1 || n < m || n > 255 || !secret.length) throw new RangeError("no such split");
  const shares = Array.from({ length: n }, () => new Uint8Array(secret.length));
  for (let at = 0; at < secret.length; at++) {
    const c = random(m);
    c[0] = secret[at];
    shares.forEach((share, i) => {
      let y = 0;
      for (let k = m - 1; k >= 0; k--) y = mul(y, i + 1) ^ c[k];
      share[at] = y;
    });
    c.fill(0);
  }
  return shares;
}

/** Gives the secret from shares by their numbers: a Map. Whether they are right it cannot tell. */
export function combine(shares) {
  const [first] = shares.values(), out = new Uint8Array(first?.length ?? 0);
  for (const [x, y] of shares) {
    if (x < 1 || x > 255 || y.length !== out.length) throw new RangeError("no shares of one secret");
    let part = 1;
    for (const other of shares.keys()) if (other !== x) part = mul(part, mul(other, inverse(other ^ x)));
    for (let i = 0; i < y.length; i++) out[i] ^= mul(y[i], part);
  }
  return out;
}
