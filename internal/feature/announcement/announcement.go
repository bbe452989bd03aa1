// Package announcement holds what a service desk tells its customers: outages, work
// that is planned, news.
//
// Always true: an announcement is an organization's, or everybody's; it is
// published only with a text, and a day on which it ends lies behind the one on which
// it begins.
package announcement

import (
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
)

// Kind is the name of the kind.
const Kind = "announcement"

// The states of an announcement.
const (
	Draft     = "Draft"
	Published = "Published"
	Withdrawn = "Withdrawn"
)

// Feature is the kind announcement.
func Feature() record.Feature {
	return record.Feature{Name: Kind, Kinds: []*record.Kind{announcements()}}
}

// Life is the lifecycle of announcements.
func Life() *lifecycle.Lifecycle {
	return &lifecycle.Lifecycle{Field: "status", States: []lifecycle.State{
		{Name: Draft, Begins: true, To: []string{Published, Withdrawn}},
		{Name: Published, Begins: true, To: []string{Draft, Withdrawn}, Requires: []string{"body", "publish_on"}},
		{Name: Withdrawn, To: []string{Draft}},
	}}
}

func announcements() *record.Kind {
	l := Life()
	return &record.Kind{
		Name: Kind, Plural: "announcements", Label: "Announcement", Labels: "Announcements", Icon: "bell",
		Scope: record.OfOrganization, Shared: true, Life: l, Before: l.Rule(fill),
		Fields: []record.Field{
			{Name: "name", Label: "Subject", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: l.Field, Type: record.Choice, Choices: l.Names(), Default: Draft, Class: record.Internal, Filter: true, Sort: true, List: true},
			{Name: "severity", Type: record.Choice, Choices: []string{"Information", "Planned work", "Outage"}, Default: "Information", Class: record.Internal, Filter: true, List: true},
			{Name: "publish_on", Label: "From", Type: record.Date, Class: record.Internal, Filter: true, Sort: true, List: true, Hint: "Left empty, the day on which it is published."},
			{Name: "expire_on", Label: "Until", Type: record.Date, Class: record.Internal, Filter: true, Sort: true, List: true},
			{Name: "at_sign_in", Label: "Also before sign-in", Type: record.Bool, Class: record.Internal, Default: false, Filter: true, Hint: "Whoever comes to the sign-in page of the portal and the pages reads it. Only of those that are for everybody."},
			{Name: "service_id", Label: "Service", Type: record.Ref, Ref: "service", Class: record.Internal, Filter: true},
			{Name: "body", Label: "Text", Type: record.HTML, Class: record.Internal, Search: true},
		},
	}
}

// fill sets the day of publication, in the tenant's day as UTC counts it.
func fill(tx *gate.Tx, now, old *record.Record) error {
	if now.Values.Text("status") == Published && now.Values.Text("publish_on") == "" && (old == nil || old.Values.Text("status") != Published) {
		now.Values["publish_on"] = time.UnixMilli(tx.Now).UTC().Format(time.DateOnly)
	}
	if now.Values.Bool("at_sign_in") && now.Org != 0 {
		return fault.Field("at_sign_in", "Before somebody has signed in, nobody knows of which organization she is.").WithHint("Make it for everybody, or take this away.")
	}
	if from, to := now.Values.Text("publish_on"), now.Values.Text("expire_on"); from != "" && to != "" && to < from {
		return fault.Field("expire_on", "It ends before it begins.")
	}
	return nil
}
