// Package shamir splits a secret so that some of the shares give it again, and fewer
// give nothing.
//
// Always true: each byte of the secret is the value at 0 of a polynomial over GF(256),
// the field of AES (x^8 + x^4 + x^3 + x + 1), whose other coefficients are random; a
// share is the values at one number from 1 to 255; no step depends on a secret byte in
// what it looks up or branches on. A share says nothing of whether it is right: who
// uses this commits to the shares and to the secret.
package shamir

import (
	"crypto/rand"

	"strongroom/internal/base/fault"
)

// Most is how many shares there are at most.
const Most = 255

// Split gives n shares of which any m give the secret: the i-th is the values at i+1.
func Split(secret []byte, n, m int) ([][]byte, error) {
	if m < 1 || n < m || n > Most || len(secret) == 0 {
		return nil, fault.New(fault.Internal, "A secret cannot be split into %d shares of which %d are needed.", n, m)
	}
	shares := make([][]byte, n)
	for i := range shares {
		shares[i] = make([]byte, len(secret))
	}
	c := make([]byte, m) // of one polynomial, the constant first
	defer clear(c)
	for at, b := range secret {
		rand.Read(c[1:])
		c[0] = b
		for i := range shares {
			y := byte(0)
			for k := m - 1; k >= 0; k-- {
				y = Mul(y, byte(i+1)) ^ c[k]
			}
			shares[i][at] = y
		}
	}
	return shares, nil
}

// Combine gives the secret from shares by their numbers. Fewer than were needed, or an
// altered one, give other bytes and no error. Invalid for what are no shares.
func Combine(shares map[byte][]byte) ([]byte, error) {
	size := -1
	for x, y := range shares {
		if x == 0 || len(y) == 0 || size >= 0 && len(y) != size {
			return nil, fault.New(fault.Invalid, "These are not shares of one secret.")
		}
		size = len(y)
	}
	if size < 0 {
		return nil, fault.New(fault.Invalid, "There are no shares.")
	}
	out := make([]byte, size)
	for x, y := range shares {
		part := byte(1) // of this share at 0
		for other := range shares {
			if other != x {
				part = Mul(part, Mul(other, inverse(other^x)))
			}
		}
		for i, b := range y {
			out[i] ^= Mul(b, part)
		}
	}
	return out, nil
}

// Mul multiplies in the field.
func Mul(a, b byte) (p byte) {
	for range 8 {
		p ^= -(b & 1) & a
		a = a<<1 ^ -(a>>7)&0x1b
		b >>= 1
	}
	return p
}

// inverse is the power of 254; that of 0 is 0.
func inverse(a byte) byte {
	out := byte(1)
	for range 7 {
		a = Mul(a, a)
		out = Mul(out, a)
	}
	return out
}
