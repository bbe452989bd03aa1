package merkle_test

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"strongroom/internal/base/merkle"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// The inputs and roots of the test tree of RFC 6962 implementations
// (google/certificate-transparency, MerkleTreeTest).
func TestKnownRoots(t *testing.T) {
	leaves := []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	roots := []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	var f merkle.Frontier
	for i, want := range roots {
		root := f.Root()
		if hex.EncodeToString(root[:]) != want {
			t.Errorf("size %d: %x, want %s", i, root[:], want)
		}
		if i < len(leaves) {
			b, err := hex.DecodeString(leaves[i])
			if err != nil {
				t.Fatal(err)
			}
			f.Append(merkle.LeafHash(b))
		}
	}
}

func leaf(i int64) merkle.Hash { return merkle.LeafHash(binary.BigEndian.AppendUint64(nil, uint64(i))) }

func tree(n int64) (leaves []merkle.Hash, roots []merkle.Hash) {
	var f merkle.Frontier
	roots = append(roots, f.Root())
	for i := range n {
		leaves = append(leaves, leaf(i))
		f.Append(leaf(i))
		roots = append(roots, f.Root())
	}
	return leaves, roots
}

func sources(leaves []merkle.Hash) map[string]merkle.Source {
	read := func(from, to int64) ([]merkle.Hash, error) { return leaves[from:to], nil }
	blocks := func(from, to int64) ([]merkle.Hash, error) {
		var out []merkle.Hash
		for b := from; b < to; b++ {
			out = append(out, merkle.SubtreeRoot(leaves[b*merkle.BlockSize:(b+1)*merkle.BlockSize]))
		}
		return out, nil
	}
	return map[string]merkle.Source{"leaves": {Leaves: read}, "blocks": {Leaves: read, Blocks: blocks}}
}

func TestProofsAgreeWithTlog(t *testing.T) {
	const most = 2000
	leaves, roots := tree(most)
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(idx []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range idx {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i := range leaves {
		h, err := tlog.StoredHashesForRecordHash(int64(i), leaves[i], reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, h...)
	}
	for name, s := range sources(leaves) {
		rapid.Check(t, func(t *rapid.T) {
			size := rapid.Int64Range(1, most).Draw(t, "size")
			index := rapid.Int64Range(0, size-1).Draw(t, "index")
			if root, err := s.Root(size); err != nil || root != roots[size] {
				t.Fatalf("%s: root of %d: %v", name, size, err)
			}
			got, err := s.Inclusion(index, size)
			if err != nil {
				t.Fatal(err)
			}
			want, err := tlog.ProveRecord(size, index, reader)
			if err != nil || !same(got, want) {
				t.Fatalf("%s: inclusion of %d in %d differs: %v", name, index, size, err)
			}
			if err := merkle.VerifyInclusion(got, size, roots[size], index, leaf(index)); err != nil {
				t.Fatal(err)
			}
			if merkle.VerifyInclusion(got, size, roots[size], index, leaf(index+1)) == nil {
				t.Fatal("a wrong leaf was accepted")
			}
			old := index + 1
			got, err = s.Consistency(old, size)
			if err != nil {
				t.Fatal(err)
			}
			want2, err := tlog.ProveTree(size, old, reader)
			if err != nil || !same(got, want2) {
				t.Fatalf("%s: consistency of %d with %d differs: %v", name, old, size, err)
			}
			if err := merkle.VerifyConsistency(got, size, roots[size], old, roots[old]); err != nil {
				t.Fatal(err)
			}
			if merkle.VerifyConsistency(got, size, roots[size], old, leaf(0)) == nil && old > 1 {
				t.Fatal("a wrong old root was accepted")
			}
		})
	}
}

func same(a, b []merkle.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestMissingEntriesAreAnError(t *testing.T) {
	leaves, _ := tree(600)
	s := merkle.Source{Leaves: func(from, to int64) ([]merkle.Hash, error) { return leaves[from : to-1], nil }}
	if _, err := s.Root(600); err == nil {
		t.Error("a root was made of missing leaves")
	}
	if _, err := s.Inclusion(600, 600); err == nil {
		t.Error("a proof was made of an entry outside the log")
	}
	if _, err := s.Consistency(601, 600); err == nil {
		t.Error("a proof was made of a larger log")
	}
}

func TestFrontierSurvivesStorage(t *testing.T) {
	var f merkle.Frontier
	for i := range int64(300) {
		g, err := merkle.ParseFrontier(f.Marshal())
		if err != nil || g.Root() != f.Root() || g.Size() != i {
			t.Fatalf("size %d: %v", i, err)
		}
		f = g
		f.Append(leaf(i))
	}
	good := f.Marshal()
	for _, bad := range [][]byte{nil, good[:7], good[:len(good)-1], append(good, make([]byte, 32)...), append([]byte{0x80}, good[1:]...)} {
		if _, err := merkle.ParseFrontier(bad); err == nil {
			t.Errorf("accepted %d bytes", len(bad))
		}
	}
	g := f.Clone()
	before := f.Root()
	g.Append(leaf(9))
	if f.Root() != before {
		t.Error("appending to a clone changed the original")
	}
}

func TestCheckpoint(t *testing.T) {
	secret, public, err := note.GenerateKey(rand.Reader, "strongroom/demo")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(text string) []byte {
		b, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []merkle.Checkpoint{
		{Origin: "strongroom/demo", Size: 0, Root: merkle.SubtreeRoot(nil)},
		{Origin: "strongroom/demo", Size: 77, Root: leaf(1), Time: 1_700_000_000_123},
	} {
		got, err := merkle.OpenCheckpoint(sign(c.Text()), public)
		if err != nil || got != c {
			t.Errorf("%+v came back as %+v, %v", c, got, err)
		}
	}
	c := merkle.Checkpoint{Origin: "strongroom/other", Size: 1, Root: leaf(1)}
	if _, err := merkle.OpenCheckpoint(sign(c.Text()), public); err == nil {
		t.Error("another tenant's origin was accepted")
	}
	c.Origin = "strongroom/demo"
	forged := strings.Replace(string(sign(c.Text())), "\n1\n", "\n2\n", 1)
	if _, err := merkle.OpenCheckpoint([]byte(forged), public); err == nil {
		t.Error("an altered checkpoint was accepted")
	}
	_, stranger, err := note.GenerateKey(rand.Reader, "strongroom/demo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := merkle.OpenCheckpoint(sign(c.Text()), stranger); err == nil {
		t.Error("a stranger's key was accepted")
	}
}

func FuzzCheckpoint(f *testing.F) {
	f.Add(merkle.Checkpoint{Origin: "strongroom/demo", Size: 77, Root: leaf(1), Time: 5}.Text())
	f.Add("strongroom/demo\n01\n\n")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := merkle.ParseCheckpoint(s)
		if err == nil && c.Text() != s {
			t.Fatalf("%q is not the text of what it parses to", s)
		}
	})
}

func FuzzFrontier(f *testing.F) {
	var fr merkle.Frontier
	f.Add(fr.Marshal())
	fr.Append(leaf(1))
	f.Add(fr.Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := merkle.ParseFrontier(b)
		if err == nil && string(fr.Marshal()) != string(b) {
			t.Fatal("two encodings of one frontier")
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	var f merkle.Frontier
	data := make([]byte, 300)
	for b.Loop() {
		f.Append(merkle.LeafHash(data))
		f.Root()
	}
}
