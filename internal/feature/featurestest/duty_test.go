package featurestest_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/automation/deed"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/duty"
	"strongroom/internal/feature/sla"
	"strongroom/internal/feature/sla/teller"
)

// onDuty is a bench whose tickets are given to people.
type onDuty struct {
	*ruled
	duties *duty.Duties
	people []*access.Caller // by id
	names  map[id.ID]string
}

func openDuty(t *testing.T) *onDuty {
	t.Helper()
	d := &onDuty{ruled: &ruled{rules: &automation.Rules{Do: deed.Do}}, duties: &duty.Duties{}, names: map[id.ID]string{}}
	h := &house{coretest.Open(t, coretest.Options{Features: d.rules.Over(d.duties.Over(append(features(), automation.Feature(), duty.Feature())))}), t}
	d.rules.Gate, d.rules.Records, d.duties.Gate, d.duties.Records = h.Gate, h.Records, h.Gate, h.Records
	h.Change(h.Records.Seed)
	d.bench = &bench{house: h}
	d.org = h.Org("Harbour Dental")
	d.customer = h.Make("contact", d.org, record.Values{"first_name": "Rosa", "last_name": "Lind"})
	d.agent, d.manager = h.User(access.Editor), h.User(access.Manager)
	d.team = h.one("team", "Infrastructure")
	for _, name := range []string{"ada", "ben", "cem"} {
		c := h.User(access.Editor)
		d.mustUpdate("user", c.User, record.Values{"name": name, "email": name + "@example.com"})
		d.people, d.names[c.User] = append(d.people, c), name
	}
	slices.SortFunc(d.people, func(a, b *access.Caller) int { return int(a.User - b.User) })
	d.mustUpdate("team", d.team, record.Values{"member_ids": d.ids(), "manager_id": d.manager.User})
	return d
}

func (d *onDuty) ids() (out []id.ID) {
	for _, c := range d.people {
		out = append(out, c.User)
	}
	return out
}

// setting is how the team's tickets are given; it stands in place of the one before.
func (d *onDuty) setting(v record.Values) (made id.ID) {
	d.t.Helper()
	d.Change(func(tx *gate.Tx) error {
		p, err := d.Records.List(tx, duty.AssignmentKind, record.Query{Limit: 10})
		if err != nil {
			return err
		}
		for _, r := range p.Records {
			if err := d.Records.Trash(tx, duty.AssignmentKind, r.ID); err != nil {
				return err
			}
		}
		w := record.Values{"name": "Infrastructure", "team_id": d.team}
		for k, x := range v {
			w[k] = x
		}
		r, err := d.Records.Create(tx, duty.AssignmentKind, w)
		if err == nil {
			made = r.ID
		}
		return err
	})
	return made
}

// given makes a ticket and tells who has it.
func (d *onDuty) given(v record.Values) (*record.Record, string) {
	d.t.Helper()
	w := record.Values{"team_id": d.team, "name": "No network"}
	for k, x := range v {
		w[k] = x
	}
	r := d.mustMake("incident", w)
	return r, d.owner(r.ID)
}

func (d *onDuty) owner(ticket id.ID) (name string) {
	d.View(d.Admin(), func(tx *gate.Tx) error {
		r, err := d.Records.Get(tx, "incident", ticket)
		if err == nil {
			name = d.names[r.Values.ID("owner_id")]
		}
		return err
	})
	return name
}

func (d *onDuty) why(ticket id.ID) (out string) {
	d.View(d.Admin(), func(tx *gate.Tx) error {
		m, err := duty.Reasons(tx, d.Records, ticket)
		for _, s := range m {
			out += s
		}
		return err
	})
	return out
}

func (d *onDuty) run() {
	d.t.Helper()
	if err := d.duties.Run(d.t.Context(), coretest.Name); err != nil {
		d.t.Fatal(err)
	}
}

