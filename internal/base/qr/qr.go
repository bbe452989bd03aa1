// Package qr draws QR codes (ISO/IEC 18004) of short texts.
//
// Always true: a code holds its text as bytes, at the error correction level M,
// in the smallest version that takes it, with the mask of the least penalty; the
// same text gives the same code.
package qr

import (
	"strconv"

	"strongroom/internal/base/fault"
)

// Code is a square of dark and light modules.
type Code struct {
	Size int // modules on a side, without the quiet zone

	version  int
	dark     []bool
	function []bool // modules that are no data
}

// Dark tells whether a module is dark; outside of the square all is light.
func (c *Code) Dark(x, y int) bool {
	return x >= 0 && y >= 0 && x < c.Size && y < c.Size && c.dark[y*c.Size+x]
}

// quiet is the width of the light border that readers need.
const quiet = 4

// Side is the length of a side of what Path draws, in modules.
func (c *Code) Side() int { return c.Size + 2*quiet }

// Path gives the dark modules as the data of an SVG path, one unit a module, in
// a box of Side by Side.
func (c *Code) Path() string {
	var b []byte
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			if !c.Dark(x, y) {
				continue
			}
			n := 1
			for c.Dark(x+n, y) {
				n++
			}
			w := int64(n)
			b = append(b, 'M')
			b = strconv.AppendInt(b, int64(x+quiet), 10)
			b = append(b, ' ')
			b = strconv.AppendInt(b, int64(y+quiet), 10)
			b = append(b, 'h')
			b = strconv.AppendInt(b, w, 10)
			b = append(b, "v1h-"...)
			b = strconv.AppendInt(b, w, 10)
			b = append(b, 'z')
			x += n
		}
	}
	return string(b)
}

// versions is the largest version that is drawn; it takes 666 bytes.
const versions = 20

// eccLength and blocks are, for level M, the error correction codewords of a block
// and the number of blocks, by version (table 9 of the standard).
func eccLength(v int) int {
	return [versions + 1]int{0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26}[v]
}

func blocks(v int) int {
	return [versions + 1]int{0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16}[v]
}

// codewords is how many codewords of data and error correction a version holds.
func codewords(v int) int {
	n := (16*v+128)*v + 64
	if v >= 2 {
		a := v/7 + 2
		n -= (25*a-10)*a - 55
	}
	if v >= 7 {
		n -= 36
	}
	return n / 8
}

func dataWords(v int) int { return codewords(v) - eccLength(v)*blocks(v) }

// Encode makes the code of a text. Invalid when it is longer than 666 bytes.
func Encode(text string) (*Code, error) {
	v := 1
	for v <= versions && 4+lengthBits(v)+8*len(text) > 8*dataWords(v) {
		v++
	}
	if v > versions {
		return nil, fault.New(fault.Invalid, "The text is too long for a QR code.")
	}
	c := &Code{Size: 17 + 4*v, version: v}
	c.dark, c.function = make([]bool, c.Size*c.Size), make([]bool, c.Size*c.Size)
	c.drawFunction()
	c.place(protect(pack(text, v), v))
	best, least := 0, -1
	for mask := range 8 {
		c.mask(mask)
		c.drawFormat(mask)
		if p := c.penalty(); least < 0 || p < least {
			best, least = mask, p
		}
		c.mask(mask) // a second time takes it away
	}
	c.mask(best)
	c.drawFormat(best)
	return c, nil
}

func lengthBits(v int) int {
	if v < 10 {
		return 8
	}
	return 16
}

// pack gives the data codewords: mode, length, text, end and padding.
func pack(text string, v int) []byte {
	var w bits
	w.add(4, 4) // byte mode
	w.add(len(text), lengthBits(v))
	for i := range len(text) {
		w.add(int(text[i]), 8)
	}
	room := 8 * dataWords(v)
	w.add(0, min(4, room-w.n))
	w.add(0, (8-w.n%8)%8)
	for pad := 0xec; w.n < room; pad ^= 0xec ^ 0x11 {
		w.add(pad, 8)
	}
	return w.b
}

type bits struct {
	b []byte
	n int
}

func (w *bits) add(value, count int) {
	for i := count - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(value>>i&1) << (7 - w.n%8)
		w.n++
	}
}

// protect splits data into blocks, adds their error correction and interleaves them.
func protect(data []byte, v int) []byte {
	n, ecc, total := blocks(v), eccLength(v), codewords(v)
	short := n - total%n
	length := total/n - ecc // of the data of a short block
	generator := divisor(ecc)
	var parts, checks [][]byte
	for i, at := 0, 0; i < n; i++ {
		size := length
		if i >= short {
			size++
		}
		part := data[at : at+size]
		at += size
		parts, checks = append(parts, part), append(checks, remainder(part, generator))
	}
	var out []byte
	for i := range length + 1 {
		for _, p := range parts {
			if i < len(p) {
				out = append(out, p[i])
			}
		}
	}
	for i := range ecc {
		for _, c := range checks {
			out = append(out, c[i])
		}
	}
	return out
}

// multiply is the product in the field of 256 elements with the polynomial 0x11d.
func multiply(x, y byte) byte {
	z := 0
	for i := 7; i >= 0; i-- {
		z = z<<1 ^ z>>7*0x11d
		z ^= int(y>>i&1) * int(x)
	}
	return byte(z) // #nosec G115 -- the reduction keeps it within a byte
}

// divisor gives the generator polynomial of a degree, without its leading 1.
func divisor(degree int) []byte {
	out := make([]byte, degree)
	out[degree-1] = 1
	root := byte(1)
	for range degree {
		for j := range out {
			out[j] = multiply(out[j], root)
			if j+1 < degree {
				out[j] ^= out[j+1]
			}
		}
		root = multiply(root, 2)
	}
	return out
}

func remainder(data, divisor []byte) []byte {
	out := make([]byte, len(divisor))
	for _, b := range data {
		factor := b ^ out[0]
		copy(out, out[1:])
		out[len(out)-1] = 0
		for i, d := range divisor {
			out[i] ^= multiply(d, factor)
		}
	}
	return out
}
