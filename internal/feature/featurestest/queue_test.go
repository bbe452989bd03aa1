package featurestest_test

import (
	"reflect"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/problem"
	"strongroom/internal/feature/task"
)

// TestBoardSaysWhatQueuesSay: the queues that pages share are those that each would read.
func TestBoardSaysWhatQueuesSay(t *testing.T) {
	b := openBench(t)
	team := b.one("team", "Service desk")
	for i, kind := range []string{incident.Kind, problem.Kind, task.Kind, incident.Kind, incident.Kind, incident.Kind} {
		v := record.Values{"category_id": b.one("category", "Software")}
		if kind == task.Kind {
			v = record.Values{}
		}
		if i%2 == 0 {
			v["owner_id"] = b.agent.User
		}
		if i%3 == 0 {
			v["team_id"] = team
		}
		b.mustMake(kind, v)
	}
	hidden := b.mustMake(incident.Kind, record.Values{"name": "Hidden"})
	b.Change(func(tx *gate.Tx) error { return b.Records.SetAccess(tx, incident.Kind, hidden.ID, true, nil, nil) })
	for _, c := range []*access.Caller{b.agent, b.Admin(), b.User(access.ReadOnly)} {
		b.View(c, func(tx *gate.Tx) error {
			board, err := desk.Everything(tx, b.Records, 100)
			if err != nil {
				return err
			}
			late := tx.Now + 1e9
			for _, q := range []desk.Queue{{}, {Owner: b.agent.User}, {Unowned: true}, {Teams: []id.ID{team}}, {NoTeam: true}, {Before: late}, {Org: b.org, Unowned: true},
				{Kind: incident.Kind, Sort: "oldest"}, {Status: incident.Active, Sort: "changed"}, {Priority: "3", Sort: "priority"}, {Unteamed: true, Customer: b.customer}, {Text: "mai"}} {
				want, wantMore, err := desk.Queued(tx, b.Records, q, 3)
				if err != nil {
					return err
				}
				got, more := board.Queued(q, 3)
				if err := desk.Name(tx, b.Records, got); err != nil {
					return err
				}
				n, err := desk.Count(tx, b.Records, q)
				if err != nil || n != board.Count(q) {
					t.Errorf("%s, %+v: %d are counted, and not %d, %v", c.Role, q, n, board.Count(q), err)
				}
				if more != wantMore || !reflect.DeepEqual(got, want) {
					t.Errorf("%s, %+v: %+v, and not %+v", c.Role, q, got, want)
				}
			}
			n, err := desk.CountOpen(tx, b.Records, []id.ID{team}, late)
			if got := board.Counts(tx.Caller.User, []id.ID{team}, late); err == nil && got != n {
				t.Errorf("%s: %+v, and not %+v", c.Role, got, n)
			}
			if c == b.agent && n.All != 6 {
				t.Errorf("there are %d", n.All)
			}
			if c == b.Admin() {
				if none, err := desk.Everything(tx, b.Records, 2); none != nil || err != nil {
					t.Errorf("more than was asked for: %v", err)
				}
			}
			return err
		})
	}
}
