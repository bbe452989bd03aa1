package method

import (
	"context"
	"strings"
	"time"

	"strongroom/internal/base/dialer"
)

// Kind is a sort of way in that tenants can configure, as its plug-in declares
// it: the form of its settings, its secrets and its test are derived.
type Kind struct {
	Name   string // in claims and the audit log: oidc
	Label  string // for people: OpenID Connect
	Text   string // one sentence: what it is for
	Away   bool   // the browser goes to another site and comes back
	Lists  bool   // its ways have Directory
	Legacy bool   // old: a way is off until somebody switches it on
	Fields []Field
	// Steps say in order how a way is set up, at both sides, to who reads nothing else.
	Steps []string
	// Addresses are those that the other side has to be told, below Setup.Home.
	Addresses []Address
	// Pair makes a key pair that a way proves itself with: the private half is
	// sealed, the public half is Pair.Public. Nil for a sort that has none.
	Pair func(Setup) (private, public string, err error)
	// Open makes a way of settings. Invalid, with fields, for settings that
	// cannot be; it asks nobody.
	Open func(Setup) (Way, error)
}

// Field is one setting of a way.
type Field struct {
	Name, Label, Hint string

	Type     string // text, url, textarea, checkbox or select, as in base/web/ui; Secret for what is sealed
	Options  []Option
	Required bool
	Default  string
}

// Address is one of our own, as the other side calls it.
type Address struct{ Label, Path string }

// Option is a choice of a select.
type Option struct{ Value, Label string }

// Secret is the type of a field that is sealed, and never shown again.
const Secret = "secret"

// Setup is what a way is made of.
type Setup struct {
	Tenant string // the tenant's short name
	Home   string // our address below which the way's own pages are, as the other side reaches it
	Values map[string]string
	Pairs  []Pair // the way's own, at most two, the one that is used first
	// Secret opens a field or the private half of a pair, which is sealed: the key
	// service is asked and it is recorded. Empty when none is set.
	Secret func(ctx context.Context, field string) (string, error)
	Dialer *dialer.Dialer
	Now    func() time.Time
}

// Pair is a key pair of a way's own. Of two, the first is used; the other is
// published beside it, and what was made for it is understood.
type Pair struct {
	Name   string `json:"name"` // of its private half, see Setup.Secret
	Public string `json:"public"`
	Made   int64  `json:"made"` // Unix milliseconds
}

// Text gives a setting without spaces around it.
func (s Setup) Text(name string) string { return strings.TrimSpace(s.Values[name]) }

// Bool tells whether a checkbox is ticked.
func (s Setup) Bool(name string) bool { return s.Values[name] == "1" }

// Lines gives the lines of a setting that are not empty.
func (s Setup) Lines(name string) []string {
	var out []string
	for l := range strings.Lines(s.Values[name]) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// Way is one configured way in: besides Test it has those of Password, Redirect,
// BackChannel and the others that it can. It is safe for concurrent use and may
// be made anew at any time.
type Way interface {
	// Test asks the other side, without signing anybody in, and gives what it
	// found in whole sentences; the error explains what is wrong and what helps.
	Test(ctx context.Context) ([]string, error)
}
