package mailauth

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/tracker/seen"
)

// The limits of RFC 7208, section 4.6.4, and our own on how far is looked.
const (
	maxLookups = 10
	maxVoid    = 2
	lookAt     = 20
)

// Term is one term of an SPF record.
type Term struct {
	Qualifier byte   // '+', '-', '~' or '?'; 0 for a modifier
	Name      string // in small letters
	Value     string // after ":" or "="; for ip4 and the like with the length of the prefix
	Problem   string // what is wrong with it; a whole sentence
}

// isSPF tells whether a TXT record is one of SPF.
func isSPF(s string) bool {
	v, _, _ := strings.Cut(s, " ")
	return strings.EqualFold(v, "v=spf1")
}

// mechanisms tells of each whether it needs a lookup and whether it needs a value.
var mechanisms = map[string]struct{ lookup, value bool }{
	"all": {false, false}, "include": {true, true}, "a": {true, false}, "mx": {true, false}, "ptr": {true, false},
	"ip4": {false, true}, "ip6": {false, true}, "exists": {true, true},
}

// ParseSPF reads the terms of a record.
func ParseSPF(s string) []Term {
	var out []Term
	words := strings.Fields(s)
	for _, w := range words[min(1, len(words)):] {
		out = append(out, parseTerm(w))
	}
	return out
}

func parseTerm(w string) Term {
	if i := strings.IndexAny(w, "=:/"); i > 0 && w[i] == '=' {
		return Term{Name: strings.ToLower(w[:i]), Value: w[i+1:]}
	}
	t := Term{Qualifier: '+'}
	if strings.IndexByte("+-~?", w[0]) >= 0 {
		t.Qualifier, w = w[0], w[1:]
	}
	t.Name = w
	if i := strings.IndexAny(w, ":/"); i >= 0 {
		t.Name, t.Value = w[:i], strings.TrimPrefix(w[i:], ":")
	}
	t.Name = strings.ToLower(t.Name)
	m, known := mechanisms[t.Name]
	switch {
	case !known:
		t.Problem = fmt.Sprintf("%q is no term of SPF.", seen.Line(w))
	case m.value && t.Value == "":
		t.Problem = fmt.Sprintf("%q says nothing after the colon.", seen.Line(w))
	case t.Name == "all" && t.Value != "":
		t.Problem = fmt.Sprintf("%q has something after all.", seen.Line(w))
	}
	return t
}

// walk follows a record as a receiver does.
type walk struct {
	s       *Source
	lookups int
	void    int
	path    []string
	wrong   []string // whole sentences
	ptr     bool
}

// spf looks at the SPF record of a domain.
func (s *Source) spf(ctx context.Context, r *seen.Report, host string, mails bool) (string, error) {
	list, err := s.records(ctx, host, isSPF)
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		if mails {
			r.Say(seen.Bad, "There is no SPF record: anybody can send mail in the name of this domain.", `Add a TXT record that begins with v=spf1, names who sends for you, and ends with -all.`)
		} else {
			r.Say(seen.Warn, "There is no SPF record.", `A domain that sends no mail says so with the TXT record "v=spf1 -all".`)
		}
		return "missing", nil
	}
	r.Add("SPF", list...)
	if len(list) > 1 {
		r.Say(seen.Bad, "There are several SPF records; receivers then take none of them.", "Put them together into one.")
		return "several", nil
	}
	w := &walk{s: s}
	if err := w.record(ctx, host, list[0]); err != nil {
		return "", err
	}
	r.Add("SPF lookups", fmt.Sprintf("%d of %d", w.lookups, maxLookups))
	w.judge(r)
	return ending(r, ParseSPF(list[0])), nil
}

func (s *Source) records(ctx context.Context, host string, is func(string) bool) ([]string, error) {
	texts, err := s.Resolver.Texts(ctx, host)
	if fault.Is(err, fault.Invalid) {
		return nil, nil
	}
	return slices.DeleteFunc(texts, func(t string) bool { return !is(t) }), err
}

