// Package rdap asks registries who has registered a domain, where, and until when:
// the Registration Data Access Protocol (RFC 9082, RFC 9083, RFC 9224).
//
// Always true: a registry is asked at its own pace, by https; of people nothing
// is kept, only the registrar.
package rdap

import (
	"context"
	_ "embed"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/tracker/pace"
	"strongroom/internal/feature/tracker/seen"
)

// embedded is a list of registries in the format of RFC 9224. What it lacks, the
// list that IANA publishes has: see Source.Bootstrap.
//
//go:embed dns.json
var embedded []byte

// Source asks registries. Fill the fields; it then is safe for concurrent use.
type Source struct {
	Client    *http.Client
	Bootstrap string // address of IANA's list of registries; empty uses what is embedded
	Pace      *pace.Hosts

	mu    sync.Mutex
	known servers
	next  time.Time // when to ask for a newer list
}

// IANA is where the list of registries is published.
const IANA = "https://data.iana.org/rdap/dns.json"

// Tracker describes it.
func (s *Source) Tracker() seen.Tracker {
	return seen.Tracker{Name: "rdap", Title: "Registration", Icon: "world-www", Kinds: []string{"domain"}, Every: 24 * time.Hour, Fetch: s.Fetch}
}

// Fetch asks the registry of a domain.
func (s *Source) Fetch(ctx context.Context, t seen.Target) (*seen.Report, error) {
	if t.IsAddress() {
		return nil, fault.New(fault.Invalid, "An address is registered with no domain registry.")
	}
	list, err := s.registries(ctx)
	if err != nil {
		return nil, err
	}
	name := Registered(t.Host)
	registry := list.find(name)
	if registry == "" {
		r := &seen.Report{Summary: "No registration data"}
		r.Add("Domain", name)
		r.Say(seen.Note, "The registry of ."+name[strings.LastIndexByte(name, '.')+1:]+" publishes no registration data by RDAP.", "Enter the day on which the domain expires by hand.")
		return r, nil
	}
	b, code, err := s.get(ctx, registry+"domain/"+url.PathEscape(name))
	if code == gone {
		r := &seen.Report{Summary: "Not registered"}
		r.Add("Domain", name)
		r.Say(seen.Bad, "The registry knows no domain "+name+".", "It is not registered, or its registration has been deleted. Check the name; if it is yours, ask your registrar today.")
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	return Read(name, b)
}

// Read reports what a registry answered for a domain. Unavailable when it cannot be
// read.
func Read(name string, b []byte) (*seen.Report, error) {
	d, err := parseDomain(b)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The registry's answer cannot be read.").WithHint("It is tried again later.")
	}
	return d.report(name), nil
}

// Registered gives the domain that was registered at a registry: example.co.uk of
// www.example.co.uk.
func Registered(host string) string {
	suffix, official := publicsuffix.PublicSuffix(host)
	for !official && strings.Contains(suffix, ".") { // the service of somebody who registered it, such as github.io
		_, above, _ := strings.Cut(suffix, ".")
		suffix, official = publicsuffix.PublicSuffix(above)
	}
	rest, ok := strings.CutSuffix(host, "."+suffix)
	if !ok {
		return host
	}
	return rest[strings.LastIndexByte(rest, '.')+1:] + "." + suffix
}

// get asks for a document.
func (s *Source) get(ctx context.Context, address string) ([]byte, status, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, 0, err
	}
	if s.Pace != nil {
		if err := s.Pace.Wait(ctx, u.Host); err != nil {
			return nil, 0, err
		}
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, err
	}
	q.Header.Set("Accept", "application/rdap+json, application/json;q=0.9")
	q.Header.Set("User-Agent", "Strongroom")
	resp, err := s.Client.Do(q)
	if err != nil {
		if fault.Is(err, fault.Denied) {
			return nil, 0, err
		}
		return nil, 0, fault.Wrap(err, fault.Unavailable, "The registry at %s does not answer.", u.Host).WithHint("It is tried again later.")
	}
	defer resp.Body.Close()
	code := status(resp.StatusCode)
	switch {
	case code == gone:
		return nil, code, fault.New(fault.NotFound, "The registry does not know it.")
	case code == http.StatusTooManyRequests:
		f := fault.New(fault.Throttled, "The registry at %s was asked too often.", u.Host).WithHint("It is asked again later.")
		f.After = after(resp.Header.Get("Retry-After"))
		return nil, code, f
	case code != http.StatusOK:
		return nil, code, fault.New(fault.Unavailable, "The registry at %s answered %d.", u.Host, code).WithHint("It is tried again later.")
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, code, fault.Wrap(err, fault.Unavailable, "The answer of the registry at %s broke off.", u.Host).WithHint("It is tried again later.")
	}
	return b, code, nil
}

// after reads Retry-After: at least an hour, at most a day.
func after(header string) time.Duration {
	n, err := strconv.Atoi(header)
	if err != nil {
		return time.Hour
	}
	return min(max(time.Duration(min(n, 86400))*time.Second, time.Hour), 24*time.Hour)
}
