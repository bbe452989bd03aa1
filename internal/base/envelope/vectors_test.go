package envelope_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/wycheproof"
)

var newVectors = flag.Bool("new-vectors", false, "write testdata/sre1.json anew")

type hexes = wycheproof.Hex

// sre1 is one vector of testdata/sre1.json: everything needed to open it and
// what must come out.
type sre1 struct {
	Name       string `json:"name"`
	Sealed     hexes  `json:"sealed"`
	Plain      hexes  `json:"plain"`
	HeaderHash hexes  `json:"header_sha256"`
	Header     fields `json:"header"`
	DataKey    hexes  `json:"data_key"`

	RSA       hexes `json:"rsa_pkcs8,omitempty"`        // private key of recipient 0x11
	Scalar    hexes `json:"p256_scalar,omitempty"`      // private key of recipient 0x12, first half
	Seed      hexes `json:"mlkem768_seed,omitempty"`    // and second half
	Symmetric hexes `json:"symmetric,omitempty"`        // key of recipient 0x21
	Public    hexes `json:"public,omitempty"`           // PublicKey.Marshal of the recipient
	Ephemeral hexes `json:"ephemeral_scalar,omitempty"` // the browser's key of a sealed reveal
	Reveal    hexes `json:"reveal,omitempty"`           // the data key re-wrapped to it
	Signer    hexes `json:"signer,omitempty"`           // public key of the signature
}

// fields is a header in JSON.
type fields struct {
	Suite       uint16 `json:"suite"`
	Class       uint8  `json:"class"`
	Tenant      string `json:"tenant"`
	Kind        string `json:"kind"`
	Container   int64  `json:"container"`
	Object      int64  `json:"object"`
	Field       string `json:"field"`
	Version     uint32 `json:"version"`
	Previous    hexes  `json:"previous"`
	AccessEpoch uint64 `json:"access_epoch"`
	Time        int64  `json:"time"`
	Author      int64  `json:"author"`
	Commitment  hexes  `json:"commitment"`
	Bucket      uint8  `json:"bucket"`
}

func fieldsOf(h envelope.Header) fields {
	return fields{h.Suite, h.Class, h.Tenant, h.Kind, h.Container, h.Object, h.Field, h.Version, h.Previous[:], h.AccessEpoch, h.Time, h.Author, h.Commitment[:], h.Bucket}
}

// makeVectors seals one secret in every form.
func makeVectors(t *testing.T) []sre1 {
	var all []sre1
	for _, s := range []envelope.KeySuite{envelope.Hybrid, envelope.RSA2048, envelope.RSA3072, envelope.RSA4096} {
		k := key(t, s, 3)
		v := sre1{Name: string(s), Plain: []byte("correct horse battery staple"), Public: k.Public.Marshal()}
		v.Sealed = seal(t, header(), string(v.Plain), k.Public)
		raw, err := k.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if raw = raw[8:]; s == envelope.Hybrid {
			v.Scalar, v.Seed = raw[:32], raw[32:]
		} else {
			v.RSA = raw
		}
		e, err := envelope.Parse(v.Sealed)
		if err != nil {
			t.Fatal(err)
		}
		if v.DataKey, err = envelope.Unwrap(k, e.Recipients()[0], e.HeaderBytes()); err != nil {
			t.Fatal(err)
		}
		v.addReveal(t, e)
		all = append(all, v)
	}
	return append(all, vaultVector(t, envelope.SignatureEd25519), vaultVector(t, envelope.SignatureP256), streamVector(t))
}

func (v *sre1) addReveal(t *testing.T, e *envelope.Envelope) {
	browser, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	v.Ephemeral = browser.Bytes()
	if v.Reveal, err = envelope.Rewrap(browser.PublicKey().Bytes(), e.HeaderBytes(), v.DataKey); err != nil {
		t.Fatal(err)
	}
	v.describe(e)
}

func (v *sre1) describe(e *envelope.Envelope) {
	hash := e.HeaderHash()
	v.HeaderHash, v.Header = hash[:], fieldsOf(e.Header())
}

