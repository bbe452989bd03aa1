// Package mailauth reads by what a domain lets receivers tell its mail from forged
// mail: SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 7489).
//
// Always true: records are read as a receiver reads them, limits of the standards
// included; how many questions one domain can cause is bounded.
package mailauth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/tracker/resolve"
	"strongroom/internal/feature/tracker/seen"
)

// Source asks a name server.
type Source struct{ Resolver *resolve.Client }

// Tracker describes it.
func (s *Source) Tracker() seen.Tracker {
	return seen.Tracker{Name: "mail", Title: "Mail: SPF, DKIM, DMARC", Icon: "mail", Kinds: []string{"domain"}, Every: 24 * time.Hour, Fetch: s.Fetch}
}

// maxSelectors is how many DKIM keys of one domain are looked at.
const maxSelectors = 20

// Fetch reads the records of a domain.
func (s *Source) Fetch(ctx context.Context, t seen.Target) (*seen.Report, error) {
	if t.IsAddress() {
		return nil, fault.New(fault.Invalid, "An address sends no mail of its own.")
	}
	mails, err := s.takesMail(ctx, t.Host)
	if err != nil {
		return nil, err
	}
	r := &seen.Report{}
	if !mails {
		r.Add("Mail", "the domain takes none")
	}
	spf, err := s.spf(ctx, r, t.Host, mails)
	if err != nil {
		return nil, err
	}
	dkim, err := s.dkim(ctx, r, t, mails)
	if err != nil {
		return nil, err
	}
	dmarc, err := s.dmarc(ctx, r, t.Host, mails)
	if err != nil {
		return nil, err
	}
	r.Summary = strings.Join([]string{"SPF " + spf, "DKIM " + dkim, "DMARC " + dmarc}, ", ")
	if r.Worst() < seen.Warn {
		r.Say(seen.Good, "Receivers can tell mail of this domain from forged mail.", "")
	}
	return r, nil
}

// takesMail tells whether a domain has a mail server. One with a null MX
// (RFC 7505) says that it has none.
func (s *Source) takesMail(ctx context.Context, host string) (bool, error) {
	a, err := s.Resolver.Ask(ctx, host, dnsmessage.TypeMX)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(a.Records, func(r dnsmessage.Resource) bool {
		mx, ok := r.Body.(*dnsmessage.MXResource)
		return ok && mx.MX.String() != "."
	}), nil
}

// dkim looks at the keys that the domain's selectors name.
func (s *Source) dkim(ctx context.Context, r *seen.Report, t seen.Target, mails bool) (string, error) {
	if len(t.Selectors) == 0 {
		if mails {
			r.Say(seen.Note, "No DKIM selectors are entered, so its keys are not looked at: the DNS does not list them.",
				"Enter them at the domain. Microsoft 365 uses selector1 and selector2, Google Workspace google; in a mail they stand after s= in the line DKIM-Signature.")
		}
		return "not looked at", nil
	}
	good := 0
	for _, sel := range t.Selectors[:min(len(t.Selectors), maxSelectors)] {
		name := sel + "._domainkey." + t.Host
		texts, err := s.Resolver.Texts(ctx, name)
		if err != nil && !fault.Is(err, fault.Invalid) {
			return "", err
		}
		if len(texts) == 0 {
			r.Add("DKIM "+sel, "no key")
			r.Say(seen.Bad, "There is no DKIM key under the selector "+sel+".", "If your mail service still signs with it, publish its key at "+name+"; else take the selector off the domain.")
			continue
		}
		r.Add("DKIM "+sel, texts...)
		if len(texts) > 1 {
			r.Say(seen.Bad, "There are several records under the DKIM selector "+sel+".", "Leave one.")
			continue
		}
		k := ParseKey(texts[0])
		r.Findings = append(r.Findings, k.judge(sel)...)
		if k.usable() {
			good++
		}
	}
	return fmt.Sprintf("%d of %d keys", good, len(t.Selectors)), nil
}
