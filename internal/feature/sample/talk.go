package sample

import (
	"context"
	"time"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/alert"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/flag"
)

// labels are the flags of the sample company.
var labels = []record.Values{
	{"name": "VIP", "colour": "violet", "meaning": "Answer first, and by telephone."},
	{"name": "Needs attention", "colour": "amber", "meaning": "Somebody should look at this soon."},
	{"name": "Leaving", "colour": "red", "meaning": "The contract was ended."},
}

// talk flags some records, puts alerts on some and says something about others.
// Only a person can; nobody in particular fills a tenant without it.
func (w *world) talk(ctx context.Context) error {
	if w.caller.User == 0 || len(w.finished) < 2 {
		return nil
	}
	return w.change(ctx, func(tx *gate.Tx) error {
		flags := map[string]id.ID{}
		for _, l := range labels {
			made, err := w.create(tx, flag.Kind, l.Clone())
			if err != nil {
				return err
			}
			flags[l.Text("name")] = made
		}
		client := w.finished[1].org
		later := w.today.AddDate(0, 1, 0).Format(time.DateOnly)
		for _, a := range []alert.Alert{
			{Severity: alert.Warning, Text: "Do not restart anything on Fridays: the practice works through until nine in the evening."},
			{Severity: alert.Information, Text: "The reception has moved to the first floor; the old telephone number rings there until the end of next month.", Until: later},
		} {
			if _, err := alert.Put(tx, client, a); err != nil {
				return err
			}
		}
		if err := flag.Put(tx, client, flags["VIP"]); err != nil {
			return err
		}
		return w.say(tx, client, flags["Needs attention"])
	})
}

// say comments on a few records of an organization and flags the first device.
func (w *world) say(tx *gate.Tx, org, attention id.ID) error {
	said := &comment.Comments{Records: w.filler.Records}
	for _, x := range []struct{ kind, text string }{
		{"configuration", "The fan has been loud since Monday. A spare is in the cupboard behind the desk; **not urgent**, but before the summer."},
		{"document", "Step 3 was out of date. I changed it to what we did last time:\n\n1. ask for the change window\n2. take a snapshot\n3. then update"},
		{"password", "Used by the backup too: change it there as well, in `repository.conf`."},
	} {
		p, err := w.filler.Records.List(tx, x.kind, record.Query{Org: org, Archived: "no", Limit: 1, NoTotal: true})
		if err != nil {
			return err
		}
		for _, r := range p.Records {
			if _, err := said.Say(tx, r.ID, x.text); err != nil {
				return err
			}
			if x.kind != "configuration" {
				continue
			}
			if err := flag.Put(tx, r.ID, attention); err != nil {
				return err
			}
		}
	}
	return nil
}
