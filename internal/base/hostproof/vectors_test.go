package hostproof_test

import (
	"crypto/fips140"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"strongroom/internal/base/hostproof"
)

var newVectors = flag.Bool("new-vectors", false, "write testdata/go.json anew")

// vector is a vault as a server has it, and what a client finds in it.
type vector struct {
	Made        string                       `json:"made_by"`
	Tenant      string                       `json:"tenant"`
	User        int64                        `json:"user"`
	Passphrase  string                       `json:"passphrase"`
	Statement   string                       `json:"statement"` // in hex, like all that follow
	Lock        string                       `json:"lock"`
	Fingerprint string                       `json:"fingerprint"`
	Vault       int64                        `json:"vault"`
	Grant       string                       `json:"grant"`
	Manifest    string                       `json:"manifest"`
	Items       []string                     `json:"items"`
	Contents    map[string]hostproof.Content `json:"contents"` // by item
}

func (h *house) vector() *vector {
	fp := h.me.Statement.Fingerprint()
	v := &vector{"Go", tenant, ines, passphrase, hex.EncodeToString(h.me.Statement.Marshal()), hex.EncodeToString(h.me.lock), hex.EncodeToString(fp[:]), vaultN,
		hex.EncodeToString(h.grant.Marshal()), hex.EncodeToString(h.manifest.Marshal()), nil, map[string]hostproof.Content{}}
	for _, i := range []int64{0, 7, 9} {
		v.Items = append(v.Items, hex.EncodeToString(h.items[i]))
	}
	v.Contents["0"] = hostproof.Content{"title": "Personal"}
	v.Contents["7"] = hostproof.Content{"title": "Router", "username": "admin", "password": "s3cret"}
	v.Contents["9"] = hostproof.Content{"title": "Bank", "password": "hunter2"}
	return v
}

// TestVectors opens every vault in testdata, whoever wrote it.
func TestVectors(t *testing.T) {
	if *newVectors {
		b, err := json.MarshalIndent(newHouse(t, someone(t, ines), vaultN).vector(), "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("testdata", "go.json"), append(b, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(files) < 4 {
		t.Fatalf("there are %d vectors: %v", len(files), err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			b, err := os.ReadFile(f) //nolint:gosec // a file of this folder
			if err != nil {
				t.Fatal(err)
			}
			var v vector
			if err := json.Unmarshal(b, &v); err != nil {
				t.Fatal(err)
			}
			v.check(t)
		})
	}
}

func (v *vector) check(t *testing.T) {
	raw := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	st, err := hostproof.ParseStatement(raw(v.Statement))
	if err != nil {
		t.Fatal(err)
	}
	k, err := hostproof.Unlock(v.Tenant, v.User, st, raw(v.Lock), v.Passphrase)
	if st.KDF.ID == hostproof.KDFArgon2id && fips140.Enforced() {
		wants(t, "a vault of Argon2id in FIPS mode", err, "does not approve")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if fp := st.Fingerprint(); hex.EncodeToString(fp[:]) != v.Fingerprint {
		t.Errorf("the fingerprint is %x", fp)
	}
	g, err := hostproof.ParseGrant(raw(v.Grant))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := k.OpenVault(g, v.Vault, st, []*hostproof.Statement{st}, g.Time)
	if err != nil {
		t.Fatal(err)
	}
	var leaves []hostproof.Leaf
	for _, sealed := range v.Items {
		c, leaf, err := opened.Open(raw(sealed))
		if err != nil {
			t.Fatal(err)
		}
		want := v.Contents[strconv.FormatInt(leaf.Item, 10)]
		if len(want) == 0 || len(c) != len(want) {
			t.Errorf("item %d is %v", leaf.Item, c)
		}
		for name, value := range want {
			if c[name] != value {
				t.Errorf("item %d, %s is %q", leaf.Item, name, c[name])
			}
		}
		leaves = append(leaves, leaf)
	}
	m, err := hostproof.ParseManifest(raw(v.Manifest))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opened.Check(m, leaves, hostproof.Memory{}); err != nil {
		t.Error(err)
	}
}
