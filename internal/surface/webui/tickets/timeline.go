package tickets

import (
	"cmp"
	"html/template"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/richtext"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/duty"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/mailbox/letter"
	"strongroom/internal/feature/outbox/queue"
	"strongroom/internal/feature/sla"
	"strongroom/internal/surface/webui/shell"
)

// The timeline shows so many entries and changes, the latest ones.
const mostEntries, mostChanges = 100, 100

// line is an entry, or a change of the ticket.
type line struct {
	ID      string
	Kind    string // "out", "note" or "event"
	Who     string
	Role    string
	Own     bool // the caller wrote it
	Time    time.Time
	HTML    template.HTML
	Edit    string // address; empty for who may not, and later
	Page    string // address of the entry, with its files and history
	Changed bool
	Files   []ui.File
	Mails   []ui.Pill // what became of mailing it
	Icon    string    // of an event; empty for the usual one
	What    string    // of an event
	Changes []changed
	From    *ui.NavItem // the ticket on which it was written, when that was merged into this
	Became  *ui.NavItem // the ticket that was split off from it
	Split   string      // address; empty for who may not
}

// changed is a field that changed, in words.
type changed struct {
	Label, Old, New string
	Long            bool // a text, which the history shows
}

// order is that of lines of one instant: changes before what was written.
func (l line) order() string {
	if l.Kind == "event" {
		return ""
	}
	return "entry"
}

// What a timeline shows, as it stands in the address.
const (
	everything = ""
	talk       = "talk"
	changing   = "changes"
)

// shows offers what the timeline can be narrowed to.
func (v *visit) shows(r *record.Record, now string) (out []ui.NavItem) {
	for _, x := range [...]struct{ label, show string }{{"All", everything}, {"Talk", talk}, {"Changes", changing}} {
		q := v.R.URL.Query()
		if q.Del("show"); x.show != everything {
			q.Set("show", x.show)
		}
		to := ui.NavItem{Label: x.label, Href: shell.RecordURL(r.Kind, r.ID), Current: x.show == now}
		if len(q) > 0 {
			to.Href += "?" + q.Encode()
		}
		out = append(out, to)
	}
	return out
}

// narrowed leaves of a timeline what is asked for.
func narrowed(list []line, show string) []line {
	if show == everything {
		return list
	}
	return slices.DeleteFunc(list, func(l line) bool { return (l.Kind == "event") == (show == talk) })
}

// timeline fills what happened on a ticket and what its clocks did, in order, and where earlier entries are.
func (v *visit) timeline(tx *gate.Tx, r *record.Record, d *ticketPage, did []line) error {
	list, err := v.changes(tx, r)
	if err != nil {
		return err
	}
	entries, more, err := v.entries(tx, r, d)
	if err != nil {
		return err
	}
	if more {
		d.Earlier = shell.ListURL(v.Kind(entry.Kind)) + "?" + entry.FieldOf(r.Kind.Name) + "=" + r.ID.String()
	}
	joined, err := v.joined(tx, r, d, list)
	if err != nil {
		return err
	}
	linked, err := v.linked(tx, r)
	if err != nil {
		return err
	}
	list, err = v.mailed(tx, r, slices.Concat(linked, joined, entries))
	if err != nil {
		return err
	}
	slices.Reverse(list) // both come with the latest first
	list = append(list, did...)
	slices.SortStableFunc(list, func(a, b line) int { return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.order(), b.order())) })
	show := v.R.URL.Query().Get("show")
	if show != talk && show != changing {
		show = everything
	}
	d.Lines, d.Shows = narrowed(list, show), v.shows(r, show)
	return nil
}

