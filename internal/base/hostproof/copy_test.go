package hostproof_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
)

// safe is an emergency copy with two people and two papers, of which two open it.
type safe struct {
	maker, ada, bea *person
	copy            *hostproof.Copy
	codes           []hostproof.Code
}

const month = int64(30 * 24 * time.Hour / time.Millisecond)

var inSafe = []hostproof.Copied{ //nolint:gochecknoglobals // a table
	{From: "Personal", Content: hostproof.Content{"title": "Router", "password": "s3cret"}},
	{From: "Harbor", Content: hostproof.Content{"title": "Database", "username": "root", "password": "pä\u2028ss", "otp": "JBSWY3DPEHPK3PXP"},
		Files: []hostproof.CopiedFile{{Name: "plän.txt", Type: "text/plain", Content: []byte("zebra\x00plan")}}},
}

func newSafe(t testing.TB) *safe {
	t.Helper()
	s := &safe{maker: bare(t, ines), ada: bare(t, 51), bea: bare(t, 52)}
	var err error
	s.copy, s.codes, err = s.maker.NewCopy(inSafe, []hostproof.Holder{{Name: "Ada", Statement: s.ada.Statement}, {Name: "Safe in Leeds"}, {Name: "Bea", Statement: s.bea.Statement}, {Name: "Notary"}}, 2, now+month, now)
	must(t, err)
	s.copy, err = hostproof.ParseCopy(s.copy.Marshal())
	must(t, err)
	return s
}

func opened(t *testing.T, c *hostproof.Copy, o hostproof.Opening) *hostproof.Receipt {
	t.Helper()
	o.Reason = "fire in the server room"
	got, r, err := o.Open(c, now+1)
	must(t, err)
	if len(got) != 2 || got[0].From != "Personal" || got[0].Content["password"] != "s3cret" || got[1].Content["password"] != "pä\u2028ss" {
		t.Errorf("it holds %v", got)
	}
	r, err = hostproof.ParseReceipt(r.Marshal())
	must(t, err)
	head, err := hostproof.ParseHead(c.Head())
	must(t, err)
	must(t, head.Verify())
	must(t, r.Verify(head))
	return r
}

func (s *safe) consent(t *testing.T, p *person, to int) *hostproof.Consent {
	t.Helper()
	n, err := p.Consent(s.copy, to, "fire", now)
	must(t, err)
	n, err = hostproof.ParseConsent(n.Marshal())
	must(t, err)
	return n
}

