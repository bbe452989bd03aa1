// Package knowledge holds the pages of those who look after articles: what needs care, and
// the editions of an article.
//
// Always true: going back makes a draft, and what is published goes through review again;
// what customers searched for stands here without who they were.
package knowledge

import (
	"embed"
	"io/fs"
	"slices"
	"strconv"

	"strongroom/internal/base/richtext"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/knowledge"
	"strongroom/internal/feature/knowledge/care"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group.
type Pages struct{}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// most is how much stands of each on the page of what needs care; ahead is how many days
// before its day a review stands there.
const most, ahead = 50, 30

// Mount gives the shell the pages, and what stands beside an article.
func (p *Pages) Mount(s *shell.Shell) {
	if s.Records.Kinds.Kind(knowledge.Kind) == nil {
		return
	}
	own := s.Own(knowledge.Kind)
	own.Above = append(own.Above, func(v *shell.Visit, _ id.ID) []ui.Action {
		if !v.May(access.Edit, v.Kind(knowledge.Kind)) {
			return nil
		}
		return []ui.Action{{Label: "What needs care", Icon: "heart-handshake", Href: "/knowledge", Quiet: true}}
	})
	s.Rail(shell.RailPart{Draw: func(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
		return (&visit{v}).beside(tx, r)
	}})
	s.Get("/knowledge", as((*visit).care))
	s.Get("/knowledge_articles/{id}/editions", as((*visit).editions))
	s.Post("/knowledge_articles/{id}/editions", as((*visit).back))
}

// visit is one request for a page of the group.
type visit struct{ *shell.Visit }

// as makes a handler of the shell.
func as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v}) }
}

// beside says what an article solved, and leads to its editions.
func (v *visit) beside(tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if r.Kind.Name != knowledge.Kind {
		return nil, nil
	}
	s := &ui.Section{Title: "What came of it", Icon: "check", More: &ui.NavItem{Label: "Editions", Href: editionsURL(r)}}
	for _, k := range v.Records.Kinds.Kinds() {
		if !care.Solvable(k) || v.Kind(k.Name) == nil {
			continue
		}
		n, err := knowledge.Solved(tx, v.Records, k.Name, r.ID)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			s.Items = append(s.Items, ui.Item{Title: shell.Counted(n, shell.Lower(k.Label), shell.Lower(k.Labels)) + " solved", Icon: k.Icon, Href: "/" + k.Plural + "?article_id=" + r.ID.String()})
		}
	}
	if len(s.Items) == 0 {
		s.Empty = "It has solved no ticket yet."
	}
	return s, nil
}

func editionsURL(r *record.Record) string { return shell.RecordURL(r.Kind, r.ID) + "/editions" }

// authors lets those in who may change articles.
func (v *visit) authors() (*record.Kind, error) {
	k := v.Kind(knowledge.Kind)
	if k == nil || !v.May(access.Edit, k) {
		return nil, gate.Missing()
	}
	return k, nil
}

// carePage is what needs care.
type carePage struct {
	Head  ui.Head
	Cards []*ui.Section
}

