package envelope

import (
	"encoding/binary"
	"unicode/utf8"
)

// cursor reads big-endian fields; after the first field that is not there,
// bad is true and every further field is zero.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if c.bad || n < 0 || n > len(c.b) {
		c.bad = true
		return nil
	}
	p := c.b[:n:n]
	c.b = c.b[n:]
	return p
}

func (c *cursor) u8() uint8 {
	if p := c.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if p := c.take(2); p != nil {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if p := c.take(4); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if p := c.take(8); p != nil {
		return binary.BigEndian.Uint64(p)
	}
	return 0
}

// i64 reads a number that may not be negative.
func (c *cursor) i64() int64 {
	n := int64(c.u64())
	if n < 0 {
		c.bad = true
		return 0
	}
	return n
}

func (c *cursor) text() string {
	p := c.take(int(c.u8()))
	if !utf8.Valid(p) {
		c.bad = true
	}
	return string(p)
}

func (c *cursor) into(dst []byte) { copy(dst, c.take(len(dst))) }

// done tells whether everything was there and nothing is left.
func (c *cursor) done() bool { return !c.bad && len(c.b) == 0 }

func appendText(b []byte, s string) []byte {
	return append(append(b, byte(len(s))), s...)
}
