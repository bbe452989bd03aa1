package featurestest_test

import (
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/change"
	"strongroom/internal/feature/incident"
)

// TestFreezes: nothing is scheduled into a freeze but an emergency; what overlaps is found,
// and what only touches is not.
func TestFreezes(t *testing.T) {
	b := openBench(t)
	day := b.Clock.Now().Truncate(24 * time.Hour)
	at := func(hours int) int64 { return day.Add(time.Duration(hours) * time.Hour).UnixMilli() }
	b.Make(change.FreezeKind, 0, record.Values{"name": "Year end", "begins_at": at(48), "ends_at": at(72)})
	b.Make(change.FreezeKind, b.Org("Another"), record.Values{"name": "Theirs", "begins_at": at(0), "ends_at": at(400)})
	schedule := func(typ string, from, to int) (*record.Record, error) {
		t.Helper()
		v := b.whole(change.Kind, change.Life())
		v["change_type"], v["scheduled_start"], v["scheduled_end"] = typ, at(from), at(to)
		r := b.mustMake(change.Kind, v)
		for _, state := range []string{change.Requested, change.PendingApproval} {
			if _, err := b.changed(r, record.Values{"status": state}); err != nil {
				t.Fatal(err)
			}
		}
		return b.changed(r, record.Values{"status": change.Scheduled})
	}
	for _, c := range []struct {
		typ      string
		from, to int
		free     bool
	}{{"Minor", 40, 48, true}, {"Minor", 72, 80, true}, {"Minor", 40, 49, false}, {"Minor", 71, 80, false}, {"Minor", 50, 60, false}, {"Minor", 40, 80, false}, {"Emergency", 50, 60, true}} {
		if _, err := schedule(c.typ, c.from, c.to); (err == nil) != c.free || err != nil && (!fault.Is(err, fault.Invalid) || fault.Say(err).Fields["scheduled_start"] == "") {
			t.Errorf("%s from %d to %d: %v", c.typ, c.from, c.to, err)
		}
	}
	b.View(b.agent, func(tx *gate.Tx) error {
		list, err := change.Planned(tx, b.Records, b.org, at(45), at(72))
		if err != nil || len(list) != 6 { // but the one that begins when this ends
			t.Errorf("planned: %d, %v", len(list), err)
		}
		freezes, err := change.Freezes(tx, b.Records, b.org, at(60), at(61))
		if err != nil || len(freezes) != 1 || freezes[0].Name != "Year end" {
			t.Errorf("freezes: %v, %v", freezes, err)
		}
		return nil
	})
	b.Make(change.FreezeKind, b.org, record.Values{"name": "Until further notice", "begins_at": at(100)})
	if _, err := schedule("Minor", 900, 901); !fault.Is(err, fault.Invalid) {
		t.Errorf("into a freeze without end: %v", err)
	}
	if _, err := b.made(change.FreezeKind, record.Values{"contact_id": nil, "begins_at": at(9), "ends_at": at(8)}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a freeze that ends before it begins: %v", err)
	}
}

// TestRiskOfChanges: the risk follows from the answers, and from none that is missing.
func TestRiskOfChanges(t *testing.T) {
	for want, v := range map[string]record.Values{
		"Low":    {"risk_reach": "Nobody", "risk_back": "Minutes", "risk_tried": "In part", "risk_done": "Once or twice"},
		"Medium": {"risk_reach": "A team", "risk_back": "Minutes", "risk_tried": "As it will be done", "risk_done": "Once or twice"},
		"High":   {"risk_reach": "Everybody", "risk_back": "There is none", "risk_tried": "As it will be done", "risk_done": "Once or twice"},
		"":       {"risk_reach": "Everybody", "risk_back": "There is none", "risk_tried": "Not at all"},
	} {
		if got := change.RiskOf(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
	b := openBench(t)
	shows(t, b.mustMake(change.Kind, record.Values{"risk": "Low", "risk_reach": "Everybody", "risk_back": "There is none", "risk_tried": "Not at all", "risk_done": "Never"}), record.Values{"risk": "High"})
	shows(t, b.mustMake(change.Kind, record.Values{"risk": "Low"}), record.Values{"risk": "Low"})
}

// TestMasterResolvesThose: what a master stands for is resolved with it, in whatever open
// state it is, and what is over stays as it was.
func TestMasterResolvesThose(t *testing.T) {
	b := openBench(t)
	v := b.whole(incident.Kind, incident.Life())
	for _, f := range []string{"resolution", "cause_code"} {
		delete(v, f)
	}
	v["master"] = true
	master := b.mustMake(incident.Kind, v)
	logged := b.mustMake(incident.Kind, record.Values{"master_id": master.ID})
	v["master"], v["master_id"] = false, master.ID
	active, waiting, done := b.mustMake(incident.Kind, v), b.mustMake(incident.Kind, v), b.mustMake(incident.Kind, v)
	for r, to := range map[*record.Record]record.Values{waiting: {"status": incident.WaitCustomer}, done: {"status": incident.Resolved, "resolution": "<p>Its own</p>", "cause_code": "Training"}} {
		if _, err := b.changed(r, to); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.changed(master, record.Values{"status": incident.Resolved}); !fault.Is(err, fault.Invalid) {
		t.Errorf("without a resolution: %v", err)
	}
	shows(t, b.get(incident.Kind, active.ID), record.Values{"status": incident.Active})
	if _, err := b.changed(master, record.Values{"status": incident.Resolved, "resolution": "<p>Restarted</p>", "cause_code": "Software"}); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*record.Record{logged, active, waiting} {
		shows(t, b.get(incident.Kind, r.ID), record.Values{"status": incident.Resolved, "resolution": "<p>Restarted</p>", "cause_code": "Software"})
	}
	shows(t, b.get(incident.Kind, done.ID), record.Values{"resolution": "<p>Its own</p>", "cause_code": "Training"})
}
