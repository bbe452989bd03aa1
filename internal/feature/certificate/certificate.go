// Package certificate holds the certificates by which an organization's servers
// prove who they are.
//
// Always true: a certificate has a name, its own or that of the host which
// presents it; it is not valid from a day after the one until which it is valid.
package certificate

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// Feature is the kind ssl_certificate.
func Feature() record.Feature {
	return record.Feature{Name: "certificate", Kinds: []*record.Kind{certificates()}}
}

func certificates() *record.Kind {
	return &record.Kind{
		Name: "ssl_certificate", Plural: "ssl_certificates", Label: "SSL certificate", Labels: "SSL certificates", Icon: "certificate",
		Scope: record.OfOrganization, Menu: 10, Sheet: true, NameOf: func(v record.Values) string { return v.Text("host") }, Before: before,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Filter: true, Sort: true, Search: true, List: true, Hint: "Empty takes the host."},
			{Name: "host", Type: record.Text, Format: record.Mono, Class: record.Internal, Filter: true, Search: true,
				Headings: []string{"hostname", "host_name", "domain", "url"}, Hint: "What presents it, such as www.example.com or mail.example.com:993."},
			{Name: "issued_to", Type: record.Text, Class: record.Internal, Search: true, Headings: []string{"subject", "common_name"}},
			{Name: "issued_by", Type: record.Text, Class: record.Internal, Filter: true, List: true, Headings: []string{"issuer", "issuer_name"}},
			{Name: "valid_from", Type: record.Date, Class: record.Internal, Headings: []string{"issued_on", "not_before"}},
			{Name: "valid_until", Type: record.Date, Class: record.Internal, Sort: true, List: true, Expires: true,
				Headings: []string{"valid_to", "not_after", "expires_on", "expires_at", "expiration_date"}},
			{Name: "active", Label: "In use", Type: record.Bool, Class: record.Internal, Default: true, Filter: true, List: true,
				Hint: "The host presents this one, and not a newer one."},
			{Name: "notes", Type: record.HTML, Class: record.Internal, Search: true},
		},
	}
}

func before(_ *gate.Tx, now, _ *record.Record) error {
	if s, _, ok := strings.Cut(strings.TrimPrefix(now.Values.Text("host"), "https://"), "/"); ok || s != now.Values.Text("host") {
		now.Values["host"] = s // as people paste it
	}
	from, until := now.Values.Text("valid_from"), now.Values.Text("valid_until")
	if from != "" && until != "" && from > until {
		return fault.Field("valid_until", "This lies before the day from which it is valid.")
	}
	return nil
}