// care lists what is to be reviewed, what did not help, and what was not found.
func (v *visit) care() error {
	k, err := v.authors()
	if err != nil {
		return err
	}
	d := carePage{Head: ui.Head{Title: "What needs care", Icon: "bulb", Sub: []ui.Cell{{Text: "Articles to be reviewed, those that did not help, and what customers did not find"}}}}
	err = v.View(func(tx *gate.Tx) error {
		due, err := care.Due(tx, v.Records, ahead, most)
		if err != nil {
			return err
		}
		today := v.Today().Format("2006-01-02")
		card := &ui.Section{Title: "To be reviewed", Icon: "calendar-due"}
		for _, r := range due {
			day := r.Values.Text("expire_on")
			pill := ui.Pill{Text: day, Tone: "warn"}
			if day < today {
				pill.Tone = "bad"
			}
			who := r.Names["owner_id"]
			if who == "" {
				who = "nobody looks after it"
			}
			card.Items = append(card.Items, ui.Item{Title: care.Reference(r), Sub: who, Href: shell.RecordURL(k, r.ID), Icon: "bulb", Pill: &pill})
		}
		bad, err := care.Unhelpful(tx, v.Records, most)
		if err != nil {
			return err
		}
		not := &ui.Section{Title: "Did not help", Icon: "mood-happy"}
		for _, r := range bad {
			yes, _ := r.Values["helpful"].(int64)
			no, _ := r.Values["unhelpful"].(int64)
			not.Items = append(not.Items, ui.Item{Title: care.Reference(r), Sub: "helped " + shell.Counted(yes, "time", "times"), Href: shell.RecordURL(k, r.ID), Icon: "bulb", Pill: &ui.Pill{Text: "did not help " + shell.Counted(no, "time", "times"), Tone: "warn"}})
		}
		missed, err := care.Misses(tx, most)
		if err != nil {
			return err
		}
		d.Cards = []*ui.Section{card, not}
		if v.Caller.AllOrgs {
			lost := &ui.Section{Title: "Searched for and not found", Icon: "search"}
			for _, m := range missed {
				it := ui.Item{Title: m.Words, Sub: "last on " + m.Last, Icon: "search", Pill: &ui.Pill{Text: shell.Counted(m.Times, "time", "times")}}
				if v.May(access.Create, k) {
					it.Action = &ui.Action{Label: "Write one", Icon: "plus", Href: shell.NewURL(k, 0), Quiet: true}
				}
				lost.Items = append(lost.Items, it)
			}
			d.Cards = append(d.Cards, lost)
		}
		for i, none := range []string{"None within thirty days.", "Nobody has said so of an article.", "Customers found something each time."} {
			if i < len(d.Cards) && len(d.Cards[i].Items) == 0 {
				d.Cards[i].Empty = none
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: k.Labels, Href: shell.ListURL(k)}, ui.Crumb{Label: d.Head.Title})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("knowledge-care", p)
}

// edition is one as its page shows it.
type edition struct {
	Number  int64
	Now     bool
	Who     string
	Time    ui.Cell
	Changes []ui.Change
	Back    *ui.Action
}

type editionsPage struct {
	Head ui.Head
	List []edition
}

// load reads the article of the address.
func (v *visit) load() (*record.Record, error) {
	n, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	var r *record.Record
	err = v.View(func(tx *gate.Tx) (err error) { r, err = v.Records.Get(tx, knowledge.Kind, n); return err })
	return r, err
}

// editions shows what an article said each time it was published, beside the time before.
func (v *visit) editions() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	var list []care.Edition
	if err := v.View(func(tx *gate.Tx) (err error) { list, err = care.Editions(tx, v.Records, r.ID); return err }); err != nil {
		return err
	}
	d := editionsPage{Head: ui.Head{Title: "Editions of " + r.Name, Icon: "history", Sub: []ui.Cell{{Text: "What it said each time it was published"}}}}
	for i, x := range list {
		e := edition{Number: x.Number, Now: x.Now, Who: x.ByName, Time: ui.Cell{Type: "datetime", Time: shell.When(x.At)}}
		if e.Who == "" {
			e.Who = "Strongroom"
		}
		var before care.Edition
		if i+1 < len(list) {
			before = list[i+1]
		}
		e.Changes = compared(before, x)
		if !x.Now && v.MayTo(access.Edit, r) {
			e.Back = &ui.Action{Label: "Go back to this", Icon: "arrow-back-up", Post: true, Href: editionsURL(r), Fields: []ui.Hidden{{Name: "edition", Value: strconv.FormatInt(x.Number, 10)}}}
		}
		d.List = append(d.List, e)
	}
	p, err := v.Page(d.Head.Title, append(v.CrumbsOf(r), ui.Crumb{Label: "Editions"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("knowledge-editions", p)
}

// compared says what differs between two editions.
func compared(old, now care.Edition) []ui.Change {
	var out []ui.Change
	for _, x := range [][3]string{{"Title", old.Name, now.Name}, {"Text", richtext.Text(old.Body), richtext.Text(now.Body)}, {"What helps", richtext.Text(old.Help), richtext.Text(now.Help)}} {
		if x[1] != x[2] {
			lines := shell.DiffLines(x[1], x[2])
			if x[1] == "" { // nothing stood there, not even an empty line
				lines = slices.DeleteFunc(lines, func(l ui.DiffLine) bool { return l.Op == "-" })
			}
			out = append(out, ui.Change{Label: x[0], Old: x[1], New: x[2], Lines: lines})
		}
	}
	return out
}

// back makes a draft of what an edition said.
func (v *visit) back() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	n := f.Int("edition")
	if err := f.Err(); err != nil {
		return err
	}
	err = v.Change(access.Edit, gate.Thing{Kind: knowledge.Kind, ID: r.ID}, func(tx *gate.Tx) error {
		_, err := care.GoBack(tx, v.Records, r.ID, n)
		return err
	})
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(r.Kind, r.ID), "It is a draft that says what edition %d said. Have it reviewed to publish it.", n)
}
