package wire

import (
	"encoding/binary"

	"strongroom/internal/base/fault"

	"golang.org/x/crypto/cryptobyte"
)

// The first bytes of compact frames; a frame of JSON begins with a brace.
const (
	compactRequest  = 0x01
	compactResponse = 0x02
)

// compactCalls are the calls that have a compact form; their place is their number.
func compactCalls() []string { return []string{CallUnwrap, CallUnwrapMany, CallSealedUnwrap} }

// compact appends r in its compact form; ok is false when it has none.
func (r Request) compact(b []byte) (_ []byte, ok bool) {
	t := r.Args.Ticket
	if t == nil || len(r.Args.Items) > MaxItems || len(r.Args.Ephemeral) > 0xffff {
		return b, false
	}
	for i, name := range compactCalls() {
		if ok = name == r.Call; ok {
			b = append(b, compactRequest, byte(i))
			break
		}
	}
	if !ok {
		return b, false
	}
	b = binary.BigEndian.AppendUint64(b, r.ID)
	if b, ok = t.compact(b); !ok {
		return b, false
	}
	b = appendBytes(b, r.Args.Ephemeral)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Args.Items)))
	for _, item := range r.Args.Items {
		w := item.Recipient
		if len(item.Header) > 0xffff || len(w.KeyID) > 0xffff || len(w.Wrapped) > 0xffff {
			return b, false
		}
		b = appendBytes(b, item.Header)
		b = binary.BigEndian.AppendUint16(b, w.Type)
		b = appendBytes(b, w.KeyID)
		b = binary.BigEndian.AppendUint32(b, w.Generation)
		b = appendBytes(b, w.Wrapped)
	}
	return b, true
}

func (t *Ticket) compact(b []byte) (_ []byte, ok bool) {
	for _, s := range t.texts() {
		if len(*s) > maxTicketText {
			return b, false
		}
		b = append(append(b, byte(len(*s))), *s...)
	}
	for _, n := range []int64{t.Subject, t.Object, t.Time, int64(t.AuthLevel), t.AuditSeq} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	b = binary.BigEndian.AppendUint32(b, t.Version)
	b = append(b, t.AuditLeaf[:]...)
	if t.Bulk {
		return append(b, 1), true
	}
	return append(b, 0), true
}

// texts are the ticket's texts in the order of the compact form.
func (t *Ticket) texts() [6]*string {
	return [6]*string{&t.Tenant, &t.Session, &t.Action, &t.Kind, &t.Field, &t.Reason}
}

func appendBytes(b, p []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(p))), p...)
}

// compact appends r in its compact form; ok is false when it has none.
func (r Response) compact(b []byte) (_ []byte, ok bool) {
	if r.Error != nil || r.Result == nil || len(r.Result.Keys) == 0 || len(r.Result.Keys) > MaxItems {
		return b, false
	}
	b = append(b, compactResponse)
	b = binary.BigEndian.AppendUint64(b, r.ID)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Result.Keys)))
	for _, k := range r.Result.Keys {
		if len(k) > 0xffff {
			return b, false
		}
		b = appendBytes(b, k)
	}
	return b, true
}

// expand reads the compact form.
func (r *Request) expand(p []byte) error {
	s := cryptobyte.String(p)
	var first, call uint8
	var n uint16
	t := &Ticket{}
	var ephemeral []byte
	ok := s.ReadUint8(&first) && first == compactRequest && s.ReadUint8(&call) && int(call) < len(compactCalls()) &&
		s.ReadUint64(&r.ID) && t.expand(&s) && readBytes(&s, &ephemeral) && s.ReadUint16(&n) && n <= MaxItems
	if !ok {
		return garbled()
	}
	r.Call, r.Args = compactCalls()[call], Args{Ticket: t, Ephemeral: ephemeral, Items: make([]Item, n)}
	for i := range r.Args.Items {
		item := &r.Args.Items[i]
		w := &item.Recipient
		if !readBytes(&s, &item.Header) || !s.ReadUint16(&w.Type) || !readBytes(&s, &w.KeyID) || !s.ReadUint32(&w.Generation) || !readBytes(&s, &w.Wrapped) {
			return garbled()
		}
	}
	if !s.Empty() {
		return garbled()
	}
	return nil
}

func (t *Ticket) expand(s *cryptobyte.String) bool {
	for _, text := range t.texts() {
		var p cryptobyte.String
		if !s.ReadUint8LengthPrefixed(&p) {
			return false
		}
		*text = string(p)
	}
	var level int64
	for _, n := range []*int64{&t.Subject, &t.Object, &t.Time, &level, &t.AuditSeq} {
		var u uint64
		if !s.ReadUint64(&u) {
			return false
		}
		*n = int64(u)
	}
	t.AuthLevel = int(level)
	var bulk uint8
	ok := s.ReadUint32(&t.Version) && s.CopyBytes(t.AuditLeaf[:]) && s.ReadUint8(&bulk) && bulk <= 1
	t.Bulk = bulk == 1
	return ok
}

// readBytes reads a copy, so that the frame can be cleared.
func readBytes(s *cryptobyte.String, out *[]byte) bool {
	var p cryptobyte.String
	ok := s.ReadUint16LengthPrefixed(&p)
	*out = append([]byte(nil), p...)
	return ok
}

// expand reads the compact form.
func (r *Response) expand(p []byte) error {
	s := cryptobyte.String(p)
	var first uint8
	var n uint16
	if !s.ReadUint8(&first) || first != compactResponse || !s.ReadUint64(&r.ID) || !s.ReadUint16(&n) || n == 0 || n > MaxItems {
		return garbled()
	}
	r.Result = &Result{Keys: make([]Secret, n)}
	for i := range r.Result.Keys {
		if !readBytes(&s, (*[]byte)(&r.Result.Keys[i])) {
			return garbled()
		}
	}
	if !s.Empty() {
		return garbled()
	}
	return nil
}

func garbled() error {
	return fault.New(fault.Invalid, "A message to or from the key service is not understood.").WithHint("Both sides must be of the same version.")
}
