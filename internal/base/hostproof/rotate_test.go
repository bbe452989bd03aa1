package hostproof_test

import (
	"testing"

	"strongroom/internal/base/hostproof"
)

// TestNewKeys: new keys are believed where those before signed them, in one unbroken row
// of statements, and nowhere else. A vault under new keys is read by those who have
// access, and what was written with earlier keys stays readable.
func TestNewKeys(t *testing.T) {
	me := bare(t, ines)
	second, err := me.BareNext(now)
	must(t, err)
	third, err := second.BareNext(now)
	must(t, err)
	forged, err := bare(t, ines).BareNext(now)
	must(t, err)
	type list = []*hostproof.Statement
	whole := list{me.Statement, second.Statement}
	known := me.Statement.Fingerprint()
	for name, c := range map[string]struct {
		s      *hostproof.Statement
		before list
		want   string
	}{
		"the whole row":                    {third.Statement, whole, ""},
		"the keys that are known":          {me.Statement, nil, ""},
		"one left out":                     {third.Statement, list{me.Statement}, "does not follow"},
		"none":                             {third.Statement, nil, "other keys than those that are known"},
		"the newest alone":                 {third.Statement, list{second.Statement}, "other keys than those that are known"},
		"keys that those before never saw": {forged.Statement, list{me.Statement}, "does not follow"},
		"an older one as the newest":       {second.Statement, list{me.Statement, third.Statement}, "does not follow"},
	} {
		from, err := c.s.From(known, c.before)
		if c.want != "" {
			wants(t, name, err, c.want)
		} else if err != nil || from != me.Statement {
			t.Errorf("%s: %v", name, err)
		}
	}
	renewed(t, me, second)
}

func renewed(t *testing.T, me *person, second *hostproof.Keyset) {
	h := newHouse(t, me, vaultN)
	writer := bare(t, noor)
	old, member := h.gives(writer, hostproof.Writer)
	v, err := h.as(writer, old, member)
	must(t, err)
	sealed, leaf, err := writer.Seal(v, 7, ptr(h.leaves[7]), hostproof.Content{"title": "by the writer"}, now)
	must(t, err)
	// The writer takes new keys: what she wrote is verified with those of the grant.
	if _, _, err := v.Open(sealed); err != nil {
		t.Error(err)
	}
	theirs, err := writer.BareNext(now)
	must(t, err)
	if _, err := theirs.OpenVault(old, vaultN, me.Statement, list(me.Statement), now); err == nil {
		t.Error("a grant to earlier keys opens with the new ones")
	}
	if _, err := hostproof.Writers(vaultN, 1, me.Statement, []hostproof.Member{{Statement: theirs.Statement, Grant: old}}); err == nil {
		t.Error("a grant to earlier keys vouches for the new ones")
	}
	// The owner takes new keys, and gives the vault to the writer's newest.
	next, err := second.NextEpoch(h.vault)
	must(t, err)
	g, err := second.Grant(next, theirs.Statement, hostproof.Writer, 0, now)
	must(t, err)
	anew, got, err := second.Seal(next, 7, &leaf, hostproof.Content{"title": "by the writer"}, now)
	must(t, err)
	m, err := second.Manifest(next, h.manifest, []hostproof.Leaf{got}, now)
	must(t, err)
	opened, err := theirs.OpenVault(g, vaultN, second.Statement, list(second.Statement), now)
	must(t, err)
	if c, _, err := opened.Open(anew); err != nil || c["title"] != "by the writer" {
		t.Errorf("it opens to %v, %v", c, err)
	}
	if _, err := opened.Check(m, []hostproof.Leaf{got}, hostproof.Memory{}); err != nil {
		t.Error(err)
	}
	if _, err := theirs.OpenVault(g, vaultN, me.Statement, list(me.Statement), now); err == nil {
		t.Error("a grant by the new keys is taken for one by the old ones")
	}
}

func ptr[T any](v T) *T                                     { return &v }
func list(s ...*hostproof.Statement) []*hostproof.Statement { return s }
