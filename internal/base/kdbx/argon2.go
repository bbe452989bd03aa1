package kdbx

import (
	"encoding/binary"
	"hash"
	"math/bits"

	"golang.org/x/crypto/blake2b"
)

// The types of Argon2 (RFC 9106, section 3.1) that KDBX uses.
const (
	argon2d  = 0
	argon2id = 2
)

// argon2Of is what Argon2 is given beside the password.
type argon2Of struct {
	kind    uint32 // argon2d or argon2id
	version uint32 // 0x10 or 0x13
	lanes   uint32
	memory  uint32 // KiB
	passes  uint32
	salt    []byte
	secret  []byte
	data    []byte
}

// block is 1 KiB of Argon2's memory.
type block [128]uint64

// key derives n bytes. RFC 9106, section 3.2. The lanes are filled one after the other:
// a database is opened once, and other work goes on beside it.
func (a argon2Of) key(password []byte, n uint32) []byte {
	h := new512()
	for _, v := range []uint32{a.lanes, n, a.memory, a.passes, a.version, a.kind} {
		put32(h, v)
	}
	for _, b := range [][]byte{password, a.salt, a.secret, a.data} {
		put32(h, uint32(len(b))) // #nosec G115 -- bounded by the file
		h.Write(b)
	}
	h0 := h.Sum(nil)
	a.memory = a.memory / (4 * a.lanes) * (4 * a.lanes)
	m := a.memory
	perLane := m / a.lanes
	mem := make([]block, m)
	for lane := range a.lanes {
		for i := range uint32(2) {
			in := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(append([]byte{}, h0...), i), lane)
			mem[lane*perLane+i].set(longHash(in, 1024))
		}
	}
	for pass := range a.passes {
		for slice := range uint32(4) {
			for lane := range a.lanes {
				a.segment(mem, pass, slice, lane)
			}
		}
	}
	last := mem[perLane-1]
	for lane := uint32(1); lane < a.lanes; lane++ {
		for i, v := range mem[lane*perLane+perLane-1] {
			last[i] ^= v
		}
	}
	return longHash(last.bytes(), n)
}

// segment fills a quarter of a lane. RFC 9106, section 3.4.
func (a argon2Of) segment(mem []block, pass, slice, lane uint32) {
	perLane := a.memory / a.lanes
	size := perLane / 4
	independent := a.kind == argon2id && pass == 0 && slice < 2
	var in, addresses, zero block
	in[0], in[1], in[2], in[3], in[4], in[5] = uint64(pass), uint64(lane), uint64(slice), uint64(a.memory), uint64(a.passes), uint64(a.kind)
	next := func() {
		in[6]++
		addresses.mix(&in, &zero, false)
		addresses.mix(&addresses, &zero, false)
	}
	first := uint32(0)
	if pass == 0 && slice == 0 {
		first = 2
		if independent {
			next()
		}
	}
	for i := first; i < size; i++ {
		at := lane*perLane + slice*size + i
		before := at - 1
		if slice == 0 && i == 0 {
			before += perLane
		}
		random := mem[before][0]
		if independent {
			if i%128 == 0 {
				next()
			}
			random = addresses[i%128]
		}
		from := a.reference(random, pass, slice, lane, i)
		mem[at].mix(&mem[before], &mem[from], pass > 0 && a.version == 0x13)
	}
}

// reference chooses the block to mix in. RFC 9106, section 3.4.2.
func (a argon2Of) reference(random uint64, pass, slice, lane, i uint32) uint32 {
	perLane := a.memory / a.lanes
	size := perLane / 4
	from := uint32(random>>32) % a.lanes
	if pass == 0 && slice == 0 {
		from = lane
	}
	area, start := 3*size, (slice+1)%4*size
	if pass == 0 {
		area, start = slice*size, 0
	}
	if from == lane {
		area += i
	}
	if i == 0 || from == lane {
		area--
	}
	x := random & 0xffffffff
	x = x * x >> 32
	x = uint64(area) * x >> 32
	return from*perLane + (start+area-1-uint32(x))%perLane // #nosec G115 -- x is below area
}

