// Package talk holds what people say about records: the card on each record's
// page, the page with all comments of a record, and what is done with them.
//
// Always true: everything works with the keyboard alone and without script; who
// may not see a record learns nothing of what is said about it.
package talk

import (
	"embed"
	"html/template"
	"io/fs"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/comment"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages parts
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Comments *comment.Comments }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others. Comments of a
// record are at /comments/RECORD, each with its form and what it said before.
func (p *Pages) Mount(s *shell.Shell) {
	s.Talk(func(v *shell.Visit, tx *gate.Tx, r *record.Record) (*shell.TalkCard, error) {
		return (&visit{v, p}).card(tx, r, 0, onRecord)
	})
	s.Get("/comments/{id}", p.as((*visit).all))
	s.Post("/comments/{id}", p.as((*visit).say))
	s.Post("/comments/{id}/watch", p.as((*visit).watch))
	s.Get("/comments/{id}/{comment}/edit", p.as((*visit).edit))
	s.Post("/comments/{id}/{comment}", p.as((*visit).change))
	s.Post("/comments/{id}/{comment}/remove", p.as((*visit).remove))
	s.Get("/comments/{id}/{comment}/history", p.as((*visit).history))
}

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}

const (
	onRecord = 10 // comments on the page of a record
	onPage   = 50
)

func commentsURL(rec id.ID) string { return "/comments/" + rec.String() }

// back is where a comment is read: on the record's page.
func (v *visit) back(r *record.Record, comment id.ID) string {
	to := shell.RecordURL(r.Kind, r.ID)
	if comment != 0 {
		return to + "#comment-" + comment.String()
	}
	return to + "#talk"
}

// card reads the last comments of a record, or those before one of them.
func (v *visit) card(tx *gate.Tx, r *record.Record, before id.ID, most int) (*shell.TalkCard, error) {
	list, earlier, err := comment.List(tx, r.ID, before, most)
	if err != nil {
		return nil, err
	}
	at := commentsURL(r.ID)
	d := &shell.TalkCard{}
	for _, c := range list {
		d.Lines = append(d.Lines, v.line(at, c))
	}
	if earlier {
		d.Earlier = at + "?before=" + list[0].ID.String()
	}
	if v.Caller.User != 0 {
		d.Watch = at + "/watch"
		if d.On, err = comment.Watches(tx, r.ID); err != nil {
			return nil, err
		}
	}
	if v.may() {
		d.Say = &shell.TalkForm{Action: at}
	} else if len(list) == 0 {
		return nil, nil
	}
	return d, nil
}

func (v *visit) may() bool {
	return v.Caller.User != 0 && v.Caller.May(access.Comment) && !v.Caller.Scope.ReadOnly
}

func (v *visit) line(at string, c *comment.Comment) shell.TalkLine {
	one := at + "/" + c.ID.String()
	l := shell.TalkLine{ID: "comment-" + c.ID.String(), Who: c.AuthorName, Time: shell.When(c.At), HTML: template.HTML(c.HTML)} // #nosec G203 -- sanitised when it was written
	if l.Who == "" {
		l.Who = "Somebody"
	}
	if c.Edited != 0 {
		l.Edited = one + "/history"
	}
	own := c.Author == v.Caller.User && v.may()
	if own {
		l.Edit = one + "/edit"
	}
	if own || v.Caller.Role == access.Administrator {
		l.Remove = one + "/remove"
	}
	return l
}

// record reads the record of the address.
func (v *visit) record(tx *gate.Tx) (*record.Record, error) {
	rid, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	return v.Records.Get(tx, "", rid)
}

// talkPage is the page with all comments of a record.
type talkPage struct {
	Head ui.Head
	Talk *shell.TalkCard
	Last string // address of the latest; empty when they are shown
}

func (v *visit) all() error { return v.page("", nil) }

// page shows the comments of a record; what was typed is shown again with what
// was wrong with it.
func (v *visit) page(typed string, wrong error) error {
	before, _ := id.Parse(v.R.URL.Query().Get("before"))
	var d talkPage
	var r *record.Record
	err := v.View(func(tx *gate.Tx) (err error) {
		if r, err = v.record(tx); err != nil {
			return err
		}
		d.Talk, err = v.card(tx, r, before, onPage)
		return err
	})
	if err != nil {
		return err
	}
	d.Head = ui.Head{Title: "Comments", Icon: "message", Sub: []ui.Cell{{Text: r.Name, Href: shell.RecordURL(r.Kind, r.ID)}}}
	if d.Talk == nil {
		d.Talk = &shell.TalkCard{}
	}
	if before != 0 {
		d.Last = commentsURL(r.ID)
	}
	if wrong != nil && d.Talk.Say != nil {
		d.Talk.Say.Text, d.Talk.Say.Error = typed, fault.Say(wrong).Fields["text"]
	}
	p, err := v.Page("Comments on "+r.Name, append(v.CrumbsOf(r), ui.Crumb{Label: "Comments"})...)
	if err != nil {
		return err
	}
	p.Data = d
	if wrong != nil {
		return v.RenderStatus(web.Status(wrong), "comments", p)
	}
	return v.Render("comments", p)
}

