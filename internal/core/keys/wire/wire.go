// Package wire is the language between the application and the key service,
// written down in doc/formats/key-protocol.md.
//
// Always true: a frame is four bytes of length, big-endian, at most MaxFrame,
// and that many bytes of one JSON object, or of the compact form that unwraps
// and their answers have, or of several of these together; a frame is answered by
// one frame, each request by a response with the same id at the same place, before
// the next is read, in the form in which it was asked.
package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"log/slog"
	"net"

	"strongroom/internal/base/fault"
)

// MaxFrame is the longest content of a frame, in bytes.
const MaxFrame = 1 << 20

// MaxItems is how many items one call of UnwrapMany may hold.
const MaxItems = 256

// The calls.
const (
	CallStatus       = "status"
	CallUnseal       = "unseal"
	CallShare        = "unseal_share"
	CallSeal         = "seal"
	CallCreateTenant = "create_tenant"
	CallTenant       = "tenant"
	CallUnwrap       = "unwrap"
	CallUnwrapMany   = "unwrap_many"
	CallSealedUnwrap = "sealed_unwrap"
	CallSign         = "sign_checkpoint"
	CallRotate       = "rotate"
	CallShred        = "shred"
	CallGenerations  = "generations"
	CallRewrap       = "rewrap"
	CallRetire       = "retire"
)

// Request is one call.
type Request struct {
	ID   uint64 `json:"id"`
	Call string `json:"call"`
	Args Args   `json:"args"`

	Compact bool `json:"-"` // the form it is written in, where it has both
}

// Args are the arguments of every call; each uses the members it needs and
// ignores the others.
type Args struct {
	Root      Secret  `json:"root,omitempty"`      // unseal, and unseal_share: one share
	Tenant    string  `json:"tenant,omitempty"`    // create_tenant, tenant, sign_checkpoint, rotate, shred, generations
	Suite     string  `json:"suite,omitempty"`     // create_tenant, rotate; empty for the usual one
	Body      string  `json:"body,omitempty"`      // sign_checkpoint
	Ticket    *Ticket `json:"ticket,omitempty"`    // the unwrap calls, rewrap, retire
	Items     []Item  `json:"items,omitempty"`     // the unwrap calls, rewrap
	Ephemeral []byte  `json:"ephemeral,omitempty"` // sealed_unwrap

	Generation uint32 `json:"generation,omitempty"` // retire: the first that stays
}

// Response answers one Request; either Error or Result is set.
type Response struct {
	ID     uint64  `json:"id"`
	Result *Result `json:"result,omitempty"`
	Error  *Error  `json:"error,omitempty"`

	Compact bool `json:"-"` // as in Request
}

// Result is what came of a call; the calls not named here give an empty one.
type Result struct {
	Status     *Status   `json:"status,omitempty"`     // status
	Material   *Material `json:"material,omitempty"`   // tenant
	Keys       []Secret  `json:"keys,omitempty"`       // the unwrap calls, in the order of the items
	Note       string    `json:"note,omitempty"`       // sign_checkpoint
	Generation uint32    `json:"generation,omitempty"` // rotate
	Time       int64     `json:"time,omitempty"`       // shred, Unix milliseconds

	Left int `json:"left,omitempty"` // unseal_share: how many shares are still needed

	Generations []Generation `json:"generations,omitempty"` // generations, retire: oldest first
	Recipients  []Recipient  `json:"recipients,omitempty"`  // rewrap, in the order of the items
}

// Forget clears the keys in r.
func (r Response) Forget() {
	if r.Result == nil {
		return
	}
	for _, k := range r.Result.Keys {
		clear(k)
	}
}

// Error is a fault on its way.
type Error struct {
	Kind  string `json:"kind"`
	Text  string `json:"text"`
	Hint  string `json:"hint,omitempty"`
	After int64  `json:"after,omitempty"` // milliseconds, for "throttled" and "unavailable"
}

// Recipient is an envelope.Recipient on its way.
type Recipient struct {
	Type       uint16 `json:"type"`
	KeyID      []byte `json:"key_id"`
	Generation uint32 `json:"generation"`
	Wrapped    []byte `json:"wrapped"`
}

// Item is one wrapped data key with the header it is bound to.
type Item struct {
	Header    []byte    `json:"header"`
	Recipient Recipient `json:"recipient"`
}

