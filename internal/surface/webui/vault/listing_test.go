package vault_test

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/merkle"
	"strongroom/internal/core/access"
	"strongroom/internal/surface/webui/webuitest"
)

// TestListingByHand: the browser opens nothing when the keys that it is shown do not
// stand in the signed log, or the log is another one than before.
func TestListingByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	mine, at := fill(t, h, access.Editor, 1)
	fill(t, h, access.Manager, 0)
	p := newProxy(t, h.URL)
	b := browser.Open(t, p.URL)
	signIn(b, access.Editor)
	unlock(b, passphrase)
	b.Wait(state + ` == "open"`)
	const log = `JSON.parse(Object.entries(localStorage).find(([k]) => k.startsWith("vault/"))[1]).log`
	if n := browser.Eval[int](b, log+`.size`); n < 1 {
		t.Errorf("the browser remembers a log of %d entries", n)
	}
	path := func(f func(a map[string]any)) func(string, map[string]any) {
		return func(path string, a map[string]any) {
			if strings.HasPrefix(path, "/vault/people/") {
				f(a)
			}
		}
	}
	hash := mine.Statement.Hash()
	for _, c := range []struct {
		says string
		lie  func(a map[string]any)
	}{
		{"another key of the audit log", func(a map[string]any) { a["key"] = "x" }},
		{"did not sign", func(a map[string]any) {
			a["checkpoint"] = strings.Replace(a["checkpoint"].(string), "\ntime 1", "\ntime 2", 1)
		}},
		{"do not stand in the signed", func(a map[string]any) { a["leaf"] = a["leaf"].(string) + " " }},
		{"other keys than those that stand", func(a map[string]any) {
			a["detail"] = strings.Replace(a["detail"].(string), hex.EncodeToString(hash[:]), strings.Repeat("ab", 32), 1)
		}},
	} {
		p.lies(path(c.lie))
		reopen(b, at)
		b.Wait(alarmed)
		if s := b.Text("[data-alarm]"); !strings.Contains(s, c.says) {
			t.Errorf("it says %q, not %q", s, c.says)
		}
	}
	p.lies(nil)
	browser.Eval[int](b, `((k) => { const m = JSON.parse(localStorage[k]); m.log.root = "ab".repeat(32); localStorage[k] = JSON.stringify(m); return 1 })(Object.keys(localStorage).find((k) => k.startsWith("vault/")))`)
	reopen(b, at)
	b.Wait(alarmed)
	if s := b.Text("[data-alarm]"); !strings.Contains(s, "another audit log") {
		t.Errorf("it says %q", s)
	}
}

// treeProofs compares what the script says of proofs with the reference: every
// proof of small trees, and the same with another root.
func treeProofs(t *testing.T, b *browser.Tab) {
	t.Helper()
	type proof struct {
		Index, Size     int64
		Path            []string
		Leaf, Root, Old string
	}
	var leaves []merkle.Hash
	var in, con []proof
	s := merkle.Source{Leaves: func(from, to int64) ([]merkle.Hash, error) { return leaves[from:to], nil }}
	hexes := func(list []merkle.Hash) []string {
		out := []string{}
		for _, x := range list {
			out = append(out, hex.EncodeToString(x[:]))
		}
		return out
	}
	root := func(n int64) string {
		r, err := s.Root(n)
		must(t, err)
		return hex.EncodeToString(r[:])
	}
	for size := int64(1); size <= 18; size++ {
		leaves = append(leaves, merkle.LeafHash([]byte{byte(size)}))
		for i := range size {
			path, err := s.Inclusion(i, size)
			must(t, err)
			in = append(in, proof{Index: i, Size: size, Path: hexes(path), Leaf: hex.EncodeToString(leaves[i][:]), Root: root(size)})
			path, err = s.Consistency(i+1, size)
			must(t, err)
			con = append(con, proof{Index: i + 1, Size: size, Path: hexes(path), Old: root(i + 1), Root: root(size)})
		}
	}
	all, err := json.Marshal(map[string][]proof{"in": in, "con": con})
	must(t, err)
	wrong := browser.Eval[[]string](b, `(async () => {`+modules+`
		const L = await import(at + "listing.js"), all = `+string(all)+`, u = B.unhex, out = [], other = new Uint8Array(32);
		for (const p of all.in) {
			const path = p.Path.map(u), yes = (...x) => L.included(...x);
			if (!yes(path, p.Size, u(p.Root), p.Index, u(p.Leaf))) out.push("in " + p.Index + " of " + p.Size);
			if (yes(path, p.Size, other, p.Index, u(p.Leaf)) || yes(path, p.Size, u(p.Root), p.Index, other) || yes([...path, other], p.Size, u(p.Root), p.Index, u(p.Leaf)) || yes(path, p.Size, u(p.Root), p.Size, u(p.Leaf))
				|| (path.length && yes(path.slice(1), p.Size, u(p.Root), p.Index, u(p.Leaf)))) out.push("not in " + p.Index + " of " + p.Size);
		}
		for (const p of all.con) {
			const path = p.Path.map(u), yes = (...x) => L.consistent(...x);
			if (!yes(path, p.Size, u(p.Root), p.Index, u(p.Old))) out.push("con " + p.Index + " of " + p.Size);
			if (yes(path, p.Size, other, p.Index, u(p.Old)) || yes(path, p.Size, u(p.Root), p.Index, other) || yes([...path, other], p.Size, u(p.Root), p.Index, u(p.Old))
				|| (path.length && yes(path.slice(1), p.Size, u(p.Root), p.Index, u(p.Old)))) out.push("not con " + p.Index + " of " + p.Size);
		}
		return out;
	})()`)
	if len(wrong) > 0 || len(in) != 171 {
		t.Errorf("the script differs: %v", wrong)
	}
}