// linked says what was related to a ticket, and what is no more, as far as the reader sees it: a configuration,
// a problem, a document.
func (v *visit) linked(tx *gate.Tx, r *record.Record) ([]line, error) {
	if v.p.Relations == nil {
		return nil, nil
	}
	made, err := v.p.Relations.Made(tx, r.ID)
	if err != nil {
		return nil, err
	}
	ended, err := v.p.Relations.Ended(tx, r.ID)
	if err != nil || len(made)+len(ended) == 0 {
		return nil, err
	}
	var who []id.ID
	for _, it := range made {
		who = append(who, it.By)
	}
	for _, it := range ended {
		who = append(who, it.MadeBy, it.By)
	}
	slices.Sort(who)
	names, err := v.Records.Names(tx, slices.Compact(slices.DeleteFunc(who, func(u id.ID) bool { return u == 0 }))...)
	if err != nil {
		return nil, err
	}
	var out []line
	say := func(by id.ID, at int64, did, kind, name string, rec id.ID) {
		if k := v.Kind(kind); k != nil {
			out = append(out, line{Kind: "event", Icon: k.Icon, Who: cmp.Or(names[by], "Strongroom"), Time: shell.When(at), What: did + shell.Lower(k.Label) + " " + name,
				From: &ui.NavItem{Href: shell.RecordURL(k, rec)}})
		}
	}
	for _, it := range made {
		say(it.By, it.Created, "linked the ", it.Kind, it.Name, it.Record)
	}
	for _, it := range ended {
		say(it.MadeBy, it.Made, "linked the ", it.Kind, it.Name, it.Record)
		say(it.By, it.At, "unlinked the ", it.Kind, it.Name, it.Record)
	}
	slices.SortStableFunc(out, func(a, b line) int { return b.Time.Compare(a.Time) }) // the latest first, as the others come
	return out, nil
}

// entries reads the entries.
func (v *visit) entries(tx *gate.Tx, r *record.Record, d *ticketPage) ([]line, bool, error) {
	k := v.Kind(entry.Kind)
	if k == nil {
		return nil, false, nil
	}
	p, err := v.Records.List(tx, k.Name, record.Query{Parent: r.ID, Limit: mostEntries + 1, NoTotal: true, Sort: []record.Order{{Field: "created_at", Desc: true}}})
	if err != nil {
		return nil, false, err
	}
	more := len(p.Records) > mostEntries
	d.Latest = latest(p.Records)
	out, err := v.draw(tx, r, p.Records[:min(len(p.Records), mostEntries)])
	return out, more, err
}

// draw draws entries of a ticket.
func (v *visit) draw(tx *gate.Tx, r *record.Record, list []*record.Record) ([]line, error) {
	var authors, ids []id.ID
	for _, e := range list {
		authors, ids = append(authors, e.CreatedBy), append(ids, e.ID)
	}
	slices.Sort(authors)
	names, err := v.Records.Names(tx, slices.Compact(authors)...)
	if err != nil {
		return nil, err
	}
	files, err := attachment.Of(tx, ids...)
	if err != nil {
		return nil, err
	}
	became, err := v.joins().SplitInto(tx, ids)
	if err != nil {
		return nil, err
	}
	splits := mergeable(r.Kind) && v.MayTo(access.Edit, r) && v.May(access.Create, r.Kind)
	var out []line
	for _, e := range list {
		l := v.drawn(e, names[e.CreatedBy])
		for _, f := range files[e.ID] {
			l.Files = append(l.Files, ui.File{Name: f.Name, Size: f.Size, Href: "/files/" + f.ID.String()})
		}
		if x := became[e.ID]; x != nil {
			l.Became = &ui.NavItem{Label: numbered(x), Href: shell.RecordURL(x.Kind, x.ID)}
		} else if splits {
			l.Split = at(r) + "/split?entry=" + e.ID.String()
		}
		out = append(out, l)
	}
	return out, nil
}

