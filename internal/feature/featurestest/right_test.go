package featurestest_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/change"
	"strongroom/internal/feature/desk"
)

// TestD16DeclaredAsKnown: what is declared is the table that clients know, line by line.
func TestD16DeclaredAsKnown(t *testing.T) {
	table, err := os.ReadFile("testdata/lifecycles.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Split(strings.TrimSpace(string(table)), "\n\n")[1:]
	if len(known) != len(tickets()) {
		t.Errorf("the table has %d kinds, and there are %d", len(known), len(tickets()))
	}
	for _, want := range known {
		kind, _, _ := strings.Cut(want, "\n")
		l := tickets()[kind]
		if l == nil {
			t.Errorf("%q is in the table and no kind", kind)
			continue
		}
		got := kind
		for _, s := range l.States {
			got += "\n" + map[bool]string{true: "*"}[s.Begins] + strings.TrimSpace(s.Name+": "+strings.Join(s.To, ", "))
		}
		if got != want {
			t.Errorf("declared\n%s\nknown\n%s", got, want)
		}
	}
}

// TestMovesOfSome tries each right of each lifecycle as each part: who leads the team, who
// owns the ticket, somebody else, and an administrator.
func TestMovesOfSome(t *testing.T) {
	b := openBench(t)
	team, n := b.one("team", "Service desk"), 6000
	leader, member, other := b.User(access.Editor), b.User(access.Editor), b.User(access.Editor)
	b.mustUpdate("team", team, record.Values{"manager_id": leader.User, "member_ids": member.User.String()})
	as := map[string]*access.Caller{"leader": leader, "owner": b.agent, "member": member, "other": other, "administrator": b.Admin()}
	parts := map[string]lifecycle.Part{"leader": desk.Leads, "owner": desk.Owns}
	try := func(what, kind string, l *lifecycle.Lifecycle, from string, by []lifecycle.Part, v record.Values) {
		for name, who := range as {
			n++
			r := b.in(kind, l, from, n)
			err := b.Gate.Change(t.Context(), who, access.Edit, gate.Thing{ID: r.ID}, func(tx *gate.Tx) error {
				_, err := b.Records.Update(tx, kind, r.ID, 0, v)
				return err
			})
			may := name == "administrator" || slices.Contains(by, parts[name])
			if may == fault.Is(err, fault.Denied) || err != nil && !fault.Is(err, fault.Denied) && !fault.Is(err, fault.Invalid) {
				t.Errorf("%s of a %s by the %s: %v", what, kind, name, err)
			}
		}
	}
	rights := 0
	for kind, l := range tickets() {
		for _, x := range l.Rights {
			rights++
			for _, from := range x.From {
				for _, to := range x.To {
					if slices.Contains(l.Next(from), to) {
						try(from+" to "+to, kind, l, from, x.By, record.Values{"status": to})
					}
				}
			}
			for _, f := range x.Fields {
				v := record.Values{f: map[string]any{"team_id": b.one("team", "Applications"), "scheduled_start": int64(1), "scheduled_end": int64(99e12)}[f]}
				if v[f] == nil {
					v[f] = "<p>Otherwise</p>"
				}
				try(f, kind, l, x.In[0], x.By, v)
			}
		}
	}
	if rights < 9 {
		t.Errorf("only %d rights are declared", rights)
	}
	t.Run("nobody makes herself the one who may", func(t *testing.T) {
		r := b.in(change.Kind, change.Life(), change.Implemented, 6900)
		err := b.Gate.Change(t.Context(), other, access.Edit, gate.Thing{ID: r.ID}, func(tx *gate.Tx) error {
			_, err := b.Records.Update(tx, change.Kind, r.ID, 0, record.Values{"status": change.Closed, "owner_id": other.User})
			return err
		})
		if !fault.Is(err, fault.Denied) || !strings.Contains(fault.Say(err).Text, "its owner or who leads its team alone") {
			t.Errorf("%v", err)
		}
	})
	t.Run("what is offered is what is possible", func(t *testing.T) {
		r := b.in(change.Kind, change.Life(), change.Scheduled, 6901)
		for who, want := range map[*access.Caller]string{leader: "Implemented Canceled", other: "Implemented"} {
			b.View(who, func(tx *gate.Tx) error {
				got, err := change.Life().Offered(tx, r)
				if strings.Join(got, " ") != want {
					t.Errorf("offered is %q, want %q", got, want)
				}
				return err
			})
		}
	})
	t.Run("a team that nobody manages is led by its members, and none by the owner", func(t *testing.T) {
		for team, want := range map[string]map[string]bool{"Infrastructure": {"member": true, "owner": false, "other": false}, "Applications": {"member": false, "owner": true, "other": false}} {
			if team == "Infrastructure" {
				b.mustUpdate("team", b.one("team", team), record.Values{"member_ids": member.User.String()})
			}
			r := &record.Record{Kind: b.Records.Kinds.Kind(change.Kind), Values: record.Values{"team_id": b.one("team", team), "owner_id": b.agent.User}}
			for name, may := range want {
				b.View(as[name], func(tx *gate.Tx) error {
					got, err := desk.Is(tx, r, desk.Leads)
					if got != may {
						t.Errorf("%s leads %s: %v", name, team, got)
					}
					return err
				})
			}
		}
	})
}
