package featurestest_test

import (
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/timesheet"
)

// TestTimesheet: an entry keeps what it was worth when it was made, is hers who worked, and stays as it
// is once its month is closed; a timer runs on the server, one for each person.
func TestTimesheet(t *testing.T) {
	b := openBench(t)
	ticket := b.mustMake(incident.Kind, nil)
	other := b.mustMake(incident.Kind, record.Values{"name": "Other"})
	as := func(c *access.Caller, fn func(tx *gate.Tx) error) error {
		t.Helper()
		return b.Gate.Change(t.Context(), c, access.View, gate.Thing{ID: ticket.ID}, fn)
	}
	enter := func(c *access.Caller, v record.Values) (r *record.Record, err error) {
		t.Helper()
		w := record.Values{"incident_id": ticket.ID, "minutes": int64(20)}
		for k, x := range v {
			w[k] = x
		}
		err = as(c, func(tx *gate.Tx) (err error) { r, err = b.Records.Create(tx, timesheet.Kind, w); return err })
		return r, err
	}
	must := func(c *access.Caller, v record.Values) *record.Record {
		t.Helper()
		r, err := enter(c, v)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	worth := func(r *record.Record, counted, cents int64, currency string) {
		t.Helper()
		r = b.get(timesheet.Kind, r.ID)
		if r.Values["counted"] != counted || r.Values["amount_cents"] != cents || r.Values.Text("currency") != currency {
			t.Errorf("it is worth %v", r.Values)
		}
	}

	t.Run("what it is worth", func(t *testing.T) {
		none := must(b.agent, nil)
		worth(none, 20, 0, "")
		all := b.Make(timesheet.Rate, 0, record.Values{"name": "Usual", "hourly": "90", "round_to": int64(15)})
		b.Make(timesheet.Rate, 0, record.Values{"name": "Managers", "hourly": "120,00", "role": "Manager"})
		first := must(b.agent, nil)
		worth(first, 30, 4500, "EUR")
		worth(must(b.User(access.Manager), nil), 20, 4000, "EUR")
		b.Make(timesheet.Rate, b.org, record.Values{"name": "Theirs", "hourly": "99.99", "currency": "GBP", "round_to": int64(6), "at_least": int64(30)})
		theirs := must(b.agent, record.Values{"minutes": int64(7)})
		worth(theirs, 30, 5000, "GBP") // 49.995, rounded
		worth(must(b.agent, record.Values{"billable": false}), 0, 0, "GBP")
		b.mustUpdate(timesheet.Rate, all, record.Values{"hourly": "10.00", "round_to": int64(1)})
		b.mustUpdate(timesheet.Kind, first.ID, record.Values{"minutes": int64(31)})
		worth(first, 45, 6750, "EUR") // by the rate that it was made with
		if r, err := enter(b.agent, record.Values{"amount_cents": int64(1), "hourly_cents": int64(1), "currency": "XXX"}); err != nil {
			t.Error(err)
		} else {
			worth(r, 30, 5000, "GBP")
		}
		var sum timesheet.Sum
		b.View(b.agent, func(tx *gate.Tx) (err error) { _, sum, err = timesheet.Of(tx, b.Records, ticket.ID, 1); return err })
		if sum.Entries != 6 || sum.Minutes != 20+31+20+7+20+20 || sum.Cents["EUR"] != 10750 || sum.Cents["GBP"] != 10000 {
			t.Errorf("%+v", sum)
		}
	})
	t.Run("refused", func(t *testing.T) {
		for _, v := range []record.Values{{"minutes": int64(0)}, {"minutes": int64(1441)}, {"worked_on": "2099-01-01"}} {
			if _, err := enter(b.agent, v); !fault.Is(err, fault.Invalid) {
				t.Errorf("%v: %v", v, err)
			}
		}
		for _, hourly := range []string{"", "-5", "1.5", "1e9", "=1+1", "99999999"} {
			err := b.Gate.Change(t.Context(), b.Admin(), access.Create, gate.Thing{Kind: timesheet.Rate}, func(tx *gate.Tx) error {
				return second(b.Records.Create(tx, timesheet.Rate, record.Values{"name": "x", "hourly": hourly}))
			})
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", hourly, err)
			}
		}
		if _, err := enter(b.User(access.ReadOnly), nil); !fault.Is(err, fault.Denied) {
			t.Errorf("a reader: %v", err)
		}
		mine := must(b.agent, nil)
		else_ := b.User(access.Editor)
		change := func(c *access.Caller, v record.Values) error {
			return as(c, func(tx *gate.Tx) error { return second(b.Records.Update(tx, timesheet.Kind, mine.ID, 0, v)) })
		}
		if err := change(else_, record.Values{"minutes": int64(5)}); !fault.Is(err, fault.Denied) {
			t.Errorf("another changed it: %v", err)
		}
		if _, err := enter(else_, record.Values{"person_id": b.agent.User}); !fault.Is(err, fault.Denied) {
			t.Errorf("another entered for her: %v", err)
		}
		if err := change(b.agent, record.Values{"incident_id": other.ID}); !fault.Is(err, fault.Invalid) {
			t.Errorf("it went to another ticket: %v", err)
		}
		hidden := b.mustMake(incident.Kind, record.Values{"name": "Hidden"})
		b.Change(func(tx *gate.Tx) error { return b.Records.SetAccess(tx, incident.Kind, hidden.ID, true, nil, nil) })
		theirs := b.Make(timesheet.Kind, 0, record.Values{"incident_id": hidden.ID, "minutes": int64(600)})
		b.View(else_, func(tx *gate.Tx) error {
			if _, err := b.Records.Get(tx, timesheet.Kind, theirs); !fault.Is(err, fault.NotFound) {
				t.Errorf("an entry on a hidden ticket: %v", err)
			}
			_, all, err := timesheet.Totals(tx, b.Records, b.Clock.Now().UTC().Format("2006-01"))
			if all.Minutes >= 600 {
				t.Errorf("hidden time is counted: %+v", all)
			}
			return err
		})
	})
	t.Run("timer", func(t *testing.T) {
		for range 2 {
			if err := as(b.agent, func(tx *gate.Tx) error { return timesheet.Start(tx, ticket.ID) }); err != nil {
				t.Fatal(err)
			}
			b.Clock.Advance(10*time.Minute + time.Second)
		}
		if err := as(b.agent, func(tx *gate.Tx) error { return timesheet.Start(tx, other.ID) }); !fault.Is(err, fault.Conflict) {
			t.Errorf("two run at once: %v", err)
		}
		var made *record.Record
		stop := func() error {
			return as(b.agent, func(tx *gate.Tx) (err error) {
				made, err = timesheet.Stop(tx, b.Records, ticket, "Cables", true)
				return err
			})
		}
		if err := stop(); err != nil || made == nil || made.Values["minutes"] != int64(21) || made.Name != "Cables" || made.Values.ID("person_id") != b.agent.User {
			t.Errorf("%v, %v", made, err)
		}
		if err := stop(); err != nil || made != nil {
			t.Errorf("a second time: %v, %v", made, err)
		}
		if err := as(b.User(access.ReadOnly), func(tx *gate.Tx) error { return timesheet.Start(tx, ticket.ID) }); !fault.Is(err, fault.Denied) {
			t.Errorf("a reader's: %v", err)
		}
	})
	t.Run("a closed month", func(t *testing.T) {
		month := b.Clock.Now().UTC().Format("2006-01")
		mine := must(b.agent, nil)
		shut := func(c *access.Caller, on bool) error {
			return as(c, func(tx *gate.Tx) error { return timesheet.Close(tx, month, on) })
		}
		if err := shut(b.Admin(), true); !fault.Is(err, fault.Invalid) {
			t.Errorf("before it is over: %v", err)
		}
		b.Clock.Advance(40 * 24 * time.Hour)
		if err := shut(b.agent, true); !fault.Is(err, fault.Denied) {
			t.Errorf("by an editor: %v", err)
		}
		for range 2 {
			if err := shut(b.Admin(), true); err != nil {
				t.Fatal(err)
			}
		}
		err := as(b.agent, func(tx *gate.Tx) error {
			return second(b.Records.Update(tx, timesheet.Kind, mine.ID, 0, record.Values{"minutes": int64(5)}))
		})
		if !fault.Is(err, fault.Denied) {
			t.Errorf("it was changed: %v", err)
		}
		err = as(b.agent, func(tx *gate.Tx) error {
			return second(b.Records.Update(tx, timesheet.Kind, mine.ID, 0, record.Values{"worked_on": b.Clock.Now().UTC().Format("2006-01-02")}))
		})
		if !fault.Is(err, fault.Denied) {
			t.Errorf("it was moved out: %v", err)
		}
		if _, err := enter(b.agent, record.Values{"worked_on": month + "-05"}); !fault.Is(err, fault.Denied) {
			t.Errorf("it was entered into: %v", err)
		}
		b.mustUpdate(timesheet.Kind, mine.ID, record.Values{"minutes": int64(6)}) // by an administrator
		if err := shut(b.Admin(), false); err != nil {
			t.Error(err)
		}
		must(b.agent, record.Values{"worked_on": month + "-05"})
	})
}