// record follows the terms of one record.
func (w *walk) record(ctx context.Context, host, text string) error {
	w.path = append(w.path, host)
	defer func() { w.path = w.path[:len(w.path)-1] }()
	terms := ParseSPF(text)
	ends := slices.ContainsFunc(terms, func(t Term) bool { return t.Name == "all" })
	for _, t := range terms {
		if t.Problem != "" {
			w.say("In the SPF record of %s, %s", host, t.Problem)
			continue
		}
		if t.Qualifier == 0 && (t.Name != "redirect" || ends) || t.Qualifier != 0 && !mechanisms[t.Name].lookup {
			continue
		}
		if w.lookups++; w.lookups > lookAt {
			return nil
		}
		w.ptr = w.ptr || t.Name == "ptr"
		if err := w.follow(ctx, host, t); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) say(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); !slices.Contains(w.wrong, s) {
		w.wrong = append(w.wrong, s)
	}
}

// follow asks what a term asks for. What depends on the mail (macros) is counted
// and not asked.
func (w *walk) follow(ctx context.Context, host string, t Term) error {
	name, _, _ := strings.Cut(t.Value, "/")
	if name == "" {
		name = host
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if strings.Contains(name, "%") || t.Name == "ptr" || t.Name == "exists" {
		return nil
	}
	if t.Name == "include" || t.Name == "redirect" {
		return w.other(ctx, name)
	}
	kinds := []dnsmessage.Type{dnsmessage.TypeMX}
	if t.Name == "a" {
		kinds = []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA}
	}
	for _, k := range kinds {
		a, err := w.s.Resolver.Ask(ctx, name, k)
		if fault.Is(err, fault.Invalid) {
			w.say("%s is no name.", seen.Line(name))
			return nil
		}
		if err != nil {
			return err
		}
		if len(a.Records) > 0 {
			return nil
		}
	}
	w.void++
	return nil
}

// other follows the record of another domain.
func (w *walk) other(ctx context.Context, name string) error {
	if slices.Contains(w.path, name) {
		w.say("The SPF record of %s includes itself.", seen.Line(name))
		return nil
	}
	list, err := w.s.records(ctx, name, isSPF)
	if err != nil {
		return err
	}
	if len(list) != 1 {
		if len(list) == 0 {
			w.void++
		}
		w.say("%s is included and has %s SPF records.", seen.Line(name), map[bool]string{true: "no", false: "several"}[len(list) == 0])
		return nil
	}
	return w.record(ctx, name, list[0])
}

func (w *walk) judge(r *seen.Report) {
	for _, s := range w.wrong {
		r.Say(seen.Bad, s, "Receivers stop there and treat the record as broken: correct it or take it out.")
	}
	switch {
	case w.lookups > maxLookups:
		many := strconv.Itoa(w.lookups)
		if w.lookups > lookAt {
			many = "more than " + strconv.Itoa(lookAt)
		}
		r.Say(seen.Bad, "The SPF record needs "+many+" lookups; receivers stop after 10 and treat it as broken.", "Take out includes of services that no longer send for you, or name addresses (ip4, ip6) instead.")
	case w.lookups >= maxLookups-1:
		r.Say(seen.Note, fmt.Sprintf("The SPF record needs %d of 10 lookups.", w.lookups), "The next service that you include may be one too many: clear out first.")
	}
	if w.void > maxVoid {
		r.Say(seen.Warn, fmt.Sprintf("%d names in the SPF record lead to nothing; receivers may stop after 2.", w.void), "Take them out.")
	}
	if w.ptr {
		r.Say(seen.Warn, "The SPF record uses ptr, which many receivers do not look at.", "Use ip4, ip6, a or mx instead.")
	}
}

// ending judges what the record says of all others.
func ending(r *seen.Report, terms []Term) string {
	for _, t := range terms {
		switch {
		case t.Name == "redirect" && t.Qualifier == 0:
			return "by redirect"
		case t.Name != "all":
			continue
		}
		switch t.Qualifier {
		case '+':
			r.Say(seen.Bad, "The SPF record allows everybody to send in the name of this domain (+all).", "End it with -all.")
			return "for all"
		case '?':
			r.Say(seen.Warn, "The SPF record says nothing of others (?all).", "End it with ~all, and with -all once you know all who send for you.")
			return "neutral"
		case '~':
			return "soft"
		}
		return "strict"
	}
	r.Say(seen.Warn, "The SPF record does not end with all, so it says nothing of others.", "End it with -all.")
	return "open"
}
