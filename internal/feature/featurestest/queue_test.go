package featurestest_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/problem"
	"strongroom/internal/feature/task"
)

// TestBoardFollows: a board that follows another one is the one that is read anew, whatever
// happened between them.
func TestBoardFollows(t *testing.T) {
	b := openBench(t)
	team, other := b.one("team", "Service desk"), b.Org("Elsewhere")
	r := rand.New(rand.NewPCG(1, 2))
	narrow := b.User(access.Editor, b.org)
	callers := []*access.Caller{b.Admin(), narrow}
	last := make([]*desk.Board, len(callers))
	var made []*record.Record
	steps := []func(){
		func() {
			made = append(made, b.mustMake(incident.Kind, record.Values{"category_id": b.one("category", "Software")}))
		},
		func() { made = append(made, b.mustMake(task.Kind, record.Values{})) },
	}
	some := func(do func(tx *gate.Tx, r *record.Record) error) func() {
		return func() {
			if len(made) == 0 {
				return
			}
			x := made[r.IntN(len(made))]
			b.Change(func(tx *gate.Tx) error {
				err := tx.Try(func() error { return do(tx, x) })
				if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
					return nil // it is over, or gone
				}
				return err
			})
		}
	}
	set := func(v func() record.Values) func() {
		return some(func(tx *gate.Tx, x *record.Record) error {
			_, err := b.Records.Update(tx, x.Kind.Name, x.ID, 0, v())
			return err
		})
	}
	steps = append(steps,
		set(func() record.Values { return record.Values{"owner_id": b.agent.User} }),
		set(func() record.Values { return record.Values{"team_id": team} }),
		set(func() record.Values { return record.Values{"name": fmt.Sprint("Subject ", r.IntN(1000))} }),
		set(func() record.Values {
			return record.Values{"status": []string{incident.Active, "Closed", "Resolved", "Done"}[r.IntN(4)], "resolution": "It was mended."}
		}),
		set(func() record.Values { return record.Values{"urgency": desk.Grades()[r.IntN(3)]} }),
		set(func() record.Values { return record.Values{"organization_id": []id.ID{b.org, other}[r.IntN(2)]} }),
		some(func(tx *gate.Tx, x *record.Record) error { return b.Records.Trash(tx, x.Kind.Name, x.ID) }),
		some(func(tx *gate.Tx, x *record.Record) error { return b.Records.Untrash(tx, x.Kind.Name, x.ID) }),
		some(func(tx *gate.Tx, x *record.Record) error {
			return b.Records.SetAccess(tx, x.Kind.Name, x.ID, r.IntN(2) == 0, nil, nil)
		}),
	)
	for n := range 120 {
		steps[r.IntN(len(steps))]()
		if n < 8 {
			steps[n%2]()
		}
		for i, c := range callers {
			b.View(c, func(tx *gate.Tx) error {
				var err error
				if last[i], err = desk.Next(tx, b.Records, last[i], 1000); err != nil {
					return err
				}
				whole, err := desk.Next(tx, b.Records, nil, 1000)
				if err != nil {
					return err
				}
				got, _, err := last[i].Queued(tx, b.Records, desk.Queue{}, 1000)
				if err != nil {
					return err
				}
				want, _, err := whole.Queued(tx, b.Records, desk.Queue{}, 1000)
				same := reflect.DeepEqual(got, want)
				for _, q := range []desk.Queue{{}, {Unowned: true}, {Teams: []id.ID{team}}, {Org: other}, {Status: incident.Active}, {Priority: "2"}, {Text: "subject 5"}, {Kind: task.Kind}} {
					same = same && last[i].Count(q) == whole.Count(q)
				}
				if !same {
					t.Fatalf("step %d, %s:\n%+v\nand not\n%+v", n, c.Role, got, want)
				}
				return err
			})
		}
	}
}

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
			board, err := desk.Next(tx, b.Records, nil, 100)
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
				got, more, err := board.Queued(tx, b.Records, q, 3)
				if err != nil {
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
				if none, err := desk.Next(tx, b.Records, nil, 2); err != nil || !none.Overfull {
					t.Errorf("more than was asked for: %v", err)
				}
			}
			return err
		})
	}
}
