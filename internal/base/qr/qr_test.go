package qr_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/qr"
)

// TestEncode: what a reader that knows only the standard finds in a code is the text,
// in every version, and each block of it divides by the generator polynomial.
func TestEncode(t *testing.T) {
	for _, n := range []int{0, 1, 14, 15, 60, 61, 84, 85, 106, 122, 152, 180, 213, 214, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666} {
		text := strings.Repeat("otpauth://totp/Strongroom%20Northbeam:ines@northbeam.example?secret=", 10)[:n]
		c, err := qr.Encode(text)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if got, err := read(c); err != nil || got != text {
			t.Errorf("%d bytes in %d modules: read %q, %v", n, c.Size, got, err)
		}
	}
	if _, err := qr.Encode(strings.Repeat("x", 667)); !fault.Is(err, fault.Invalid) {
		t.Errorf("what is too long: %v", err)
	}
}

// TestPath: the path holds each dark module once, inside the quiet zone.
func TestPath(t *testing.T) {
	c, err := qr.Encode("strongroom")
	if err != nil {
		t.Fatal(err)
	}
	dark, drawn := 0, 0
	for y := range c.Size {
		for x := range c.Size {
			if c.Dark(x, y) {
				dark++
			}
		}
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(c.Path(), "z"), "z") {
		var x, y, w, back int
		if _, err := fmt.Sscanf(part, "M%d %dh%dv1h-%d", &x, &y, &w, &back); err != nil || w != back || x < 4 || y < 4 || x+w > c.Side()-4 {
			t.Fatalf("%q: %v", part, err)
		}
		drawn += w
	}
	if drawn != dark || dark == 0 {
		t.Errorf("%d modules are drawn, %d are dark", drawn, dark)
	}
}

func FuzzEncode(f *testing.F) {
	f.Add("strongroom")
	f.Add("\x00\xff")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := qr.Encode(text)
		if err != nil {
			if len(text) <= 666 {
				t.Fatal(err)
			}
			return
		}
		if got, err := read(c); err != nil || got != text {
			t.Fatalf("read %q, %v", got, err)
		}
	})
}

// read reads a code as a scanner does once it has found its modules: level and mask
// from the format word, the codewords along the columns, the blocks, the bytes.
func read(c *qr.Code) (string, error) {
	version := (c.Size - 17) / 4
	format := 0
	for i, at := range [][2]int{{8, 0}, {8, 1}, {8, 2}, {8, 3}, {8, 4}, {8, 5}, {8, 7}, {8, 8}, {7, 8}, {5, 8}, {4, 8}, {3, 8}, {2, 8}, {1, 8}, {0, 8}} {
		if c.Dark(at[0], at[1]) {
			format |= 1 << i
		}
	}
	level, mask := -1, 0
	for v := range 32 {
		if bch(v) == format {
			level, mask = v>>3, v&7
		}
	}
	if level != 0 {
		return "", fmt.Errorf("the format word is %015b", format)
	}
	words := walk(c, version, mask)
	shape := shapes[version-1]
	blocks := make([][]byte, shape.blocks)
	data := shape.data / shape.blocks
	long := shape.data % shape.blocks
	at := 0
	for i := range data + 1 {
		for b := range blocks {
			if i < data || b >= shape.blocks-long {
				blocks[b] = append(blocks[b], words[at])
				at++
			}
		}
	}
	var all []byte
	for b := range blocks {
		all = append(all, blocks[b]...)
	}
	for range shape.ecc {
		for b := range blocks {
			blocks[b] = append(blocks[b], words[at])
			at++
		}
	}
	for b := range blocks {
		if s := syndromes(blocks[b], shape.ecc); !bytes.Equal(s, make([]byte, shape.ecc)) {
			return "", fmt.Errorf("block %d does not divide", b)
		}
	}
	if at != len(words) {
		return "", fmt.Errorf("%d codewords of %d", at, len(words))
	}
	return unpack(all, version)
}

func unpack(all []byte, version int) (string, error) {
	bit := 0
	take := func(n int) (v int) {
		for range n {
			v = v<<1 | int(all[bit/8]>>(7-bit%8)&1)
			bit++
		}
		return v
	}
	if m := take(4); m != 4 {
		return "", fmt.Errorf("the mode is %d", m)
	}
	count := 8
	if version >= 10 {
		count = 16
	}
	var out []byte
	for range take(count) {
		out = append(out, byte(take(8)))
	}
	return string(out), nil
}