// say adds a comment.
func (v *visit) say() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	var r *record.Record
	var said *comment.Said
	err = v.Change(access.Comment, gate.Thing{ID: rid}, func(tx *gate.Tx) (err error) {
		if r, err = v.Records.Get(tx, "", rid); err != nil {
			return err
		}
		said, err = v.Comments.Say(tx, rid, f.Raw("text"))
		return err
	})
	if fault.Is(err, fault.Invalid) {
		return v.page(f.Raw("text"), err)
	}
	if err != nil {
		return err
	}
	return v.Done(v.back(r, said.ID), "Comment added.%s", shell.Told(said.Untold))
}

// watch follows a record, or does not any more.
func (v *visit) watch() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	on := f.Bool("on")
	var r *record.Record
	err = v.Change(access.View, gate.Thing{ID: rid}, func(tx *gate.Tx) (err error) {
		if r, err = v.Records.Get(tx, "", rid); err != nil {
			return err
		}
		return comment.Watch(tx, rid, on)
	})
	if err != nil {
		return err
	}
	if on {
		return v.Done(v.back(r, 0), "You are told of new comments here.")
	}
	return v.Done(v.back(r, 0), "You are not told of new comments here any more.")
}

// both reads the record and the comment of the address.
func (v *visit) both(tx *gate.Tx) (*record.Record, *comment.Comment, error) {
	r, err := v.record(tx)
	if err != nil {
		return nil, nil, err
	}
	cid, err := v.ID("comment")
	if err != nil {
		return nil, nil, err
	}
	c, err := comment.Get(tx, r.ID, cid)
	return r, c, err
}

func (v *visit) edit() error { return v.form("", nil) }

// form asks for another text of a comment.
func (v *visit) form(typed string, wrong error) error {
	var r *record.Record
	var c *comment.Comment
	if err := v.View(func(tx *gate.Tx) (err error) { r, c, err = v.both(tx); return err }); err != nil {
		return err
	}
	if c.Author != v.Caller.User || !v.may() {
		return fault.New(fault.Denied, "Only who wrote a comment changes it.")
	}
	if wrong == nil {
		typed = c.Source
	}
	d := shell.FormPage{Head: ui.Head{Title: "Change a comment", Icon: "message"}, Form: ui.Form{Action: commentsURL(r.ID) + "/" + c.ID.String(), Submit: "Save", Cancel: v.back(r, c.ID),
		Fields: []ui.Field{{Name: "text", Label: "Comment", Type: "textarea", Rows: 8, Value: typed, Required: true, Wide: true, Focus: true, Most: comment.MaxText, Hint: "Markdown. What it said before is kept."}}}}
	if wrong != nil {
		said := fault.Say(wrong)
		d.Form.Wrong(said.Text, said.Hint, said.Fields)
	}
	p, err := v.Page("Change a comment", append(v.CrumbsOf(r), ui.Crumb{Label: "Comment"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(web.Status(wrong), "form", p)
}

// change takes another text of a comment.
func (v *visit) change() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	var said *comment.Said
	r, err := v.on(func(tx *gate.Tx, r *record.Record, cid id.ID) (err error) {
		said, err = v.Comments.Edit(tx, r.ID, cid, f.Raw("text"))
		return err
	})
	if fault.Is(err, fault.Invalid) {
		return v.form(f.Raw("text"), err)
	}
	if err != nil {
		return err
	}
	return v.Done(v.back(r, said.ID), "Comment changed.%s", shell.Told(said.Untold))
}

func (v *visit) remove() error {
	r, err := v.on(func(tx *gate.Tx, r *record.Record, cid id.ID) error { return v.Comments.Remove(tx, r.ID, cid) })
	if err != nil {
		return err
	}
	return v.Done(v.back(r, 0), "Comment removed.")
}

// on changes the comment of the address.
func (v *visit) on(do func(tx *gate.Tx, r *record.Record, cid id.ID) error) (r *record.Record, err error) {
	rid, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	cid, err := v.ID("comment")
	if err != nil {
		return nil, err
	}
	err = v.Change(access.Comment, gate.Thing{ID: rid}, func(tx *gate.Tx) error {
		if r, err = v.Records.Get(tx, "", rid); err != nil {
			return err
		}
		return do(tx, r, cid)
	})
	return r, err
}

// pastPage is what a comment said before.
type pastPage struct {
	Head  ui.Head
	Lines []shell.TalkLine
	Back  string
}

func (v *visit) history() error {
	d := pastPage{Head: ui.Head{Title: "What a comment said", Icon: "history"}}
	var r *record.Record
	err := v.View(func(tx *gate.Tx) error {
		var c *comment.Comment
		var err error
		if r, c, err = v.both(tx); err != nil {
			return err
		}
		list, err := comment.Versions(tx, r.ID, c.ID)
		if err != nil {
			return err
		}
		now := v.line(commentsURL(r.ID), c)
		now.Edit, now.Remove, now.Edited = "", "", ""
		if c.Edited != 0 {
			now.Time = shell.When(c.Edited)
		}
		d.Lines, d.Back = append(d.Lines, now), v.back(r, c.ID)
		for _, x := range list {
			d.Lines = append(d.Lines, shell.TalkLine{Who: now.Who, Time: shell.When(x.At), HTML: template.HTML(x.HTML)}) // #nosec G203 -- sanitised when it was written
		}
		return nil
	})
	if err != nil {
		return err
	}
	p, err := v.Page(d.Head.Title, append(v.CrumbsOf(r), ui.Crumb{Label: "Comments", Href: commentsURL(r.ID)}, ui.Crumb{Label: "What it said"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("comment-history", p)
}
