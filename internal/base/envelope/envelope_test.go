package envelope_test

import (
	"bytes"
	"testing"

	"strongroom/internal/base/envelope"
)

func key(t testing.TB, s envelope.KeySuite, generation uint32) envelope.PrivateKey {
	t.Helper()
	k, err := envelope.GenerateKey(s, generation)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func header() envelope.Header {
	return envelope.Header{
		Class: envelope.ClassServer, Tenant: "demo", Kind: "password", Container: 7, Object: 42,
		Field: "password", Version: 3, Previous: [32]byte{1, 2, 3}, AccessEpoch: 9, Time: 1_700_000_000_000, Author: 5,
	}
}

func seal(t testing.TB, h envelope.Header, plain string, to ...envelope.PublicKey) []byte {
	t.Helper()
	b, _, err := envelope.Seal(h, to, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// open is the whole way from sealed bytes to plaintext with one private key.
func open(k envelope.PrivateKey, sealed []byte) (string, error) {
	e, err := envelope.Parse(sealed)
	if err != nil {
		return "", err
	}
	for _, r := range e.Recipients() {
		if r.KeyID != k.Public.ID {
			continue
		}
		dk, err := envelope.Unwrap(k, r, e.HeaderBytes())
		if err != nil {
			return "", err
		}
		p, err := e.Open(dk)
		return string(p), err
	}
	_, err = envelope.Unwrap(k, e.Recipients()[0], e.HeaderBytes())
	return "", err
}

func TestSealAndOpen(t *testing.T) {
	for _, s := range []envelope.KeySuite{envelope.Hybrid, envelope.RSA2048, envelope.RSA3072} {
		k := key(t, s, 4)
		sealed, hash, err := envelope.Seal(header(), []envelope.PublicKey{k.Public}, []byte("correct horse"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := open(k, sealed)
		if err != nil || got != "correct horse" {
			t.Errorf("%s: %q, %v", s, got, err)
		}
		e, err := envelope.Parse(sealed)
		if err != nil {
			t.Fatal(err)
		}
		h := e.Header()
		want := header()
		want.Suite, want.Commitment, want.Bucket = envelope.SuiteSingle, h.Commitment, h.Bucket
		if h != want || e.HeaderHash() != hash {
			t.Errorf("%s: header came back as %+v", s, h)
		}
		if bytes.Contains(sealed, []byte("correct")) {
			t.Errorf("%s: plaintext inside", s)
		}
	}
}
