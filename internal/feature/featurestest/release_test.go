package featurestest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/announcement"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/knowledge"
	"strongroom/internal/feature/knowledge/care"
	"strongroom/internal/feature/offering"
	"strongroom/internal/feature/release"
)

// TestD16EveryMoveOfOtherKinds tries each pair of states of the kinds that are no tickets,
// and each state as a beginning.
func TestD16EveryMoveOfOtherKinds(t *testing.T) {
	for kind, l := range map[string]*lifecycle.Lifecycle{announcement.Kind: announcement.Life(), offering.Kind: offering.Life(), knowledge.Kind: knowledge.Life()} {
		g := registry(t)
		k := g.Kind(kind)
		if err := l.Fits(k); err != nil {
			t.Error(err)
		}
		r := func(state string) *record.Record {
			out := &record.Record{Kind: k, Name: "X", Values: record.Values{"status": state}}
			for _, s := range l.States {
				for _, f := range s.Requires {
					out.Values[f] = "set"
				}
			}
			return out
		}
		for _, from := range l.States {
			if err := l.Check(r(from.Name), nil); (err == nil) != from.Begins {
				t.Errorf("a %s begins as %s: %v", kind, from.Name, err)
			}
			for _, to := range l.States {
				err := l.Check(r(to.Name), r(from.Name))
				if allowed := from.Name == to.Name || slices.Contains(from.To, to.Name); (err == nil) != allowed {
					t.Errorf("%s from %s to %s: %v", kind, from.Name, to.Name, err)
				}
			}
		}
	}
}

