package ldap

import (
	"bufio"
	"encoding/binary"
	"io"

	"strongroom/internal/base/fault"
)

// The tags of what is sent and read (RFC 4511, section 4).
const (
	sequence     = 0x30
	integer      = 0x02
	octets       = 0x04
	enumerated   = 0x0a
	boolean      = 0x01
	set          = 0x31
	bindRequest  = 0x60
	bindAnswer   = 0x61
	unbind       = 0x42
	search       = 0x63
	searchEntry  = 0x64
	searchDone   = 0x65
	searchRefers = 0x73
	modify       = 0x66
	modifyAnswer = 0x67
	extended     = 0x77
	extAnswer    = 0x78
	simple       = 0x80 // the simple choice of a bind; also [0] of other things
	context1     = 0x81
	context2     = 0x82
	present      = 0x87 // the filter (attribute=*)
)

// The result codes that are told apart (RFC 4511, appendix A).
const (
	success           = 0
	noSuchObject      = 32
	badCredentials    = 49
	inappropriateAuth = 48
	busy              = 51
	unavailable       = 52
)

// biggest is how many bytes a message has at most.
const biggest = 1 << 20

// el makes an element of a tag and its parts.
func el(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := []byte{tag}
	if n < 0x80 {
		out = append(out, byte(n)) // #nosec G115 -- below 128
	} else {
		out = binary.BigEndian.AppendUint32(append(out, 0x84), uint32(n)) // #nosec G115 -- passwords and names, some hundred bytes
	}
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func text(tag byte, s string) []byte { return el(tag, []byte(s)) }

// split parts the first element of b from the rest. Lengths may be written longer than
// they need to be, as some servers do.
func split(b []byte) (tag byte, body, rest []byte, ok bool) {
	if len(b) < 2 || b[0]&0x1f == 0x1f { // no tag of LDAP is that large
		return 0, nil, nil, false
	}
	n, at := int(b[1]), 2
	if n >= 0x80 {
		more := n & 0x7f
		if more == 0 || more > 4 || len(b) < 2+more {
			return 0, nil, nil, false
		}
		n = 0
		for _, x := range b[2 : 2+more] {
			n = n<<8 | int(x)
		}
		at += more
	}
	if n < 0 || n > biggest || len(b)-at < n {
		return 0, nil, nil, false
	}
	return b[0], b[at : at+n], b[at+n:], true
}

// errStrange is that the other side does not speak LDAP.
func errStrange() error {
	return fault.New(fault.Unavailable, "The other side does not speak LDAP.")
}

// read reads one message whole.
func read(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(2)
	if err != nil {
		return nil, err
	}
	if head[0] != sequence {
		return nil, errStrange()
	}
	size := 2
	if head[1] >= 0x80 {
		size += int(head[1] & 0x7f)
	}
	if size > 6 || head[1] == 0x80 {
		return nil, errStrange()
	}
	if head, err = r.Peek(size); err != nil {
		return nil, err
	}
	n := 0
	if size == 2 {
		n = int(head[1])
	}
	for _, x := range head[2:] {
		n = n<<8 | int(x)
	}
	if n < 0 || n > biggest {
		return nil, errStrange()
	}
	b := make([]byte, size+n)
	_, err = io.ReadFull(r, b)
	return b, err
}

// answer gives the number of a message, what it is and, of an end, its result code.
func answer(b []byte) (number int, tag byte, code int, err error) {
	_, b, _, ok := split(b)
	if !ok {
		return 0, 0, 0, errStrange()
	}
	kind, id, b, ok := split(b)
	if !ok || kind != integer || len(id) == 0 || len(id) > 4 {
		return 0, 0, 0, errStrange()
	}
	for _, x := range id {
		number = number<<8 | int(x)
	}
	tag, b, _, ok = split(b)
	if !ok {
		return 0, 0, 0, errStrange()
	}
	if tag == searchEntry || tag == searchRefers {
		return number, tag, success, nil
	}
	kind, result, _, ok := split(b)
	if !ok || kind != enumerated || len(result) != 1 {
		return 0, 0, 0, errStrange()
	}
	return number, tag, int(result[0]), nil
}
