// Package surveys holds the page on which somebody outside says how content she is, and the
// settings of that.
//
// Always true: looking at a link changes nothing, whoever follows it how often; the page
// names the ticket and nothing else, sends no address of its own anywhere, and is kept by no
// cache and no search engine; what does not exist and what is over is the same page.
package surveys

import (
	"embed"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/survey"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages parts
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Surveys *survey.Surveys
	// TenantOf names the tenant that a request's host name stands for; "" for none.
	TenantOf func(*http.Request) string

	shell *shell.Shell
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	p.shell = s
	if s.Records.Kinds.Kind("incident") == nil {
		return
	}
	s.Public("GET "+survey.Page+"{name}", p.look)
	s.Public("POST "+survey.Page+"{name}", p.say)
	s.Get("/settings/surveys", shell.Administering(p.as((*visit).settings)))
	s.Post("/settings/surveys", shell.Administering(p.as((*visit).settle)))
	s.Manage(shell.ToContents, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Surveys", Sub: "Whether customers are asked how content they are", Href: "/settings/surveys", Icon: "mood-happy"}}
	})
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

// Ask is the question as the part "score" draws it.
type Ask struct {
	Action       string
	Score        string // that was chosen
	Words        string
	Error, Wrong string // of the score, and of the words
}

// view is what somebody outside is shown.
type view struct {
	survey.Question
	Form   Ask
	Errors *ui.Errors
}

// named takes apart what stands in the address: the tenant, and the mark of the survey.
func (p *Pages) named(r *http.Request) (c *access.Caller, mark string, err error) {
	tenant, mark, ok := strings.Cut(r.PathValue("name"), ".")
	if host := p.TenantOf(r); !ok || host != "" && host != tenant {
		return nil, "", survey.Gone()
	}
	c = access.System(tenant, "survey")
	c.Name, c.AuthLevel, c.Addr, c.Request = "A customer", 0, web.Client(r), web.RequestID(r.Context())
	return c, mark, nil
}

// look is the page that a link leads to. It changes nothing.
func (p *Pages) look(w http.ResponseWriter, r *http.Request) error {
	return p.page(w, r, Ask{Score: r.URL.Query().Get("score")}, nil)
}

func (p *Pages) page(w http.ResponseWriter, r *http.Request, form Ask, refused error) error {
	web.NoStore(w)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("X-Robots-Tag", "noindex, nofollow, noarchive, nosnippet")
	c, mark, err := p.named(r)
	var q *survey.Question
	if err == nil {
		q, err = p.Surveys.Look(r.Context(), c, mark)
	}
	if fault.Is(err, fault.NotFound) {
		say := fault.Say(survey.Gone())
		page := p.shell.Plain(r, "Nothing here", ui.Problem{Icon: "link-off", Title: "Nothing is here", Text: say.Text, Hint: say.Hint})
		return p.shell.RenderPlain(w, r, http.StatusNotFound, "problem", page)
	}
	if err != nil {
		return err
	}
	form.Action = survey.Page + r.PathValue("name")
	d := view{Question: *q, Form: form}
	status := http.StatusOK
	if refused != nil {
		status = web.Status(refused)
		d.Errors = d.Form.refused(refused)
	}
	page := p.shell.Plain(r, "How content are you?", d)
	page.Brand.Tenant = q.Title
	return p.shell.RenderPlain(w, r, status, "survey", page)
}

// refused says what is wrong, beside the fields.
func (a *Ask) refused(err error) *ui.Errors {
	say := fault.Say(err)
	a.Error, a.Wrong = say.Fields["score"], say.Fields["words"]
	return &ui.Errors{Text: say.Text, Hint: say.Hint}
}

// say takes an answer. The first one stands.
func (p *Pages) say(w http.ResponseWriter, r *http.Request) error {
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	c, mark, err := p.named(r)
	if err == nil {
		_, err = p.Surveys.Say(r.Context(), c, mark, survey.Answer{Score: score(f), Words: strings.TrimSpace(f.Raw("words"))})
	}
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.NotFound) {
		return p.page(w, r, Ask{Score: f.Text("score"), Words: f.Raw("words")}, err)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, survey.Page+r.PathValue("name"))
}

// score reads what was chosen; 0 for nothing.
func score(f *web.Form) int {
	n, _ := strconv.Atoi(f.Text("score"))
	return n
}

func (v *visit) settings() error {
	var s survey.Settings
	if err := v.View(func(tx *gate.Tx) (err error) { s, err = survey.Setting(tx); return err }); err != nil {
		return err
	}
	return v.settingsPage(s, nil)
}

func (v *visit) settingsPage(s survey.Settings, refused error) error {
	low := []ui.Option{{Value: "0", Label: "Nobody is told", Selected: s.Low == 0}}
	for n := 1; n < survey.Best; n++ {
		at := strconv.Itoa(n)
		low = append(low, ui.Option{Value: at, Label: "Of " + at + " and less", Selected: s.Low == n})
	}
	number := func(name, label, unit, least, most string, n int, hint string) ui.Field {
		return ui.Field{Name: name, Label: label, Type: "number", Value: strconv.Itoa(n), Required: true, Min: least, Max: most, Unit: unit, Hint: hint}
	}
	f := ui.Form{Action: "/settings/surveys", Submit: "Save", Cancel: "/settings", Note: "How the mail is worded stands under Mailboxes, Mail templates.", Fields: []ui.Field{
		{Name: "on", Label: "Ask customers how content they are", Type: "checkbox", Checked: s.On, Wide: true, Hint: "By mail, and on the page of the ticket in the portal. What was resolved before this is set is not asked about."},
		number("hours", "Asked", "hours after the resolution", "0", "720", s.Hours, ""),
		number("rest", "Nobody is asked again within", "days", "0", "365", s.Rest, "Counted for each person, whatever the ticket."),
		number("days", "It can be answered for", "days", "1", "90", s.Days, ""),
		{Name: "low", Label: "Tell the owner and who leads the team", Type: "select", Value: "set", Required: true, Options: low},
	}}
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page("Surveys", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Surveys"})
	if err != nil {
		return err
	}
	head := ui.Head{Title: "Surveys", Icon: "mood-happy", Sub: []ui.Cell{{Text: "What customers say once a ticket is resolved"}}}
	for _, k := range v.Records.Kinds.Kinds() {
		if k.Field(survey.Score) != nil && v.May(access.View, k) {
			head.Actions = append(head.Actions, ui.Action{Label: "Answers: " + strings.ToLower(k.Labels), Icon: "list", Href: "/" + k.Plural + "?" + survey.Score + ".unset=0", Quiet: true})
		}
	}
	p.Data = shell.FormPage{Head: head, Form: f}
	return v.RenderStatus(web.Status(refused), "form", p)
}

func (v *visit) settle() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	small := func(name string) int { return int(min(max(form.Int(name), -1), 10_000)) }
	s := survey.Settings{On: form.Bool("on"), Hours: small("hours"), Rest: small("rest"), Days: small("days"), Low: small("low")}
	if err = form.Err(); err == nil {
		err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return survey.Settle(tx, s) })
	}
	if shell.Refusable(err) {
		return v.settingsPage(s, err)
	}
	if err != nil {
		return err
	}
	return v.Done("/settings/surveys", "Saved.")
}