// mix is the compression function G. RFC 9106, section 3.5.
func (b *block) mix(x, y *block, keep bool) {
	var r block
	for i := range r {
		r[i] = x[i] ^ y[i]
	}
	q := r
	for i := 0; i < 128; i += 16 {
		round(&q, i, i+1, i+2, i+3, i+4, i+5, i+6, i+7, i+8, i+9, i+10, i+11, i+12, i+13, i+14, i+15)
	}
	for i := 0; i < 16; i += 2 {
		round(&q, i, i+1, i+16, i+17, i+32, i+33, i+48, i+49, i+64, i+65, i+80, i+81, i+96, i+97, i+112, i+113)
	}
	for i := range b {
		v := q[i] ^ r[i]
		if keep {
			v ^= b[i]
		}
		b[i] = v
	}
}

// round is the permutation P. RFC 9106, section 3.6.
func round(b *block, v ...int) {
	var x [16]uint64
	for i, at := range v {
		x[i] = b[at]
	}
	x[0], x[4], x[8], x[12] = quarter(x[0], x[4], x[8], x[12])
	x[1], x[5], x[9], x[13] = quarter(x[1], x[5], x[9], x[13])
	x[2], x[6], x[10], x[14] = quarter(x[2], x[6], x[10], x[14])
	x[3], x[7], x[11], x[15] = quarter(x[3], x[7], x[11], x[15])
	x[0], x[5], x[10], x[15] = quarter(x[0], x[5], x[10], x[15])
	x[1], x[6], x[11], x[12] = quarter(x[1], x[6], x[11], x[12])
	x[2], x[7], x[8], x[13] = quarter(x[2], x[7], x[8], x[13])
	x[3], x[4], x[9], x[14] = quarter(x[3], x[4], x[9], x[14])
	for i, at := range v {
		b[at] = x[i]
	}
}

func quarter(p, q, r, s uint64) (uint64, uint64, uint64, uint64) {
	p = plus(p, q)
	s = bits.RotateLeft64(s^p, -32)
	r = plus(r, s)
	q = bits.RotateLeft64(q^r, -24)
	p = plus(p, q)
	s = bits.RotateLeft64(s^p, -16)
	r = plus(r, s)
	q = bits.RotateLeft64(q^r, -63)
	return p, q, r, s
}

func plus(a, b uint64) uint64 { return a + b + 2*(a&0xffffffff)*(b&0xffffffff) }

// longHash is H'. RFC 9106, section 3.3.
func longHash(in []byte, n uint32) []byte {
	first := binary.LittleEndian.AppendUint32(nil, n)
	if n <= 64 {
		h, err := blake2b.New(int(n), nil)
		if err != nil { // only for a size that is not below 64
			panic(err)
		}
		h.Write(first)
		h.Write(in)
		return h.Sum(nil)
	}
	h := new512()
	h.Write(first)
	h.Write(in)
	v := h.Sum(nil)
	out := append([]byte{}, v[:32]...)
	for left := n - 32; left > 64; left -= 32 {
		sum := blake2b.Sum512(v)
		v = sum[:]
		out = append(out, v[:32]...)
	}
	last, err := blake2b.New(int(n)-len(out), nil)
	if err != nil { // only for a size that is not below 64
		panic(err)
	}
	last.Write(v)
	return last.Sum(out)
}

func new512() hash.Hash {
	h, err := blake2b.New512(nil)
	if err != nil { // only for a key that is too long
		panic(err)
	}
	return h
}

func put32(h hash.Hash, v uint32) { h.Write(binary.LittleEndian.AppendUint32(nil, v)) }

func (b *block) set(in []byte) {
	for i := range b {
		b[i] = binary.LittleEndian.Uint64(in[8*i:])
	}
}

func (b *block) bytes() (out []byte) {
	for _, v := range b {
		out = binary.LittleEndian.AppendUint64(out, v)
	}
	return out
}