// TestCopy: any two of those who hold shares open an emergency copy, and leave a receipt
// that the server can check with nothing but the head.
func TestCopy(t *testing.T) {
	s := newSafe(t)
	r := opened(t, s.copy, hostproof.Opening{Keys: s.ada.Keyset, Consents: []*hostproof.Consent{s.consent(t, s.bea, 1)}})
	if string(r.Places) != "\x01\x03" || len(r.Consents) != 2 {
		t.Errorf("the receipt says %v, with %d consents", r.Places, len(r.Consents))
	}
	opened(t, s.copy, hostproof.Opening{Keys: s.bea.Keyset, Codes: s.codes[:1]})
	opened(t, s.copy, hostproof.Opening{Codes: s.codes})

	refuse := func(name, want string, kind fault.Kind, at int64, o hostproof.Opening) {
		t.Helper()
		o.Reason = "x"
		got, r, err := o.Open(s.copy, at)
		wants(t, name, err, want)
		if !fault.Is(err, kind) || got != nil || r != nil {
			t.Errorf("%s: it is %v, with %v and %v", name, err, got, r)
		}
	}
	refuse("nobody", "0 of the 2", fault.Conflict, now, hostproof.Opening{})
	refuse("one person", "1 of the 2", fault.Conflict, now, hostproof.Opening{Keys: s.ada.Keyset})
	refuse("one person twice", "1 of the 2", fault.Conflict, now, hostproof.Opening{Keys: s.ada.Keyset, Consents: []*hostproof.Consent{s.consent(t, s.ada, 1), s.consent(t, s.ada, 1)}})
	refuse("one paper", "1 of the 2", fault.Conflict, now, hostproof.Opening{Codes: s.codes[:1]})
	refuse("one paper twice", "1 of the 2", fault.Conflict, now, hostproof.Opening{Codes: []hostproof.Code{s.codes[0], s.codes[0]}})
	refuse("the maker, who holds nothing", "hold no share", fault.Denied, now, hostproof.Opening{Keys: s.maker.Keyset, Codes: s.codes})
	refuse("other keys of a holder", "given to other keys", fault.Denied, now, hostproof.Opening{Keys: bare(t, 51).Keyset, Codes: s.codes})
	refuse("another code", "opens no share", fault.Unauthorized, now, hostproof.Opening{Keys: s.ada.Keyset, Codes: []hostproof.Code{hostproof.NewCode()}})
	refuse("a consent to another holder", "for Bea to open", fault.Invalid, now, hostproof.Opening{Keys: s.ada.Keyset, Consents: []*hostproof.Consent{s.consent(t, s.bea, 3)}})
	refuse("a consent that was intercepted", "for Ada to open", fault.Invalid, now, hostproof.Opening{Codes: s.codes[:1], Consents: []*hostproof.Consent{s.consent(t, s.bea, 1)}})
	refuse("an old consent", "older than 72 hours", fault.Denied, now+1+hostproof.ConsentLasts.Milliseconds(), hostproof.Opening{Keys: s.ada.Keyset, Consents: []*hostproof.Consent{s.consent(t, s.bea, 1)}})
	refuse("expired", "expired on", fault.Denied, now+month, hostproof.Opening{Codes: s.codes})
	refuse("a clock set back", "still to come", fault.Denied, now-month, hostproof.Opening{Codes: s.codes})
	_, err := s.ada.Consent(s.copy, 3, "x", now+month)
	wants(t, "a consent to what has expired", err, "expired on")
	_, err = s.ada.Consent(s.copy, 2, "x", now)
	wants(t, "a consent to a paper", err, "holder with keys")
	_, err = s.ada.Consent(s.copy, 3, "", now)
	wants(t, "a consent without a reason", err, "Say in at most")

	for name, h := range map[string][]hostproof.Holder{
		"one holder":      {{Name: "Ada", Statement: s.ada.Statement}},
		"a person twice":  {{Name: "Ada", Statement: s.ada.Statement}, {Name: "Ada again", Statement: s.ada.Statement}},
		"a paper twice":   {{Name: "Safe"}, {Name: "Safe"}},
		"nobody's paper":  {{Name: "Safe"}, {Name: ""}},
		"too many papers": manyPapers(16),
	} {
		_, _, err := s.maker.NewCopy(inSafe, h, 2, now+month, now)
		wants(t, name, err, "different holders")
	}
	two := manyPapers(2)
	_, _, err = s.maker.NewCopy(inSafe, two, 1, now+month, now)
	wants(t, "one is enough", err, "at least 2")
	_, _, err = s.maker.NewCopy(inSafe, two, 2, now+13*month, now)
	wants(t, "for ever", err, "within 366 days")
	_, _, err = s.maker.NewCopy(nil, two, 2, now+month, now)
	wants(t, "nothing", err, "at least one password")
}

func manyPapers(n int) (out []hostproof.Holder) {
	for i := range n {
		out = append(out, hostproof.Holder{Name: "Safe " + string(rune('a'+i))})
	}
	return out
}

