// Package reviews holds the pages of access reviews: campaigns, the lines that
// somebody is asked about, and the evidence of what was answered.
//
// Always true: who is no administrator sees the lines that she is asked about and no
// others; the evidence is compared with the audit log each time it is shown or taken.
package reviews

import (
	"embed"
	"io/fs"
	"slices"
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/review"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Reviews *review.Reviews }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

const root = "/reviews"

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Manage(shell.ToPeople, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Access reviews", Sub: "Those who answer for it confirm or remove who has access", Href: root, Icon: "user-check"}}
	})
	s.Get(root, p.as((*visit).list))
	s.Get(root+"/new", shell.Administering(p.as(func(v *visit) error { return v.form(nil, nil) })))
	s.Post(root, shell.Administering(p.as((*visit).begin)))
	s.Get(root+"/{id}", p.as(func(v *visit) error { return v.one(nil, nil) }))
	s.Post(root+"/{id}/answer", p.as((*visit).answer))
	s.Post(root+"/{id}/end", shell.Administering(p.as((*visit).end)))
	s.Post(root+"/{id}/take", shell.Administering(p.as((*visit).take)))
	s.Get(root+"/{id}/csv", shell.Administering(p.as((*visit).csv)))
	s.Get(root+"/{id}/pdf", shell.Administering(p.as((*visit).pdf)))
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

// administers tells whether the caller has the pages of administrators.
func (v *visit) administers() bool {
	verdict, _ := access.Decide(v.Caller, access.Administer, access.Target{Visible: true})
	return verdict == access.Allowed && v.Caller.Everything()
}

func (v *visit) list() error {
	var list []*review.Review
	if err := v.View(func(tx *gate.Tx) (err error) { list, err = review.List(tx); return err }); err != nil {
		return err
	}
	t := ui.Table{ID: "list", Title: "Access reviews", Columns: []ui.Column{{Label: "Campaign", Phone: "title"}, {Label: "State", Phone: "end"}, {Label: "Answered", Phone: "line"}, {Label: "Removed", Right: true, Hide: 2}, {Label: "Ends", Phone: "line"}},
		Empty: ui.Empty{Icon: "user-check", Title: "Nobody asks you about access", Text: "When you are asked who may keep access to something, you find it here."}}
	head := ui.Head{Title: "Access reviews", Icon: "user-check", Sub: []ui.Cell{{Text: "Who answers for a group, an organization or a role confirms who has it, or removes it"}}}
	if v.administers() {
		head.Actions = []ui.Action{{Label: "Begin a campaign", Icon: "plus", Href: root + "/new", Primary: true}}
		t.Empty = ui.Empty{Icon: "user-check", Title: "No campaign yet", Text: "A campaign asks those who answer for groups, roles, records and keys, and keeps what they said.", Actions: head.Actions}
	}
	for _, r := range list {
		state, tone := stateOf(r)
		t.Rows = append(t.Rows, ui.Row{ID: r.ID.String(), Name: r.Name, Cells: []ui.Cell{{Type: "link", Text: r.Name, Icon: "user-check", Href: review.Path(r.ID)}, {Type: "pill", Text: state, Tone: tone},
			{Text: web.Number(int64(r.Lines-r.Open())) + " of " + web.Number(int64(r.Lines))}, {Text: web.Number(int64(r.Removed))}, {Type: "date", Time: shell.When(r.Ends)}}})
	}
	t.Pager.Words = shell.Counted(int64(len(list)), "campaign", "campaigns")
	p, err := v.Page("Access reviews", ui.Crumb{Label: "Access reviews"})
	if err != nil {
		return err
	}
	p.Data = shell.ListPage{Head: head, Table: t}
	return v.Render("list", p)
}

func stateOf(r *review.Review) (text, tone string) {
	switch {
	case r.Ended != 0 && r.Waiting > 0:
		return "Removals wait", "warn"
	case r.Ended != 0:
		return "Ended", ""
	case r.Open() == 0:
		return "Answered", "ok"
	}
	return "Runs", "info"
}