// joined adds what was written on tickets that were merged into this one, as far as the caller may
// see those.
func (v *visit) joined(tx *gate.Tx, r *record.Record, d *ticketPage, list []line) ([]line, error) {
	merged, err := v.joins().Of(tx, r)
	if err != nil || len(merged) == 0 {
		return list, err
	}
	var ids []id.ID
	for _, x := range merged {
		ids = append(ids, x.ID, x.Values.ID("closed_by_id"))
	}
	slices.Sort(ids)
	names, err := v.Records.Names(tx, slices.Compact(ids)...)
	if err != nil {
		return nil, err
	}
	files, err := attachment.Of(tx, ids...)
	if err != nil {
		return nil, err
	}
	counts := map[id.ID]int{}
	for _, x := range merged {
		counts[x.ID] = len(files[x.ID])
		from := &ui.NavItem{Label: numbered(x), Href: shell.RecordURL(x.Kind, x.ID)}
		if closed, ok := x.Values["closed_at"].(int64); ok {
			list = append(list, line{Kind: "event", Who: cmp.Or(names[x.Values.ID("closed_by_id")], "Strongroom"), Time: shell.When(closed), What: "merged " + called(x) + " into this", From: from})
		}
		if v.Kind(entry.Kind) == nil {
			continue
		}
		p, err := v.Records.List(tx, entry.Kind, record.Query{Parent: x.ID, Limit: mostEntries, NoTotal: true, Sort: []record.Order{{Field: "created_at", Desc: true}}})
		if err != nil {
			return nil, err
		}
		more, err := v.draw(tx, x, p.Records)
		if err != nil {
			return nil, err
		}
		for i := range more {
			more[i].From, more[i].Split = from, ""
		}
		list = append(list, more...)
	}
	d.Merged = v.merged(merged, counts)
	return list, nil
}

// mailed says with each entry what became of mailing it, and adds what nobody wrote.
func (v *visit) mailed(tx *gate.Tx, r *record.Record, list []line) ([]line, error) {
	mails, err := letter.Lines(tx, r.ID)
	if err != nil {
		return nil, err
	}
	own := map[string]*line{}
	for i := range list {
		if list[i].ID != "" {
			own[list[i].ID] = &list[i]
		}
	}
	var more []line
	for _, m := range mails {
		if m.Entry == 0 {
			said := map[string]string{letter.Confirmation: "told the customer that the ticket has arrived: ", letter.Solved: "told the customer that it is resolved: ", letter.Question: "asked the customer how content she is: "}[m.What]
			more = append(more, line{Kind: "event", Who: "Strongroom", Time: shell.When(m.At), What: said + became(m).Text + "."})
			continue
		}
		if l := own[entry.Place(m.Entry)]; l != nil {
			l.Mails = append(l.Mails, became(m))
		}
	}
	return append(list, more...), nil
}

// became says what became of a mail.
func became(m letter.Line) ui.Pill {
	switch m.State {
	case "":
		return ui.Pill{Text: "Not mailed: " + m.Problem, Tone: "warn"}
	case queue.Sent:
		return ui.Pill{Text: "Mailed to " + m.To + " " + shell.When(m.At).Format("2 Jan 2006, 15:04") + " UTC", Tone: "ok"}
	case queue.Failed:
		return ui.Pill{Text: "Not mailed to " + m.To + ": " + m.Problem, Tone: "bad"}
	case queue.Back:
		return ui.Pill{Text: "Mailed to " + m.To + " and not delivered. " + m.Problem, Tone: "bad"}
	}
	if m.Problem != "" {
		return ui.Pill{Text: "Waits to be mailed to " + m.To + ": " + m.Problem, Tone: "warn"}
	}
	return ui.Pill{Text: "Is being mailed to " + m.To, Tone: "info"}
}