// TestCopyAltered: no byte of a copy, a consent or a receipt can be another one, and parts
// of one do not fit into another.
func TestCopyAltered(t *testing.T) {
	s, other := newSafe(t), newSafe(t)
	whole := s.copy.Marshal()
	for at := 0; at < len(whole); at += 37 { // each part, the box of 4 KiB included
		c, err := hostproof.ParseCopy(changed(whole, at))
		if err != nil {
			continue
		}
		if _, _, err := (hostproof.Opening{Codes: s.codes, Reason: "x"}).Open(c, now); err == nil {
			t.Errorf("with byte %d altered it opens", at)
		}
	}
	// A later end, signed by somebody else: the keys are not those that are named.
	end := binary.BigEndian.AppendUint64(nil, uint64(now+month))
	c, err := hostproof.ParseCopy(bytes.Replace(whole, end, binary.BigEndian.AppendUint64(nil, uint64(now+2*month)), 1))
	must(t, err)
	_, _, err = hostproof.Opening{Codes: s.codes, Reason: "x"}.Open(c, now+month)
	wants(t, "a later end", err, "was altered")

	// What follows the body is of another copy of the same length.
	second := other.copy.Marshal()
	if len(second) != len(whole) {
		t.Fatal("the copies differ in size")
	}
	body := 6 + int(binary.BigEndian.Uint16(whole[4:]))
	for name, from := range map[string]int{"the sealed parts": body, "the signature": len(whole) - 82, "the shares and the signature": len(whole) - 82 - 2*1213 - 2*60} {
		c, err := hostproof.ParseCopy(append(append([]byte(nil), whole[:from]...), second[from:]...))
		must(t, err)
		_, _, err = hostproof.Opening{Codes: s.codes, Reason: "x"}.Open(c, now)
		wants(t, name, err, "was altered")
	}
	_, _, err = hostproof.Opening{Keys: s.ada.Keyset, Codes: other.codes, Reason: "x"}.Open(s.copy, now)
	wants(t, "codes of another copy", err, "opens no share")
	stray, err := other.bea.Consent(other.copy, 1, "x", now)
	must(t, err)
	_, _, err = hostproof.Opening{Keys: s.ada.Keyset, Consents: []*hostproof.Consent{stray}, Reason: "x"}.Open(s.copy, now)
	wants(t, "a consent to another copy", err, "another emergency copy")

	consent := s.consent(t, s.bea, 1).Marshal()
	for at := 0; at < len(consent); at += 23 {
		n, err := hostproof.ParseConsent(changed(consent, at))
		if err != nil {
			continue
		}
		if _, _, err := (hostproof.Opening{Keys: s.ada.Keyset, Consents: []*hostproof.Consent{n}, Reason: "x"}).Open(s.copy, now); err == nil {
			t.Errorf("with byte %d of the consent altered it opens", at)
		}
	}
	r := opened(t, s.copy, hostproof.Opening{Keys: s.ada.Keyset, Codes: s.codes[:1]})
	receipt := r.Marshal()
	for at := 0; at < len(receipt); at += 23 {
		if n, err := hostproof.ParseReceipt(changed(receipt, at)); err == nil && n.Verify(s.copy) == nil {
			t.Errorf("with byte %d of the receipt altered it verifies", at)
		}
	}
	wants(t, "a receipt of another copy", r.Verify(other.copy), "not of that emergency copy")
}

// copyVector is a copy with what opens it.
type copyVector struct {
	Made  string   `json:"made_by"`
	Time  int64    `json:"time"`
	Copy  string   `json:"copy"`
	Codes []string `json:"codes"`
}

// TestCopyByAnother opens the kept copy by a second reader, which is written from
// doc/formats/emergency-copy.md and shares no code with the first.
func TestCopyByAnother(t *testing.T) {
	if *newVectors {
		name := filepath.Join("testdata", "copy", "go.json")
		s := newSafe(t)
		v := copyVector{"Go", now, hex.EncodeToString(s.copy.Marshal()), []string{s.codes[0].Text(), s.codes[1].Text()}}
		b, err := json.MarshalIndent(v, "", "\t")
		must(t, err)
		must(t, os.MkdirAll(filepath.Dir(name), 0o700))
		must(t, os.WriteFile(name, append(b, '\n'), 0o600))
	}
	files, err := filepath.Glob(filepath.Join("testdata", "copy", "*.json"))
	must(t, err)
	seen := map[int]bool{}
	for _, name := range files {
		seen[byAnother(t, name)] = true
	}
	if !seen[1] || !seen[2] {
		t.Errorf("the copies are of versions %v", seen)
	}
}

