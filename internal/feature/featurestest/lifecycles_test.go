package featurestest_test

import (
	"slices"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/change"
)

// TestEveryMoveOfWhatIsNoTicket tries each pair of states of each other kind that has a lifecycle, as
// TestD16EveryMoveOfEveryTicket does of tickets: what is declared is done, and nothing else.
func TestEveryMoveOfWhatIsNoTicket(t *testing.T) {
	b := openBench(t)
	b.Make(ballot.PlanKind, 0, record.Values{"name": "Templates", "of_kind": ballot.Template, "phases": []map[string]any{{"name": "Board", "who": ballot.Admins, "rule": string(ballot.Any)}}})
	type move struct{ kind, from, to string }
	voted := map[move]bool{{change.TemplateKind, change.PendingApproval, change.Approved}: true} // by a vote alone, see TestChangeTemplates
	var kinds []string
	for _, k := range b.Records.Kinds.Kinds() {
		l, ok := k.Life.(*lifecycle.Lifecycle)
		if !ok || tickets()[k.Name] != nil {
			continue
		}
		kinds = append(kinds, k.Name)
		if err := l.Fits(k); err != nil {
			t.Error(err)
		}
		for _, from := range l.States {
			for _, to := range l.States {
				r := b.standing(k, l, from.Name)
				_, err := b.changed(r, record.Values{"status": to.Name})
				allowed := (from.Name == to.Name || slices.Contains(from.To, to.Name)) && !voted[move{k.Name, from.Name, to.Name}]
				if (err == nil) != allowed || err != nil && !fault.Is(err, fault.Invalid) {
					t.Errorf("%s from %s to %s: %v, declared %v", k.Name, from.Name, to.Name, err, allowed)
				}
				if now := b.get(k.Name, r.ID).Values.Text("status"); err != nil && now != from.Name {
					t.Errorf("%s from %s to %s was refused, and it is %s", k.Name, from.Name, to.Name, now)
				}
			}
		}
	}
	slices.Sort(kinds)
	if want := []string{"announcement", "change_template", "knowledge_article", "offering"}; !slices.Equal(kinds, want) {
		t.Errorf("%v have lifecycles, and %v are known", kinds, want)
	}
}

// standing makes a record that has all that some state demands, and is in a state, however it came there.
func (b *bench) standing(k *record.Kind, l *lifecycle.Lifecycle, state string) *record.Record {
	b.t.Helper()
	v := record.Values{"name": "As it is"}
	for _, s := range l.States {
		for _, name := range s.Requires {
			switch k.Field(name).Type {
			case record.Date:
				v[name] = b.Clock.Now().AddDate(0, 1, 0).Format("2006-01-02")
			default:
				v[name] = "<p>Said</p>"
			}
		}
	}
	made := b.Make(k.Name, b.org, v)
	b.Change(func(tx *gate.Tx) error {
		_, err := tx.Exec(`update `+k.Table()+` set status = ? where id = ?`, state, int64(made))
		return err
	})
	return b.get(k.Name, made)
}
