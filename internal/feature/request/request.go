// Package request holds what customers ask a service desk for: things to be had,
// changed or done, rather than mended.
//
// Always true: a request goes through the states of its lifecycle; once closed or
// canceled it does not change any more.
package request

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/desk"
)

// Kind is the name of the kind.
const Kind = "service_request"

// The states of a request.
const (
	Draft          = "Draft"
	Submitted      = "Submitted"
	Active         = "Active"
	Approved       = "Approved"
	Rejected       = "Approval Rejected"
	WaitCustomer   = "Waiting for customer"
	WaitThirdParty = "Waiting for 3rd party"
	Fulfilled      = "Fulfilled"
	Closed         = "Closed"
	Canceled       = "Canceled"
)

// Feature is the kind service_request.
func Feature() record.Feature {
	return record.Feature{Name: Kind, Kinds: []*record.Kind{requests()}, Schema: desk.Indexes(Kind)}
}

// Life is the lifecycle of requests.
func Life() *lifecycle.Lifecycle {
	worked := []string{"owner_id", "team_id"}
	done := []string{"owner_id", "team_id", "resolution"}
	wait := func(name string) lifecycle.State {
		return lifecycle.State{Name: name, To: []string{Active, Fulfilled, Canceled}, Requires: worked}
	}
	return &lifecycle.Lifecycle{Field: "status", States: []lifecycle.State{
		{Name: Draft, Begins: true, To: []string{Submitted, Canceled}},
		{Name: Submitted, Begins: true, To: []string{Active, Approved, Rejected, Canceled}},
		{Name: Active, Begins: true, To: []string{WaitCustomer, WaitThirdParty, Approved, Rejected, Fulfilled, Canceled}, Requires: worked},
		{Name: Approved, To: []string{Active, Fulfilled, Canceled}},
		{Name: Rejected, To: []string{Closed}},
		wait(WaitCustomer), wait(WaitThirdParty),
		{Name: Fulfilled, To: []string{Active, Closed}, Requires: done},
		{Name: Closed, Frozen: true},
		{Name: Canceled, Frozen: true},
	}}
}

func requests() *record.Kind {
	l := Life()
	rules := &desk.Rules{Life: l, Usual: Active, Otherwise: Submitted, Done: []string{Fulfilled, Closed}, Final: []string{Closed, Canceled}, Fill: fill}
	customer := desk.Customer()
	customer.Required = true
	k := &record.Kind{
		Name: Kind, Plural: "service_requests", Label: "Service request", Labels: "Service requests", Icon: "inbox",
		Scope: record.OfOrganization, Menu: 32, Ended: "final", Days: desk.Days(true), Life: l, Before: rules.Before, After: func(tx *gate.Tx, now, old *record.Record) error {
			if err := rules.After(tx, now, old); err != nil {
				return err
			}
			return asks(tx, now, old)
		},
		Fields: []record.Field{
			desk.Subject(), desk.Number("REQ"),
			desk.Status(l, "Left empty, it is Active when the team is known, and Submitted until then."),
			desk.Urgency(), customer,
			{Name: "reported_by_id", Label: "Asked by", Type: record.Ref, Ref: "contact", Class: record.Internal, Filter: true, Hint: "When it is not the customer."},
			desk.Source(),
			{Name: "wanted_by", Type: record.Date, Class: record.Internal, Filter: true, Sort: true, List: true, Expires: true},
			desk.Service(), desk.Category(), desk.Team(), desk.Owner(),
			desk.Description(),
			{Name: "cost", Type: record.Number, Class: record.Internal, Group: "Price", Hint: "What it costs us."},
			{Name: "price", Type: record.Number, Class: record.Internal, Group: "Price", Hint: "What the customer pays."},
			desk.Resolution(),
			{Name: "incident_id", Label: "Incident", Type: record.Ref, Ref: "incident", Class: record.Internal, Filter: true, Group: "Belongs to", Hint: "That led to it."},
			{Name: "offering_id", Label: "Offering", Type: record.Ref, Ref: "offering", Class: record.Internal, Filter: true, Group: "Belongs to", Hint: "Of the catalogue, that was ordered."},
		},
	}
	k.Fields = append(append(k.Fields, desk.Merged(Kind), desk.Tagged()), slices.Concat(desk.Clocked(), desk.Stamps(), desk.Satisfied())...)
	return k
}

// taken are the fields that a request takes over from what was ordered, unless they are
// said.
func taken() []string { return []string{"service_id", "category_id", "team_id", "cost", "price"} }

// fill completes a new request from the offering that was ordered. Without a subject it is
// called like that, or else by the first words of its description.
func fill(tx *gate.Tx, now, old *record.Record) error {
	if old != nil {
		return ballot.Entering(tx, now, old, Approved, Fulfilled)
	}
	if offering := now.Values.ID("offering_id"); offering != 0 {
		is, err := now.Kind.Engine().Get(tx, "offering", offering)
		if fault.Is(err, fault.NotFound) {
			return nil // as any reference to nothing, it is refused
		}
		if err != nil {
			return err
		}
		if now.Name == "" {
			now.Name = is.Name
		}
		for _, name := range taken() {
			if now.Values[name] == nil && is.Values[name] != nil {
				now.Values[name] = is.Values[name]
			}
		}
	}
	if now.Name == "" {
		now.Name = firstWords(richtext.Text(now.Values.Text("description")))
	}
	return nil
}

// firstWords are those of a text that fit in a subject.
func firstWords(s string) string {
	const most = 80
	var b strings.Builder
	for _, w := range strings.Fields(s) {
		if b.Len()+len(w) >= most {
			break
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return b.String()
}

// asks has a request approved that was sent.
func asks(tx *gate.Tx, now, _ *record.Record) error {
	if state := now.Values.Text("status"); state != Submitted && state != Active {
		return nil
	}
	return ballot.Demand(tx, now)
}