// byAnother opens one copy by both readers. It gives the version of its format.
func byAnother(t *testing.T, name string) (version int) {
	t.Helper()
	text, err := os.ReadFile(name) //nolint:gosec // a file of this folder
	must(t, err)
	var v copyVector
	must(t, json.Unmarshal(text, &v))
	raw, err := hex.DecodeString(v.Copy)
	must(t, err)
	c, err := hostproof.ParseCopy(raw)
	must(t, err)
	var codes []hostproof.Code
	var bytesOf [][]byte
	for _, s := range v.Codes {
		code, err := hostproof.ParseCode(s)
		must(t, err)
		codes, bytesOf = append(codes, code), append(bytesOf, code[:])
	}
	opened(t, c, hostproof.Opening{Codes: codes})
	var got []hostproof.Copied
	fips140.WithoutEnforcement(func() { got = readCopy(t, raw, bytesOf) }) // the second reader takes nonces apart, which the mode refuses
	version = (&at{raw[6:]}).u16()
	files := got[1].Files
	if version == 2 && (len(files) != 1 || files[0].Name != "pl\u00e4n.txt" || string(files[0].Content) != "zebra\x00plan" || got[1].Content["otp"] == "") {
		t.Errorf("the second reader finds the files %v", files)
	}
	if len(got) != 2 || got[1].Content["password"] != "pä\u2028ss" || got[0].From != "Personal" {
		t.Errorf("the second reader finds %v", got)
	}
	return version
}

// lp puts parts behind their lengths.
func lp(parts ...[]byte) (out []byte) {
	for _, p := range parts {
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(p))), p...)
	}
	return out
}

// at takes parts off the front of bytes.
type at struct{ b []byte }

func (a *at) take(n int) []byte { p := a.b[:n]; a.b = a.b[n:]; return p }
func (a *at) u8() int           { return int(a.take(1)[0]) }
func (a *at) u16() int          { return int(binary.BigEndian.Uint16(a.take(2))) }
func (a *at) sized() []byte     { return a.take(a.u16()) }
func (a *at) text() string      { return string(a.take(a.u8())) }

func unbox(t *testing.T, key, bind, box []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	must(t, err)
	g, err := cipher.NewGCM(block)
	must(t, err)
	plain, err := g.Open(nil, box[:12], box[12:], bind)
	must(t, err)
	return plain
}

func derived(t *testing.T, secret []byte, info ...[]byte) []byte {
	t.Helper()
	k, err := hkdf.Key(sha256.New, secret, nil, string(lp(info...)), 32)
	must(t, err)
	return k
}

// readCopy is the second reader: it opens a copy by the codes of its papers.
func readCopy(t *testing.T, raw []byte, codes [][]byte) []hostproof.Copied {
	t.Helper()
	in := &at{raw}
	if string(in.take(4)) != "SRB1" {
		t.Fatal("no magic")
	}
	body := in.sized()
	h := &at{body}
	version, tenant, id := h.u16(), []byte(h.text()), h.take(16)
	maker := h.sized()
	h.take(8 + 8 + 65)
	commitment, needed := h.take(32), h.u8()
	papers := make([]bool, h.u8())
	for i := range papers {
		papers[i] = h.u8() == 2
		h.text()
		if !papers[i] {
			h.sized()
		}
		h.take(32)
	}
	box := in.take(int(binary.BigEndian.Uint32(in.take(4))))
	sum := sha256.Sum256(append(append([]byte(nil), box...), in.b[:len(in.b)-82]...))
	if version < 1 || version > 2 || needed != 2 || len(h.b) != 0 || !signedBy(t, maker, in.b[len(in.b)-64:], lp([]byte("strongroom/copy/1"), body, sum[:])) {
		t.Fatal("the body is another one, or not signed")
	}
	shares := map[byte][]byte{}
	for i, paper := range papers {
		place := []byte{byte(i + 1)}
		if !paper {
			in.take(1213)
			continue
		}
		key := derived(t, codes[len(shares)], []byte("strongroom/copy/paper/1"), tenant, id, place)
		shares[place[0]] = unbox(t, key, lp([]byte("strongroom/copy/give/1"), body, place), in.take(60))
	}
	secret := interpolated(shares)
	if got := hmacOf(secret, "strongroom/copy/commit/1"); !bytes.Equal(got, commitment) {
		t.Fatal("another commitment")
	}
	plain := unbox(t, derived(t, secret, []byte("strongroom/copy/key/1"), tenant, id), lp([]byte("strongroom/copy/box/1"), body), box)
	var out struct {
		Items []hostproof.Copied `json:"items"`
	}
	must(t, json.Unmarshal([]byte(strings.TrimRight(string(plain), " ")), &out))
	return out.Items
}

