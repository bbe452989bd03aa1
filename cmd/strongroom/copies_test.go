package main

import (
	"encoding/json"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"strongroom/internal/base/hostproof"
)

// copies writes two emergency copies, one that opens and one that has expired, their code,
// and the files of the vaults of two holders, who have no vault: what there is when there
// is no server.
func copies(ts *testscript.TestScript, _ bool, _ []string) {
	const passphrase = "lantern harbour 72 violet"
	now := time.Now().UnixMilli()
	write := func(name string, b []byte) { ts.Check(os.WriteFile(ts.MkAbs(name), b, 0o600)) }
	var holders []hostproof.Holder
	var maker *hostproof.Keyset
	for i, name := range []string{"ada", "bea"} {
		k, lock, err := hostproof.NewKeyset("acme", int64(51+i), passphrase, hostproof.NewKDF(), now)
		ts.Check(err)
		b, err := json.Marshal(map[string]any{"format": "strongroom-vaults-1", "state": map[string]any{"tenant": "acme", "user": 51 + i, "statement": k.Statement.Marshal(), "lock": lock, "vaults": []string{}}, "vaults": map[string]any{}})
		ts.Check(err)
		write(name+".json", b)
		holders, maker = append(holders, hostproof.Holder{Name: name, Statement: k.Statement}), k
	}
	holders = append(holders, hostproof.Holder{Name: "Safe in Leeds"})
	items := []hostproof.Copied{{From: "Harbor", Content: hostproof.Content{"title": "Router", "password": "s3cret-of-router", "pin": "47\x1b[2J11"},
		Files: []hostproof.CopiedFile{{Name: "plan.txt", Content: []byte("zebra plan")}, {Name: "../../evil", Content: []byte("x")}}}}
	x, codes, err := maker.NewCopy(items, holders, 2, now+time.Hour.Milliseconds(), now)
	ts.Check(err)
	write("emergency.srb", x.Marshal())
	write("code", []byte(codes[0].Text()+"\n"))
	x, _, err = maker.NewCopy(items, holders, 2, now-time.Hour.Milliseconds(), now-2*time.Hour.Milliseconds())
	ts.Check(err)
	write("old.srb", x.Marshal())
}
