package featurestest_test

import (
	"testing"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/incident"
)

// TestTotalsOfProvisioning: a key that keeps users and groups sees no tickets, and no total
// that is kept tells it how many there are.
func TestTotalsOfProvisioning(t *testing.T) {
	b := openBench(t)
	for range 3 {
		b.mustMake(incident.Kind, nil)
	}
	who := *b.Admin()
	who.Scope.Provisions = true
	b.View(&who, func(tx *gate.Tx) error {
		for name, q := range map[string]record.Query{
			"all": {Archived: "no"}, "some states": {Archived: "no", Filters: []record.Filter{{Field: "status", Op: record.Eq, Values: []any{incident.Logged, incident.Active}}}}, "not over": {Archived: "no", Filters: []record.Filter{{Field: "final", Op: record.Eq, Values: []any{false}}}},
		} {
			p, err := b.Records.List(tx, incident.Kind, q)
			if err != nil || p.Total != 0 || len(p.Records) != 0 {
				t.Errorf("%s: %d of %d, %v", name, len(p.Records), p.Total, err)
			}
		}
		n, err := desk.CountOpen(tx, b.Records, nil, tx.Now)
		if err == nil && (n.All != 0 || n.Unowned != 0) {
			t.Errorf("the desk counts %+v", n)
		}
		return err
	})
	b.View(b.Admin(), func(tx *gate.Tx) error {
		p, err := b.Records.List(tx, incident.Kind, record.Query{Archived: "no"})
		if err == nil && p.Total != 3 {
			t.Errorf("an administrator counts %d", p.Total)
		}
		return err
	})
}