// signedBy reads the signing key out of a statement, and verifies with it.
func signedBy(t *testing.T, statement, sig, message []byte) bool {
	t.Helper()
	s := &at{statement[6:]}
	s.take(2)
	s.text()
	s.take(8 + 4 + 4 + 8 + 2)
	s.sized()
	s.take(2)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), s.take(65))
	must(t, err)
	sum := sha256.Sum256(message)
	return ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
}

func hmacOf(key []byte, text string) []byte {
	pad := func(x byte) []byte {
		p := bytes.Repeat([]byte{x}, 64)
		for i, b := range key {
			p[i] ^= b
		}
		return p
	}
	inner := sha256.Sum256(append(pad(0x36), text...))
	outer := sha256.Sum256(append(pad(0x5c), inner[:]...))
	return outer[:]
}

// interpolated is the value at 0, by tables of powers of 3 rather than by shifts.
func interpolated(shares map[byte][]byte) []byte {
	var exp [510]byte
	var log [256]int
	x := byte(1)
	for i := range 255 {
		exp[i], exp[i+255], log[x] = x, x, i
		high := x & 0x80
		x ^= x << 1
		if high != 0 {
			x ^= 0x1b
		}
	}
	out := make([]byte, 32)
	for i, y := range shares {
		part := 0
		for j := range shares {
			if j != i {
				part += log[j] + 255 - log[i^j]
			}
		}
		for k, b := range y {
			if b != 0 {
				out[k] ^= exp[(log[b]+part)%255]
			}
		}
	}
	return out
}

// FuzzCopy: what is taken for a copy, a head, a consent or a receipt has one form, and
// nothing makes verification stop.
func FuzzCopy(f *testing.F) {
	s := newSafe(f)
	n, err := s.bea.Consent(s.copy, 1, "x", now)
	must(f, err)
	_, r, err := hostproof.Opening{Keys: s.ada.Keyset, Consents: []*hostproof.Consent{n}, Reason: "x"}.Open(s.copy, now)
	must(f, err)
	for _, b := range [][]byte{s.copy.Marshal(), s.copy.Head(), n.Marshal(), r.Marshal(), []byte("SRB1"), []byte("SRT1\x00\x02\x00\x01")} {
		f.Add(b)
	}
	text, err := os.ReadFile(filepath.Join("testdata", "copy", "go.json"))
	must(f, err)
	f.Add([]byte(base64.StdEncoding.EncodeToString(text)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := hostproof.ParseCopy(b); err == nil {
			if !bytes.Equal(c.Marshal(), b) {
				t.Error("a copy has two forms")
			}
			_, _, _ = hostproof.Opening{Codes: s.codes, Reason: "x"}.Open(c, now) // must not stop
		}
		if c, err := hostproof.ParseHead(b); err == nil && !bytes.Equal(c.Head(), b) {
			t.Error("a head has two forms")
		}
		if n, err := hostproof.ParseConsent(b); err == nil && !bytes.Equal(n.Marshal(), b) {
			t.Error("a consent has two forms")
		}
		if r, err := hostproof.ParseReceipt(b); err == nil {
			if !bytes.Equal(r.Marshal(), b) {
				t.Error("a receipt has two forms")
			}
			_ = r.Verify(s.copy) // must not stop
		}
	})
}
