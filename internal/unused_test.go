package internal_test

import (
	"go/ast"
	"strconv"
	"testing"
)

// skip is how a connection is told to believe anybody.
const skip = "InsecureSkipVerify"

// unused are packages and names that the program does without, but where it says why:
// guessable numbers, broken ciphers and hashes, shells, templates that escape nothing, memory
// that is not checked, what looks into a running process, and connections to nobody knows whom.
var unused = map[string]map[string]string{
	"math/rand":     {},
	"math/rand/v2":  {"internal/feature/sample": "the sample company is the same each time", "internal/feature/sample/crowd": "as the sample company", "internal/app/load": "load is drawn, not guessed", "internal/base/sqldb": "how long to wait before a try again"},
	"text/template": {},
	"os/exec": {"internal/app": "starts the key service, by a list of arguments", "internal/app/load": "starts a server to be measured", "cmd/strongroom": "strongroom run starts what it is told",
		"internal/base/pkcs11": "runs the program that speaks to a token, by a list of arguments", "internal/base/pgtest": "for tests alone", "internal/base/browser": "for tests alone", "internal/base/mailfetch/dovecottest": "for tests alone", "internal/base/mail/postfixtest": "for tests alone", "internal/feature/identity/providertest": "for tests alone"},
	"crypto/sha1": {"internal/base/pkcs11": "tokens know OAEP with no other", "internal/base/breached": "lists of breached passwords are of it", "internal/base/archive": "zip archives are", "internal/core/secret": "one-time codes of RFC 6238 are"},
	"crypto/md5":  {}, "crypto/des": {}, "crypto/rc4": {}, "unsafe": {}, "C": {}, "plugin": {}, "encoding/gob": {}, "net/rpc": {}, "net/http/pprof": {}, "expvar": {},
	skip: {"internal/feature/tracker/tlscert": "a tracker looks at certificates that are wrong, and says so", "internal/feature/rotation/connector": "a certificate is pinned instead"},
}

// TestUnused holds what is not used, and that each reason is needed.
func TestUnused(t *testing.T) {
	used := map[string]map[string]bool{}
	note := func(s source, name string) {
		reasons, ruled := unused[name]
		if !ruled {
			return
		}
		if used[name] == nil {
			used[name] = map[string]bool{}
		}
		used[name][s.dir] = true
		if reasons[s.dir] == "" {
			t.Errorf("%s uses %s", s.name, name)
		}
	}
	for _, s := range sources(t) {
		if s.test || s.dir == "internal/apptest" || floorless(s.dir) {
			continue
		}
		for _, i := range s.ast.Imports {
			name, _ := strconv.Unquote(i.Path.Value)
			note(s, name)
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if x, ok := n.(*ast.Ident); ok && x.Name == skip {
				note(s, skip)
			}
			return true
		})
	}
	for name, reasons := range unused {
		for dir := range reasons {
			if !used[name][dir] {
				t.Errorf("%s may use %s, and does not", dir, name)
			}
		}
	}
}

// floorless tells whether a folder is no part of the program.
func floorless(dir string) bool {
	name, _ := floor(dir)
	return name == ""
}
