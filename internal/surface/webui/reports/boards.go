package reports

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/rhythm"
	"strongroom/internal/base/table"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/report"
	"strongroom/internal/feature/view"
	"strongroom/internal/surface/webui/shell"
)

func atBoard(n id.ID) string { return "/dashboards/" + n.String() }

// boardPage is a dashboard that somebody keeps.
type boardPage struct {
	Head   ui.Head
	Boards []ui.NavItem
	Cards  []card
	Mail   *ui.Form
}

// loadBoard finds the dashboard of the address.
func (v *visit) loadBoard() (b *report.Board, err error) {
	n, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	err = v.View(func(tx *gate.Tx) (err error) { b, err = report.GetBoard(tx, n); return err })
	return b, err
}

// boardNav are the dashboards that the reader sees, the built-in one first; nil where there is
// no other.
func boardNav(tx *gate.Tx, now id.ID) ([]ui.NavItem, error) {
	list, err := report.Boards(tx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	out := []ui.NavItem{{Label: "Built in", Href: "/reports", Current: now == 0}}
	for _, b := range list {
		out = append(out, ui.NavItem{Label: b.Name, Href: atBoard(b.ID), Current: b.ID == now})
	}
	return out, nil
}

func (v *mailVisit) board() error { return v.boardShown(nil, nil) }

// boardShown shows a dashboard; again with what is wrong with the times that were sent.
func (v *mailVisit) boardShown(sent *rhythm.Schedule, wrong error) error {
	b, err := v.loadBoard()
	if err != nil {
		return err
	}
	here := atBoard(b.ID)
	d := boardPage{Head: ui.Head{Title: b.Name, Icon: "layout-dashboard", Sub: []ui.Cell{{Text: "Of what you may see."}, {Text: report.Period(b.Days)}}}}
	if v.Caller.May(access.Export) {
		d.Head.Actions = append(d.Head.Actions, ui.Action{Label: "CSV", Icon: "download", Href: here + "/csv"}, ui.Action{Label: "PDF", Icon: "file-text", Href: here + "/pdf"})
		if d.Mail, err = v.mail(b.ID, here, sent, wrong); err != nil {
			return err
		}
	}
	if b.Owner == v.Caller.User {
		d.Head.Actions = append(d.Head.Actions, ui.Action{Label: "Edit", Icon: "edit", Href: here + "/edit", Key: "e"}, ui.Action{Label: "Remove", Icon: "trash", Post: true, Href: here + "/remove"})
	}
	err = v.View(func(tx *gate.Tx) error {
		if d.Boards, err = boardNav(tx, b.ID); err != nil {
			return err
		}
		parts, err := b.Answered(tx, v.Records)
		for i, p := range parts {
			if p.Answer == nil {
				d.Cards = append(d.Cards, card{Title: p.Title, Wrong: p.Wrong})
				continue
			}
			c := v.card(p.Title, p.Text, v.boardHref(b, i), p.Answer)
			c.Wide = c.Columns != nil
			d.Cards = append(d.Cards, c)
		}
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page(b.Name, ui.Crumb{Label: "Reports", Href: "/reports"}, ui.Crumb{Label: b.Name})
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(cmp.Or(map[bool]int{true: web.Status(wrong)}[wrong != nil], http.StatusOK), "report-board", p)
}

// boardHref is where a tile is alone on a page; empty where it is not.
func (v *visit) boardHref(b *report.Board, i int) string {
	t := b.Tiles[i]
	if t.Standard == "" {
		return ""
	}
	return "/standard-reports/" + t.Standard + "?kind=" + t.Kind + "&days=" + strconv.Itoa(b.Days)
}

func (v *mailVisit) boardMail() error {
	b, err := v.loadBoard()
	if err != nil {
		return err
	}
	return v.plan(b.ID, b.Kinds()[0], b.Name, atBoard(b.ID), v.boardShown)
}

// parts are the answers of the dashboard of the address, which leave the house.
func (v *visit) parts(how string) (b *report.Board, parts []report.Part, err error) {
	if b, err = v.loadBoard(); err != nil {
		return nil, nil, err
	}
	err = v.Change(access.Export, gate.Thing{Kind: b.Kinds()[0]}, func(tx *gate.Tx) (err error) {
		if err = b.Export(tx, how); err != nil {
			return err
		}
		parts, err = b.Answered(tx, v.Records)
		return err
	})
	return b, parts, err
}

func (v *visit) boardCSV() error {
	_, parts, err := v.parts("dashboard as CSV")
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	out, err := table.CreateForSpreadsheet(&buf, []string{"Report", "Group", "Told", "Number", "Records"})
	if err != nil {
		return err
	}
	for _, p := range parts {
		if p.Answer == nil {
			if err := out.Write(p.Title, p.Wrong, "", "", ""); err != nil {
				return err
			}
			continue
		}
		for _, c := range append(p.Answer.Cells, p.Answer.Total) {
			if err := out.Write(p.Title, c.Label, string(p.Answer.Ask.Measure), strconv.FormatFloat(c.Value, 'f', -1, 64), strconv.FormatInt(c.N, 10)); err != nil {
				return err
			}
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	return v.CSV("dashboard", buf.Bytes())
}

func (v *visit) boardPDF() error {
	b, parts, err := v.parts("dashboard as PDF")
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	about := []string{"Made " + v.Now().UTC().Format("2006-01-02 15:04 MST") + " with the rights of " + v.Caller.Name}
	if err := report.PrintBoard(v.R.Context(), &buf, v.Records.Kinds, b.Name, parts, about, v.Caller.Name, v.Now()); err != nil {
		return err
	}
	v.Stream(b.Name+".pdf", "application/pdf", false, bytes.NewReader(buf.Bytes()))
	return nil
}

func (v *visit) newBoard() error {
	return v.boardForm(&report.Board{Days: 30}, []string{"standard:incident:opened", "standard:incident:backlog", "standard:incident:resolution-within"}, nil)
}

func (v *visit) editBoard() error {
	b, err := v.ownedBoard()
	if err != nil {
		return err
	}
	var picked []string
	for i, t := range b.Tiles {
		if t.Standard != "" {
			picked = append(picked, "standard:"+t.Kind+":"+t.Standard)
		} else {
			picked = append(picked, "same:"+strconv.Itoa(i))
		}
	}
	return v.boardForm(b, picked, nil)
}

func (v *visit) ownedBoard() (*report.Board, error) {
	b, err := v.loadBoard()
	if err == nil && b.Owner != v.Caller.User {
		err = gate.Missing()
	}
	return b, err
}

// choices are what can stand on a dashboard: by the word of the form, with the tile that it makes.
func (v *visit) choices(tx *gate.Tx, b *report.Board) (list []ui.Option, tiles map[string]report.Tile, err error) {
	tiles = map[string]report.Tile{}
	add := func(value, label string, t report.Tile) {
		list, tiles[value] = append(list, ui.Option{Value: value, Label: label}), t
	}
	for i, t := range b.Tiles {
		if t.Standard == "" {
			add("same:"+strconv.Itoa(i), "As it is: "+t.Title, t)
		}
	}
	own, err := report.List(tx)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range own {
		if v.Caller.Sees(s.Kind) {
			add("report:"+s.ID.String(), "Report: "+s.Name, report.Tile{Title: s.Name, Ask: s.Ask})
		}
	}
	for _, k := range v.Records.Kinds.Kinds() {
		if !report.Of(k) || !v.Caller.Sees(k.Name) {
			continue
		}
		views, err := view.List(tx, k.Name, 0)
		if err != nil {
			return nil, nil, err
		}
		for _, x := range views {
			add("view:"+x.ID.String(), "View of "+shell.Lower(k.Labels)+": "+x.Name, report.Tile{Title: x.Name, Ask: report.Ask{Kind: k.Name, Query: x.Query, Measure: report.Count}})
		}
	}
	for _, k := range report.Kinds(v.Records.Kinds) {
		if !v.Caller.Sees(k.Name) {
			continue
		}
		for _, x := range report.Standard(k, 0, 0, "") {
			t := report.Tile{Standard: x.Name, Ask: report.Ask{Kind: k.Name}}
			add("standard:"+k.Name+":"+x.Name, t.Name(v.Records.Kinds), t)
		}
	}
	return list, tiles, nil
}

// free is how many tiles more a form has room for.
const free = 3

// boardForm shows a dashboard to be changed, again with what is wrong with it.
func (v *visit) boardForm(b *report.Board, picked []string, wrong error) error {
	title, f := "New dashboard", &ui.Form{Action: "/dashboards", Submit: "Keep the dashboard", Cancel: "/reports"}
	if b.ID != 0 {
		title, f.Action, f.Cancel, f.Submit = "Edit the dashboard", atBoard(b.ID), atBoard(b.ID), "Save"
	}
	err := v.View(func(tx *gate.Tx) error {
		stored := b
		if b.ID != 0 {
			var err error
			if stored, err = report.GetBoard(tx, b.ID); err != nil {
				return err
			}
		}
		list, _, err := v.choices(tx, stored)
		if err != nil {
			return err
		}
		with := map[id.ID]bool{}
		for _, n := range b.With {
			with[n] = true
		}
		users, err := v.Choices(tx, "user", with)
		if err != nil {
			return err
		}
		groups, err := v.Choices(tx, "group", with)
		f.Fields = v.boardFields(b, picked, list, append(users, groups...))
		return err
	})
	if err != nil {
		return err
	}
	if wrong != nil {
		say := fault.Say(wrong)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page(title, ui.Crumb{Label: "Reports", Href: "/reports"}, ui.Crumb{Label: title})
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: title, Icon: "layout-dashboard", Sub: []ui.Cell{{Text: "Whoever opens it is answered by what she may see."}}}, Form: *f}
	if wrong == nil {
		return v.Render("form", p)
	}
	return v.RenderStatus(web.Status(wrong), "form", p)
}

// boardFields are those of the form: the tiles in their order, with room for some more.
func (v *visit) boardFields(b *report.Board, picked []string, list, with []ui.Option) []ui.Field {
	periods := make([]ui.Option, 0, 5)
	for _, n := range report.Periods() {
		periods = append(periods, ui.Option{Value: strconv.Itoa(n), Label: report.Period(n)})
	}
	out := []ui.Field{
		{Name: "name", Label: "Name", Type: "text", Value: b.Name, Required: true, Most: report.MaxName, Focus: true},
		{Name: "days", Label: "Period", Type: "select", Required: true, Value: "x", Options: chosen(periods, strconv.Itoa(b.Days)), Hint: "Of the built-in reports. Your own keep theirs."},
		{Type: "heading", Label: "What stands on it, in this order", Hint: "Leave one empty to take it away. What is chosen keeps its question as it is now. There is room for more each time you save."},
	}
	for i := range min(len(picked)+free, report.MaxTiles) {
		now := ""
		if i < len(picked) {
			now = picked[i]
		}
		out = append(out, ui.Field{Name: "tile" + strconv.Itoa(i+1), Label: strconv.Itoa(i + 1), Type: "select", Wide: true, Value: now, Options: chosen(slices.Clone(list), now)})
	}
	out = append(out, ui.Field{Type: "heading", Label: "Who sees it"},
		ui.Field{Name: "with", Label: "Shared with", Type: "select", Multiple: true, Options: with, Wide: true, Hint: "They see what is asked, and their own numbers."})
	if v.Caller.May(access.Configure) {
		var roles []ui.Option
		for _, r := range access.Roles() {
			roles = append(roles, ui.Option{Value: string(r), Label: string(r), Selected: slices.Contains(b.Roles, r)})
		}
		out = append(out, ui.Field{Name: "roles", Label: "Shared with everybody with the role", Type: "select", Multiple: true, Options: roles, Wide: true})
	}
	return out
}

// saveBoard keeps what the form says.
func (v *visit) saveBoard() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	b := &report.Board{}
	if v.R.PathValue("id") != "" {
		if b, err = v.ownedBoard(); err != nil {
			return err
		}
	}
	b.Name, b.With, b.Roles = f.Text("name"), nil, nil
	if b.Days, err = strconv.Atoi(f.Text("days")); err != nil {
		b.Days = -1 // refused
	}
	for _, x := range f.All("with") {
		if n, ok := id.Parse(x); ok {
			b.With = append(b.With, n)
		}
	}
	for _, x := range f.All("roles") {
		if x != "" {
			b.Roles = append(b.Roles, access.Role(x))
		}
	}
	var picked []string
	for i := range report.MaxTiles {
		if x := strings.TrimSpace(f.Text("tile" + strconv.Itoa(i+1))); x != "" {
			picked = append(picked, x)
		}
	}
	err = v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error {
		_, known, err := v.choices(tx, b)
		if err != nil {
			return err
		}
		tiles := make([]report.Tile, 0, len(picked))
		for i, x := range picked {
			t, ok := known[x]
			if !ok {
				return fault.Field("tile"+strconv.Itoa(i+1), "This is not there any more. Choose another one.")
			}
			tiles = append(tiles, t)
		}
		b.Tiles = tiles
		return report.SaveBoard(tx, v.Records, b)
	})
	if fault.Is(err, fault.Invalid) {
		if v.R.PathValue("id") == "" {
			b.ID = 0
		}
		return v.boardForm(b, picked, err)
	}
	if err != nil {
		return err
	}
	return v.Done(atBoard(b.ID), "The dashboard %s is kept.", b.Name)
}

func (v *visit) removeBoard() error {
	b, err := v.loadBoard()
	if err != nil {
		return err
	}
	if err := v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error { return report.RemoveBoard(tx, b.ID) }); err != nil {
		return err
	}
	return v.Done("/reports", "The dashboard %s is removed.", b.Name)
}
