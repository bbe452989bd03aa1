package portal

import (
	"html/template"
	"net/http"
	"strings"
	"time"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/knowledge/care"
	desk "strongroom/internal/feature/portal"
	"strongroom/internal/feature/portal/brand"
	"strongroom/internal/surface/webui/shell"
)

// shown is how many tickets and found things stand on a page.
const shown = 8

// news is an announcement.
type news struct {
	Href, Title, Tone, Icon, What string
	Time                          time.Time
	HTML                          template.HTML
}

// line is a ticket in a list.
type line struct {
	Href, Number, Subject, For string
	State                      desk.State
	Time                       time.Time
	Icon                       string
}

func lines(list []desk.Ticket) []line {
	var out []line
	for _, t := range list {
		x := line{Href: "/portal/tickets/" + t.ID.String(), Number: t.Number, Subject: t.Subject, For: t.For, State: t.State, Time: shell.When(t.Updated), Icon: "alert-circle"}
		if t.Request {
			x.Icon = "package"
		}
		out = append(out, x)
	}
	return out
}

type homeView struct {
	frame
	Hello, Welcome string
	News           []news
	Open           []line
	More           bool
	None           string
}

// announced reads what is announced today.
func (v *visit) announced(tx *gate.Tx) ([]news, error) {
	today := v.Today().Format(time.DateOnly)
	p, err := v.Records.List(tx, "announcement", record.Query{Archived: "no", Limit: 50, NoTotal: true, Sort: []record.Order{{Field: "publish_on", Desc: true}},
		Filters: []record.Filter{{Field: "status", Op: record.Eq, Values: []any{"Published"}}, {Field: "publish_on", Op: record.Range, Values: []any{nil, today}}}})
	if err != nil {
		return nil, err
	}
	var out []news
	for _, r := range p.Records {
		if end := r.Values.Text("expire_on"); end == "" || end >= today {
			out = append(out, newsOf(r))
		}
	}
	return out, nil
}

func newsOf(r *record.Record) news {
	n := news{Href: "/portal/announcements/" + r.ID.String(), Title: r.Name, What: r.Values.Text("severity"), HTML: desk.Outside(r.Values.Text("body")), Tone: "info", Icon: "info-circle"}
	switch n.What {
	case "Outage":
		n.Tone, n.Icon = "bad", "alert-triangle"
	case "Planned work":
		n.Tone, n.Icon = "warn", "tools"
	}
	n.Time, _ = time.Parse(time.DateOnly, r.Values.Text("publish_on"))
	return n
}

func (v *visit) home() error {
	p, f, err := v.page("Home")
	if err != nil {
		return err
	}
	given, _, _ := strings.Cut(v.Caller.Name, " ")
	d := homeView{frame: f, Hello: "Hello " + given}
	err = v.View(func(tx *gate.Tx) error {
		b, err := brand.Of(tx)
		if err != nil {
			return err
		}
		if d.Welcome = b.Welcome; d.Welcome == "" {
			d.Welcome = "How can we help?"
		}
		if d.News, err = v.announced(tx); err != nil {
			return err
		}
		list, err := v.Portal.Tickets(tx, false, false, shown+1)
		if d.More = len(list) > shown; d.More {
			list = list[:shown]
		}
		d.Open = lines(list)
		return err
	})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("portal-home", p)
}

// found is something that a search found.
type found struct {
	Href  string `json:"href"`
	Title string `json:"title"`
	What  string `json:"what"`
	Icon  string `json:"-"`

	ID      string `json:"-"`
	Article bool   `json:"-"`
}

func (v *visit) find(words string) (out []found, err error) {
	err = v.View(func(tx *gate.Tx) error {
		if _, err := v.Portal.Me(tx); err != nil {
			return err
		}
		list, err := v.Portal.Find(tx, words, shown)
		for _, h := range list {
			x := found{Href: "/portal/catalogue/" + h.ID.String(), Title: h.Title, What: "Can be ordered", Icon: "package"}
			if h.Article {
				x = found{Href: "/portal/articles/" + h.ID.String(), Title: h.Title, What: "Article", Icon: "bulb", ID: h.ID.String(), Article: true}
			}
			out = append(out, x)
		}
		return err
	})
	return out, err
}

// asked are the words of a search, of which a few are enough.
func (v *visit) asked() string {
	words := strings.Join(strings.Fields(v.R.URL.Query().Get("q")), " ")
	return string([]rune(words)[:min(len([]rune(words)), 200)])
}

type searchView struct {
	frame
	Words string
	Found []found
}

func (v *visit) search() error {
	d := searchView{Words: v.asked()}
	var err error
	if d.Words != "" {
		if d.Found, err = v.find(d.Words); err != nil {
			return err
		}
		if len(d.Found) == 0 && v.Caller.Behind == nil { // authors learn of it, and not of who asked
			if err := care.Missed(v.R.Context(), v.Portal.Gate, v.Caller.Tenant, d.Words); err != nil {
				return err
			}
		}
	}
	p, f, err := v.page("Search")
	if err != nil {
		return err
	}
	d.frame = f
	p.Data = d
	return v.Render("portal-found", p)
}

// suggest answers what is typed with what may help.
func (v *visit) suggest() error {
	list := []found{}
	if words := v.asked(); len(words) > 2 {
		some, err := v.find(words)
		if err != nil {
			return err
		}
		list = append(list, some[:min(len(some), 4)]...)
	}
	return web.JSON(v.W, http.StatusOK, map[string]any{"items": list})
}

type articleView struct {
	frame
	desk.Article
	Time time.Time
}

func (v *visit) article() error {
	aid, err := v.ID("id")
	if err != nil {
		return err
	}
	var a *desk.Article
	if err := v.View(func(tx *gate.Tx) (err error) { a, err = v.Portal.Article(tx, aid); return err }); err != nil {
		return err
	}
	p, f, err := v.page(a.Title)
	if err != nil {
		return err
	}
	p.Data = articleView{f, *a, shell.When(a.Published)}
	return v.Render("portal-article", p)
}

// helped takes what somebody says of an article.
func (v *visit) helped() error {
	aid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	if err := v.Portal.Helped(v.R.Context(), v.Caller, aid, form.Text("helped") == "1", form.Raw("words")); err != nil {
		return err
	}
	return v.Done("/portal/articles/"+aid.String(), "Thank you.")
}

type newsView struct {
	frame
	News news
}

func (v *visit) announcement() error {
	aid, err := v.ID("id")
	if err != nil {
		return err
	}
	var n news
	err = v.View(func(tx *gate.Tx) error {
		r, err := v.Records.Get(tx, "announcement", aid)
		if err == nil && r.Values.Text("publish_on") > v.Today().Format(time.DateOnly) {
			err = gate.Missing()
		}
		if err == nil {
			n = newsOf(r)
		}
		return err
	})
	if err != nil {
		return err
	}
	p, f, err := v.page(n.Title)
	if err != nil {
		return err
	}
	p.Data = newsView{f, n}
	return v.Render("portal-news", p)
}

func heading(text string) ui.Field { return ui.Field{Type: "heading", Label: text} }