// words name the sorts of lines.
var words = map[string]string{review.Member: "Members of groups", review.Reach: "Organizations that groups see", review.Role: "Roles of people", review.Grant: "Records open to somebody by name", review.Key: "API keys"}

func (v *visit) form(sent *web.Form, refused error) error {
	keep := func(name, usual string) string {
		if sent == nil {
			return usual
		}
		return sent.Text(name)
	}
	sorts := ui.Field{Name: "sorts", Label: "What is looked at", Type: "select", Multiple: true, Wide: true}
	chosen := map[string]bool{}
	if sent != nil {
		for _, s := range sent.All("sorts") {
			chosen[s] = true
		}
	}
	for _, s := range review.Sorts() {
		sorts.Options = append(sorts.Options, ui.Option{Value: s, Label: words[s], Selected: sent == nil || chosen[s]})
	}
	f := ui.Form{Action: root, Submit: "Begin", Cancel: root, Fields: []ui.Field{
		{Name: "name", Label: "Name", Type: "text", Required: true, Most: 100, Wide: true, Focus: true, Value: keep("name", ""), Holder: "Autumn review"},
		{Name: "days", Label: "Ends after", Type: "number", Required: true, Unit: "days", Min: "1", Max: "365", Value: keep("days", "14")},
		{Name: "remind", Label: "Remind every", Type: "number", Unit: "days", Min: "0", Max: "365", Value: keep("remind", "3"), Hint: "0 for never"},
		{Name: "removes", Label: "What nobody has answered by the end is removed", Type: "checkbox", Wide: true, Hint: "Whose role is removed is Read-only from then on; who is Read-only or a customer is archived.", Checked: sent != nil && sent.Bool("removes")}, sorts}}
	err := v.View(func(tx *gate.Tx) error {
		people, err := v.Choices(tx, identity.User, map[id.ID]bool{})
		if err != nil {
			return err
		}
		groups, err := v.Choices(tx, identity.Group, map[id.ID]bool{})
		if err != nil {
			return err
		}
		orgs, err := v.Choices(tx, "organization", map[id.ID]bool{})
		if err != nil {
			return err
		}
		f.Fields = append(f.Fields, who(sent, people, groups, orgs)...)
		return nil
	})
	if err != nil {
		return err
	}
	if refused != nil {
		said := fault.Say(refused)
		f.Wrong(said.Text, said.Hint, said.Fields)
	}
	p, err := v.Page("Begin a campaign", ui.Crumb{Label: "Access reviews", Href: root}, ui.Crumb{Label: "Begin a campaign"})
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: "Begin a campaign", Icon: "user-check"}, Form: f}
	return v.RenderStatus(web.Status(refused), "form", p)
}

// who are the fields that narrow a campaign and say who is asked.
func who(sent *web.Form, people, groups, orgs []ui.Option) []ui.Field {
	pick := func(list []ui.Option, group string, chosen ...string) []ui.Option {
		out := make([]ui.Option, len(list))
		for i, o := range list {
			o.Group, o.Selected = group, false
			for _, c := range chosen {
				o.Selected = o.Selected || c == o.Value
			}
			out[i] = o
		}
		return out
	}
	all, asked, lines := func(string) []string { return nil }, "", []map[string]string(nil)
	if sent != nil {
		all, asked, lines = sent.All, sent.Text("asked"), sent.Rows("owners")
	}
	staff := slices.DeleteFunc(slices.Clone(people), func(o ui.Option) bool { return o.Sub == string(access.SelfService) })
	of := append(pick(groups, "Groups"), pick(orgs, "Organizations")...)
	return []ui.Field{
		{Type: "heading", Label: "Who is asked"},
		{Name: "asked", Label: "About everything that is not named below", Type: "select", Required: true, Wide: true, Value: asked, Options: pick(staff, "", asked), Hint: "Nobody is asked about herself, nor about a record that she may not see: an administrator is asked instead."},
		ui.RowsField(ui.Field{Name: "owners", Label: "About a group, or the records of an organization"},
			[]ui.Field{{Name: "of", Label: "About", Type: "select", Options: append([]ui.Option{{}}, of...)}, {Name: "who", Label: "Asked is", Type: "select", Options: append([]ui.Option{{}}, pick(staff, "")...)}}, lines, 2),
		{Type: "heading", Label: "Narrowed to", Hint: "Nothing ticked leaves nothing out."},
		{Name: "groups", Label: "Groups", Type: "select", Multiple: true, Options: pick(groups, "", all("groups")...)},
		{Name: "people", Label: "People", Type: "select", Multiple: true, Options: pick(people, "", all("people")...)},
		{Name: "organizations", Label: "Organizations", Type: "select", Multiple: true, Wide: true, Options: pick(orgs, "", all("organizations")...)},
	}
}