// TestReleases: a major one has milestones, and is closed when each is done or skipped.
func TestReleases(t *testing.T) {
	b := openBench(t)
	minor := b.mustMake(release.Kind, record.Values{"release_type": "Minor"})
	milestones := func(r *record.Record) []*record.Record {
		t.Helper()
		var out []*record.Record
		b.View(b.agent, func(tx *gate.Tx) error {
			p, err := b.Records.List(tx, release.MilestoneKind, record.Query{Parent: r.ID, Sort: []record.Order{{Field: "order"}}})
			if err == nil {
				out = p.Records
			}
			return err
		})
		return out
	}
	if n := len(milestones(minor)); n != 0 {
		t.Errorf("a minor release has %d milestones", n)
	}
	v := b.whole(release.Kind, release.Life())
	v["release_type"], v["status"] = release.Major, release.Requested
	r := b.mustMake(release.Kind, v)
	list := milestones(r)
	if len(list) != 7 || list[0].Name != release.Milestones()[0] {
		t.Fatalf("a major release has %d milestones", len(list))
	}
	if _, err := b.changed(r, record.Values{"status": release.Active}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.changed(r, record.Values{"status": release.Closed}); !fault.Is(err, fault.Invalid) || fault.Say(err).Fields["status"] == "" {
		t.Errorf("it is closed with open milestones: %v", err)
	}
	for i, m := range list {
		done, err := b.changed(m, record.Values{"status": []string{"Done", "Skipped"}[i%2]})
		if err != nil || (done.Values["done_at"] != nil) != (i%2 == 0) {
			t.Errorf("%s: %v, %v", m.Name, done, err)
		}
	}
	closed, err := b.changed(r, record.Values{"status": release.Closed})
	if err != nil || !closed.Values.Bool("final") {
		t.Fatalf("%v, %v", closed, err)
	}
	if _, err := b.changed(r, record.Values{"scope": "<p>more</p>"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a closed release changes: %v", err)
	}
	if _, err := b.changed(minor, record.Values{"release_type": release.Major}); err != nil || len(milestones(minor)) != 7 {
		t.Errorf("a release becomes major: %v", err)
	}
}

// TestArticles: somebody else reviews what is published; published it does not change; what
// people say is counted.
func TestArticles(t *testing.T) {
	b := openBench(t)
	other := b.User(access.Editor)
	as := func(who *access.Caller, r *record.Record, v record.Values) error {
		return b.Gate.Change(t.Context(), who, access.Edit, gate.Thing{ID: r.ID}, func(tx *gate.Tx) error {
			_, err := b.Records.Update(tx, r.Kind.Name, r.ID, 0, v)
			return err
		})
	}
	must := func(who *access.Caller, r *record.Record, state string) {
		t.Helper()
		if err := as(who, r, record.Values{"status": state}); err != nil {
			t.Fatal(state, err)
		}
	}
	a, err := b.made(knowledge.Kind, record.Values{"name": "Locked", "body": "<p>Enter the new password.</p>", "audience": knowledge.Customers, "contact_id": nil})
	if err != nil {
		t.Fatal(err)
	}
	shows(t, a, record.Values{"number": int64(1001), "status": knowledge.Draft, "edition": nil})
	must(b.agent, a, knowledge.InReview)
	if err := as(b.agent, a, record.Values{"status": knowledge.Reviewed}); !fault.Is(err, fault.Invalid) {
		t.Errorf("the author reviews her own: %v", err)
	}
	must(other, a, knowledge.Reviewed)
	if knowledge.InPortal(b.get(knowledge.Kind, a.ID)) {
		t.Error("customers see what is not published")
	}
	must(b.agent, a, knowledge.Published)
	shows(t, b.get(knowledge.Kind, a.ID), record.Values{"edition": int64(1), "reviewed_by_id": other.User})
	if !knowledge.InPortal(b.get(knowledge.Kind, a.ID)) {
		t.Error("customers do not see what is published for them")
	}
	for field, v := range map[string]any{"body": "<p>Another</p>", "name": "Another", "resolution": "<p>x</p>"} {
		if err := as(b.agent, a, record.Values{field: v}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s of a published article changes: %v", field, err)
		}
	}
	for _, helped := range []bool{true, true, false} {
		b.Make(knowledge.FeedbackKind, 0, record.Values{"article_id": a.ID, "helped": helped, "words": "x"})
	}
	shows(t, b.get(knowledge.Kind, a.ID), record.Values{"helpful": int64(2), "unhelpful": int64(1)})
	b.mustMake("incident", record.Values{"article_id": a.ID})
	b.View(b.agent, func(tx *gate.Tx) error {
		if n, err := knowledge.Solved(tx, b.Records, "incident", a.ID); n != 1 || err != nil {
			t.Errorf("it solved %d, %v", n, err)
		}
		return nil
	})
	must(b.agent, a, knowledge.Draft)
	if err := as(b.agent, a, record.Values{"body": "<p>Better</p>"}); err != nil {
		t.Error(err)
	}
	must(b.agent, a, knowledge.InReview)
	must(other, a, knowledge.Reviewed)
	must(b.agent, a, knowledge.Published)
	shows(t, b.get(knowledge.Kind, a.ID), record.Values{"edition": int64(2)})
	t.Run("editions, and going back", func(t *testing.T) {
		back := func(n int64) error {
			return b.Gate.Change(t.Context(), b.agent, access.Edit, gate.Thing{ID: a.ID}, func(tx *gate.Tx) error {
				_, err := care.GoBack(tx, b.Records, a.ID, n)
				return err
			})
		}
		var list []care.Edition
		b.View(b.agent, func(tx *gate.Tx) (err error) { list, err = care.Editions(tx, b.Records, a.ID); return err })
		if len(list) != 2 || list[0].Number != 2 || !list[0].Now || list[1].Now || !strings.Contains(list[0].Body, "Better") || !strings.Contains(list[1].Body, "Enter the new") {
			t.Fatalf("editions: %+v", list)
		}
		if err := back(7); !fault.Is(err, fault.NotFound) {
			t.Errorf("an edition that there is not: %v", err)
		}
		if err := back(1); err != nil {
			t.Fatal(err)
		}
		now := b.get(knowledge.Kind, a.ID)
		if shows(t, now, record.Values{"status": knowledge.Draft, "edition": int64(2)}); !strings.Contains(now.Values.Text("body"), "Enter the new") || knowledge.InPortal(now) {
			t.Errorf("it is %v", now.Values)
		}
		must(b.agent, a, knowledge.InReview)
		must(other, a, knowledge.Reviewed)
		must(b.agent, a, knowledge.Published)
		shows(t, b.get(knowledge.Kind, a.ID), record.Values{"edition": int64(3)})
	})
	t.Run("this solved it", func(t *testing.T) {
		solve := func(r *record.Record, article id.ID) (done bool, err error) {
			err = b.Gate.Change(t.Context(), b.agent, access.Edit, gate.Thing{ID: r.ID}, func(tx *gate.Tx) (err error) {
				done, err = care.Solve(tx, b.Records, r, article)
				return err
			})
			return done, err
		}
		l := incident.Life()
		whole := b.mustMake("incident", b.whole("incident", l))
		if done, err := solve(whole, a.ID); !done || err != nil {
			t.Errorf("solved: %v, %v", done, err)
		}
		now := b.get("incident", whole.ID)
		if shows(t, now, record.Values{"status": incident.Resolved, "article_id": a.ID}); !strings.Contains(now.Values.Text("resolution"), "KB-1001") && now.Values.Text("resolution") == "" {
			t.Errorf("it is %v", now.Values)
		}
		if _, err := solve(now, a.ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("solved twice: %v", err)
		}
		bare := b.mustMake("incident", nil) // of which not enough is known: the article is noted, and it stays open
		if done, err := solve(bare, a.ID); done || err != nil {
			t.Errorf("solved: %v, %v", done, err)
		}
		shows(t, b.get("incident", bare.ID), record.Values{"article_id": a.ID, "resolved_at": nil})
		draft := b.Make(knowledge.Kind, 0, record.Values{"name": "Draft"})
		if _, err := solve(bare, draft); !fault.Is(err, fault.Invalid) {
			t.Errorf("solved by a draft: %v", err)
		}
	})
	t.Run("reviews that are due are told once", func(t *testing.T) {
		due := b.Clock.Now().AddDate(0, 0, 10).Format(time.DateOnly)
		if err := as(b.agent, a, record.Values{"expire_on": due}); err != nil {
			t.Fatal(err)
		}
		b.Change(func(tx *gate.Tx) error { // who has its care
			_, err := tx.Exec(`update k_knowledge_article set owner_id = ? where id = ?`, int64(other.User), int64(a.ID))
			return err
		})
		for range 2 {
			if err := (&knowledge.Reviews{Gate: b.Gate, Records: b.Records}).Run(t.Context(), b.Admin().Tenant); err != nil {
				t.Fatal(err)
			}
		}
		var n int
		b.View(b.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select count(*) from notification where topic = 'article' and user_id = ?`, int64(other.User)).Scan(&n)
		})
		if n != 1 {
			t.Errorf("told %d times", n)
		}
	})
	t.Run("what was not found is kept without who asked", func(t *testing.T) {
		for _, words := range []string{"Blue  screen", "blue screen", "nora@harbour.example", "call 0171 555 0100", "x", strings.Repeat("long ", 30)} {
			if err := care.Missed(t.Context(), b.Gate, b.Admin().Tenant, words); err != nil {
				t.Fatal(err)
			}
		}
		var all, hers []care.Miss
		b.View(b.Admin(), func(tx *gate.Tx) (err error) { all, err = care.Misses(tx, 50); return err })
		b.View(b.User(access.Editor, b.org), func(tx *gate.Tx) (err error) { hers, err = care.Misses(tx, 50); return err })
		if len(all) != 1 || all[0].Words != "blue screen" || all[0].Times != 2 || len(hers) != 0 {
			t.Errorf("kept: %+v; who sees one organization reads %+v", all, hers)
		}
	})
}