func vaultVector(t *testing.T, signature uint16) sre1 {
	k := envelope.SymmetricKey{Generation: 2}
	rand.Read(k.ID[:])
	rand.Read(k.Key[:])
	v := sre1{Name: fmt.Sprint("vault, signature ", signature), Plain: []byte("Käse\x00 ☃"), Symmetric: k.Key[:]}
	h := header()
	h.Class, h.Kind, h.Field = envelope.ClassHostProof, "vaultitem", ""
	sealed, _, err := envelope.SealWith(h, []envelope.WrapKey{k}, v.Plain)
	if err != nil {
		t.Fatal(err)
	}
	e, err := envelope.Parse(sealed)
	if err != nil {
		t.Fatal(err)
	}
	if v.DataKey, err = k.Unwrap(e.Recipients()[0], e.HeaderBytes()); err != nil {
		t.Fatal(err)
	}
	s := envelope.Signature{Type: signature, KeyID: envelope.KeyID{9, 9}}
	v.Signer, s.Bytes = sign(t, signature, e.SignedBytes())
	if v.Sealed, err = envelope.Sign(sealed, s); err != nil {
		t.Fatal(err)
	}
	v.describe(e)
	return v
}

func sign(t *testing.T, signature uint16, message []byte) (public, sig []byte) {
	if signature == envelope.SignatureEd25519 {
		pub, priv, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return pub, ed25519.Sign(priv, message)
	}
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(message)
	r, s, err := ecdsa.Sign(rand.Reader, priv, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	p, err := priv.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return p, append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

func streamVector(t *testing.T) sre1 {
	k := envelope.SymmetricKey{Generation: 1, Key: [32]byte{4, 2}}
	v := sre1{Name: "stream", Plain: []byte(strings.Repeat("strong", 11_000)), Symmetric: k.Key[:]}
	var b bytes.Buffer
	w, err := envelope.SealTo(&b, header(), []envelope.WrapKey{k})
	if err != nil {
		t.Fatal(err)
	}
	w.Write(v.Plain)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	v.Sealed = b.Bytes()
	e, _, err := envelope.ParsePrefix(v.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	if v.DataKey, err = k.Unwrap(e.Recipients()[0], e.HeaderBytes()); err != nil {
		t.Fatal(err)
	}
	v.describe(e)
	return v
}

func TestVectors(t *testing.T) {
	const path = "testdata/sre1.json"
	if *newVectors {
		b, err := json.MarshalIndent(makeVectors(t), "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []sre1
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 7 {
		t.Fatalf("%d vectors", len(all))
	}
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			readByHand(t, v)
			readByPackage(t, v)
		})
	}
}

// readByPackage opens a vector with the package under test.
func readByPackage(t *testing.T, v sre1) {
	e, err := envelope.Parse(v.Sealed)
	n := 0
	if v.Header.Suite == envelope.SuiteStream {
		e, n, err = envelope.ParsePrefix(v.Sealed)
	}
	if err != nil {
		t.Fatal(err)
	}
	if hash := e.HeaderHash(); !bytes.Equal(hash[:], v.HeaderHash) {
		t.Errorf("header hash %x", hash)
	}
	if got, want := fmt.Sprint(fieldsOf(e.Header())), fmt.Sprint(v.Header); got != want {
		t.Errorf("header %s, want %s", got, want)
	}
	var got []byte
	if n == 0 {
		got, err = e.Open(v.DataKey)
	} else {
		got, err = openBoth(t, v.Sealed[n:], v.DataKey, e.HeaderBytes())
	}
	if err != nil || !bytes.Equal(got, v.Plain) {
		t.Errorf("%q, %v", got, err)
	}
	if v.Signer != nil {
		if err := e.VerifySignature(v.Signer); err != nil {
			t.Error(err)
		}
	}
	if v.Reveal != nil {
		browser, err := ecdh.P256().NewPrivateKey(v.Ephemeral)
		if err != nil {
			t.Fatal(err)
		}
		k, err := envelope.OpenRewrapped(browser, e.HeaderBytes(), v.Reveal)
		if err != nil || !bytes.Equal(k, v.DataKey) {
			t.Errorf("reveal: %v", err)
		}
	}
}

// What follows is a second reader of the format, written after
// doc/formats/envelope.md and using nothing of the package.

type hand struct {
	t *testing.T
	b []byte
}

func (h *hand) take(n int) []byte {
	h.t.Helper()
	if n > len(h.b) {
		h.t.Fatalf("%d bytes wanted, %d left", n, len(h.b))
	}
	p := h.b[:n]
	h.b = h.b[n:]
	return p
}

func (h *hand) num(n int) uint64 {
	var x uint64
	for _, b := range h.take(n) {
		x = x<<8 | uint64(b)
	}
	return x
}

func (h *hand) same(what string, got, want any) {
	h.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		h.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func parts(p ...[]byte) []byte {
	var b []byte
	for _, x := range p {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(x))), x...)
	}
	return b
}

