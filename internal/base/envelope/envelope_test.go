package envelope_test

import (
	"bytes"
	"crypto/fips140"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
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

// rsaSuite is the smallest one that may be generated in this mode.
func rsaSuite() envelope.KeySuite {
	if fips140.Enforced() {
		return envelope.RSA3072
	}
	return envelope.RSA2048
}

func TestTheFIPSProfileMakesNoSmallKeys(t *testing.T) {
	_, err := envelope.GenerateKey(envelope.RSA2048, 1)
	if got := err != nil; got != fips140.Enforced() {
		t.Errorf("FIPS mode %v: %v", fips140.Enforced(), err)
	}
}

func TestSealAndOpen(t *testing.T) {
	for _, s := range []envelope.KeySuite{envelope.Hybrid, rsaSuite(), envelope.RSA3072} {
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

func TestEveryFlippedByteIsRefused(t *testing.T) {
	k := key(t, envelope.Hybrid, 1)
	sealed := seal(t, header(), "secret", k.Public)
	for i := range sealed {
		for _, mask := range []byte{0x01, 0x80} {
			bad := bytes.Clone(sealed)
			bad[i] ^= mask
			if p, err := open(k, bad); err == nil {
				t.Errorf("byte %d of %d changed and it opened: %q", i, len(sealed), p)
			}
		}
	}
	for i := range sealed {
		if _, err := envelope.Parse(sealed[:i]); err == nil {
			t.Errorf("cut to %d of %d bytes and it was parsed", i, len(sealed))
		}
	}
	if _, err := envelope.Parse(append(bytes.Clone(sealed), 0)); err == nil {
		t.Error("a spare byte was parsed")
	}
}

// TestNothingCanBeExchanged moves the parts of one sealed secret to another
// place: every header that differs in one member only, with its own
// recipients or those of the other.
func TestNothingCanBeExchanged(t *testing.T) {
	k := key(t, envelope.Hybrid, 1)
	h := header()
	changes := map[string]func(*envelope.Header){
		"class":        func(h *envelope.Header) { h.Class = envelope.ClassHostProof },
		"tenant":       func(h *envelope.Header) { h.Tenant = "other" },
		"kind":         func(h *envelope.Header) { h.Kind = "card" },
		"container":    func(h *envelope.Header) { h.Container++ },
		"object":       func(h *envelope.Header) { h.Object++ },
		"field":        func(h *envelope.Header) { h.Field = "otp" },
		"version":      func(h *envelope.Header) { h.Version++ },
		"previous":     func(h *envelope.Header) { h.Previous[0]++ },
		"access epoch": func(h *envelope.Header) { h.AccessEpoch++ },
		"time":         func(h *envelope.Header) { h.Time++ },
		"author":       func(h *envelope.Header) { h.Author++ },
	}
	mine, err := envelope.Parse(seal(t, h, "mine", k.Public))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range changes {
		h := header()
		change(&h)
		theirs, err := envelope.Parse(seal(t, h, "theirs", k.Public))
		if err != nil {
			t.Fatal(err)
		}
		if mine.HeaderHash() == theirs.HeaderHash() {
			t.Errorf("%s: two secrets have one header", name)
		}
		if _, err := envelope.Unwrap(k, mine.Recipients()[0], theirs.HeaderBytes()); err == nil {
			t.Errorf("%s: a wrapped key opens under another header", name)
		}
		dk, err := envelope.Unwrap(k, mine.Recipients()[0], mine.HeaderBytes())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := theirs.Open(dk); err == nil {
			t.Errorf("%s: a key opens another secret", name)
		}
		// The same data key and commitment under the other header: only the
		// associated data is left to refuse it.
		sealed := seal(t, header(), "mine", k.Public)
		e, err := envelope.Parse(sealed)
		if err != nil {
			t.Fatal(err)
		}
		m := e.Header()
		change(&m)
		b, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		forged := append([]byte("SRE1"), byte(len(b)>>8), byte(len(b)))
		forged = append(append(forged, b...), sealed[6+len(e.HeaderBytes()):]...)
		f, err := envelope.Parse(forged)
		if err != nil {
			t.Fatal(name, err)
		}
		dk, err = envelope.Unwrap(k, e.Recipients()[0], e.HeaderBytes())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Open(dk); err == nil {
			t.Errorf("%s: the header was exchanged and it opened", name)
		}
	}
}

func TestKeysAreNotMistaken(t *testing.T) {
	a, b := key(t, envelope.Hybrid, 1), key(t, envelope.Hybrid, 1)
	sealed := seal(t, header(), "for both", a.Public, b.Public)
	for _, k := range []envelope.PrivateKey{a, b} {
		if p, err := open(k, sealed); err != nil || p != "for both" {
			t.Errorf("%q, %v", p, err)
		}
	}
	e, err := envelope.Parse(sealed)
	if err != nil {
		t.Fatal(err)
	}
	ra, rb := e.Recipients()[0], e.Recipients()[1]
	for name, r := range map[string]envelope.Recipient{
		"of another":         rb,
		"relabelled":         {Type: rb.Type, KeyID: ra.KeyID, Generation: ra.Generation, Wrapped: rb.Wrapped},
		"another generation": {Type: ra.Type, KeyID: ra.KeyID, Generation: 2, Wrapped: ra.Wrapped},
		"another type":       {Type: envelope.RecipientSymmetric, KeyID: ra.KeyID, Generation: ra.Generation, Wrapped: ra.Wrapped},
	} {
		if _, err := envelope.Unwrap(a, r, e.HeaderBytes()); err == nil {
			t.Errorf("%s: unwrapped", name)
		}
	}
	if _, err := e.Open(make([]byte, 32)); err == nil {
		t.Error("opened with a key it does not commit to")
	}
	if _, err := envelope.Parse(seal(t, header(), "", a.Public, a.Public)); err == nil {
		t.Error("the same recipient twice was parsed")
	}
	if _, _, err := envelope.Seal(header(), nil, nil); err == nil {
		t.Error("sealed to nobody")
	}
	if _, _, err := envelope.Seal(header(), []envelope.PublicKey{{}}, nil); err == nil {
		t.Error("sealed to an empty key")
	}
	if s := fmt.Sprintf("%v %+v %#v", a, a, a); strings.Count(s, "[redacted private key]") != 3 || len(s) > 80 {
		t.Errorf("a private key prints %q", s)
	}
}

func TestBuckets(t *testing.T) {
	k := key(t, envelope.Hybrid, 1)
	sizes := map[int]bool{}
	for n := range 200 {
		plain := strings.Repeat("x", n)
		sealed := seal(t, header(), plain, k.Public)
		sizes[len(sealed)] = true
		if p, err := open(k, sealed); err != nil || p != plain {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	if len(sizes) != 5 { // 64, 96, 128, 192, 256
		t.Errorf("200 lengths give %d sizes", len(sizes))
	}
	big := strings.Repeat("x", envelope.MaxSecret)
	if p, err := open(k, seal(t, header(), big, k.Public)); err != nil || p != big {
		t.Error(err)
	}
	if _, _, err := envelope.Seal(header(), []envelope.PublicKey{k.Public}, []byte(big+"x")); err == nil {
		t.Error("a secret that is too long was sealed")
	}
}

func TestHeaderHasOneEncoding(t *testing.T) {
	for name, change := range map[string]func(*envelope.Header){
		"unknown suite":      func(h *envelope.Header) { h.Suite = 3 },
		"no suite":           func(h *envelope.Header) { h.Suite = 0 },
		"unknown class":      func(h *envelope.Header) { h.Class = 0 },
		"no tenant":          func(h *envelope.Header) { h.Tenant = "" },
		"long tenant":        func(h *envelope.Header) { h.Tenant = strings.Repeat("x", 256) },
		"broken text":        func(h *envelope.Header) { h.Kind = "\xff" },
		"no kind":            func(h *envelope.Header) { h.Kind = "" },
		"negative object":    func(h *envelope.Header) { h.Object = -1 },
		"negative container": func(h *envelope.Header) { h.Container = -1 },
		"unknown bucket":     func(h *envelope.Header) { h.Bucket = 29 },
		"unpadded secret":    func(h *envelope.Header) { h.Bucket = envelope.Unpadded },
		"padded stream":      func(h *envelope.Header) { h.Suite = envelope.SuiteStream },
	} {
		h := header()
		h.Suite = envelope.SuiteSingle
		if _, err := h.Encode(); err != nil {
			t.Fatal(err)
		}
		change(&h)
		if _, err := h.Encode(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStoredKeys(t *testing.T) {
	for _, s := range []envelope.KeySuite{envelope.Hybrid, rsaSuite()} {
		k := key(t, s, 7)
		b, err := k.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := envelope.ParsePrivateKey(b)
		if err != nil || again.Public.ID != k.Public.ID || again.Public.Generation != 7 || again.Public.Suite != s {
			t.Fatalf("%s: %v", s, err)
		}
		pub, err := envelope.ParsePublicKey(k.Public.Marshal())
		if err != nil || pub.ID != k.Public.ID {
			t.Fatalf("%s: %v", s, err)
		}
		if p, err := open(again, seal(t, header(), "x", pub)); err != nil || p != "x" {
			t.Errorf("%s: %q, %v", s, p, err)
		}
	}
	small := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}
	der, err := x509.MarshalPKIXPublicKey(small)
	if err != nil {
		t.Fatal(err)
	}
	weak := append([]byte{0, 0x11, 0, 0, 0, 1, byte(len(der) >> 8), byte(len(der))}, der...)
	if _, err := envelope.ParsePublicKey(weak); !fault.Is(err, fault.Invalid) {
		t.Errorf("1024 bits: %v", err)
	}
	if _, err := envelope.GenerateKey("rsa-oaep-1024", 1); !fault.Is(err, fault.Invalid) {
		t.Errorf("1024 bits: %v", err)
	}
}

func TestSignatureCoversEverything(t *testing.T) {
	k := key(t, envelope.Hybrid, 1)
	plain := seal(t, header(), "x", k.Public)
	e, err := envelope.Parse(plain)
	if err != nil {
		t.Fatal(err)
	}
	public, sig := sign(t, envelope.SignatureEd25519, e.SignedBytes())
	signed, err := envelope.Sign(plain, envelope.Signature{Type: envelope.SignatureEd25519, Bytes: sig})
	if err != nil {
		t.Fatal(err)
	}
	keyID := len(signed) - 64 - 16 // names the signer and is not signed: the verifier brings the key
	for i := range signed {
		bad := bytes.Clone(signed)
		bad[i] ^= 1
		e, err := envelope.Parse(bad)
		if err == nil && e.VerifySignature(public) == nil && (i < keyID || i >= keyID+16) {
			t.Errorf("byte %d changed and the signature still verifies", i)
		}
	}
	if _, err := envelope.Sign(signed, envelope.Signature{Type: envelope.SignatureEd25519, Bytes: sig}); err == nil {
		t.Error("signed twice")
	}
	if e.VerifySignature(public) == nil {
		t.Error("an unsigned secret verifies")
	}
	other, _ := sign(t, envelope.SignatureEd25519, nil)
	e, err = envelope.Parse(signed)
	if err != nil || e.VerifySignature(public) != nil || e.VerifySignature(other) == nil || e.VerifySignature(nil) == nil {
		t.Errorf("verification: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	k := key(f, envelope.Hybrid, 1)
	f.Add(seal(f, header(), "x", k.Public))
	f.Add([]byte("SRE1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := envelope.Parse(b); err == nil {
			again, err := e.Header().Encode()
			if err != nil || !bytes.Equal(again, e.HeaderBytes()) {
				t.Fatalf("a header has two encodings: %v", err)
			}
			if _, err := e.Open(make([]byte, 32)); err == nil {
				t.Fatal("opened with a key of zeros")
			}
		}
		if _, n, err := envelope.ParsePrefix(b); err == nil && n > len(b) {
			t.Fatal("the prefix is longer than the input")
		}
	})
}

func FuzzParseKey(f *testing.F) {
	k := key(f, envelope.Hybrid, 1)
	f.Add(k.Public.Marshal())
	b, err := k.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := envelope.ParsePublicKey(b); err == nil && !bytes.Equal(k.Marshal(), b) {
			t.Fatal("a public key has two encodings")
		}
		if k, err := envelope.ParsePrivateKey(b); err == nil {
			if _, err := k.Marshal(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func BenchmarkUnwrap(b *testing.B) {
	for _, s := range []envelope.KeySuite{envelope.Hybrid, envelope.RSA2048, envelope.RSA3072} {
		k := key(b, s, 1)
		e, err := envelope.Parse(seal(b, header(), "x", k.Public))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(s), func(b *testing.B) {
			for b.Loop() {
				if _, err := envelope.Unwrap(k, e.Recipients()[0], e.HeaderBytes()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	k := key(b, envelope.Hybrid, 1)
	for b.Loop() {
		seal(b, header(), "x", k.Public)
	}
}
