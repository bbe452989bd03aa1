package clock_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/worktime"
	"strongroom/internal/feature/sla/clock"
)

// desk is the terms of the tests.
type desk struct {
	t     testing.TB
	terms clock.Terms
}

func newDesk(t testing.TB) *desk {
	d := &desk{t, clock.Terms{Agreements: map[string]clock.Agreement{}, Calendars: map[string]*worktime.Calendar{}}}
	d.calendar("office", "Europe/Berlin", "Mo-Fr 09:00-17:00")
	d.calendar("always", "Europe/Berlin", "Mo-Su 00:00-24:00")
	d.agree("gold", "", resolve(0, 4*time.Hour))
	return d
}

// calendar adds a calendar of one line of hours.
func (d *desk) calendar(name, zone, hours string, holidays ...worktime.Holiday) {
	d.t.Helper()
	days, open, _ := strings.Cut(hours, " ")
	w, err := worktime.ParseWindows(open)
	if err != nil {
		d.t.Fatal(err)
	}
	s := worktime.Spec{Zone: zone, Week: map[time.Weekday]worktime.Hours{}, Holidays: holidays}
	for i, day := range []string{"Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"} {
		if days == "Mo-Su" || days == "Mo-Fr" && 1 <= i && i <= 5 || strings.Contains(days, day) {
			s.Week[time.Weekday(i)] = worktime.Hours{Open: w}
		}
	}
	c, err := worktime.New(s)
	if err != nil {
		d.t.Fatal(err)
	}
	d.terms.Calendars[name] = c
}

func (d *desk) agree(name string, reopen clock.Policy, targets ...clock.Target) {
	d.terms.Agreements[name] = clock.Agreement{Targets: targets, Reopen: reopen}
}

func resolve(priority int, goal time.Duration, levels ...clock.Level) clock.Target {
	return clock.Target{Measure: clock.Resolution, Priority: priority, Goal: clock.Goal{Time: goal}, Levels: levels}
}

