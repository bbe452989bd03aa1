package reviews

import (
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/review"
	"strongroom/internal/surface/webui/shell"
)

// At once: lines of a table, and lines that are answered in one form.
const pageLines, formLines = 100, 40

type reviewView struct {
	Head    ui.Head
	State   []ui.Prop
	Form    *ui.Form
	Lines   *ui.Table
	Dialogs []ui.Confirm
}

// one shows a campaign: to who is asked the lines that she is asked about, to
// administrators all of it.
func (v *visit) one(sent *web.Form, refused error) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	view, title := &reviewView{}, ""
	err = v.View(func(tx *gate.Tx) error {
		r, mine, err := v.Reviews.Mine(tx, rid)
		if fault.Is(err, fault.NotFound) && v.administers() {
			err = nil
		}
		if err != nil {
			return err
		}
		var all *review.Evidence
		if v.administers() {
			if all, err = v.Reviews.Look(tx, rid); err != nil {
				return err
			}
			r = all.Review
		}
		lines := mine
		if all != nil {
			lines = slices.Concat(mine, all.List)
		}
		names, err := v.names(tx, r, lines)
		if err != nil {
			return err
		}
		title = r.Name
		view.Head = v.head(r, all)
		view.State = state(r, names)
		if r.Ended == 0 {
			view.Form = form(r, mine, names, sent)
		}
		if all != nil {
			view.Lines = v.table(all, names)
			view.Dialogs = dialogs(r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if refused != nil && view.Form != nil {
		said := fault.Say(refused)
		view.Form.Wrong(said.Text, said.Hint, said.Fields)
	}
	p, err := v.Page(title, ui.Crumb{Label: "Access reviews", Href: root}, ui.Crumb{Label: title})
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(web.Status(refused), "review", p)
}

// names gives what people and groups of lines are called now.
func (v *visit) names(tx *gate.Tx, r *review.Review, lines []*review.Line) (map[id.ID]string, error) {
	ask := []id.ID{r.By}
	for _, l := range lines {
		ask = append(ask, l.Who, l.Asked, l.By)
	}
	slices.Sort(ask)
	ask = slices.DeleteFunc(slices.Compact(ask), func(i id.ID) bool { return i == 0 })
	return v.Records.Names(tx, ask...)
}

func name(names map[id.ID]string, who id.ID) string {
	switch n := names[who]; {
	case n != "":
		return n
	case who == 0:
		return "Nobody"
	}
	return "Somebody who was erased"
}

// holder names who has what a line is about: a person, or a program that acts for nobody.
func holder(names map[id.ID]string, l *review.Line) string {
	if l.Who == 0 {
		return "A program"
	}
	return name(names, l.Who)
}

func (v *visit) head(r *review.Review, all *review.Evidence) ui.Head {
	h := ui.Head{Title: r.Name, Icon: "user-check", Sub: []ui.Cell{{Text: shell.Counted(int64(r.Lines), "line", "lines")}, {Text: shell.Counted(int64(r.Open()), "open", "open")}}}
	if all == nil {
		return h
	}
	at := review.Path(r.ID)
	h.Actions = []ui.Action{{Label: "CSV", Icon: "table", Href: at + "/csv"}, {Label: "PDF", Icon: "file-text", Href: at + "/pdf"}}
	if r.Ended == 0 {
		h.Actions = append(h.Actions, ui.Action{Label: "End it now", Icon: "player-pause", Href: at + "/end", Post: true, Dialog: "end"})
	}
	if r.By != v.Caller.User && (r.Ended == 0 || r.Waiting > 0) {
		h.Actions = append(h.Actions, ui.Action{Label: "Remove by my rights", Icon: "user-shield", Href: at + "/take", Post: true})
	}
	if n := len(all.Differs); n > 0 {
		h.Alerts = append(h.Alerts, ui.Notice{Tone: "bad", Text: shell.Counted(int64(n), "line does", "lines do") + " not agree with the audit trail. Somebody changed the database: verify the trail."})
	}
	if r.Waiting > 0 {
		h.Alerts = append(h.Alerts, ui.Notice{Tone: "warn", Text: shell.Counted(int64(r.Waiting), "removal waits", "removals wait") + " for the rights of who began the campaign. Where she has left, another administrator takes it over."})
	}
	return h
}

func dialogs(r *review.Review) []ui.Confirm {
	if r.Ended != 0 {
		return nil
	}
	text := "What nobody has answered is listed as such, and stays."
	if r.Removes {
		text = "What nobody has answered is removed: " + shell.Counted(int64(r.Open()), "line", "lines") + "."
	}
	return []ui.Confirm{{ID: "end", Title: "End " + r.Name + " now?", Text: text, Action: review.Path(r.ID) + "/end", Submit: "End it", Danger: r.Removes}}
}

func state(r *review.Review, names map[id.ID]string) []ui.Prop {
	prop := func(label, text string) ui.Prop { return ui.Prop{Label: label, Cells: []ui.Cell{{Text: text}}} }
	ends, end := prop("Ends", shell.When(r.Ends).Format("2 Jan 2006, 15:04")+" UTC"), "is listed, and stays"
	if r.Ended != 0 {
		ends = prop("Ended", shell.When(r.Ended).Format("2 Jan 2006, 15:04")+" UTC")
	}
	if r.Removes {
		end = "is removed"
	}
	return []ui.Prop{prop("Begun by", name(names, r.By)), prop("Begun", shell.When(r.At).Format("2 Jan 2006, 15:04")+" UTC"), ends,
		prop("Kept", web.Number(int64(r.Kept))), prop("Removed", web.Number(int64(r.Removed))), prop("Not answered", web.Number(int64(r.Lapsed+r.Open()))), prop("What nobody answers", end)}
}

// form asks about the first lines that are open.
func form(r *review.Review, mine []*review.Line, names map[id.ID]string, sent *web.Form) *ui.Form {
	open := slices.DeleteFunc(slices.Clone(mine), func(l *review.Line) bool { return l.Answer != "" })
	if len(open) == 0 {
		return nil
	}
	f := &ui.Form{Action: review.Path(r.ID) + "/answer", Submit: "Answer", Note: "What you leave open waits."}
	if n := len(open); n > formLines {
		open = open[:formLines]
		f.Note = "The first " + strconv.Itoa(formLines) + " of " + web.Number(int64(n)) + ". The others follow when these are answered."
	}
	f.Fields = append(f.Fields, ui.Field{Type: "heading", Label: "You are asked", Hint: "Does each still need it? What you remove is gone at once, and your answer stays as you gave it. Whose role is removed is Read-only from then on; who is Read-only or a customer is archived."})
	for _, l := range open {
		a, b := "answer-"+l.ID.String(), "reason-"+l.ID.String()
		say, why := "", ""
		if sent != nil {
			say, why = sent.Text(a), sent.Text(b)
		}
		f.Fields = append(f.Fields,
			ui.Field{Name: a, Label: holder(names, l) + " " + l.What, Type: "select", Value: say, Options: []ui.Option{{Value: "keep", Label: "Keep", Selected: say == "keep"}, {Value: "remove", Label: "Remove", Selected: say == "remove"}}},
			ui.Field{Name: b, Label: "Reason", Type: "text", Most: 500, Value: why, Holder: "Needed for what is removed"})
	}
	return f
}

// said are an answer in words, and its tone.
func said(l *review.Line) (text, tone string) {
	switch l.Answer {
	case review.Kept:
		return "Kept", "ok"
	case review.Removes:
		return "Removed", "warn"
	case review.Lapsed:
		return "Not answered", "bad"
	}
	return "Open", ""
}

func (v *visit) table(e *review.Evidence, names map[id.ID]string) *ui.Table {
	q := ui.Query{Path: review.Path(e.ID), Values: v.R.URL.Query()}
	show := q.Values.Get("show")
	t := &ui.Table{ID: "lines", Title: "All lines", Columns: []ui.Column{{Label: "Who", Phone: "title"}, {Label: "What", Phone: "line"}, {Label: "Answer", Phone: "end"}, {Label: "By", Phone: "line"}, {Label: "Reason", Hide: 2, Phone: "line"}, {Label: "Outcome", Hide: 3, Phone: "line"}},
		Empty: ui.Empty{Icon: "check", Title: "None of this sort"}}
	for _, x := range []struct{ key, label, answer string }{{"", "All", ""}, {"kept", "Kept", review.Kept}, {"removed", "Removed", review.Removes}, {"lapsed", "Not answered", review.Lapsed}, {"open", "Open", "open"}} {
		n := 0
		for _, l := range e.List {
			if x.answer == "" || l.Answer == x.answer || x.answer == "open" && l.Answer == "" {
				n++
			}
		}
		t.Views = append(t.Views, ui.NavItem{Label: x.label, Href: q.With("show", x.key, "page", ""), Current: show == x.key, Count: n})
	}
	list := slices.DeleteFunc(slices.Clone(e.List), func(l *review.Line) bool {
		text, _ := said(l)
		return show != "" && map[string]string{"kept": "Kept", "removed": "Removed", "lapsed": "Not answered", "open": "Open"}[show] != text
	})
	page := min(number(q.Values.Get("page")), max(1, (len(list)+pageLines-1)/pageLines))
	first := (page - 1) * pageLines
	for _, l := range list[first:min(first+pageLines, len(list))] {
		text, tone := said(l)
		row := ui.Row{ID: l.ID.String(), Name: holder(names, l), Cells: []ui.Cell{{Text: holder(names, l)}, {Text: l.What}, {Type: "pill", Text: text, Tone: tone}, {Text: name(names, l.Asked), Sub: "is asked"}, {Text: l.Reason}, {Text: l.Result}}}
		if l.Answer != "" {
			row.Cells[3] = ui.Cell{Text: by(names, l), Sub: shell.When(l.At).Format("2 Jan 2006, 15:04")}
		}
		t.Rows = append(t.Rows, row)
	}
	t.Pager.Words = shell.Counted(int64(len(list)), "line", "lines")
	if page > 1 {
		t.Pager.Prev = q.With("page", strconv.Itoa(page-1))
	}
	if first+pageLines < len(list) {
		t.Pager.Next = q.With("page", strconv.Itoa(page+1))
	}
	return t
}

// by names who answered a line; a line that lapsed, nobody did.
func by(names map[id.ID]string, l *review.Line) string {
	if l.Answer == review.Lapsed {
		return strings.ToLower(name(nil, 0))
	}
	return name(names, l.By)
}
