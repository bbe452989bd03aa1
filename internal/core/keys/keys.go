// Package keys is the application's side of the key service.
//
// Always true: no private key ever comes to this side; a data key comes only
// against a Ticket that cites a durable audit entry, and only after the key
// service has written the ticket into its own log; every failure to reach the
// key service is fault.Unavailable, and the same Client works again as soon as
// the service is back.
package keys

import (
	"log/slog"

	"strongroom/internal/base/envelope"
	"strongroom/internal/core/keys/wire"
)

// The suites of a tenant's key pair.
const (
	Hybrid  = string(envelope.Hybrid) // the default
	RSA2048 = string(envelope.RSA2048)
	RSA3072 = string(envelope.RSA3072)
	RSA4096 = string(envelope.RSA4096)
)

// Control is the reserved tenant whose material protects the control database.
const Control = "_control"

// Ticket says who asks for a data key and why.
type Ticket = wire.Ticket

// Status tells how the key service is.
type Status = wire.Status

// MaxItems is how many items Rewrap takes at once.
const MaxItems = wire.MaxItems

// Generation is one of a tenant's key pairs.
type Generation struct {
	Number  uint32
	Suite   string
	ID      envelope.KeyID
	Created int64 // Unix milliseconds
	Retired int64 // when its private key was destroyed; 0 while it opens what was sealed to it
}

// Item is one wrapped data key with the header it is bound to.
type Item struct {
	Header    []byte // as stored
	Recipient envelope.Recipient
}

// Material is what the application may hold of a tenant, in memory only. It
// refuses to print.
type Material struct {
	Database      []byte // key of the tenant's database, 32 bytes
	Blobs         []byte // root of the keys of blobs, 32 bytes
	Fields        []byte // root of the keys of marked fields, 32 bytes
	Index         []byte // key of blind indexes, 32 bytes
	Public        envelope.PublicKey
	CheckpointKey string // note verifier key of the tenant's audit log
}

const redacted = "[redacted]"

func (Material) String() string               { return redacted }
func (Material) GoString() string             { return redacted }
func (Material) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Material) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