func handGCM(t *testing.T, key, sealed, aad []byte) []byte {
	t.Helper()
	b, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	var p []byte
	fips140.WithoutEnforcement(func() { // it refuses nonces that are given
		var g cipher.AEAD
		if g, err = cipher.NewGCM(b); err == nil {
			p, err = g.Open(nil, sealed[:12], sealed[12:], aad)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func readByHand(t *testing.T, v sre1) {
	h := &hand{t, v.Sealed}
	h.same("magic", string(h.take(4)), "SRE1")
	header := h.take(int(h.num(2)))
	readHeader(t, header, v.Header)
	sum := sha256.Sum256(header)
	h.same("header hash", sum[:], []byte(v.HeaderHash))

	before := h.b
	h.same("recipients", h.num(1), 1)
	kind, id, generation := h.num(2), h.take(16), h.num(4)
	wrapped := h.take(int(h.num(2)))
	listed := before[:len(before)-len(h.b)]
	ctx := sha256.Sum256(parts([]byte("strongroom/wrap/1"), header, []byte{0, byte(kind)}, id, binary.BigEndian.AppendUint32(nil, uint32(generation))))
	dataKey := handUnwrap(t, v, kind, wrapped, ctx[:])
	h.same("data key", dataKey, []byte(v.DataKey))
	if v.Public != nil {
		handPublic(t, v.Public, kind, id, generation)
	}
	m := hmac.New(sha256.New, dataKey)
	m.Write([]byte("strongroom/commit/1"))
	h.same("commitment", m.Sum(nil), []byte(v.Header.Commitment))
	if v.Reveal != nil {
		handReveal(t, v, sum[:])
	}
	if v.Header.Suite == 2 {
		h.same("plaintext", handStream(t, h, dataKey, sum[:]), []byte(v.Plain))
		return
	}
	content := append([]byte{}, h.take(12)...)
	content = append(content, h.take(int(h.num(4)))...)
	padded := handGCM(t, dataKey, content, header)
	n := binary.BigEndian.Uint32(padded)
	h.same("plaintext", padded[4:4+n], []byte(v.Plain))
	handSignature(t, h, v, parts([]byte("strongroom/sig/1"), header, digest(listed), digest(content)))
	h.same("rest", len(h.b), 0)
}

func digest(b []byte) []byte { s := sha256.Sum256(b); return s[:] }

func readHeader(t *testing.T, b []byte, want fields) {
	h := &hand{t, b}
	h.same("format version", h.num(2), 1)
	var f fields
	f.Suite, f.Class = uint16(h.num(2)), uint8(h.num(1))
	f.Tenant, f.Kind = string(h.take(int(h.num(1)))), string(h.take(int(h.num(1))))
	f.Container, f.Object = int64(h.num(8)), int64(h.num(8))
	f.Field, f.Version, f.Previous = string(h.take(int(h.num(1)))), uint32(h.num(4)), h.take(32)
	f.AccessEpoch, f.Time, f.Author = h.num(8), int64(h.num(8)), int64(h.num(8))
	f.Commitment, f.Bucket = h.take(32), uint8(h.num(1))
	h.same("header", f, want)
	h.same("rest of the header", len(h.b), 0)
}

func handUnwrap(t *testing.T, v sre1, kind uint64, wrapped, ctx []byte) []byte {
	t.Helper()
	switch kind {
	case 0x11:
		k, err := x509.ParsePKCS8PrivateKey(v.RSA)
		if err != nil {
			t.Fatal(err)
		}
		p, err := rsa.DecryptOAEP(sha256.New(), nil, k.(*rsa.PrivateKey), wrapped, ctx)
		if err != nil {
			t.Fatal(err)
		}
		return p
	case 0x12:
		return handHybrid(t, v, wrapped, ctx)
	case 0x21:
		return handGCM(t, v.Symmetric, wrapped, ctx)
	}
	t.Fatalf("recipient %#x", kind)
	return nil
}

func handHybrid(t *testing.T, v sre1, wrapped, ctx []byte) []byte {
	scalar, err := ecdh.P256().NewPrivateKey(v.Scalar)
	if err != nil {
		t.Fatal(err)
	}
	kem, err := mlkem.NewDecapsulationKey768(v.Seed)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ecdh.P256().NewPublicKey(wrapped[:65])
	if err != nil {
		t.Fatal(err)
	}
	s1, err := scalar.ECDH(point)
	if err != nil {
		t.Fatal(err)
	}
	s2, err := kem.Decapsulate(wrapped[65:1153])
	if err != nil {
		t.Fatal(err)
	}
	info := parts([]byte("strongroom/kem/1"), []byte{0, 0x12}, wrapped[:65], wrapped[65:1153], scalar.PublicKey().Bytes(), kem.EncapsulationKey().Bytes(), ctx)
	k, err := hkdf.Key(sha512.New384, append(s1, s2...), make([]byte, 48), string(info), 32)
	if err != nil {
		t.Fatal(err)
	}
	return handGCM(t, k, wrapped[1153:], ctx)
}

func handPublic(t *testing.T, public []byte, kind uint64, id []byte, generation uint64) {
	h := &hand{t, public}
	h.same("key type", h.num(2), kind)
	h.same("key generation", h.num(4), generation)
	raw := h.take(int(h.num(2)))
	h.same("key id", digest(parts([]byte("strongroom/key/1"), []byte{0, byte(kind)}, raw))[:16], id)
	h.same("rest of the key", len(h.b), 0)
}

func handReveal(t *testing.T, v sre1, headerHash []byte) {
	browser, err := ecdh.P256().NewPrivateKey(v.Ephemeral)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ecdh.P256().NewPublicKey(v.Reveal[:65])
	if err != nil {
		t.Fatal(err)
	}
	secret, err := browser.ECDH(point)
	if err != nil {
		t.Fatal(err)
	}
	k, err := hkdf.Key(sha512.New384, secret, nil, string(parts([]byte("strongroom/reveal/1"), v.Reveal[:65], browser.PublicKey().Bytes(), headerHash)), 32)
	if err != nil {
		t.Fatal(err)
	}
	if got := handGCM(t, k, v.Reveal[65:], headerHash); !bytes.Equal(got, v.DataKey) {
		t.Error("the sealed reveal gives another key")
	}
}

func handStream(t *testing.T, h *hand, dataKey, headerHash []byte) []byte {
	h.same("magic of the stream", string(h.take(4)), "SRS1")
	k, err := hkdf.Key(sha256.New, dataKey, h.take(28), "strongroom/stream/1"+string(headerHash), 32)
	if err != nil {
		t.Fatal(err)
	}
	var plain []byte
	for i := uint64(0); ; i++ {
		n := min(len(h.b), 65536+28)
		seg := h.take(n)
		last := byte(0)
		if len(h.b) == 0 {
			last = 1
		}
		aad := append(binary.BigEndian.AppendUint64(bytes.Clone(headerHash), i), last)
		plain = append(plain, handGCM(t, k, seg, aad)...)
		if last == 1 {
			return plain
		}
	}
}

func handSignature(t *testing.T, h *hand, v sre1, message []byte) {
	kind := h.num(2)
	if kind == 0 {
		h.same("signer", len(v.Signer), 0)
		return
	}
	h.take(16)
	sig := h.take(64)
	switch kind {
	case 1:
		p, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), v.Signer)
		if err != nil {
			t.Fatal(err)
		}
		r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
		if !ecdsa.Verify(p, digest(message), r, s) {
			t.Error("signature 1 does not verify")
		}
	case 2:
		if !ed25519.Verify(ed25519.PublicKey(v.Signer), message, sig) {
			t.Error("signature 2 does not verify")
		}
	default:
		t.Errorf("signature type %d", kind)
	}
}