// drawn draws one.
func (v *visit) drawn(e *record.Record, who string) line {
	typ := e.Values.Text("journal_type")
	l := line{ID: entry.Place(e.ID), Kind: "note", Own: e.CreatedBy == v.Caller.User, Who: cmp.Or(who, "Strongroom"), Role: typ, Time: shell.When(e.Created), Page: shell.RecordURL(e.Kind, e.ID), Changed: e.Version > 1,
		HTML: template.HTML(richtext.Clean(e.Values.Text("notes_body")))} // #nosec G203 -- sanitised here
	if e.Values.Bool("publish_to_web") {
		l.Kind = "out"
	} else if typ == entry.Note {
		l.Role = "Internal note"
	}
	if e.CreatedBy == v.Caller.User && v.Caller.User != 0 && v.Now().UnixMilli()-e.Created <= entry.Grace.Milliseconds() {
		l.Edit = l.Page + "/edit"
	}
	return l
}

// changes are the versions of the ticket, each with what it changed.
func (v *visit) changes(tx *gate.Tx, r *record.Record) ([]line, error) {
	list, err := v.Records.Latest(tx, r.Kind.Name, r.ID, mostChanges+1)
	if err != nil {
		return nil, err
	}
	var refs []id.ID
	for _, x := range list {
		for _, f := range r.Kind.Fields {
			if n := x.Values.ID(f.Name); n != 0 {
				refs = append(refs, n)
			}
		}
		refs = append(refs, x.Values.ID("organization_id"))
	}
	slices.Sort(refs)
	names, err := v.Records.Names(tx, slices.DeleteFunc(slices.Compact(refs), func(n id.ID) bool { return n == 0 })...)
	if err != nil {
		return nil, err
	}
	rules, err := automation.By(tx, v.Records, r.ID)
	if err != nil {
		return nil, err
	}
	given, err := duty.Reasons(tx, v.Records, r.ID)
	if err != nil {
		return nil, err
	}
	var out []line
	for i, x := range list {
		if said := given[x.Version]; said != "" {
			out = append(out, line{Kind: "event", Who: "Strongroom", Time: shell.When(x.Time), What: said})
		}
		l := line{Kind: "event", Who: cmp.Or(rules[x.Version], x.ByName, "Strongroom"), Time: shell.When(x.Time)}
		if i+1 == len(list) {
			if x.Version > 1 {
				break // earlier versions are in the history
			}
			l.What = "opened this"
		} else if l.Changes = differ(r.Kind, list[i+1].Values, x.Values, names); len(l.Changes) == 0 {
			continue
		}
		out = append(out, l)
	}
	return out, nil
}

// told are fields whose change another one tells.
var told = [...]string{"final", "resolved_at", "resolved_by_id", "closed_at", "closed_by_id", "number", sla.Due, sla.ResponseTime, sla.ResponseLate, sla.ResolutionTime, sla.ResolutionLate, sla.Reopened, "satisfaction", "satisfaction_at", "satisfaction_words"}

// differ says what differs between two versions.
func differ(k *record.Kind, old, now record.Values, names map[id.ID]string) []changed {
	var out []changed
	add := func(f *record.Field) {
		a, b := shell.Plain(old[f.Name]), shell.Plain(now[f.Name])
		if a == b || slices.Contains(told[:], f.Name) {
			return
		}
		c := changed{Label: f.Title(), Old: a, New: b}
		switch f.Type {
		case record.Ref:
			c.Old, c.New = names[old.ID(f.Name)], names[now.ID(f.Name)]
		case record.HTML, record.Multiline, record.Rows:
			c.Long, c.Old, c.New = true, "", ""
		case record.Time:
			c.Old, c.New = moment(old[f.Name]), moment(now[f.Name])
		}
		out = append(out, c)
	}
	for _, name := range []string{"status"} { // first what matters most
		add(k.Field(name))
	}
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Name != "status" {
			add(f)
		}
	}
	add(&record.Field{Name: "organization_id", Label: "Organization", Type: record.Ref})
	add(&record.Field{Name: "archived", Type: record.Bool})
	add(&record.Field{Name: "restricted", Type: record.Bool})
	return out
}

func moment(val any) string {
	if ms, ok := val.(int64); ok {
		return shell.When(ms).Format("2 Jan 2006, 15:04") + " UTC"
	}
	return ""
}