// on reads a time in Berlin.
func on(t testing.TB, s string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	v, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// born is the creation of a ticket under gold in office hours.
func (d *desk) born(at string) clock.Event {
	return clock.Event{At: on(d.t, at), Phase: clock.Working, Note: "Active", Agreement: "gold", Calendar: "office", Priority: 3}
}

func (d *desk) moved(at string, p clock.Phase) clock.Event {
	return clock.Event{At: on(d.t, at), Phase: p, Note: string(p)}
}

// one gives the only clock of a measure.
func (d *desk) one(m clock.Measure, at string, events ...clock.Event) clock.Clock {
	d.t.Helper()
	for i := range events {
		events[i].Seq = int64(i)
	}
	all, err := clock.Compute(events, d.terms, on(d.t, at))
	if err != nil {
		d.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(c clock.Clock) bool { return c.Measure == m })
	if i < 0 {
		d.t.Fatalf("there is no clock %s among %d", m, len(all))
	}
	return all[i]
}

func (d *desk) due(c clock.Clock, want string) {
	d.t.Helper()
	if want == "" && c.Due.IsZero() {
		return
	}
	if want == "" || !c.Due.Equal(on(d.t, want)) {
		d.t.Errorf("due %v, want %s", c.Due.In(on(d.t, "2026-01-01 00:00").Location()), want)
	}
}

func (d *desk) elapsed(c clock.Clock, want time.Duration) {
	d.t.Helper()
	if c.Elapsed != want {
		d.t.Errorf("elapsed %v, want %v", c.Elapsed, want)
	}
}

func TestS01SpringForward(t *testing.T) {
	d := newDesk(t)
	e := d.born("2026-03-29 00:00")
	e.Calendar = "always"
	d.due(d.one(clock.Resolution, "2026-03-29 00:00", e), "2026-03-29 05:00")
}

func TestS02AutumnDoubleHour(t *testing.T) {
	d := newDesk(t)
	e := d.born("2026-10-25 00:00")
	e.Calendar = "always"
	d.due(d.one(clock.Resolution, "2026-10-25 00:00", e), "2026-10-25 03:00")
}

func TestS03AgreementInAnotherZone(t *testing.T) {
	d := newDesk(t)
	d.calendar("york", "America/New_York", "Mo-Fr 09:00-17:00")
	e := d.born("2026-11-23 10:00") // New York opens at 15:00 of Berlin
	e.Calendar = "york"
	d.due(d.one(clock.Resolution, "2026-11-23 10:00", e), "2026-11-23 19:00")
}

func TestS04CreatedOutsideHours(t *testing.T) {
	d := newDesk(t)
	d.due(d.one(clock.Resolution, "2026-11-21 03:00", d.born("2026-11-21 03:00")), "2026-11-23 13:00")
}

func TestS05CreatedAtClosingAndOpening(t *testing.T) {
	d := newDesk(t)
	d.due(d.one(clock.Resolution, "2026-11-20 17:00", d.born("2026-11-20 17:00")), "2026-11-23 13:00")
	d.due(d.one(clock.Resolution, "2026-11-23 09:00", d.born("2026-11-23 09:00")), "2026-11-23 13:00")
}

func TestS06NoGapAtMidnight(t *testing.T) {
	d := newDesk(t)
	e := d.born("2026-11-23 22:00")
	e.Calendar = "always"
	c := d.one(clock.Resolution, "2026-11-24 01:00", e)
	d.due(c, "2026-11-24 02:00")
	if rows := c.Rows(d.terms, 100); len(rows) != 2 || rows[0].Worked != 3*time.Hour || rows[1].Sum != 4*time.Hour || !rows[1].Ahead {
		t.Errorf("%+v", rows)
	}
}

func TestS07LunchAndHalfDayHoliday(t *testing.T) {
	d := newDesk(t)
	d.calendar("office", "Europe/Berlin", "Mo-Fr 09:00-12:00,13:00-17:00", worktime.Holiday{Day: worktime.NewDay(2026, 12, 24), Name: "Christmas Eve", Closed: worktime.Window{From: 11 * 60, To: 24 * 60}},
		worktime.Holiday{Day: worktime.NewDay(2026, 12, 25), Name: "Christmas"})
	d.due(d.one(clock.Resolution, "2026-12-24 10:00", d.born("2026-12-24 10:00")), "2026-12-28 12:00")
	d.due(d.one(clock.Resolution, "2026-12-22 10:00", d.born("2026-12-22 10:00")), "2026-12-22 15:00")
}

func TestS08MissingWeekdays(t *testing.T) {
	d := newDesk(t)
	d.calendar("office", "Europe/Berlin", "Tu 09:00-11:00")
	d.due(d.one(clock.Resolution, "2026-11-23 10:00", d.born("2026-11-23 10:00")), "2026-12-01 11:00")
}

func TestS09CalendarWithoutHours(t *testing.T) {
	d := newDesk(t)
	d.calendar("office", "Europe/Berlin", "none ")
	c := d.one(clock.Resolution, "2027-11-23 10:00", d.born("2026-11-23 10:00"))
	d.due(c, "")
	if c.Breached || c.Elapsed != 0 || len(c.Marks)+len(c.Ahead) > 0 {
		t.Errorf("%+v", c)
	}
}

func TestS10PauseOverWeekendWithGoalInDays(t *testing.T) {
	d := newDesk(t)
	d.agree("gold", "", clock.Target{Measure: clock.Resolution, Goal: clock.Goal{Days: 2}})
	events := []clock.Event{d.born("2026-11-19 09:00"), d.moved("2026-11-20 15:00", clock.OnHold), d.moved("2026-11-23 11:00", clock.Working)}
	c := d.one(clock.Resolution, "2026-11-23 11:00", events...)
	d.elapsed(c, 14*time.Hour)
	d.due(c, "2026-11-23 13:00")
}

func TestS11PausedWhileAgreementChanges(t *testing.T) {
	d := newDesk(t)
	d.agree("silver", "", resolve(0, 8*time.Hour))
	for policy, want := range map[clock.Policy]string{clock.Continue: "2026-11-24 11:00", clock.Restart: "2026-11-24 13:00", clock.Retroactive: "2026-11-24 11:00"} {
		change := clock.Event{At: on(t, "2026-11-23 12:00"), Agreement: "silver", Policy: policy}
		events := []clock.Event{d.born("2026-11-23 09:00"), d.moved("2026-11-23 11:00", clock.OnHold), change}
		held := d.one(clock.Resolution, "2026-11-23 12:30", events...)
		d.due(held, "")
		if held.State != clock.Paused {
			t.Errorf("%q: %s", policy, held.State)
		}
		d.due(d.one(clock.Resolution, "2026-11-23 13:00", append(events, d.moved("2026-11-23 13:00", clock.Working))...), want)
	}
}

func TestS12PriorityRaisedAfterBreachAndLowered(t *testing.T) {
	d := newDesk(t)
	d.agree("gold", "", resolve(1, time.Hour), resolve(3, 4*time.Hour))
	events := []clock.Event{d.born("2026-11-23 09:00"), {At: on(t, "2026-11-23 11:00"), Priority: 1}, {At: on(t, "2026-11-23 12:00"), Priority: 3}}
	c := d.one(clock.Resolution, "2026-11-23 11:30", events...)
	if !c.Breached || len(c.Marks) != 1 || !c.Marks[0].At.Equal(on(t, "2026-11-23 11:00")) {
		t.Errorf("raised: %+v", c)
	}
	c = d.one(clock.Resolution, "2026-11-23 12:30", events...)
	d.due(c, "2026-11-23 13:00")
	if c.Breached || len(c.Marks) != 1 || c.Marks[0].Stands {
		t.Errorf("lowered: %+v", c)
	}
	c = d.one(clock.Resolution, "2026-11-23 14:00", events...)
	if !c.Breached || len(c.Marks) != 2 || c.Marks[1].Key != "resolution/1/breach/2" {
		t.Errorf("late by its own goal: %+v", c.Marks)
	}
}

func TestS13SolvedTimeIsNotWaiting(t *testing.T) {
	d := newDesk(t)
	d.agree("gold", "", resolve(0, 4*time.Hour), clock.Target{Measure: clock.Waiting, Goal: clock.Goal{Time: 8 * time.Hour}})
	events := []clock.Event{d.born("2026-11-23 09:00"), d.moved("2026-11-23 10:00", clock.OnHold), d.moved("2026-11-23 11:00", clock.Done), d.moved("2026-11-23 15:00", clock.Working)}
	d.elapsed(d.one(clock.Waiting, "2026-11-23 16:00", events...), time.Hour)
	d.elapsed(d.one(clock.Resolution, "2026-11-23 16:00", events...), 2*time.Hour)
}

func TestS14ReopenByPolicy(t *testing.T) {
	for policy, want := range map[clock.Policy]string{clock.Continue: "2026-11-24 11:00", clock.Restart: "2026-11-24 13:00"} {
		d := newDesk(t)
		d.agree("gold", policy, resolve(0, 4*time.Hour))
		events := []clock.Event{d.born("2026-11-23 09:00"), d.moved("2026-11-23 11:00", clock.Done), d.moved("2026-11-24 09:00", clock.Working)}
		if c := d.one(clock.Resolution, "2026-11-23 12:00", events...); c.State != clock.Met || c.Breached || !c.Ended.Equal(on(t, "2026-11-23 11:00")) {
			t.Errorf("%q: %+v", policy, c)
		}
		c := d.one(clock.Resolution, "2026-11-24 09:00", events...)
		d.due(c, want)
		if (c.Cycle == 2) != (policy == clock.Restart) {
			t.Errorf("%q: cycle %d", policy, c.Cycle)
		}
	}
}

func TestS15LaterHolidaysMoveNoPastClock(t *testing.T) {
	d := newDesk(t)
	events := []clock.Event{d.born("2026-11-23 09:00"), d.moved("2026-11-23 16:00", clock.Done)}
	before := d.one(clock.Resolution, "2026-11-24 09:00", events...)
	d.calendar("office 2", "Europe/Berlin", "Mo-Fr 09:00-17:00", worktime.Holiday{Day: worktime.NewDay(2026, 11, 23), Name: "Declared later"})
	events = append(events, clock.Event{At: on(t, "2026-11-25 09:00"), Calendar: "office 2", Policy: clock.Retroactive})
	after := d.one(clock.Resolution, "2026-11-26 09:00", events...)
	if !after.Due.Equal(before.Due) || after.Elapsed != before.Elapsed || !before.Breached || !after.Breached {
		t.Errorf("before %v %v, after %v %v", before.Due, before.Elapsed, after.Due, after.Elapsed)
	}
	running := d.one(clock.Resolution, "2026-11-23 12:00", d.born("2026-11-23 09:00"), clock.Event{At: on(t, "2026-11-23 11:00"), Calendar: "office 2", Policy: clock.Retroactive})
	d.elapsed(running, 0)
	d.due(running, "2026-11-24 13:00")
}

func TestS16NothingIsToldAtNight(t *testing.T) {
	d := newDesk(t)
	d.agree("gold", "", resolve(0, 4*time.Hour, clock.Level{Name: clock.Breach, Told: "office"}, clock.Level{Name: "half", Percent: 50}))
	e := d.born("2026-11-23 23:00")
	e.Calendar = "always"
	c := d.one(clock.Resolution, "2026-11-24 08:00", e)
	if len(c.Marks) != 2 || !c.Marks[0].Tell.Equal(on(t, "2026-11-24 01:00")) || !c.Marks[1].At.Equal(on(t, "2026-11-24 03:00")) || !c.Marks[1].Tell.Equal(on(t, "2026-11-24 09:00")) {
		t.Errorf("%+v", c.Marks)
	}
	never := func(string) bool { return false }
	if m := clock.Due([]clock.Clock{c}, never, on(t, "2026-11-24 08:00")); len(m) != 1 || m[0].Level != "half" {
		t.Errorf("due at night: %+v", m)
	}
	if next, ok := clock.Next([]clock.Clock{c}, on(t, "2026-11-24 08:00")); !ok || !next.Equal(on(t, "2026-11-24 09:00")) {
		t.Errorf("next %v", next)
	}
}

func TestS18ResumeExactlyAtClosing(t *testing.T) {
	d := newDesk(t)
	events := []clock.Event{d.born("2026-11-20 09:00"), d.moved("2026-11-20 10:00", clock.OnHold), d.moved("2026-11-20 17:00", clock.Working)}
	c := d.one(clock.Resolution, "2026-11-20 17:00", events...)
	d.elapsed(c, time.Hour)
	d.due(c, "2026-11-23 12:00")
}

func TestS19MergeKeepsTheEarlierClock(t *testing.T) {
	d := newDesk(t)
	early := []clock.Event{d.born("2026-11-23 09:00")}
	late := []clock.Event{d.born("2026-11-23 11:00"), d.moved("2026-11-23 11:30", clock.OnHold)}
	at := on(t, "2026-11-23 12:00")
	c := d.one(clock.Resolution, "2026-11-23 12:30", clock.Merge(early, late, at)...)
	d.due(c, "2026-11-23 13:00")
	c = d.one(clock.Resolution, "2026-11-23 12:30", clock.Merge(late, early, at)...)
	d.elapsed(c, 3*time.Hour)
	if !c.Started.Equal(on(t, "2026-11-23 09:00")) || c.State != clock.Paused {
		t.Errorf("%+v", c)
	}
}

func TestS20HoldIsNotAddedTwice(t *testing.T) {
	d := newDesk(t)
	hold := d.moved("2026-11-23 10:00", clock.OnHold)
	events := []clock.Event{d.born("2026-11-23 09:00"), hold, hold, d.moved("2026-11-23 11:00", clock.OnHold), d.moved("2026-11-23 12:00", clock.Working)}
	c := d.one(clock.Resolution, "2026-11-23 12:00", events...)
	d.elapsed(c, time.Hour)
	d.due(c, "2026-11-23 15:00")
}

func TestS21EscalatesOnceOverARestart(t *testing.T) {
	d := newDesk(t)
	done := map[string]bool{}
	told := 0
	for _, now := range []string{"2026-11-23 12:59", "2026-11-23 13:01", "2026-11-23 13:01", "2026-11-24 10:00"} {
		c := d.one(clock.Resolution, now, d.born("2026-11-23 09:00")) // all is computed anew, as after a start
		for _, m := range clock.Due([]clock.Clock{c}, func(k string) bool { return done[k] }, on(t, now)) {
			done[m.Key] = true
			told++
		}
	}
	if told != 1 || !done["resolution/1/breach/1"] {
		t.Errorf("told %d times: %v", told, done)
	}
}

func TestResponseAndOperational(t *testing.T) {
	d := newDesk(t)
	d.agree("gold", "", clock.Target{Measure: clock.Response, Goal: clock.Goal{Time: time.Hour}},
		clock.Target{Measure: clock.Operational, Team: "network", Goal: clock.Goal{Time: 2 * time.Hour}})
	born := d.born("2026-11-23 09:00")
	born.Phase = clock.New
	events := []clock.Event{born, {At: on(t, "2026-11-23 10:00"), Team: "network"}, {At: on(t, "2026-11-23 10:30"), Answered: true}, {At: on(t, "2026-11-23 11:00"), Team: "servers"}}
	r := d.one(clock.Response, "2026-11-23 12:00", events...)
	if r.State != clock.Met || !r.Breached || !r.Ended.Equal(on(t, "2026-11-23 10:30")) {
		t.Errorf("%+v", r)
	}
	o := d.one(clock.Operational, "2026-11-23 12:00", events...)
	d.elapsed(o, time.Hour)
	if o.State != clock.Paused {
		t.Errorf("%+v", o)
	}
	exactly := d.one(clock.Response, "2026-11-23 12:00", born, clock.Event{At: on(t, "2026-11-23 10:00"), Answered: true})
	if exactly.State != clock.Met || exactly.Breached || len(exactly.Marks) != 0 {
		t.Errorf("an answer at the last instant is late: %+v", exactly)
	}
}

func TestUnknownVersions(t *testing.T) {
	d := newDesk(t)
	for _, e := range []clock.Event{{Agreement: "platinum"}, {Calendar: "moon"}} {
		e.At = on(t, "2026-11-23 09:00")
		if _, err := clock.Compute([]clock.Event{e}, d.terms, e.At); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
	}
}
