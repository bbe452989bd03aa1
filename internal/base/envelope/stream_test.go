package envelope_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"strongroom/internal/base/envelope"

	"pgregory.net/rapid"
)

var (
	streamKey  = bytes.Repeat([]byte{7}, 32)
	streamBind = []byte("blob 42")
)

func sealStream(t testing.TB, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := envelope.SealStream(&b, streamKey, streamBind)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("more")); err == nil {
		t.Fatal("a closed stream accepted more")
	}
	return b.Bytes()
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

// openBoth opens sealed in both ways, demands that they agree, and gives the
// plaintext.
func openBoth(t testing.TB, sealed, key, bind []byte) ([]byte, error) {
	t.Helper()
	var at []byte
	r, err := envelope.OpenStream(bytes.NewReader(sealed), int64(len(sealed)), key, bind)
	if err == nil {
		at = make([]byte, r.Size())
		if _, err = r.ReadAt(at, 0); err == io.EOF {
			err = nil
		}
	}
	var front []byte
	s, err2 := envelope.ReadStream(iotest.HalfReader(bytes.NewReader(sealed)), key, bind)
	if err2 == nil {
		front, err2 = io.ReadAll(s)
	}
	if (err == nil) != (err2 == nil) {
		t.Fatalf("random access says %v, reading in order says %v", err, err2)
	}
	if err == nil && !bytes.Equal(at, front) {
		t.Fatal("random access and reading in order give different bytes")
	}
	return at, err
}

func TestStreamGivesBackWhatItGot(t *testing.T) {
	const s = envelope.SegmentSize
	for _, n := range []int{0, 1, s - 1, s, s + 1, 2 * s, 3*s + 5} {
		plain := noise(n)
		sealed := sealStream(t, plain)
		if got, want := int64(len(sealed)-n), envelope.StreamOverhead(int64(n)); got != want {
			t.Errorf("%d bytes: overhead %d, StreamOverhead says %d", n, got, want)
		}
		got, err := openBoth(t, sealed, streamKey, streamBind)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestStreamRandomAccess(t *testing.T) {
	plain := noise(5*envelope.SegmentSize + 77)
	sealed := sealStream(t, plain)
	r, err := envelope.OpenStream(bytes.NewReader(sealed), int64(len(sealed)), streamKey, streamBind)
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(io.NewSectionReader(r, 0, r.Size()), plain); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		off := rapid.IntRange(0, len(plain)+10).Draw(t, "off")
		p := make([]byte, rapid.IntRange(0, 3*envelope.SegmentSize).Draw(t, "n"))
		n, err := r.ReadAt(p, int64(off))
		want := plain[min(off, len(plain)):min(off+len(p), len(plain))]
		if !bytes.Equal(p[:n], want) || (n < len(p)) != (err == io.EOF) {
			t.Fatalf("read %d at %d: %d bytes, %v", len(p), off, n, err)
		}
	})
}

func TestStreamRefusals(t *testing.T) {
	const s = envelope.SegmentSize
	const seg = s + 28
	sealed := sealStream(t, noise(3*s))
	other := sealStream(t, noise(3*s))
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	prefix, a, b, c := sealed[:32], sealed[32:32+seg], sealed[32+seg:32+2*seg], sealed[32+2*seg:]
	cases := []struct {
		name      string
		sealed    []byte
		key, bind []byte
	}{
		{"another bind", sealed, streamKey, []byte("blob 43")},
		{"another key", sealed, bytes.Repeat([]byte{8}, 32), streamBind},
		{"short key", sealed, streamKey[:31], streamBind},
		{"last segment cut off", join(prefix, a, b), streamKey, streamBind},
		{"only the prefix", prefix, streamKey, streamBind},
		{"nothing", nil, streamKey, streamBind},
		{"last byte cut off", sealed[:len(sealed)-1], streamKey, streamBind},
		{"a byte added", join(sealed, []byte{0}), streamKey, streamBind},
		{"28 bytes added", join(sealed, make([]byte, 28)), streamKey, streamBind},
		{"last segment twice", join(sealed, c), streamKey, streamBind},
		{"first two exchanged", join(prefix, b, a, c), streamKey, streamBind},
		{"middle missing", join(prefix, a, c), streamKey, streamBind},
		{"segment of a twin", join(prefix, a, other[32+seg:32+2*seg], c), streamKey, streamBind},
		{"prefix of a twin", join(other[:32], a, b, c), streamKey, streamBind},
		{"other magic", join([]byte("SRS2"), sealed[4:]), streamKey, streamBind},
	}
	for _, c := range cases {
		if _, err := openBoth(t, c.sealed, c.key, c.bind); err == nil {
			t.Errorf("%s: opened", c.name)
		}
	}
}

func TestStreamRefusesEveryFlippedByte(t *testing.T) {
	sealed := sealStream(t, []byte("short"))
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 0x40
		if _, err := openBoth(t, bad, streamKey, streamBind); err == nil {
			t.Errorf("byte %d changed and it opened", i)
		}
	}
}

func FuzzStream(f *testing.F) {
	f.Add(sealStream(f, nil))
	f.Add(sealStream(f, []byte("x")))
	f.Add([]byte("SRS1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		openBoth(t, b, streamKey, streamBind)
	})
}

func BenchmarkSealStream(b *testing.B) {
	plain := noise(1 << 20)
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		w, err := envelope.SealStream(io.Discard, streamKey, streamBind)
		if err != nil {
			b.Fatal(err)
		}
		w.Write(plain)
		w.Close()
	}
}
