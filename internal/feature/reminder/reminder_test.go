package reminder_test

import (
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/reminder"
)

type house struct {
	*coretest.House
	*reminder.Reminder
	t *testing.T
}

func open(t *testing.T) *house {
	t.Helper()
	kinds := append(coretest.Kinds(), &record.Kind{Name: "licence", Plural: "licences", Label: "Licence", Labels: "Licences", Ended: "over", Fields: []record.Field{
		{Name: "name", Type: record.Text, Class: record.Internal, Required: true}, {Name: "ends_on", Type: record.Date, Class: record.Internal, Expires: true}, {Name: "over", Type: record.Bool, Class: record.Internal}}})
	h := &house{House: coretest.Open(t, coretest.Options{Features: []record.Feature{{Name: "test", Kinds: kinds}, notification.Feature(), reminder.Feature()}}), t: t}
	h.Reminder = &reminder.Reminder{Gate: h.House.Gate, Records: h.House.Records}
	return h
}

// day gives the day so many days after the clock's.
func (h *house) day(n int) string { return h.Clock.Now().AddDate(0, 0, n).Format(time.DateOnly) }

func (h *house) run() {
	h.t.Helper()
	for range 2 { // it bears repetition
		if err := h.Run(h.t.Context(), coretest.Name); err != nil {
			h.t.Fatal(err)
		}
	}
}

// told gives what somebody was told, the newest first, and forgets it.
func (h *house) told(c *access.Caller) string {
	h.t.Helper()
	var out []string
	err := h.House.Gate.Change(h.t.Context(), c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		p, err := notification.List(tx, notification.Query{Unread: true})
		if err != nil {
			return err
		}
		for _, l := range p.Lines {
			out = append(out, l.Plain())
		}
		_, err = notification.MarkAll(tx, "", tx.Now)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func (h *house) choose(c *access.Caller, list ...notification.Choice) {
	h.t.Helper()
	err := h.House.Gate.Change(h.t.Context(), c, access.View, gate.Thing{}, func(tx *gate.Tx) error { return notification.Choose(tx, list...) })
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestEachThresholdOnce(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	boss := h.User(access.Administrator)
	lic := h.Make("licence", org, record.Values{"name": "Backup", "ends_on": h.day(31)})
	h.Make("licence", org, record.Values{"name": "Gone", "ends_on": h.day(-1)})
	h.Make("licence", org, record.Values{"name": "Over", "ends_on": h.day(5), "over": true})
	h.Make("licence", org, record.Values{"name": "Archived", "ends_on": h.day(5), "archived": true})
	date := h.day(31)
	said := map[int]string{}
	for n := 31; n >= -2; n-- {
		h.run()
		if s := h.told(boss); s != "" {
			said[n] = s
		}
		h.Clock.Advance(24 * time.Hour)
	}
	want := map[int]string{30: "in 30 days", 14: "in 14 days", 7: "in 7 days", 1: "tomorrow"}
	for n, words := range want {
		if said[n] != "Backup runs out "+words+", on "+date+" (Ends on)." {
			t.Errorf("%d days before: %q", n, said[n])
		}
	}
	if len(said) != len(want) {
		t.Errorf("told on other days too: %v", said)
	}
	again := h.day(5)
	h.Change(func(tx *gate.Tx) error {
		_, err := h.House.Records.Update(tx, "licence", lic, 0, record.Values{"ends_on": again})
		return err
	})
	h.run()
	if got := h.told(boss); got != "Backup runs out in 5 days, on "+again+" (Ends on)." {
		t.Errorf("of another date, five days before: %q", got)
	}
}

func TestWhoIsTold(t *testing.T) {
	h := open(t)
	acme, bolt := h.Org("Acme"), h.Org("Bolt")
	boss, quiet := h.User(access.Administrator), h.User(access.Administrator)
	editor, reader, outsider := h.User(access.Editor, acme), h.User(access.ReadOnly, acme), h.User(access.Editor, bolt)
	for _, c := range []*access.Caller{reader, outsider} {
		h.choose(c, notification.Choice{Topic: reminder.Topic, Channel: notification.InApp, Wanted: true})
	}
	h.choose(quiet, notification.Choice{Topic: reminder.Topic, Channel: notification.InApp, Wanted: false})
	lic := h.Make("licence", acme, record.Values{"name": "Backup", "ends_on": h.day(7)})
	h.run()
	for c, want := range map[*access.Caller]bool{boss: true, quiet: false, editor: false, reader: true, outsider: false} {
		if got := h.told(c); (got != "") != want {
			t.Errorf("%s (%s) was told %q", c.Name, c.User, got)
		}
	}
	waits := func() (n int) {
		h.View(h.Admin(), func(tx *gate.Tx) error { return tx.QueryRow(`select count(*) from notification_out`).Scan(&n) })
		return n
	}
	if n := waits(); n != 0 {
		t.Errorf("%d mails that nobody chose", n)
	}
	h.choose(reader, notification.Choice{Topic: reminder.Topic, Channel: notification.ByMail, Wanted: true})
	h.Change(func(tx *gate.Tx) error { return h.House.Records.SetAccess(tx, "licence", lic, true, nil, []id.ID(nil)) })
	h.Clock.Advance(6 * 24 * time.Hour)
	h.run()
	if got := h.told(reader); got != "" || waits() != 0 {
		t.Errorf("who may not see it any more was told %q", got)
	}
	if h.told(boss) == "" {
		t.Error("an administrator was not told")
	}
	h.Make("licence", acme, record.Values{"name": "Mail filter", "ends_on": h.day(14)})
	h.run()
	if waits() != 1 || h.told(reader) == "" {
		t.Errorf("%d mails wait", waits())
	}
}
