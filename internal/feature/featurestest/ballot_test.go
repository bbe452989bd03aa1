package featurestest_test

import (
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/change"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/merge"
	"strongroom/internal/feature/relation"
)

// council is a bench with a plan for significant changes: the board of three decides with
// a quorum of two, then an administrator within a day, or the deputies.
type council struct {
	*bench
	board, deputies []*access.Caller
	chief           *access.Caller
	plan            id.ID
}

func openCouncil(t *testing.T) *council {
	t.Helper()
	c := &council{bench: openBench(t)}
	group := func(name string, n int) (out []*access.Caller) {
		g := c.Make("group", 0, record.Values{"name": name})
		var ids []id.ID
		for range n {
			u := c.User(access.Editor)
			out, ids = append(out, u), append(ids, u.User)
		}
		c.Change(func(tx *gate.Tx) error { return access.SetMembers(tx.SQL(), g, append(ids, c.agent.User)) }) // who asks is one of them
		return out
	}
	c.board, c.deputies = group("Board", 3), group("Deputies", 1)
	c.chief = c.User(access.Administrator)
	c.plan = c.Make(ballot.PlanKind, 0, record.Values{"name": "Significant changes", "of_kind": "change", "of_type": "Significant", "phases": []map[string]any{
		{"name": "Board", "who": ballot.Group, "named": "board", "rule": string(ballot.Quorum), "needed": 2},
		{"name": "Management", "who": ballot.Admins, "rule": string(ballot.Any), "hours": 24, "then": string(ballot.Escalates), "to_who": ballot.Group, "to_named": "Deputies"},
	}})
	return c
}

// asked is a change that waits for its approval.
func (c *council) asked(typ string) (*record.Record, id.ID) {
	c.t.Helper()
	v := c.whole(change.Kind, change.Life())
	v["change_type"] = typ
	r := c.mustMake(change.Kind, v)
	for _, state := range []string{change.Requested, change.PendingApproval} {
		if _, err := c.changed(r, record.Values{"status": state}); err != nil {
			c.t.Fatal(err)
		}
	}
	b := c.of(r)
	if b == nil {
		return c.get(change.Kind, r.ID), 0
	}
	return c.get(change.Kind, r.ID), b.ID
}

func (c *council) of(r *record.Record) (b *ballot.Ballot) {
	c.t.Helper()
	c.View(c.Admin(), func(tx *gate.Tx) (err error) {
		b, err = ballot.Of(tx, r.ID)
		return err
	})
	return b
}

// says has somebody vote.
func (c *council) says(who *access.Caller, r *record.Record, b id.ID, yes bool) error {
	return c.Gate.Change(c.t.Context(), who, access.Comment, gate.Thing{Kind: r.Kind.Name, ID: r.ID}, func(tx *gate.Tx) error {
		now, err := c.Records.Get(tx, r.Kind.Name, r.ID)
		if err == nil {
			_, err = ballot.Cast(tx, now, b, yes, "Because.")
		}
		return err
	})
}

func (c *council) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *council) waits(who *access.Caller) (n int) {
	c.t.Helper()
	c.View(who, func(tx *gate.Tx) error {
		list, err := ballot.Waiting(tx)
		n = len(list)
		return err
	})
	return n
}

func (c *council) tick() {
	c.t.Helper()
	c.must((&ballot.Clock{Gate: c.Gate, Records: c.Records}).Run(c.t.Context(), c.Tenant().Name))
}

