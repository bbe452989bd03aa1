package incident

import (
	"html"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// fill completes an incident: the description is the subject when nobody wrote one,
// an important customer makes it a VIP's, and what it was about in fact is what it
// was thought to be about, until somebody says otherwise.
func fill(tx *gate.Tx, now, old *record.Record) error {
	if now.Values.Text("description") == "" && now.Name != "" && old == nil {
		now.Values["description"] = "<p>" + html.EscapeString(now.Name) + "</p>"
	}
	if c := now.Values.ID("contact_id"); c != 0 && (old == nil || old.Values.ID("contact_id") != c) {
		is, err := now.Kind.Engine().Field(tx, "contact", "important", c)
		if err != nil {
			return err
		}
		now.Values["vip"] = is[c] == true
	}
	if slices.Contains([]string{Resolved, Closed}, now.Values.Text("status")) {
		for actual, thought := range map[string]string{"actual_service_id": "service_id", "actual_category_id": "category_id"} {
			if now.Values[actual] == nil && now.Values[thought] != nil {
				now.Values[actual] = now.Values[thought]
			}
		}
	}
	if err := mastered(tx, now, old); err != nil {
		return err
	}
	return follow(tx, now, old)
}

// mostFollowers is how many incidents follow one master at the most.
const mostFollowers = 500

// follow resolves what a master incident stands for along with it: each that is open gets
// its resolution and cause, and what else its state demands where nobody has said it.
func follow(tx *gate.Tx, now, old *record.Record) error {
	if !now.Values.Bool("master") || old == nil || now.Values.Text("status") != Resolved || slices.Contains([]string{Resolved, Closed}, old.Values.Text("status")) {
		return nil
	}
	if now.Values["resolution"] == nil || now.Values["cause_code"] == nil {
		return nil // it is refused for that
	}
	e := now.Kind.Engine()
	open, err := e.List(tx, Kind, record.Query{Limit: mostFollowers, NoTotal: true, Filters: []record.Filter{{Field: "master_id", Op: record.Eq, Values: []any{now.ID}}, {Field: "final", Op: record.Eq, Values: []any{false}}}})
	if err != nil {
		return err
	}
	for _, r := range open.Records {
		v := record.Values{}
		for _, name := range []string{"service_id", "category_id", "team_id", "owner_id"} {
			if r.Values[name] == nil && now.Values[name] != nil {
				v[name] = now.Values[name]
			}
		}
		switch r.Values.Text("status") {
		case Resolved:
			continue
		case Logged: // by way of Active, which is declared
			v["status"] = Active
			if r, err = e.Update(tx, Kind, r.ID, 0, v); err != nil {
				return err
			}
			v = record.Values{}
		}
		v["status"], v["resolution"], v["cause_code"] = Resolved, now.Values["resolution"], now.Values["cause_code"]
		if _, err := e.Update(tx, Kind, r.ID, 0, v); err != nil {
			return err
		}
	}
	return nil
}

// mastered keeps masters and those that follow them apart: an incident that has a
// master is none, and its master is one.
func mastered(tx *gate.Tx, now, old *record.Record) error {
	master := now.Values.ID("master_id")
	switch {
	case master == 0:
		return nil
	case master == now.ID:
		return fault.Field("master_id", "An incident is not its own master.")
	case now.Values.Bool("master"):
		return fault.Field("master_id", "A master incident has no master of its own.")
	case old != nil && old.Values.ID("master_id") == master:
		return nil
	}
	is, err := now.Kind.Engine().Field(tx, Kind, "master", master)
	if err != nil {
		return err
	}
	if is[master] == false { // what is not there, or not seen, is refused as any reference is
		return fault.Field("master_id", "This incident is no master.").WithHint("Mark it as one first.")
	}
	return nil
}