// Generation is one of a tenant's key pairs.
type Generation struct {
	Generation uint32 `json:"generation"`
	Suite      string `json:"suite"`
	KeyID      []byte `json:"key_id"`
	Created    int64  `json:"created"`           // Unix milliseconds
	Retired    int64  `json:"retired,omitempty"` // when its private key was destroyed, or 0
}

// Status is the answer of status.
type Status struct {
	Sealed  bool   `json:"sealed"`
	Tenants int    `json:"tenants"` // 0 while sealed
	Version string `json:"version"`
}

// Material is the answer of tenant.
type Material struct {
	Database      Secret `json:"database"`
	Blobs         Secret `json:"blobs"`
	Fields        Secret `json:"fields"`
	Index         Secret `json:"index"`
	Public        []byte `json:"public"` // envelope.PublicKey.Marshal
	CheckpointKey string `json:"checkpoint_key"`
}

// Secret is bytes that refuse to print but do travel in a frame.
type Secret []byte

func (Secret) String() string       { return "[redacted]" }
func (Secret) GoString() string     { return "[redacted]" }
func (Secret) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Conn speaks frames over a connection.
type Conn struct {
	net.Conn
	r *bufio.Reader
}

// NewConn gives the frames of c.
func NewConn(c net.Conn) *Conn { return &Conn{c, bufio.NewReader(c)} }

// Send writes v as one frame.
func (c *Conn) Send(v any) error { return Write(c.Conn, v) }

// Receive reads one frame into v; see Read.
func (c *Conn) Receive(v any) error { return Read(c.r, v) }

// Write writes v as one frame in one piece.
func Write(w io.Writer, v any) error {
	p, err := encode(make([]byte, 4, 2048), v)
	if err != nil {
		return err
	}
	n := len(p) - 4
	if n > MaxFrame {
		return fault.New(fault.Invalid, "A message to or from the key service is too long.").WithHint("Ask for fewer items at once.")
	}
	binary.BigEndian.PutUint32(p, uint32(n))
	_, err = w.Write(p)
	clear(p)
	return err
}

// encode appends v in the form that it asks for.
func encode(p []byte, v any) ([]byte, error) {
	ok, from := false, len(p)
	switch v := v.(type) {
	case Request:
		if v.Compact {
			p, ok = v.compact(p)
		}
	case Response:
		if v.Compact {
			p, ok = v.compact(p)
		}
	case Batch:
		if len(v) == 1 {
			return encode(p, v[0])
		}
		return appendEach(append(p, batchRequest), v)
	case Answers:
		if len(v) == 1 {
			return encode(p, v[0])
		}
		return appendEach(append(p, batchResponse), v)
	}
	if ok {
		return p, nil
	}
	b := bytes.NewBuffer(p[:from])
	if err := json.NewEncoder(b).Encode(v); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "A message to or from the key service could not be written.")
	}
	return b.Bytes(), nil
}

// Read reads one frame into v. It gives io.EOF only when nothing of a frame
// was there; unknown members and anything behind the object are Invalid.
func Read(r io.Reader, v any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > MaxFrame {
		return fault.New(fault.Invalid, "A message to or from the key service has an impossible length.")
	}
	p := make([]byte, n)
	defer clear(p)
	if _, err := io.ReadFull(r, p); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	return decode(p, v)
}

// decode reads what stands in a frame, or in one part of a batch; p is not empty.
func decode(p []byte, v any) error {
	switch v := v.(type) {
	case *Request:
		if v.Compact = p[0] == compactRequest; v.Compact {
			return v.expand(p)
		}
	case *Response:
		if v.Compact = p[0] == compactResponse; v.Compact {
			return v.expand(p)
		}
	case *Batch:
		return v.expand(p)
	case *Answers:
		return v.expand(p)
	}
	return Decode(p, v)
}

// Decode reads one JSON object strictly.
func Decode(p []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(p))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fault.Wrap(err, fault.Invalid, "A message to or from the key service is not understood.").WithHint("Both sides must be of the same version.")
	}
	if _, err := d.Token(); err != io.EOF {
		return fault.New(fault.Invalid, "A message to or from the key service has something behind its end.")
	}
	return nil
}
