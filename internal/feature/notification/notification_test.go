package notification_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
)

func open(t *testing.T) *coretest.House {
	t.Helper()
	return coretest.Open(t, coretest.Options{Features: []record.Feature{{Name: "test", Kinds: coretest.Kinds()}, notification.Feature()}})
}

// send tells people something as c, who looks at a record.
func send(t *testing.T, h *coretest.House, c *access.Caller, n notification.Notice) []id.ID {
	t.Helper()
	var told []id.ID
	err := h.Gate.Change(t.Context(), c, access.View, gate.Thing{}, func(tx *gate.Tx) (err error) {
		told, err = notification.Send(tx, n)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return told
}

func lines(t *testing.T, h *coretest.House, c *access.Caller, q notification.Query) *notification.Page {
	t.Helper()
	var p *notification.Page
	h.View(c, func(tx *gate.Tx) (err error) { p, err = notification.List(tx, q); return err })
	return p
}

func unread(t *testing.T, h *coretest.House, c *access.Caller) (n int) {
	t.Helper()
	h.View(c, func(tx *gate.Tx) (err error) { n, err = notification.Unread(tx); return err })
	return n
}

func change(t *testing.T, h *coretest.House, c *access.Caller, fn func(*gate.Tx) error) error {
	t.Helper()
	return h.Gate.Change(t.Context(), c, access.View, gate.Thing{}, fn)
}

func mention(doc id.ID, key string, to ...id.ID) notification.Notice {
	return notification.Notice{Topic: "mention", To: to, Record: doc, Place: "comment-1", Text: []notification.Part{notification.Words("mentioned you on"), notification.Of(doc)}, Key: key}
}

func TestOnceForEachAndToWhoMayKnow(t *testing.T) {
	h := open(t)
	mine, theirs := h.Org("Mine"), h.Org("Theirs")
	doc := h.Make("document", mine, record.Values{"name": "Runbook"})
	author, reader, outsider := h.User(access.Editor), h.User(access.ReadOnly, mine), h.User(access.Editor, theirs)
	to := []id.ID{reader.User, reader.User, outsider.User, author.User, 0, 900000000007}
	if told := send(t, h, author, mention(doc, "c/1", to...)); !slices.Equal(told, []id.ID{reader.User}) {
		t.Fatalf("told %v, want %v", told, reader.User)
	}
	send(t, h, author, mention(doc, "c/1", to...))
	p := lines(t, h, reader, notification.Query{})
	if len(p.Lines) != 1 || p.Lines[0].Plain() != "editor user mentioned you on Runbook" || p.Lines[0].Place != "comment-1" || p.Lines[0].Kind != "document" || p.Lines[0].Read {
		t.Fatalf("the reader has %+v", p.Lines)
	}
	if w := p.Lines[0].Text[1]; w.Record != doc || w.Kind != "document" {
		t.Errorf("the name leads to %+v", w)
	}
	for _, c := range []*access.Caller{author, outsider} {
		if n := unread(t, h, c); n != 0 {
			t.Errorf("%s has %d notices", c.Name, n)
		}
	}
	err := change(t, h, author, func(tx *gate.Tx) error {
		_, err := notification.Send(tx, notification.Notice{Topic: "gossip", To: to, Key: "x"})
		return err
	})
	if !fault.Is(err, fault.Internal) {
		t.Errorf("an unknown topic gives %v", err)
	}
}

func TestWhatIsHiddenIsNotThere(t *testing.T) {
	h := open(t)
	org := h.Org("Mine")
	doc, other := h.Make("document", org, record.Values{"name": "Runbook"}), h.Make("document", org, record.Values{"name": "Other"})
	author, reader := h.User(access.Editor), h.User(access.ReadOnly, org)
	send(t, h, author, mention(doc, "c/1", reader.User))
	send(t, h, author, notification.Notice{Topic: "comment", To: []id.ID{reader.User}, Record: other, Text: []notification.Part{notification.Words("compared with"), notification.Of(doc)}, Key: "c/2"})
	nid := lines(t, h, reader, notification.Query{Topic: "mention"}).Lines[0].ID
	h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, "document", doc, true, nil, nil) })
	p := lines(t, h, reader, notification.Query{})
	if len(p.Lines) != 1 || p.Lines[0].Plain() != "editor user compared with something" {
		t.Errorf("the reader has %+v", p.Lines)
	}
	if n := unread(t, h, reader); n != 1 {
		t.Errorf("%d are counted", n)
	}
	err := change(t, h, reader, func(tx *gate.Tx) error { return notification.Mark(tx, nid, true) })
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("marking a hidden one gives %v", err)
	}
	h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, "document", doc, false, nil, nil) })
	if n := unread(t, h, reader); n != 2 {
		t.Errorf("%d are counted once it is open again", n)
	}
	h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, "document", doc) })
	if n := unread(t, h, reader); n != 1 {
		t.Errorf("%d are counted with the record in the trash", n)
	}
	h.Change(func(tx *gate.Tx) error { return h.Records.Purge(tx, "document", doc) })
	var rows int
	h.View(h.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select count(*) from notification where record_id = ?`, int64(doc)).Scan(&rows)
	})
	if rows != 0 {
		t.Errorf("%d notices of a purged record are left", rows)
	}
}

func TestReadingAndPaging(t *testing.T) {
	h := open(t)
	doc := h.Make("document", h.Org("Mine"), record.Values{"name": "Runbook"})
	author, reader, other := h.User(access.Editor), h.User(access.Editor), h.User(access.Editor)
	for _, key := range []string{"1", "2", "3", "4", "5"} {
		send(t, h, author, mention(doc, key, reader.User, other.User))
	}
	var seen []id.ID
	for q := (notification.Query{Limit: 2}); ; {
		p := lines(t, h, reader, q)
		for _, l := range p.Lines {
			seen = append(seen, l.ID)
		}
		if q.After = p.Next; q.After == "" {
			break
		}
	}
	if len(seen) != 5 || !slices.IsSortedFunc(seen, func(a, b id.ID) int { return int(b - a) }) {
		t.Fatalf("the pages gave %v", seen)
	}
	mark := func(c *access.Caller, n id.ID, read bool) error {
		return change(t, h, c, func(tx *gate.Tx) error { return notification.Mark(tx, n, read) })
	}
	if err := errors.Join(mark(reader, seen[0], true), mark(reader, seen[1], true), mark(reader, seen[1], false)); err != nil {
		t.Fatal(err)
	}
	if err := mark(other, seen[0], true); !fault.Is(err, fault.NotFound) {
		t.Errorf("another's notice gives %v", err)
	}
	if n := unread(t, h, reader); n != 4 {
		t.Errorf("%d are unread, want 4", n)
	}
	if p := lines(t, h, reader, notification.Query{Unread: true}); len(p.Lines) != 4 {
		t.Errorf("%d are listed as unread", len(p.Lines))
	}
	var n int64
	if err := change(t, h, reader, func(tx *gate.Tx) (err error) { n, err = notification.MarkAll(tx, "", tx.Now); return err }); err != nil || n != 4 {
		t.Errorf("marking all: %d, %v", n, err)
	}
	if a, b := unread(t, h, reader), unread(t, h, other); a != 0 || b != 5 {
		t.Errorf("after that %d and %d are unread", a, b)
	}
	prune := func() { h.Change(notification.Prune) }
	h.Clock.Advance(notification.KeepRead + time.Hour)
	prune()
	if a, b := len(lines(t, h, reader, notification.Query{}).Lines), len(lines(t, h, other, notification.Query{}).Lines); a != 0 || b != 5 {
		t.Errorf("after %s there are %d read and %d unread", notification.KeepRead, a, b)
	}
	h.Clock.Advance(notification.KeepUnread)
	prune()
	if b := len(lines(t, h, other, notification.Query{}).Lines); b != 0 {
		t.Errorf("%d are kept for ever", b)
	}
}

// box is a channel that keeps what it gets.
type box struct {
	got  []string
	fail bool
}

func (b *box) Name() string { return notification.ByMail }

func (b *box) Deliver(_ *gate.Tx, m notification.Message) error {
	if b.fail {
		return errors.New("no room")
	}
	if m.Notice == nil {
		said := "together:"
		for _, l := range m.Digest {
			said += " " + l.Plain()
		}
		b.got = append(b.got, said)
		return nil
	}
	b.got = append(b.got, m.To.User.String()+" "+m.Notice.Plain())
	return nil
}

func TestDelivery(t *testing.T) {
	h := open(t)
	org := h.Org("Mine")
	doc, shut := h.Make("document", org, record.Values{"name": "Runbook"}), h.Make("document", org, record.Values{"name": "Shut"})
	author, plain, quiet, only, gone := h.User(access.Editor), h.User(access.Editor), h.User(access.Editor), h.User(access.Editor), h.User(access.Editor)
	choose := func(c *access.Caller, list ...notification.Choice) {
		if err := change(t, h, c, func(tx *gate.Tx) error { return notification.Choose(tx, list...) }); err != nil {
			t.Fatal(err)
		}
	}
	choose(quiet, notification.Choice{Topic: "mention", Channel: notification.ByMail})
	choose(only, notification.Choice{Topic: "mention", Channel: notification.InApp})
	send(t, h, author, mention(doc, "1", plain.User, quiet.User, only.User, gone.User))
	send(t, h, author, mention(shut, "2", plain.User))
	send(t, h, author, mention(doc, "3", plain.User))
	send(t, h, author, notification.Notice{Topic: "comment", To: []id.ID{plain.User}, Record: doc, Key: "4"})
	if n := unread(t, h, only); n != 0 {
		t.Errorf("who wants mail only has %d in the list", n)
	}
	third := lines(t, h, plain, notification.Query{}).Lines[1] // the mention under key 3
	if err := change(t, h, plain, func(tx *gate.Tx) error { return notification.Mark(tx, third.ID, true) }); err != nil {
		t.Fatal(err)
	}
	h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, "document", shut, true, nil, nil) })
	b := &box{fail: true}
	d := &notification.Deliverer{Gate: h.Gate, Channels: []notification.Channel{b}, Log: h.Gate.Log, Resolve: func(ctx context.Context, tenant string, user id.ID) (c *access.Caller, err error) {
		if user == gone.User {
			return nil, fault.New(fault.NotFound, "There is no such active user.")
		}
		err = h.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) (err error) { c, err = access.Load(tx.SQL(), user); return err })
		if err == nil {
			c.Tenant, c.Via = tenant, "job"
		}
		return c, err
	}}
	run := func() {
		if err := d.Run(t.Context(), coretest.Name); err != nil {
			t.Fatal(err)
		}
	}
	run()
	b.fail = false
	run()
	run()
	want := []string{plain.User.String() + " editor user mentioned you on Runbook", only.User.String() + " editor user mentioned you on Runbook"}
	slices.Sort(b.got)
	slices.Sort(want)
	if !slices.Equal(b.got, want) {
		t.Errorf("handed over %q, want %q", b.got, want)
	}
	send(t, h, author, mention(doc, "5", plain.User))
	h.Clock.Advance(25 * time.Hour)
	run()
	if len(b.got) != len(want) {
		t.Errorf("old news is handed over: %q", b.got)
	}
	if !d.Has(notification.ByMail) || d.Has("pigeon") || (*notification.Deliverer)(nil).Has(notification.ByMail) {
		t.Error("the channels are not those that were given")
	}
}

func TestChoices(t *testing.T) {
	h := open(t)
	c, other := h.User(access.Lite), h.User(access.Lite)
	of := func(c *access.Caller) map[[2]string]bool {
		out := map[[2]string]bool{}
		h.View(c, func(tx *gate.Tx) error {
			list, err := notification.Choices(tx)
			for _, x := range list {
				out[[2]string{x.Topic, x.Channel}] = x.Wanted
			}
			return err
		})
		return out
	}
	before := of(c)
	for _, topic := range notification.Topics() {
		if before[[2]string{topic.Name, notification.InApp}] == topic.Admin || before[[2]string{topic.Name, notification.ByMail}] != (topic.Mail && !topic.Admin) {
			t.Errorf("%s is not as usual: %v", topic.Name, before)
		}
	}
	set := func(topic, channel string) error {
		return change(t, h, c, func(tx *gate.Tx) error {
			return notification.Choose(tx, notification.Choice{Topic: topic, Channel: channel, Wanted: false})
		})
	}
	if err := set("comment", notification.InApp); err != nil {
		t.Fatal(err)
	}
	if of(c)[[2]string{"comment", notification.InApp}] || !of(other)[[2]string{"comment", notification.InApp}] {
		t.Error("a choice is not the chooser's alone")
	}
	for _, err := range []error{set("comment", "pigeon"), set("gossip", notification.InApp)} {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("a strange choice gives %v", err)
		}
	}
}

// TestQuietHours: in somebody's quiet hours what can wait leaves the house when they end, what
// is urgent at once, and in Strongroom everything stands.
func TestQuietHours(t *testing.T) {
	for name, c := range map[string]struct{ zone, from, until, now, want string }{
		"over midnight":          {"Europe/Berlin", "22:00", "07:00", "2026-03-02T22:30:00Z", "2026-03-03T06:00:00Z"},
		"at its end":             {"Europe/Berlin", "22:00", "07:00", "2026-03-03T06:00:00Z", "2026-03-03T06:00:00Z"},
		"clocks go forward":      {"Europe/Berlin", "22:00", "07:00", "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"},
		"clocks go back":         {"America/New_York", "21:00", "06:30", "2026-11-01T03:00:00Z", "2026-11-01T11:30:00Z"},
		"within a day":           {"UTC", "12:00", "13:00", "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z"},
		"not in it":              {"UTC", "12:00", "13:00", "2026-03-02T11:59:59Z", "2026-03-02T11:59:59Z"},
		"the same day elsewhere": {"Asia/Tokyo", "00:00", "08:00", "2026-03-02T15:30:00Z", "2026-03-02T23:00:00Z"},
	} {
		q, err := notification.ParseQuiet(c.zone, c.from, c.until)
		if err != nil {
			t.Fatal(err)
		}
		now, _ := time.Parse(time.RFC3339, c.now)
		if got := q.Ends(now).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s: it ends %s, want %s", name, got, c.want)
		}
	}
	for _, bad := range [][3]string{{"Nowhere", "22:00", "07:00"}, {"UTC", "25:00", "07:00"}, {"UTC", "22:00", ""}, {"UTC", "22:00", "22:00"}, {"", "22:00", "07:00"}} {
		if _, err := notification.ParseQuiet(bad[0], bad[1], bad[2]); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	h := open(t)
	doc := h.Make("document", h.Org("Mine"), record.Values{"name": "Runbook"})
	author, reader := h.User(access.Editor), h.User(access.Editor)
	now := h.Clock.Now().UTC()
	if err := change(t, h, reader, func(tx *gate.Tx) error {
		q, err := notification.ParseQuiet("UTC", now.Add(-time.Hour).Format("15:04"), now.Add(2*time.Hour).Format("15:04"))
		if err != nil {
			return err
		}
		return notification.SetQuiet(tx, q)
	}); err != nil {
		t.Fatal(err)
	}
	waits := func() (n int) {
		h.View(h.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select count(*) from notification_out where user_id = ? and at <= ?`, int64(reader.User), tx.Now).Scan(&n)
		})
		return n
	}
	send(t, h, author, mention(doc, "c/1", reader.User))
	if n := waits(); n != 0 || unread(t, h, reader) != 1 {
		t.Errorf("%d leave in quiet hours, and %d stand in Strongroom", n, unread(t, h, reader))
	}
	urgent := mention(doc, "c/2", reader.User)
	urgent.Topic = "duty"
	send(t, h, author, urgent)
	if n := waits(); n != 1 {
		t.Errorf("%d urgent ones leave", n)
	}
	h.Clock.Advance(2 * time.Hour)
	if n := waits(); n != 2 {
		t.Errorf("%d leave when they end", n)
	}
}