func (d *onDuty) away(c *access.Caller, to id.ID, from, until time.Duration) {
	d.t.Helper()
	now := d.Clock.Now()
	err := d.Gate.Change(d.t.Context(), c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		return ballot.Away(tx, to, now.Add(from).UnixMilli(), now.Add(until).UnixMilli())
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// TestAssignment: tickets of a team are given to its people in turn, by load, by what they
// know and to who is on call; never to who is away or may not see them; and why is said.
func TestAssignment(t *testing.T) {
	d := openDuty(t)
	ada, ben, cem := d.people[0], d.people[1], d.people[2]
	names := []string{d.names[ada.User], d.names[ben.User], d.names[cem.User]}

	t.Run("a team that has set nothing keeps its tickets", func(t *testing.T) {
		if _, who := d.given(nil); who != "" {
			t.Errorf("it was given to %s", who)
		}
	})
	t.Run("in turn", func(t *testing.T) {
		d.setting(record.Values{"method": duty.InTurn})
		var got []string
		var last *record.Record
		for range 4 {
			r, who := d.given(nil)
			got, last = append(got, who), r
		}
		if want := []string{names[0], names[1], names[2], names[0]}; !slices.Equal(got, want) {
			t.Errorf("given to %q, want %q", got, want)
		}
		if s := d.why(last.ID); s != "gave it to "+names[0]+": next in turn of 3." {
			t.Errorf("it says %q", s)
		}
		if n := d.count("audit_entry", "action = 'assign' and object = ?", int64(last.ID)); n != 1 {
			t.Errorf("%d entries in the log", n)
		}
		if n := d.count("notification", "topic = 'assignment' and record_id = ?", int64(last.ID)); n != 1 {
			t.Errorf("%d were told", n)
		}
		if r, who := d.given(record.Values{"owner_id": cem.User}); who != names[2] || d.why(r.ID) != "" {
			t.Errorf("one that names its owner went to %s, %q", who, d.why(r.ID))
		}
	})
	t.Run("who is away, or may not see it, is passed over", func(t *testing.T) {
		d.away(ben, ada.User, 0, time.Hour)
		hidden := d.User(access.Editor, d.Org("Elsewhere"))
		d.mustUpdate("team", d.team, record.Values{"member_ids": append(d.ids(), hidden.User)})
		var got []string
		for range 3 {
			_, who := d.given(nil)
			got = append(got, who)
		}
		if want := []string{names[2], names[0], names[2]}; !slices.Equal(got, want) {
			t.Errorf("given to %q, want %q", got, want)
		}
		d.mustUpdate("team", d.team, record.Values{"member_ids": d.ids()})
		d.Clock.Advance(2 * time.Hour)
	})
	t.Run("two at once have two turns", func(t *testing.T) {
		var wg sync.WaitGroup
		tickets := make([]*record.Record, 6)
		for i := range tickets {
			wg.Go(func() {
				err := d.Gate.Change(t.Context(), d.manager, access.Create, gate.Thing{Kind: "incident", Org: d.org}, func(tx *gate.Tx) (err error) {
					tickets[i], err = d.Records.Create(tx, "incident", record.Values{"organization_id": d.org, "contact_id": d.customer, "team_id": d.team, "name": "At once"})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got := map[string]int{}
		for _, r := range tickets {
			if r != nil {
				got[d.owner(r.ID)]++
			}
		}
		for _, n := range names {
			if got[n] != 2 {
				t.Errorf("of six tickets at once each of three has %v", got)
				break
			}
		}
	})
	t.Run("to who has the fewest open", func(t *testing.T) {
		d.setting(record.Values{"method": duty.Load})
		d.given(record.Values{"owner_id": ada.User})
		d.given(record.Values{"owner_id": cem.User})
		busy := map[string]int{}
		for _, n := range names {
			busy[n] = d.count("k_incident", "owner_id = ? and final = 0", int64(d.people[slices.Index(names, n)].User))
		}
		least := slices.MinFunc(names, func(a, b string) int { return busy[a] - busy[b] })
		if r, who := d.given(nil); who != least || !strings.Contains(d.why(r.ID), "has the fewest, with") {
			t.Errorf("given to %s (%s), and they have %v", who, d.why(r.ID), busy)
		}
	})
	t.Run("to who knows it", func(t *testing.T) {
		set := d.setting(record.Values{"method": duty.Skill, "skills": []map[string]any{{"person": "cem@example.com", "words": "active directory, VPN"}, {"person": "ben@example.com", "words": "vpn"}}})
		r, who := d.given(record.Values{"name": "VPN and Active-Directory are gone"})
		if who != "cem" || !strings.Contains(d.why(r.ID), "knows active directory, VPN") {
			t.Errorf("given to %s: %s", who, d.why(r.ID))
		}
		if r, _ := d.given(record.Values{"name": "avpnx"}); !strings.Contains(d.why(r.ID), "nobody is named for it") {
			t.Errorf("a part of a word counts: %s", d.why(r.ID))
		}
		_, err := d.update(duty.AssignmentKind, set, record.Values{"skills": []map[string]any{{"person": "nobody@example.com", "words": "x"}}})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("an address of nobody: %v", err)
		}
	})
	t.Run("outside of the working hours it waits", func(t *testing.T) {
		open := d.Clock.Now().UTC().Add(26 * time.Hour)
		day := strings.ToLower(open.Weekday().String())
		hour := open.Truncate(time.Hour)
		calendar := d.Make(sla.Calendar, 0, record.Values{"name": "Later", "zone": "UTC", day: hour.Format("15:04") + "-24:00"})
		d.setting(record.Values{"method": duty.InTurn, "calendar_id": calendar})
		r, who := d.given(nil)
		d.View(d.Admin(), func(tx *gate.Tx) error {
			said, err := duty.Waits(tx, r.ID)
			if who != "" || said != "nobody works before "+hour.Format("Mon 2 Jan 15:04 MST") {
				t.Errorf("given to %q, it waits: %q", who, said)
			}
			return err
		})
		d.run()
		if who = d.owner(r.ID); who != "" {
			t.Errorf("given to %s before", who)
		}
		was := d.Clock.Now()
		d.Clock.Advance(hour.Sub(was))
		d.run()
		if who = d.owner(r.ID); who == "" || !strings.Contains(d.why(r.ID), "next in turn") {
			t.Errorf("given to %q: %q", who, d.why(r.ID))
		}
	})
}

// TestOnCall: who is on call is called, the next when she does not answer, and the manager at
// the end; each once; by rules too; and people take each other's places.
func TestOnCall(t *testing.T) {
	d := openDuty(t)
	first := d.Clock.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	plan := func(name string, then id.ID, who string) id.ID {
		v := record.Values{"name": name, "team_id": d.team, "zone": "Europe/Berlin", "minutes": int64(10), "layers": []map[string]any{{"people": who, "first": first, "days": int64(300)}}}
		if then != 0 {
			v["then_id"] = then
		}
		return d.Make(duty.PlanKind, 0, v)
	}
	second := plan("Second", 0, "ben@example.com")
	one := plan("First", second, "ada@example.com, cem@example.com")
	d.setting(record.Values{"method": duty.OnCall, "plan_id": one})
	if _, err := d.update(duty.PlanKind, second, record.Values{"then_id": one}); !fault.Is(err, fault.Invalid) {
		t.Errorf("plans that follow each other in a ring: %v", err)
	}
	if _, err := d.update(duty.PlanKind, second, record.Values{"layers": []map[string]any{{"people": "who@example.com", "first": first}}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a plan of nobody: %v", err)
	}
	states := func(ticket id.ID) (out []string) {
		d.View(d.Admin(), func(tx *gate.Tx) error {
			list, err := duty.CallsOf(tx, ticket)
			for _, c := range list {
				out = append(out, d.names[c.User]+" "+c.State)
			}
			return err
		})
		return out
	}
	ada := d.people[slices.IndexFunc(d.people, func(c *access.Caller) bool { return d.names[c.User] == "ada" })]
	ben := d.people[slices.IndexFunc(d.people, func(c *access.Caller) bool { return d.names[c.User] == "ben" })]
	cem := d.people[slices.IndexFunc(d.people, func(c *access.Caller) bool { return d.names[c.User] == "cem" })]

	t.Run("she says that she takes it", func(t *testing.T) {
		r, who := d.given(nil)
		if who != "ada" || !strings.Contains(d.why(r.ID), "gave it to ada: on call until ") {
			t.Fatalf("given to %s: %s", who, d.why(r.ID))
		}
		for range 2 {
			err := d.Gate.Change(t.Context(), ada, access.View, gate.Thing{ID: r.ID}, func(tx *gate.Tx) error { return duty.Acknowledge(tx, r) })
			if err != nil {
				t.Fatal(err)
			}
		}
		d.Clock.Advance(time.Hour)
		d.run()
		if got := states(r.ID); !slices.Equal(got, []string{"ada taken"}) || d.owner(r.ID) != "ada" {
			t.Errorf("%q, %s has it", got, d.owner(r.ID))
		}
	})
	t.Run("what she does with it says so too", func(t *testing.T) {
		r, _ := d.given(nil)
		if err := d.as(ada, r.ID, record.Values{"urgency": "High"}); err != nil {
			t.Fatal(err)
		}
		if got := states(r.ID); !slices.Equal(got, []string{"ada taken"}) {
			t.Errorf("%q", got)
		}
	})
	t.Run("nobody answers", func(t *testing.T) {
		r, _ := d.given(nil)
		d.Clock.Advance(9 * time.Minute)
		d.run()
		if got := states(r.ID); !slices.Equal(got, []string{"ada waiting"}) {
			t.Errorf("before it is time: %q", got)
		}
		d.Clock.Advance(time.Minute)
		d.run()
		d.run() // bears repetition
		if got := states(r.ID); !slices.Equal(got, []string{"ben waiting", "ada passed"}) || d.owner(r.ID) != "ben" || !strings.Contains(d.why(r.ID), "ada did not answer until ") {
			t.Errorf("%q, %s has it: %s", got, d.owner(r.ID), d.why(r.ID))
		}
		d.Clock.Advance(10 * time.Minute)
		d.run()
		d.run()
		if got := states(r.ID); !slices.Equal(got, []string{"ben nobody", "ada passed"}) || d.owner(r.ID) != "ben" {
			t.Errorf("at the end: %q, %s has it", got, d.owner(r.ID))
		}
		if n := d.count("notification", "topic = 'duty' and user_id = ? and record_id = ?", int64(d.manager.User), int64(r.ID)); n != 1 {
			t.Errorf("the manager was told %d times", n)
		}
	})
	t.Run("a rule gives it", func(t *testing.T) {
		d.mustRule(d.manager, automation.ByHand, nil, [3]string{automation.Assigns, duty.OnCall, "Infrastructure"})
		if _, err := d.rule(d.manager, record.Values{"happens": automation.ByHand, "actions": actRows([][3]string{{automation.Assigns, "somehow", ""}})}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a way that there is not: %v", err)
		}
		r := d.mustMake("incident", record.Values{"name": "By a rule"})
		err := d.Gate.Change(t.Context(), d.manager, access.View, gate.Thing{ID: r.ID}, func(tx *gate.Tx) error {
			hand, err := automation.ByHands(tx, r)
			if err != nil || len(hand) != 1 {
				t.Fatalf("%d rules, %v", len(hand), err)
			}
			return d.rules.Ask(tx, hand[0].ID, r)
		})
		if err != nil {
			t.Fatal(err)
		}
		d.drain()
		if got := d.log(r.ID); d.owner(r.ID) != "ada" || !has(got, "done: Gave it to ada: on call until ") {
			t.Errorf("%s has it: %q", d.owner(r.ID), got)
		}
	})
	swap := func(c *access.Caller, s duty.Swap) error {
		return d.Gate.Change(t.Context(), c, access.View, gate.Thing{}, func(tx *gate.Tx) error { return duty.AskSwap(tx, d.Records, s) })
	}
	answer := func(c *access.Caller, yes bool) error {
		return d.Gate.Change(t.Context(), c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
			list, err := duty.Swaps(tx)
			if err != nil || len(list) != 1 {
				t.Fatalf("%d swaps, %v", len(list), err)
			}
			return duty.AnswerSwap(tx, d.Records, list[0].ID, yes)
		})
	}
	t.Run("somebody takes her place", func(t *testing.T) {
		now := d.Clock.Now().UnixMilli()
		hour := time.Hour.Milliseconds()
		s := duty.Swap{Plan: one, To: cem.User, From: now, Until: now + hour}
		if err := swap(ben, s); !fault.Is(err, fault.Invalid) {
			t.Errorf("ben gives away what is ada's: %v", err)
		}
		if err := swap(ada, s); err != nil {
			t.Fatal(err)
		}
		if err := swap(ada, s); err != nil { // twice is once
			t.Fatal(err)
		}
		if err := answer(ada, true); !fault.Is(err, fault.NotFound) {
			t.Errorf("ada accepts for cem: %v", err)
		}
		if err := answer(cem, true); err != nil {
			t.Fatal(err)
		}
		if _, who := d.given(nil); who != "cem" {
			t.Errorf("given to %s", who)
		}
		d.Clock.Advance(time.Hour)
		if _, who := d.given(nil); who != "ada" {
			t.Errorf("afterwards given to %s", who)
		}
		stand := func(c *access.Caller, who id.ID) error {
			at := d.Clock.Now().UnixMilli()
			return d.Gate.Change(t.Context(), c, access.View, gate.Thing{}, func(tx *gate.Tx) error { return duty.StandIn(tx, d.Records, one, who, at, at+hour) })
		}
		if err := stand(ben, cem.User); !fault.Is(err, fault.Denied) {
			t.Errorf("ben names cem: %v", err)
		}
		if err := stand(ben, ben.User); err != nil {
			t.Fatal(err)
		}
		if r, who := d.given(nil); who != "ben" || !strings.Contains(d.why(r.ID), " for ada, by First") {
			t.Errorf("given to %s: %s", who, d.why(r.ID))
		}
	})
	t.Run("the calendar", func(t *testing.T) {
		var token, text string
		if err := d.Gate.Change(t.Context(), cem, access.View, gate.Thing{}, func(tx *gate.Tx) (err error) { token, err = duty.NewFeed(tx); return err }); err != nil {
			t.Fatal(err)
		}
		read := func(token string) error {
			return d.Gate.View(t.Context(), access.System(coretest.Name, "feed"), func(tx *gate.Tx) (err error) { text, err = duty.Feed(tx, d.Records, token); return err })
		}
		if err := read(token); err != nil || !strings.HasPrefix(text, "BEGIN:VCALENDAR\r\n") || strings.Contains(text, "BEGIN:VEVENT") {
			t.Errorf("%q, %v", text, err)
		}
		d.away(ada, cem.User, 0, 72*time.Hour)
		if err := read(token); err != nil || !strings.Contains(text, "SUMMARY:On call: First\r\n") || strings.Count(text, "BEGIN:VEVENT") != 1 {
			t.Errorf("while ada is away: %q, %v", text, err)
		}
		for _, wrong := range []string{"", token + "x", token[:len(token)-1] + "_", "src_"} {
			if err := read(wrong); wrong != token && !fault.Is(err, fault.NotFound) {
				t.Errorf("%q reads %v", wrong, err)
			}
		}
		if err := d.Gate.Change(t.Context(), cem, access.View, gate.Thing{}, duty.EndFeed); err != nil {
			t.Fatal(err)
		}
		if err := read(token); !fault.Is(err, fault.NotFound) {
			t.Errorf("after its end: %v", err)
		}
	})
}

// TestEscalationGivesToWhoIsOnCall: an agreement gives what is late to who is on call, once;
// where nobody is, who leads the team is told, and the ticket stays as it was.
func TestEscalationGivesToWhoIsOnCall(t *testing.T) {
	d := openDuty(t)
	first := d.Clock.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	plan := d.Make(duty.PlanKind, 0, record.Values{"name": "First", "team_id": d.team, "zone": "UTC", "minutes": int64(10), "layers": []map[string]any{{"people": "ben@example.com", "first": first, "days": int64(300)}}})
	calendar, _ := d.promises()
	d.agreed(d.org, calendar, record.Values{"warn_at": nil, "escalations": []map[string]any{
		{"percent": 50, "measure": "resolution", "do": string(sla.GiveOnCall), "whom": ""}}}, map[string]float64{"resolution": 4})
	run := func() {
		t.Helper()
		for range 2 { // each is a restart
			if err := (&teller.Teller{Gate: d.Gate, Records: d.Records, OnCall: duty.GiveOnCall}).Run(t.Context(), coretest.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	late, who := d.given(record.Values{"category_id": d.one("category", "Software")})
	if who != "" {
		t.Fatalf("it is %s's at once", who)
	}
	run()
	if who := d.owner(late.ID); who != "" {
		t.Errorf("before its time it is given to %s", who)
	}
	d.Clock.Advance(121 * time.Minute)
	run()
	if who := d.owner(late.ID); who != "ben" || strings.Count(d.why(late.ID), "on call") != 1 {
		t.Errorf("it is %q's: %s", who, d.why(late.ID))
	}
	d.Change(func(tx *gate.Tx) error { return d.Records.Trash(tx, duty.PlanKind, plan) })
	again, _ := d.given(record.Values{"category_id": d.one("category", "Software")})
	d.news(d.manager)
	d.Clock.Advance(121 * time.Minute)
	run()
	if said := d.news(d.manager); d.owner(again.ID) != "" || strings.Count(said, "Gave it to nobody: no plan says who is on call.") != 1 {
		t.Errorf("it is %q's, and the manager is told %q", d.owner(again.ID), said)
	}
}
