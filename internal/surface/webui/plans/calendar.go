// Package plans holds the calendar of changes: what is planned when, what runs into
// something else, and when nothing is changed.
//
// Always true: it shows the changes and freezes that the caller may see, and of what two
// changes share what she may see; looking changes nothing; everything works without script.
package plans

import (
	"embed"
	"io/fs"
	"net/url"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/change"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group; it needs nothing beside the shell.
type Pages struct{}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// path is the address of the calendar.
const path = "/change-calendar"

// Mount gives the shell the calendar, and beside a change what it affects.
func (p *Pages) Mount(s *shell.Shell) {
	if s.Records.Kinds.Kind(change.Kind) == nil {
		return
	}
	s.Nav(shell.Entry{Label: "Change calendar", Href: path, Icon: "calendar", Place: 37})
	s.Get(path, func(v *shell.Visit) error { return (&visit{v}).page() })
	s.Get(agendaPath, func(v *shell.Visit) error { return (&visit{v}).agenda() })
	s.Rail(shell.RailPart{Draw: affected})
	s.Rail(shell.RailPart{Draw: template})
	s.Own(change.Kind).Fill = fromTemplate
	s.Manage(shell.ToContents, func(v *shell.Visit, _ map[string]int64) []ui.Item {
		k := v.Kind(change.TemplateKind)
		if k == nil {
			return nil
		}
		return []ui.Item{{Title: k.Labels, Sub: "Standard changes that are approved once, until a day", Href: shell.ListURL(k), Icon: k.Icon}}
	})
}

// template is the way from a template to a change that is made from it.
func template(v *shell.Visit, _ *gate.Tx, r *record.Record) (*ui.Section, error) {
	k := v.Kind(change.Kind)
	if r.Kind.Name != change.TemplateKind || k == nil || !v.May(access.Create, k) {
		return nil, nil
	}
	s := &ui.Section{Title: "Changes", Icon: k.Icon, Items: []ui.Item{{Title: "Made from it", Href: shell.ListURL(k) + "?" + url.Values{change.TemplateField: {r.ID.String()}}.Encode(), Icon: k.Icon}}}
	if r.Values.Text("status") != change.Approved || r.Archived {
		s.Text = "Once it is approved, changes are made from it here."
		return s, nil
	}
	q := url.Values{change.TemplateField: {r.ID.String()}, "name": {r.Name}, "change_type": {"Standard"}}
	if r.Org != 0 {
		q.Set("organization_id", r.Org.String())
	}
	s.Items = append([]ui.Item{{Title: "Make a change from it", Sub: "Scheduled in one step, without a vote", Href: "/" + k.Plural + "/new?" + q.Encode(), Icon: "plus"}}, s.Items...)
	return s, nil
}

// fromTemplate has the form of a new change show what its template says, so that it is read, and
// changed where that may be, before it is saved.
func fromTemplate(v *shell.Visit, tx *gate.Tx, values record.Values) error {
	t := values.ID(change.TemplateField)
	if t == 0 {
		return nil
	}
	err := change.Said(tx, v.Records, t, values)
	if shell.Refusable(err) || fault.Is(err, fault.NotFound) {
		return nil // saving it says so
	}
	return err
}

// visit is one request for a page of the group.
type visit struct{ *shell.Visit }

// span is the time that a page shows, whole weeks from a Monday.
type span struct {
	Week  bool
	First time.Time // of the month or week
	From  time.Time
	Days  int
}

// spanOf reads the address: ?week=2026-11-23 or ?month=2026-11, or else this month.
func spanOf(q url.Values, now time.Time) span {
	monday := func(t time.Time) time.Time { return t.AddDate(0, 0, -(int(t.Weekday())+6)%7) }
	if d, err := time.Parse(time.DateOnly, q.Get("week")); err == nil && within(d) {
		return span{Week: true, First: monday(d), From: monday(d), Days: 7}
	}
	first, err := time.Parse("2006-01", q.Get("month"))
	if err != nil || !within(first) {
		first = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	s := span{First: first, From: monday(first)}
	for s.Days = 28; s.From.AddDate(0, 0, s.Days).Before(first.AddDate(0, 1, 0)); s.Days += 7 {
	}
	return s
}

// within tells whether a day is one that people plan for.
func within(d time.Time) bool { return d.Year() >= 1990 && d.Year() <= 2200 }

// title says what a span is.
func (s span) title() string {
	if s.Week {
		_, n := s.First.ISOWeek()
		return "Week " + strconv.Itoa(n) + ", " + s.First.Format("2 January 2006")
	}
	return s.First.Format("January 2006")
}

// at is the address of the span that holds a day.
func (s span) at(d time.Time, week bool, org id.ID) string {
	q := url.Values{}
	if week {
		q.Set("week", d.Format(time.DateOnly))
	} else {
		q.Set("month", d.Format("2006-01"))
	}
	if org != 0 {
		q.Set("org", org.String())
	}
	return path + "?" + q.Encode()
}

// view is the page.
type view struct {
	Head                 ui.Head
	Week                 bool
	Before, After, Today string
	Weeks                [][]day
	Conflicts            []ui.Item
	Empty, Cut           bool
}

// day is a cell of the calendar.
type day struct {
	Number, Name string
	Date         string
	Out, Now     bool // of another month; today
	Freezes      []ui.Cell
	Changes      []entry
}

// entry is a change on a day.
type entry struct {
	Time, Number, Name, Href, Status string
	Risk, Tone                       string // in a word, and its colour
	Emergency, Conflict              bool
}

func (v *visit) page() error {
	now := v.Now().UTC()
	s := spanOf(v.R.URL.Query(), now)
	org, _ := id.Parse(v.R.URL.Query().Get("org"))
	d := view{Week: s.Week, Head: ui.Head{Title: s.title(), Icon: "calendar", Sub: []ui.Cell{{Text: "Planned changes, in UTC"}}}}
	step := func(n int) time.Time {
		if s.Week {
			return s.First.AddDate(0, 0, 7*n)
		}
		return s.First.AddDate(0, n, 0)
	}
	d.Before, d.After, d.Today = s.at(step(-1), s.Week, org), s.at(step(1), s.Week, org), s.at(now, s.Week, org)
	other := ui.Action{Label: "Week", Icon: "calendar", Href: s.at(s.First, true, org)}
	if s.Week {
		other = ui.Action{Label: "Month", Icon: "calendar", Href: s.at(s.First, false, org)}
	}
	d.Head.Actions = []ui.Action{other, {Label: "Up for decision", Icon: "checks", Href: agendaPath}, {Label: "Freezes", Icon: "lock", Href: shell.ListURL(v.Kind(change.FreezeKind))}}
	err := v.View(func(tx *gate.Tx) error { return v.fill(tx, &d, s, org, now) })
	if err != nil {
		return err
	}
	p, err := v.Page("Change calendar", ui.Crumb{Label: "Changes", Href: shell.ListURL(v.Kind(change.Kind))}, ui.Crumb{Label: "Calendar"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("calendar", p)
}

func (v *visit) fill(tx *gate.Tx, d *view, s span, org id.ID, now time.Time) error {
	from, to := s.From.UnixMilli(), s.From.AddDate(0, 0, s.Days).UnixMilli()
	list, err := change.Planned(tx, v.Records, org, from, to)
	if err != nil {
		return err
	}
	freezes, err := change.Freezes(tx, v.Records, org, from, to)
	if err != nil {
		return err
	}
	against := map[id.ID]bool{}
	if d.Conflicts, err = v.conflicts(tx, list, against); err != nil {
		return err
	}
	d.Empty, d.Cut = len(list) == 0 && len(freezes) == 0, len(list) == change.MostPlanned
	for n := range s.Days {
		date := s.From.AddDate(0, 0, n)
		c := day{Number: strconv.Itoa(date.Day()), Name: date.Format("Monday 2 January"), Date: date.Format(time.DateOnly), Out: !s.Week && date.Month() != s.First.Month(), Now: date.Format(time.DateOnly) == now.Format(time.DateOnly)}
		begin, end := date.UnixMilli(), date.AddDate(0, 0, 1).UnixMilli()
		for _, f := range freezes {
			if until, ends := f.Values["ends_at"].(int64); f.Values["begins_at"].(int64) < end && (!ends || until > begin) {
				c.Freezes = append(c.Freezes, ui.Cell{Text: f.Name, Href: shell.RecordURL(f.Kind, f.ID)})
			}
		}
		for _, r := range list {
			if r.Values["scheduled_start"].(int64) < end && r.Values["scheduled_end"].(int64) > begin {
				c.Changes = append(c.Changes, entryOf(r, begin, end, against[r.ID]))
			}
		}
		if n%7 == 0 {
			d.Weeks = append(d.Weeks, nil)
		}
		d.Weeks[n/7] = append(d.Weeks[n/7], c)
	}
	return nil
}

func entryOf(r *record.Record, begin, end int64, conflict bool) entry {
	n, _ := r.Values["number"].(int64)
	e := entry{Number: r.Kind.Field("number").Numbered(n), Name: r.Name, Href: shell.RecordURL(r.Kind, r.ID), Status: r.Values.Text("status"), Risk: r.Values.Text("risk"),
		Emergency: r.Values.Text("change_type") == "Emergency", Conflict: conflict}
	e.Tone = map[string]string{"High": "bad", "Medium": "warn", "Low": "ok"}[e.Risk]
	clock := func(ms int64) string { return time.UnixMilli(ms).UTC().Format("15:04") }
	from, to := r.Values["scheduled_start"].(int64), r.Values["scheduled_end"].(int64)
	switch {
	case from >= begin && to <= end:
		e.Time = clock(from) + "–" + clock(to)
	case from >= begin:
		e.Time = "from " + clock(from)
	case to <= end:
		e.Time = "to " + clock(to)
	default:
		e.Time = "all day"
	}
	return e
}

// conflicts lists the changes that are made at the same time to the same things, and notes
// which they are. What the caller sees nothing of is none to her.
func (v *visit) conflicts(tx *gate.Tx, list []*record.Record, against map[id.ID]bool) ([]ui.Item, error) {
	met, err := v.meeting(tx, list)
	var out []ui.Item
	for _, m := range met {
		against[m.A.ID], against[m.B.ID] = true, true
		out = append(out, ui.Item{Title: m.A.Name + " and " + m.B.Name, Sub: "At the same time, both affect " + m.text, Href: shell.RecordURL(m.B.Kind, m.B.ID), Icon: "alert-triangle"})
	}
	return out, err
}

// meeting is a conflict, as far as the caller sees of what.
type meeting struct {
	A, B *record.Record
	text string
}

// meeting finds the conflicts between changes of which the caller sees something.
func (v *visit) meeting(tx *gate.Tx, list []*record.Record) ([]meeting, error) {
	var ids []id.ID
	for _, r := range list {
		ids = append(ids, r.ID)
	}
	affects, err := change.Affects(tx, ids...)
	if err != nil {
		return nil, err
	}
	var out []meeting
	for _, c := range change.Conflicts(list, affects) {
		things, err := change.Things(tx, v.Records, c.Both)
		if err != nil {
			return nil, err
		}
		var names []string
		for _, t := range things {
			names = append(names, t.Name)
		}
		if len(names) == 0 {
			continue
		}
		text := strings.Join(names[:min(len(names), 5)], ", ")
		if len(names) > 5 {
			text += " and " + strconv.Itoa(len(names)-5) + " more"
		}
		out = append(out, meeting{c.A, c.B, text})
	}
	return out, nil
}

// mostShown is how much of what a change affects stands beside it.
const mostShown = 12

// affected draws what a change affects, beside it; nil when that is nothing.
func affected(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if r.Kind.Name != change.Kind {
		return nil, nil
	}
	all, err := change.Affects(tx, r.ID)
	if err != nil {
		return nil, err
	}
	list, err := change.Things(tx, v.Records, all[r.ID])
	if err != nil || len(list) == 0 {
		return nil, err
	}
	out := &ui.Section{Icon: "git-branch"}
	orgs := map[id.ID]bool{}
	for _, t := range list {
		orgs[t.Org] = true
		if len(out.Items) == mostShown {
			continue
		}
		k := v.Kind(t.Kind)
		it := ui.Item{Title: t.Name, Sub: k.Label, Href: shell.RecordURL(k, t.ID), Icon: k.Icon}
		if t.OrgName != "" {
			it.Sub += " · " + t.OrgName
		}
		out.Items = append(out.Items, it)
	}
	delete(orgs, 0)
	out.Title = "Affects " + plural(len(list), "record")
	if len(orgs) > 0 {
		out.Title += " of " + plural(len(orgs), "organization")
	}
	return out, nil
}

func plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return strconv.Itoa(n) + " " + word
}
