// Bytes of the vault's formats, and the hashes of small things, which are faster here than asked for one by one.

const utf8 = new TextEncoder(), strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
export const bytes = (text) => utf8.encode(text);
export const text = (b) => strict.decode(b);
export const base64 = (b) => { let s = ""; for (let i = 0; i < b.length; i += 8192) s += String.fromCharCode(...b.subarray(i, i + 8192)); return btoa(s); };
export function unbase64(s) {
  const t = atob(s), out = new Uint8Array(t.length);
  for (let i = 0; i < t.length; i++) out[i] = t.charCodeAt(i);
  return out;
}
export const hex = (b) => { let s = ""; for (const x of b) s += x.toString(16).padStart(2, "0"); return s; };
export const unhex = (s) => Uint8Array.from(s.match(/../g) ?? [], (x) => parseInt(x, 16));

export function equal(a, b) {
  if (a.length !== b.length) return false;
  let d = 0;
  for (let i = 0; i < a.length; i++) d |= a[i] ^ b[i];
  return d === 0;
}

export function cat(...parts) {
  let n = 0;
  for (const p of parts) n += p.length;
  const out = new Uint8Array(n);
  n = 0;
  for (const p of parts) { out.set(p, n); n += p.length; }
  return out;
}

/** A number of size bytes, big-endian; none is above 2^53 - 1. */
export function number(n, size) {
  if (!Number.isSafeInteger(n) || n < 0 || (size < 7 && n >= 2 ** (8 * size))) throw new RangeError("no such number");
  const out = new Uint8Array(size);
  for (let i = size - 1; i >= 0; i--) { out[i] = n % 256; n = Math.floor(n / 256); }
  return out;
}

/** Parts joined without ambiguity, each behind its length. A text is its UTF-8. */
export const joined = (...parts) => cat(...parts.flatMap((p) => { if (typeof p === "string") p = bytes(p); return [number(p.length, 4), p]; }));

export const short = (s) => { const b = bytes(s); return cat(number(b.length, 1), b); };

/** Reads big-endian fields; what is not there throws. */
export class Reader {
  constructor(b) { this.b = b; this.at = 0; }
  take(n) {
    if (this.at + n > this.b.length) throw new RangeError("cut off");
    this.at += n;
    return this.b.subarray(this.at - n, this.at);
  }
  number(size) {
    let n = 0;
    for (const x of this.take(size)) n = n * 256 + x;
    if (!Number.isSafeInteger(n)) throw new RangeError("no such number");
    return n;
  }
  text() { return text(this.take(this.number(1))); }
  magic(s) { if (!equal(this.take(s.length), bytes(s))) throw new RangeError("another format"); }
  framed(s) { this.magic(s); return this.take(this.number(2)); }
  end() { if (this.at !== this.b.length) throw new RangeError("more than there should be"); }
}

// ---- SHA-256 (FIPS 180-4)

const K = new Uint32Array(64), H0 = new Uint32Array(8);
{
  // Fractions of the roots of the first primes.
  let n = 0;
  for (let c = 2; n < 64; c++) {
    let prime = true;
    for (let d = 2; d * d <= c; d++) if (c % d === 0) { prime = false; break; }
    if (!prime) continue;
    if (n < 8) H0[n] = Math.floor((Math.sqrt(c) % 1) * 2 ** 32);
    K[n++] = Math.floor((Math.cbrt(c) % 1) * 2 ** 32);
  }
}

const W = new Uint32Array(64);
export function sha256(b) {
  const padded = new Uint8Array((b.length + 72) & ~63), view = new DataView(padded.buffer), h = H0.slice();
  padded.set(b);
  padded[b.length] = 0x80;
  view.setUint32(padded.length - 8, Math.floor(b.length / 2 ** 29));
  view.setUint32(padded.length - 4, (b.length << 3) >>> 0);
  for (let at = 0; at < padded.length; at += 64) {
    for (let i = 0; i < 16; i++) W[i] = view.getUint32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const x = W[i - 15], y = W[i - 2];
      W[i] = W[i - 16] + W[i - 7] + (((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)) + (((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10));
    }
    let a = h[0], b2 = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];
    for (let i = 0; i < 64; i++) {
      const t = (k + (((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))) + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
      const u = ((((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))) + ((a & b2) ^ (a & c) ^ (b2 & c))) | 0;
      k = g; g = f; f = e; e = (d + t) | 0; d = c; c = b2; b2 = a; a = (t + u) | 0;
    }
    h[0] += a; h[1] += b2; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += k;
  }
  const out = new Uint8Array(32), o = new DataView(out.buffer);
  h.forEach((x, i) => o.setUint32(4 * i, x));
  return out;
}

/** HMAC-SHA-256 with a key of at most 64 bytes. */
export function hmac(key, message) {
  const k = new Uint8Array(64);
  k.set(key);
  const inner = new Uint8Array(64 + message.length), outer = new Uint8Array(96);
  for (let i = 0; i < 64; i++) { inner[i] = k[i] ^ 0x36; outer[i] = k[i] ^ 0x5c; }
  inner.set(message, 64);
  outer.set(sha256(inner), 64);
  return sha256(outer);
}

/** The root of the RFC 6962 tree over leaves' data. */
export function root(leaves) {
  if (!leaves.length) return sha256(new Uint8Array(0));
  let row = leaves.map((l) => sha256(cat([0], l)));
  while (row.length > 1) {
    const next = [];
    for (let i = 0; i + 1 < row.length; i += 2) next.push(sha256(cat([1], row[i], row[i + 1])));
    if (row.length % 2) next.push(row[row.length - 1]);
    row = next;
  }
  return row[0];
}