// TestApprovalInPhases: a change is scheduled once each phase has passed, and not before.
func TestApprovalInPhases(t *testing.T) {
	c := openCouncil(t)
	t.Run("a change that takes none", func(t *testing.T) {
		r, b := c.asked("Minor")
		if _, err := c.changed(r, record.Values{"status": change.Scheduled}); b != 0 || err != nil {
			t.Errorf("%v, %v", b, err)
		}
	})
	r, b := c.asked("Significant")
	if _, err := c.changed(r, record.Values{"status": change.Scheduled}); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Say(err).Fields["status"], "takes an approval") {
		t.Fatalf("scheduled without its approval: %v", err)
	}
	t.Run("A2 a double click counts once", func(t *testing.T) {
		c.must(c.says(c.board[0], r, b, true))
		c.must(c.says(c.board[0], r, b, true))
		if got := c.of(r).Result; len(got.Votes) != 1 || got.Phase != 0 || got.State != ballot.Pending {
			t.Errorf("%+v", got)
		}
		if err := c.says(c.board[0], r, b, false); !fault.Is(err, fault.Conflict) {
			t.Errorf("the other way without taking it back: %v", err)
		}
	})
	t.Run("A3 who asked does not vote", func(t *testing.T) {
		if err := c.says(c.agent, r, b, true); !fault.Is(err, fault.Denied) {
			t.Errorf("%v", err)
		}
		for _, v := range c.of(r).Result.Voters {
			if v == c.agent.User {
				t.Error("she is among those who decide")
			}
		}
		if c.waits(c.agent) != 0 || c.waits(c.board[1]) != 1 {
			t.Error("it waits for the wrong people")
		}
	})
	t.Run("A3 who is away is stood for, but not by who asked, and not twice", func(t *testing.T) {
		away := func(who, to *access.Caller) error {
			return c.Gate.Change(t.Context(), who, access.View, gate.Thing{}, func(tx *gate.Tx) error {
				return ballot.Away(tx, to.User, tx.Now, tx.Now+3600_000)
			})
		}
		c.must(away(c.board[1], c.agent))
		if err := c.says(c.agent, r, b, true); !fault.Is(err, fault.Denied) {
			t.Errorf("who asked votes for another: %v", err)
		}
		c.must(away(c.board[1], c.board[0])) // who has voted herself
		c.must(c.says(c.board[0], r, b, true))
		if got := c.of(r).Result; len(got.Votes) != 2 || got.Phase != 0 {
			t.Errorf("one person is a quorum of two: %+v", got)
		}
		if err := away(c.board[1], c.board[1]); !fault.Is(err, fault.Invalid) {
			t.Errorf("she stands for herself: %v", err)
		}
	})
	t.Run("A4 a vote is taken back, and not once the phase is over", func(t *testing.T) {
		back := func(who *access.Caller) error {
			return c.Gate.Change(t.Context(), who, access.Comment, gate.Thing{Kind: r.Kind.Name, ID: r.ID}, func(tx *gate.Tx) error {
				_, err := ballot.TakeBack(tx, r, b)
				return err
			})
		}
		c.must(back(c.board[0]))
		if got := c.of(r).Result; len(got.Votes) != 0 {
			t.Errorf("%+v", got)
		}
		c.must(c.says(c.board[0], r, b, true))
		c.must(c.says(c.board[2], r, b, true))
		if got := c.of(r).Result; got.Phase != 1 || got.State != ballot.Pending {
			t.Fatalf("after the quorum: %+v", got)
		}
		if err := back(c.board[2]); !fault.Is(err, fault.Denied) {
			t.Errorf("taken back afterwards: %v", err)
		}
	})
	t.Run("A8 somebody else's vote, and one after the end", func(t *testing.T) {
		if err := c.says(c.board[1], r, b, true); !fault.Is(err, fault.Denied) {
			t.Errorf("%v", err)
		}
		if err := c.says(c.User(access.ReadOnly), r, b, true); !fault.Is(err, fault.Denied) {
			t.Errorf("who may say nothing: %v", err)
		}
		other, _ := c.asked("Significant")
		if err := c.says(c.board[1], other, b, true); !fault.Is(err, fault.NotFound) {
			t.Errorf("of another change: %v", err)
		}
		c.must(c.says(c.chief, r, b, true))
		if got := c.of(r).Result; got.State != ballot.Approved {
			t.Fatalf("%+v", got)
		}
		if err := c.says(c.chief, r, b, false); !fault.Is(err, fault.Conflict) {
			t.Errorf("after the end: %v", err)
		}
	})
	t.Run("A6 what has changed since is not approved", func(t *testing.T) {
		if _, err := c.changed(r, record.Values{"status": change.Scheduled, "plan": "<p>Something else</p>"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("in the same save: %v", err)
		}
		_, err := c.changed(r, record.Values{"backout": "<p>None</p>"})
		c.must(err)
		if b2 := c.of(r); b2.ID == b || b2.Result.State != ballot.Pending || len(b2.Result.Votes) != 0 {
			t.Errorf("it is not asked again: %+v", b2)
		}
		if _, err := c.changed(r, record.Values{"status": change.Scheduled}); !fault.Is(err, fault.Invalid) {
			t.Errorf("scheduled by the old approval: %v", err)
		}
		if err := c.says(c.board[0], r, b, true); !fault.Is(err, fault.Denied) && !fault.Is(err, fault.Conflict) {
			t.Errorf("voted on the old one: %v", err)
		}
		again := c.of(r).ID
		c.must(c.says(c.board[0], r, again, true))
		c.must(c.says(c.board[2], r, again, true))
		c.must(c.says(c.chief, r, again, true))
		_, err = c.changed(r, record.Values{"status": change.Scheduled})
		c.must(err)
	})
	t.Run("A6 an answer about the risk has changed, and the risk has not", func(t *testing.T) {
		r, b := c.asked("Significant")
		_, err := c.changed(r, record.Values{"risk_done": "Often"})
		c.must(err)
		if b2 := c.of(r); b2.ID == b || b2.Result.State != ballot.Pending {
			t.Errorf("it is not asked again: %+v", b2)
		}
	})
	t.Run("A5 nobody decides in time", func(t *testing.T) {
		r, b := c.asked("Significant")
		c.must(c.says(c.board[0], r, b, true))
		c.must(c.says(c.board[2], r, b, true))
		c.Clock.Advance(25 * time.Hour)
		c.tick()
		c.tick() // twice is once
		got := c.of(r)
		n := 0
		for _, e := range got.Events {
			if e.What == ballot.Escalated {
				n++
			}
		}
		if n != 1 || got.Result.State != ballot.Pending || c.waits(c.deputies[0]) != 1 {
			t.Fatalf("escalated %d times: %+v", n, got.Result)
		}
		c.Clock.Advance(25 * time.Hour)
		c.tick()
		if got := c.of(r); got.Result.State != ballot.TimedOut {
			t.Errorf("%+v", got.Result)
		}
		if got := c.get(change.Kind, r.ID).Values.Text("status"); got != change.Denied {
			t.Errorf("the change is %s", got)
		}
	})
	t.Run("A3 who has left is not waited for", func(t *testing.T) {
		r, b := c.asked("Significant")
		c.must(c.says(c.board[0], r, b, true))
		c.Change(func(tx *gate.Tx) error { return access.SetPrincipal(tx.SQL(), c.board[1].User, access.Editor, false) })
		c.tick()
		if got := c.of(r).Result; len(got.Voters) != 2 || got.State != ballot.Pending {
			t.Errorf("%+v", got)
		}
	})
}

