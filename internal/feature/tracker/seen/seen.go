// Package seen says what a tracker asks about and what it tells: facts, which
// are kept with their history, and findings, which are sentences for people.
//
// Always true: two reports with the same facts have the same text, so that a
// change of the text is a change outside; a finding says what is wrong and what
// to do, in words that need no manual.
package seen

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"strongroom/internal/base/fault"
)

// Tracker is one source of reports. The list of them is in internal/app.
type Tracker struct {
	Name  string        // as it is stored: rdap
	Title string        // for people: Registration
	Icon  string        // in the icon sprite
	Kinds []string      // kinds of records that it follows
	Every time.Duration // how often
	// Fetch asks. Fault kinds: Invalid for a target that it cannot ask about,
	// Unavailable and Throttled for what may work later, Denied for what the
	// dialer refuses. A side that answers with something bad is a report.
	Fetch func(ctx context.Context, t Target) (*Report, error)
}

// Of tells whether the tracker follows records of a kind.
func (t *Tracker) Of(kind string) bool { return slices.Contains(t.Kinds, kind) }

// Target is what is asked about.
type Target struct {
	Host      string   // in small letters, international names as xn--
	Port      string   // empty for the usual one
	Selectors []string // under which a domain's DKIM keys lie
}

// ParseTarget reads a host as people write it, with a port or without one.
// Invalid for what is no host.
func ParseTarget(s string) (Target, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	s, _, _ = strings.Cut(s, "/")
	var t Target
	host := s
	if h, p, err := net.SplitHostPort(s); err == nil {
		host, t.Port = h, p
	}
	if t.Port != "" && !isPort(t.Port) {
		return Target{}, noHost(s)
	}
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil && a.Zone() == "" {
		t.Host = a.String()
		return t, nil
	}
	host = strings.TrimPrefix(strings.TrimRight(host, "."), "*.")
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil || len(ascii) > 253 || !strings.Contains(ascii, ".") {
		return Target{}, noHost(s)
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" || len(label) > 63 {
			return Target{}, noHost(s)
		}
	}
	t.Host = ascii
	return t, nil
}

func isPort(p string) bool {
	a, err := netip.ParseAddrPort("0.0.0.0:" + p)
	return err == nil && a.Port() != 0
}

func noHost(s string) error {
	return fault.New(fault.Invalid, "%q is no name of a host that can be looked up.", s).WithHint("Write it as in example.com or mail.example.com:993.")
}

// IsAddress tells whether the host is an address and no name.
func (t Target) IsAddress() bool {
	_, err := netip.ParseAddr(t.Host)
	return err == nil
}

// ParseSelectors reads the selectors of a domain's DKIM keys, with commas or
// spaces between them.
func ParseSelectors(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
}

// Report is what a tracker found.
type Report struct {
	Summary  string            `json:"summary"` // one line
	Facts    []Fact            `json:"facts"`
	Findings []Finding         `json:"findings"`
	Fields   map[string]string `json:"fields"` // what it says of the record's own fields; days as 2006-01-02
}

// Fact is something found that has a name.
type Fact struct {
	Label  string   `json:"label"`
	Values []string `json:"values"`
}

// Level says how much a finding matters.
type Level int

// The levels, least first.
const (
	Good Level = iota
	Note
	Warn
	Bad
)

// Finding is a sentence about what was found.
type Finding struct {
	Level Level  `json:"level"`
	Text  string `json:"text"`
	Do    string `json:"do"` // what to do about it; empty for nothing
}

// Add notes a fact; no values are no fact.
func (r *Report) Add(label string, values ...string) {
	values = slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" })
	if len(values) > 0 {
		r.Facts = append(r.Facts, Fact{label, values})
	}
}

// AddSorted is Add for values whose order says nothing.
func (r *Report) AddSorted(label string, values ...string) {
	values = slices.Clone(values)
	slices.Sort(values)
	r.Add(label, slices.Compact(values)...)
}

// Say adds a finding.
func (r *Report) Say(l Level, text, do string) {
	r.Findings = append(r.Findings, Finding{l, text, do})
}

// Set notes what a field of the record should be.
func (r *Report) Set(field, value string) {
	if value == "" {
		return
	}
	if r.Fields == nil {
		r.Fields = map[string]string{}
	}
	r.Fields[field] = value
}

// Worst is the level of the finding that matters most.
func (r *Report) Worst() Level {
	worst := Good
	for _, f := range r.Findings {
		worst = max(worst, f.Level)
	}
	return worst
}

// Text gives the facts line by line, as they are compared with what was there
// before.
func (r *Report) Text() string {
	var b strings.Builder
	for _, f := range r.Facts {
		if len(f.Values) == 1 {
			b.WriteString(f.Label + ": " + Line(f.Values[0]) + "\n")
			continue
		}
		b.WriteString(f.Label + ":\n")
		for _, v := range f.Values {
			b.WriteString("  " + Line(v) + "\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// maxLine is how much of a value is kept, in bytes.
const maxLine = 2000

// Line makes one line of what strangers wrote: without control characters, and
// not longer than what is kept.
func Line(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "") + "…"
	}
	return strings.TrimSpace(s)
}
