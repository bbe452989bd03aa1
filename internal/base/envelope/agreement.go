package envelope

import (
	"crypto/ecdh"
	"crypto/rand"
	"log/slog"

	"strongroom/internal/base/fault"
)

// Agreement is a key agreement with a PublicKey: the part of wrapping that takes
// long and depends on nothing but the key, so that it can be made ahead. It wraps
// one data key. It refuses to print.
type Agreement struct {
	To PublicKey

	classic, quantum, sent []byte
}

func (*Agreement) String() string               { return redacted }
func (*Agreement) GoString() string             { return redacted }
func (*Agreement) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (*Agreement) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Agree makes a fresh agreement with p. A key of the RSA suite has no such part:
// it wraps as fast without.
func (p PublicKey) Agree() (*Agreement, error) {
	a := &Agreement{To: p}
	if p.Suite != Hybrid || p.raw == nil {
		return a, nil
	}
	e, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	if a.classic, err = e.ECDH(p.point); err != nil {
		return nil, err
	}
	var kem []byte
	a.quantum, kem = p.kem.Encapsulate()
	a.sent = append(e.PublicKey().Bytes(), kem...)
	return a, nil
}

// Wrap wraps dataKey (32 bytes) to the key that was agreed with, bound to header.
// It works once.
func (a *Agreement) Wrap(header, dataKey []byte) (Recipient, error) {
	if a.To.Suite != Hybrid {
		return a.To.Wrap(header, dataKey)
	}
	return a.To.wrap(header, dataKey, a.seal)
}

func (a *Agreement) seal(dataKey, ctx []byte) ([]byte, error) {
	if a.sent == nil {
		return nil, fault.New(fault.Internal, "A key agreement was used twice.")
	}
	sent := a.sent
	k, err := hybridKey(a.classic, a.quantum, sent, a.To.raw, ctx)
	clear(a.classic)
	clear(a.quantum)
	a.sent = nil
	if err != nil {
		return nil, err
	}
	defer clear(k)
	g, err := aead(k)
	if err != nil {
		return nil, err
	}
	return g.Seal(sent, nil, dataKey, ctx), nil
}