// TestPlans: a plan that nobody could follow is refused, and the most particular holds.
func TestPlans(t *testing.T) {
	c := openCouncil(t)
	for what, phases := range map[string][]map[string]any{
		"one phase": nil, "quorum": {{"name": "A", "who": ballot.Admins, "rule": "Quorum"}}, "nobody called": {{"name": "A", "who": ballot.Group, "named": "Nobody"}}, "hours": {{"name": "A", "who": ballot.Admins, "hours": -1}},
		"to whom": {{"name": "A", "who": ballot.Admins, "hours": 3, "then": "Escalate"}},
	} {
		err := c.Gate.Change(t.Context(), c.Admin(), access.Create, gate.Thing{Kind: ballot.PlanKind}, func(tx *gate.Tx) error {
			_, err := c.Records.Create(tx, ballot.PlanKind, record.Values{"name": "B", "of_kind": "change", "phases": phases})
			return err
		})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Say(err).Fields["phases"], what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	laptop := c.Make("offering", 0, record.Values{"name": "Laptop", "description": "<p>x</p>", "approval": true, "status": "Published"})
	manager := c.User(access.Editor)
	department := c.Make("department", c.org, record.Values{"name": "Accounting", "manager_id": manager.User})
	c.mustUpdate("contact", c.customer, record.Values{"department_id": department})
	c.Make(ballot.PlanKind, 0, record.Values{"name": "Requests", "of_kind": "service_request", "phases": []map[string]any{{"name": "Manager", "who": ballot.Manager}}})
	r := c.mustMake("service_request", record.Values{"offering_id": laptop, "status": "Submitted"})
	b := c.of(r)
	if b == nil || len(b.Result.Voters) != 1 || b.Result.Voters[0] != manager.User {
		t.Fatalf("the manager decides: %+v", b)
	}
	c.must(c.says(manager, r, b.ID, true))
	c.tick()
	if got := c.get("service_request", r.ID).Values.Text("status"); got != "Approved" {
		t.Errorf("the request is %s", got)
	}
	if r := c.mustMake("service_request", record.Values{"status": "Submitted"}); c.of(r) != nil {
		t.Error("a request that needs none is asked about")
	}
	refused := c.mustMake("service_request", record.Values{"offering_id": laptop, "status": "Submitted"})
	c.must(c.says(manager, refused, c.of(refused).ID, false))
	c.tick()
	if got := c.get("service_request", refused.ID).Values.Text("status"); got != "Approval Rejected" {
		t.Errorf("the request that is refused is %s", got)
	}
	// One that is merged while it is voted on is asked about no more, and says so.
	merged, into := c.mustMake("service_request", record.Values{"offering_id": laptop, "status": "Submitted"}), c.mustMake("service_request", record.Values{"status": "Submitted"})
	joins := &merge.Merges{Records: c.Records, Relations: &relation.Relations{Records: c.Records}}
	for range 2 {
		c.must(c.Gate.Change(t.Context(), c.agent, access.View, gate.Thing{ID: merged.ID}, func(tx *gate.Tx) error {
			return second(joins.Into(tx, merged.ID, into.ID))
		}))
	}
	if b := c.of(merged); b.Result.State != ballot.Cancelled {
		t.Errorf("the vote on a merged request is %s", b.Result.State)
	}
	if err := c.says(manager, merged, c.of(merged).ID, true); !fault.Is(err, fault.Conflict) {
		t.Errorf("a vote on a merged request: %v", err)
	}
	c.tick()
	var said []string
	c.View(c.agent, func(tx *gate.Tx) error {
		p, err := c.Records.List(tx, entry.Kind, record.Query{Parent: merged.ID})
		for _, e := range p.Records {
			said = append(said, e.Values.Text("notes_body"))
		}
		return err
	})
	if now := c.get("service_request", merged.ID); !now.Values.Bool("final") || now.Values.ID("merged_into_id") != into.ID || len(said) != 1 || !strings.Contains(said[0], "The vote on this has ended") {
		t.Errorf("%v, and it says %q", now.Values, said)
	}
	if c.of(into) != nil {
		t.Error("the other is voted on")
	}
}