// TestDigests: what can wait comes together, at the hour or at a time of the day, not in quiet
// hours; nothing comes twice, what was read or is hidden by then does not come, and nothing at
// all is no message.
func TestDigests(t *testing.T) {
	for name, c := range map[string]struct{ every, at, zone, now, want string }{
		"hourly":              {"hourly", "", "UTC", "2026-03-02T22:30:00Z", "2026-03-02T23:00:00Z"},
		"at the full hour":    {"hourly", "", "UTC", "2026-03-02T22:00:00Z", "2026-03-02T23:00:00Z"},
		"half an hour apart":  {"hourly", "", "Asia/Kolkata", "2026-03-02T22:00:00Z", "2026-03-02T22:30:00Z"},
		"daily, later":        {"daily", "08:00", "Europe/Berlin", "2026-03-02T06:00:00Z", "2026-03-02T07:00:00Z"},
		"daily, tomorrow":     {"daily", "08:00", "Europe/Berlin", "2026-03-02T07:00:00Z", "2026-03-03T07:00:00Z"},
		"clocks go forward":   {"daily", "08:00", "Europe/Berlin", "2026-03-28T08:00:00Z", "2026-03-29T06:00:00Z"},
		"left out that night": {"daily", "02:30", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"},
	} {
		d, err := notification.ParseDigest(c.every, c.at, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		now, _ := time.Parse(time.RFC3339, c.now)
		if got := d.Next(now).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s: it leaves %s, want %s", name, got, c.want)
		}
	}
	for _, bad := range [][3]string{{"weekly", "", "UTC"}, {"daily", "", "UTC"}, {"daily", "25:00", "UTC"}, {"hourly", "", "Nowhere"}, {"hourly", "", ""}} {
		if _, err := notification.ParseDigest(bad[0], bad[1], bad[2]); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	h := open(t)
	org := h.Org("Mine")
	doc, shut := h.Make("document", org, record.Values{"name": "Runbook"}), h.Make("document", org, record.Values{"name": "Shut"})
	author, reader := h.User(access.Editor), h.User(access.Editor)
	b := &box{}
	d := &notification.Deliverer{Gate: h.Gate, Channels: []notification.Channel{b}, Log: h.Gate.Log, Resolve: func(ctx context.Context, tenant string, user id.ID) (c *access.Caller, err error) {
		err = h.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) (err error) { c, err = access.Load(tx.SQL(), user); return err })
		if err == nil {
			c.Tenant, c.Via = tenant, "job"
		}
		return c, err
	}}
	comes := func(want ...string) {
		t.Helper()
		for range 2 {
			if err := d.Run(t.Context(), coretest.Name); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(b.got, want) {
			t.Errorf("%q came, want %q", b.got, want)
		}
		b.got = nil
	}
	set := func(every, at, from, until string) {
		t.Helper()
		together, err := notification.ParseDigest(every, at, "UTC")
		if err != nil {
			t.Fatal(err)
		}
		quiet, err := notification.ParseQuiet("UTC", from, until)
		if err != nil {
			t.Fatal(err)
		}
		err = change(t, h, reader, func(tx *gate.Tx) error {
			if err := notification.SetDigest(tx, together); err != nil {
				return err
			}
			return notification.SetQuiet(tx, quiet)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	until := func(hour, minute int) { // the clock next shows it
		now := h.Clock.Now().UTC()
		at := time.Date(now.Year(), now.Month(), now.Day(), hour, minute, 0, 0, time.UTC)
		if !at.After(now) {
			at = at.AddDate(0, 0, 1)
		}
		h.Clock.Advance(at.Sub(now))
	}
	until(10, 5)
	set("hourly", "", "", "")
	send(t, h, author, mention(doc, "1", reader.User))
	send(t, h, author, mention(shut, "2", reader.User))
	send(t, h, author, mention(doc, "3", reader.User))
	third := lines(t, h, reader, notification.Query{}).Lines[0]
	h.Clock.Advance(time.Minute)
	send(t, h, author, mention(doc, "4", reader.User))
	urgent := mention(doc, "5", reader.User)
	urgent.Topic = "duty"
	send(t, h, author, urgent)
	comes(reader.User.String() + " " + third.Plain())
	if err := change(t, h, reader, func(tx *gate.Tx) error { return notification.Mark(tx, third.ID, true) }); err != nil {
		t.Fatal(err)
	}
	h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, "document", shut, true, nil, nil) })
	until(10, 59)
	comes()
	until(11, 0)
	b.fail = true
	if err := d.Run(t.Context(), coretest.Name); err != nil {
		t.Fatal(err)
	}
	b.fail = false
	comes("together: " + third.Plain() + " " + third.Plain()) // 1 and 4
	until(12, 0)
	comes()

	set("daily", "08:00", "07:00", "09:30")
	send(t, h, author, mention(doc, "6", reader.User))
	send(t, h, author, mention(doc, "7", reader.User))
	until(8, 0)
	comes()
	until(9, 30)
	comes("together: " + third.Plain() + " " + third.Plain())

	set("daily", "20:00", "", "")
	send(t, h, author, mention(shut, "8", reader.User))
	send(t, h, author, mention(doc, "9", reader.User))
	h.Change(func(tx *gate.Tx) error { return notification.Retract(tx, "9") })
	until(20, 0)
	comes()
}