func (v *visit) begin() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	n := review.New{Name: form.Text("name"), Removes: form.Bool("removes"), Scope: review.Scope{
		Groups: shell.IDs(form.All("groups")), Orgs: shell.IDs(form.All("organizations")), People: shell.IDs(form.All("people")), Owners: map[id.ID]id.ID{}}}
	n.Days, n.Remind = int(form.Int("days")), int(form.Int("remind"))
	n.Scope.Asked, _ = id.Parse(form.Text("asked"))
	for _, s := range form.All("sorts") {
		if s != "" {
			n.Scope.Sorts = append(n.Scope.Sorts, s)
		}
	}
	for _, line := range form.Rows("owners") {
		of, ok := id.Parse(line["of"])
		asked, too := id.Parse(line["who"])
		if ok != too {
			form.Wrong("owners", "Say of what and who.")
		}
		if ok && too {
			n.Scope.Owners[of] = asked
		}
	}
	var made id.ID
	if err = form.Err(); err == nil {
		made, err = v.Reviews.Begin(v.R.Context(), v.Caller, n)
	}
	if shell.Refusable(err) {
		return v.form(form, err)
	}
	if err != nil {
		return err
	}
	return v.Done(review.Path(made), "The campaign runs. Those who are asked are told.")
}

func (v *visit) end() error {
	return v.do("The campaign has ended.", func(r id.ID) error { return v.Reviews.End(v.R.Context(), v.Caller, r) })
}

func (v *visit) take() error {
	return v.do("It removes by your rights from now on.", func(r id.ID) error { return v.Reviews.Take(v.R.Context(), v.Caller, r) })
}

// do does something to a campaign and then removes what is to be removed.
func (v *visit) do(said string, f func(id.ID) error) error {
	r, err := v.ID("id")
	if err != nil {
		return err
	}
	if err := f(r); err != nil {
		return err
	}
	if err := v.Reviews.Settle(v.R.Context(), v.Caller.Tenant); err != nil {
		return err
	}
	return v.Done(review.Path(r), "%s", said)
}

func (v *visit) answer() error {
	r, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	var list []*review.Line
	if err := v.View(func(tx *gate.Tx) (err error) { _, list, err = v.Reviews.Mine(tx, r); return err }); err != nil {
		return err
	}
	var answers []review.Answer
	for _, l := range list {
		if said := form.Text("answer-" + l.ID.String()); said != "" && l.Answer == "" {
			answers = append(answers, review.Answer{Line: l.ID, Keep: said == "keep", Reason: form.Text("reason-" + l.ID.String())})
		}
	}
	n, err := v.Reviews.Answer(v.R.Context(), v.Caller, r, answers)
	if shell.Refusable(err) {
		return v.one(form, err)
	}
	if err != nil {
		return err
	}
	if err := v.Reviews.Settle(v.R.Context(), v.Caller.Tenant); err != nil {
		return err
	}
	if n == 0 {
		return v.Done(review.Path(r), "Nothing was answered.")
	}
	return v.Done(review.Path(r), "%s kept, each with its entry in the audit trail.", shell.Counted(int64(n), "answer is", "answers are"))
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1_000_000 {
		return 1
	}
	return n
}