// bch gives the format word of level and mask (annex C).
func bch(v int) int {
	rem := v << 10
	for i := 14; i >= 10; i-- {
		if rem>>i&1 == 1 {
			rem ^= 0x537 << (i - 10)
		}
	}
	return (v<<10 | rem) ^ 0x5412
}

// shapes are data codewords, blocks and error correction codewords of a block at level
// M, and the places of alignment patterns, by version: tables 7, 9 and E.1.
var shapes = []struct {
	data, blocks, ecc int
	align             []int
}{
	{16, 1, 10, nil}, {28, 1, 16, []int{6, 18}}, {44, 1, 26, []int{6, 22}}, {64, 2, 18, []int{6, 26}}, {86, 2, 24, []int{6, 30}}, {108, 4, 16, []int{6, 34}},
	{124, 4, 18, []int{6, 22, 38}}, {154, 4, 22, []int{6, 24, 42}}, {182, 5, 22, []int{6, 26, 46}}, {216, 5, 26, []int{6, 28, 50}}, {254, 5, 30, []int{6, 30, 54}},
	{290, 8, 22, []int{6, 32, 58}}, {334, 9, 22, []int{6, 34, 62}}, {365, 9, 24, []int{6, 26, 46, 66}}, {415, 10, 24, []int{6, 26, 48, 70}}, {453, 10, 28, []int{6, 26, 50, 74}},
	{507, 11, 28, []int{6, 30, 54, 78}}, {563, 13, 26, []int{6, 30, 56, 82}}, {627, 14, 26, []int{6, 30, 58, 86}}, {669, 16, 26, []int{6, 34, 62, 90}},
}

// walk gives the codewords, unmasked.
func walk(c *qr.Code, version, mask int) []byte {
	var out []byte
	n := 0
	up := true
	for x := c.Size - 1; x > 0; x -= 2 {
		if x == 6 {
			x--
		}
		for i := range c.Size {
			y := i
			if up {
				y = c.Size - 1 - i
			}
			for _, at := range []int{x, x - 1} {
				if reserved(c.Size, version, at, y) {
					continue
				}
				if n%8 == 0 {
					out = append(out, 0)
				}
				if c.Dark(at, y) != inverted(mask, at, y) {
					out[n/8] |= 1 << (7 - n%8)
				}
				n++
			}
		}
		up = !up
	}
	return out[:n/8] // the rest are remainder bits
}

func reserved(size, version, x, y int) bool {
	if x == 6 || y == 6 || x < 9 && y < 9 || x >= size-8 && y < 9 || x < 9 && y >= size-8 {
		return true
	}
	if version >= 7 && (x >= size-11 && y < 6 || x < 6 && y >= size-11) {
		return true
	}
	at := shapes[version-1].align
	for i, ax := range at {
		for j, ay := range at {
			last := len(at) - 1
			if i == 0 && j == 0 || i == 0 && j == last || i == last && j == 0 {
				continue
			}
			if x >= ax-2 && x <= ax+2 && y >= ay-2 && y <= ay+2 {
				return true
			}
		}
	}
	return false
}

func inverted(mask, j, i int) bool { // the standard's names: i is the row
	switch mask {
	case 0:
		return (i+j)%2 == 0
	case 1:
		return i%2 == 0
	case 2:
		return j%3 == 0
	case 3:
		return (i+j)%3 == 0
	case 4:
		return (i/2+j/3)%2 == 0
	case 5:
		return i*j%2+i*j%3 == 0
	case 6:
		return (i*j%2+i*j%3)%2 == 0
	}
	return ((i+j)%2+i*j%3)%2 == 0
}

// syndromes evaluates a block at the powers of 2.
func syndromes(block []byte, n int) []byte {
	var exp [255]int
	log := map[int]int{}
	for i, x := 0, 1; i < 255; i++ {
		exp[i], log[x] = x, i
		if x <<= 1; x > 255 {
			x ^= 0x11d
		}
	}
	out := make([]byte, n)
	for k := range n {
		s := 0
		for _, b := range block {
			if s != 0 {
				s = exp[(log[s]+k)%255]
			}
			s ^= int(b)
		}
		out[k] = byte(s)
	}
	return out
}
