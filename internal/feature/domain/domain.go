// Package domain holds the domain names that organizations have registered.
//
// Always true: a domain's name is a bare host name in small letters, without a
// scheme, a path or a dot at its end.
package domain

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// Feature is the kind domain.
func Feature() record.Feature {
	return record.Feature{Name: "domain", Kinds: []*record.Kind{domains()}}
}

func domains() *record.Kind {
	return &record.Kind{
		Name: "domain", Plural: "domains", Label: "Domain", Labels: "Domains", Icon: "world-www",
		Scope: record.OfOrganization, Menu: 9, Sheet: true, Before: before,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Format: record.Mono, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true,
				Headings: []string{"domain", "domain_name"}, Hint: "Such as example.com."},
			{Name: "registrar_name", Label: "Registrar", Type: record.Text, Class: record.Internal, Filter: true, Search: true, List: true,
				Headings: []string{"registrar"}, Hint: "Where it is registered and paid for."},
			{Name: "expires_on", Type: record.Date, Class: record.Internal, Sort: true, List: true, Expires: true,
				Headings: []string{"expires_at", "expires", "expiration_date", "expiration", "expiry_date"}},
			{Name: "registered_on", Type: record.Date, Class: record.Internal, ReadOnly: true, Kept: true},
			{Name: "name_servers", Type: record.Text, Format: record.Mono, Class: record.Internal, ReadOnly: true, Kept: true},
			{Name: "dkim_selectors", Label: "DKIM selectors", Type: record.Text, Format: record.Mono, Class: record.Internal,
				Hint: "Under which the keys of its mail services lie, such as selector1, selector2."},
			{Name: "notes", Type: record.HTML, Class: record.Internal, Search: true},
		},
	}
}

func before(_ *gate.Tx, now, _ *record.Record) error {
	now.Name = Bare(now.Name)
	if strings.ContainsAny(now.Name, " \t@,;") {
		return fault.Field("name", "A domain's name has no spaces, such as example.com.")
	}
	return nil
}

// Bare gives the host name in an address as people paste it.
func Bare(name string) string {
	s := strings.ToLower(strings.TrimSpace(name))
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	s, _, _ = strings.Cut(s, "/")
	return strings.TrimRight(s, ".")
}
