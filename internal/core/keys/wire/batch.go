package wire

import (
	"encoding/binary"

	"golang.org/x/crypto/cryptobyte"
)

// The first bytes of frames with several requests or responses.
const (
	batchRequest  = 0x03
	batchResponse = 0x04
)

// MaxTogether is how many requests one frame may hold.
const MaxTogether = 8

// Batch is what one frame asks: one request in either form, or several unwraps in
// their compact form.
type Batch []Request

// Answers are the responses to a Batch, in the order of its requests.
type Answers []Response

// Joins tells whether r may stand in a frame with others: an unwrap of one secret of
// usual size that has a compact form.
func (r Request) Joins() bool {
	if r.Args.Ticket == nil || len(r.Args.Items) != 1 || r.Args.Ticket.Check() != nil {
		return false
	}
	i := r.Args.Items[0]
	return len(i.Header)+len(i.Recipient.KeyID)+len(i.Recipient.Wrapped)+len(r.Args.Ephemeral) <= maxJoined
}

// maxJoined bounds what a request may have beside its ticket to go with others, so that
// a frame of them never is too long.
const maxJoined = 1 << 14

// appendEach appends the count and each with its length, in the form that it asks for.
func appendEach[T Request | Response](p []byte, list []T) ([]byte, error) {
	p = append(p, byte(len(list)))
	for _, v := range list {
		at := len(p)
		var err error
		if p, err = encode(append(p, 0, 0, 0, 0), v); err != nil {
			return p, err
		}
		binary.BigEndian.PutUint32(p[at:], uint32(len(p)-at-4))
	}
	return p, nil
}

// expand reads one request, or several.
func (b *Batch) expand(p []byte) error {
	if p[0] != batchRequest {
		*b = make(Batch, 1)
		return decode(p, &(*b)[0])
	}
	list, err := expandEach[Request](p)
	for _, r := range list {
		if err == nil && !r.Compact {
			err = garbled()
		}
	}
	*b = list
	return err
}

// expand reads one response, or several.
func (a *Answers) expand(p []byte) error {
	if p[0] != batchResponse {
		*a = make(Answers, 1)
		return decode(p, &(*a)[0])
	}
	list, err := expandEach[Response](p)
	*a = list
	return err
}

func expandEach[T Request | Response](p []byte) ([]T, error) {
	s := cryptobyte.String(p[1:])
	var n uint8
	if !s.ReadUint8(&n) || n < 2 || n > MaxTogether {
		return nil, garbled()
	}
	list := make([]T, n)
	for i := range list {
		var size uint32
		var part []byte
		if !s.ReadUint32(&size) || size == 0 || int64(size) > int64(len(s)) || !s.ReadBytes(&part, int(size)) {
			return nil, garbled()
		}
		if err := decode(part, &list[i]); err != nil {
			return nil, err
		}
	}
	if !s.Empty() {
		return nil, garbled()
	}
	return list, nil
}
