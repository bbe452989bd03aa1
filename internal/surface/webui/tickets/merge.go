package tickets

import (
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/merge"
	"strongroom/internal/surface/webui/shell"
)

// mergePage says what a merge will do, and asks for the rest.
type mergePage struct {
	Head  ui.Head
	Parts []*ui.Section
	Form  ui.Form // has no Submit when nothing can be done
	Back  string
}

// joins merges and splits.
func (v *visit) joins() *merge.Merges {
	return &merge.Merges{Records: v.Records, Relations: v.p.Relations}
}

// mergeable tells whether tickets of a kind are merged.
func mergeable(k *record.Kind) bool { return k.Field(desk.MergedInto) != nil }

// called is a ticket's number and name.
func called(r *record.Record) string {
	n, _ := r.Values["number"].(int64)
	return r.Kind.Field("number").Numbered(n) + " " + r.Name
}

// numbered is a ticket's number.
func numbered(r *record.Record) string {
	n, _ := r.Values["number"].(int64)
	return r.Kind.Field("number").Numbered(n)
}

// merging asks into which ticket the one of the address is merged, or says what that will do.
func (v *visit) merging() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	if !mergeable(r.Kind) || !v.MayTo(access.Edit, r) {
		return fault.New(fault.Denied, "This ticket is not merged by you.").WithHint("Relate it to the other one instead.")
	}
	q := v.R.URL.Query()
	if q.Get("into") == "" && q.Get("number") == "" {
		return v.mergeInto(r, "", nil)
	}
	into, err := v.chosenTarget(r, q.Get("into"), q.Get("number"))
	if shell.Refusable(err) {
		return v.mergeInto(r, q.Get("number"), err)
	}
	if err != nil {
		return err
	}
	form := ui.Form{Action: at(r) + "/merge", Cancel: at(r) + "/merge", Hidden: []ui.Hidden{{Name: "into", Value: into.String()}}}
	return v.mergePlan(r.Kind, into, []id.ID{r.ID}, form, v.CrumbsOf(r))
}

// chosenTarget is the ticket that was chosen, from the list or by its number.
func (v *visit) chosenTarget(r *record.Record, chosen, number string) (into id.ID, err error) {
	if number = strings.TrimSpace(number); number == "" {
		n, ok := id.Parse(chosen)
		if !ok {
			return 0, fault.Field("into", "Choose one of those in the list.")
		}
		return n, nil
	}
	digits := number[strings.LastIndexByte(number, '-')+1:]
	n, err := strconv.ParseInt(digits, 10, 64)
	missing := fault.Field("number", "There is no %s with this number that you can see.", shell.Lower(r.Kind.Label))
	if err != nil || !strings.EqualFold(number, digits) && !strings.EqualFold(number, r.Kind.Field("number").Numbered(n)) {
		return 0, missing
	}
	err = v.View(func(tx *gate.Tx) error {
		p, err := v.Records.List(tx, r.Kind.Name, record.Query{Limit: 1, NoTotal: true, Only: []string{}, Filters: []record.Filter{{Field: "number", Op: record.Eq, Values: []any{n}}}})
		if err == nil && len(p.Records) == 0 {
			err = missing
		}
		if err == nil {
			into = p.Records[0].ID
		}
		return err
	})
	return into, err
}

// mostTargets is how many tickets are offered to merge into.
const mostTargets = 30

// mergeInto asks into which ticket.
func (v *visit) mergeInto(r *record.Record, number string, wrong error) error {
	form := ui.Form{Action: at(r) + "/merge", Submit: "See what happens", Cancel: shell.RecordURL(r.Kind, r.ID), Note: "Nothing is changed yet."}
	err := v.View(func(tx *gate.Tx) error {
		p, err := v.Records.List(tx, r.Kind.Name, record.Query{Org: r.Org, Archived: "no", Limit: mostTargets + 1, NoTotal: true, Only: []string{"number", "contact_id"}, Sort: []record.Order{{Field: "updated_at", Desc: true}},
			Filters: []record.Filter{{Field: "final", Op: record.Eq, Values: []any{false}}}})
		if err != nil {
			return err
		}
		like, err := desk.Similar(tx, r.Name, r.Org, []string{r.Kind.Name}, r.ID)
		if err != nil {
			return err
		}
		alike := map[id.ID]bool{}
		for _, h := range like {
			alike[h.ID] = true
		}
		x := ui.Field{Name: "into", Label: "Into", Type: "select", Wide: true, Focus: true, Hint: "Open " + shell.Lower(r.Kind.Labels) + " of " + r.OrgName + "."}
		var others []ui.Option
		for _, o := range p.Records {
			opt := ui.Option{Value: o.ID.String(), Label: called(o)}
			if who := o.Names["contact_id"]; who != "" {
				opt.Label += ", " + who
			}
			switch {
			case o.ID == r.ID:
			case alike[o.ID]:
				opt.Group = "Like this one"
				x.Options = append(x.Options, opt)
			default:
				opt.Group = "Others"
				others = append(others, opt)
			}
		}
		x.Options = append(x.Options, others...)
		form.Fields = []ui.Field{x, {Name: "number", Label: "Or its number", Type: "text", Value: number, Holder: r.Kind.Field("number").Numbered(1042), Most: 20, Hint: "What was merged itself leads on to where it went."}}
		return nil
	})
	if err != nil {
		return err
	}
	if wrong != nil {
		said := fault.Say(wrong)
		form.Wrong(said.Text, said.Hint, said.Fields)
	}
	d := shell.FormPage{Head: ui.Head{Title: "Merge " + numbered(r), Icon: "stack-2", Sub: []ui.Cell{{Text: r.Name, Href: shell.RecordURL(r.Kind, r.ID)}}}, Form: form}
	p, err := v.Page(d.Head.Title, append(v.CrumbsOf(r), ui.Crumb{Label: "Merge"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(web.Status(wrong), "form", p)
}

// mergePlan says what merging will do; form does it.
func (v *visit) mergePlan(k *record.Kind, into id.ID, which []id.ID, form ui.Form, crumbs []ui.Crumb) error {
	var plan *merge.Plan
	err := v.View(func(tx *gate.Tx) (err error) { plan, err = v.joins().Plan(tx, into, which); return err })
	if err != nil {
		return err
	}
	to := called(plan.Target)
	d := mergePage{Head: ui.Head{Title: "Merge into " + numbered(plan.Target), Icon: "stack-2", Sub: []ui.Cell{{Text: to, Href: shell.RecordURL(plan.Target.Kind, plan.Target.ID)}}}}
	open, bad := int64(0), false
	for i := range plan.Parts {
		s, fits := v.mergePart(&plan.Parts[i], plan.Target)
		if d.Parts = append(d.Parts, s); fits {
			open++
		}
		bad = bad || plan.Parts[i].Wrong != nil
	}
	form.Hidden = append(form.Hidden, ui.Hidden{Name: "sure", Value: "1"})
	form.Submit = "Merge " + shell.Count(open, k)
	form.Fields = []ui.Field{{Type: "note", Text: "What is merged is closed for good and leads to " + numbered(plan.Target) + ". This cannot be undone."}}
	if d.Form = form; bad || open == 0 { // all of them or none
		d.Form, d.Back = ui.Form{}, form.Cancel
	}
	p, err := v.Page(d.Head.Title, append(crumbs, ui.Crumb{Label: "Merge"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("merge", p)
}

// mergePart says what becomes of one ticket, and whether it can be merged.
func (v *visit) mergePart(x *merge.Part, target *record.Record) (*ui.Section, bool) {
	s := &ui.Section{Title: called(x.Ticket), Icon: x.Ticket.Kind.Icon}
	add := func(icon, title, sub string) {
		s.Items = append(s.Items, ui.Item{Icon: icon, Title: title, Sub: sub})
	}
	many := func(n int, one, more string) string {
		if n == 1 {
			return "1 " + one
		}
		return strconv.Itoa(n) + " " + more
	}
	to := numbered(target)
	switch {
	case x.Done:
		add("check", "It went into "+to+" before", "")
		return s, false
	case x.Wrong != nil:
		said := fault.Say(x.Wrong)
		add("alert-triangle", said.Text, said.Hint)
		return s, false
	}
	add("circle-check", "It is closed, and leads to "+to, "Its customer is not told that it is solved.")
	if x.Entries > 0 || x.Files > 0 {
		add("messages", "What was written on it stays there", many(int(x.Entries), "entry", "entries")+" and "+many(x.Files, "file", "files")+". Who may see this ticket sees them in "+to+" too; nobody else does.")
	}
	if x.Customer != "" {
		add("user-plus", x.Customer+" takes part in "+to, "Replies there are mailed to both.")
	}
	if x.Ticket.Kind.Field("contact_id") != nil {
		add("mail", "What is answered to its mail is written on "+to, "")
	}
	if x.Voting {
		add("checks", "The vote on it ends without a result", "Nobody is asked any more, and it says so.")
	}
	if x.Earlier {
		add("clock", "Its clocks began earlier, and go on in "+to, "")
	}
	if x.Watchers > 0 {
		add("bell", many(x.Watchers, "person watches", "people watch")+" "+to+" then", "")
	}
	if x.Related > 0 {
		add("link", many(x.Related, "related item is", "related items are")+" related to "+to+" too", "")
	}
	if x.Belongs > 0 {
		add("subtask", many(x.Belongs, "open ticket", "open tickets")+" that it has go along", "Tasks, what follows it, what it led to.")
	}
	return s, true
}

// merge asks what will happen when nobody has seen that, and merges the ticket of the address.
func (v *visit) merge() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	into, err := v.chosenTarget(r, f.Text("into"), f.Text("number"))
	if shell.Refusable(err) {
		return v.mergeInto(r, f.Text("number"), err)
	}
	if err != nil {
		return err
	}
	if !f.Bool("sure") {
		return web.SeeOther(v.W, v.R, at(r)+"/merge?into="+into.String())
	}
	target, err := v.mergeAll(into, []id.ID{r.ID})
	if fault.Is(err, fault.NotFound) {
		err = fault.Field("into", "There is no such ticket that you can see.")
	}
	if shell.Refusable(err) {
		return v.mergeInto(r, "", err)
	}
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(target.Kind, target.ID), "%s is merged into this.", numbered(r))
}

// mergeAll merges tickets, all of them or none.
func (v *visit) mergeAll(into id.ID, which []id.ID) (target *record.Record, err error) {
	err = v.Change(access.View, gate.Thing{ID: which[0]}, func(tx *gate.Tx) error {
		end, err := v.joins().End(tx, into)
		if err != nil {
			return err
		}
		target = end
		for _, n := range which {
			if n == end.ID && len(which) > 1 {
				continue
			}
			if target, err = v.joins().Into(tx, n, end.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return target, err
}

// together merges selected tickets of a list into one of them.
func (p *Pages) together() shell.Deed {
	const name = "merge"
	return shell.Deed{
		Action: ui.Action{Name: name, Label: "Merge them", Icon: "stack-2"},
		For: func(v *shell.Visit, k *record.Kind, archived string) bool {
			return lifeOf(k) != nil && mergeable(k) && archived != "yes" && v.May(access.Edit, k)
		},
		Do: func(v *shell.Visit, s *shell.Selected) error { return (&visit{Visit: v, p: p}).mergeThem(s, name) },
	}
}

// mergeThem asks into which of them, says what will happen, and does it.
func (v *visit) mergeThem(s *shell.Selected, name string) error {
	if lifeOf(s.Kind) == nil || !mergeable(s.Kind) {
		return shell.NoDeed()
	}
	if len(s.IDs) > merge.Most {
		return fault.New(fault.Invalid, "This is more than %d tickets at once.", merge.Most).WithHint("Narrow the list down, or take them in parts.")
	}
	if len(s.IDs) < 2 {
		return fault.New(fault.Invalid, "One ticket alone is merged from its own page.").WithHint("Select two or more.")
	}
	var options []ui.Option
	err := v.View(func(tx *gate.Tx) error {
		for _, n := range s.IDs {
			r, err := v.ticketOf(tx, n)
			if err != nil {
				return err
			}
			options = append(options, ui.Option{Value: n.String(), Label: called(r)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(options, func(a, b ui.Option) int { return strings.Compare(a.Label, b.Label) })
	ids := make([]string, len(s.IDs))
	for i, n := range s.IDs {
		ids[i] = n.String()
	}
	form := ui.Form{Action: shell.ListURL(s.Kind) + "/bulk", Cancel: s.Back, Submit: "See what happens", Note: "Nothing is changed yet.",
		Hidden: []ui.Hidden{{Name: "back", Value: s.Back}, {Name: "do", Value: name + ".look"}, {Name: "ids", Value: strings.Join(ids, ".")}}}
	var wrong error
	if into, ok := id.Parse(s.Form.Text("into")); s.Step() != "" && (!ok || !slices.Contains(s.IDs, into)) {
		wrong = fault.Field("into", "Choose one of those in the list.")
	} else if s.Step() == "apply" && s.Form.Bool("sure") {
		target, err := v.mergeAll(into, s.IDs)
		if err == nil {
			return v.Done(shell.RecordURL(target.Kind, target.ID), "%s are one now.", shell.Count(int64(len(s.IDs)), s.Kind))
		}
		if !shell.Refusable(err) {
			return err
		}
		wrong = err
	} else if s.Step() != "" {
		form.Hidden[1].Value = name + ".apply"
		form.Hidden = append(form.Hidden, ui.Hidden{Name: "into", Value: into.String()})
		return v.mergePlan(s.Kind, into, s.IDs, form, v.Crumbs(s.Kind, 0, ""))
	}
	form.Fields = []ui.Field{{Name: "into", Label: "Into", Type: "select", Wide: true, Required: true, Focus: true, Value: options[0].Value, Options: options, Hint: "It remains, and the others go into it."}}
	if wrong != nil {
		said := fault.Say(wrong)
		form.Wrong(said.Text, said.Hint, said.Fields)
	}
	p, err := v.Page("Merge "+shell.Lower(s.Kind.Labels), append(v.Crumbs(s.Kind, 0, ""), ui.Crumb{Label: "Merge"})...)
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: "Merge " + shell.Count(int64(len(s.IDs)), s.Kind), Icon: "stack-2"}, Form: form}
	return v.RenderStatus(web.Status(wrong), "form", p)
}

// splitOf reads the entry that is asked for, of the ticket of the address.
func (v *visit) splitOf(tx *gate.Tx, r *record.Record, asked string) (*record.Record, error) {
	n, ok := id.Parse(asked)
	if !ok {
		return nil, gate.Missing()
	}
	e, _, err := v.joins().Entry(tx, n)
	if err == nil && e.Parent != r.ID {
		err = gate.Missing()
	}
	return e, err
}

// splitting asks what the ticket is called that an entry becomes.
func (v *visit) splitting() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	var e *record.Record
	if err := v.View(func(tx *gate.Tx) (err error) { e, err = v.splitOf(tx, r, v.R.URL.Query().Get("entry")); return err }); err != nil {
		return err
	}
	return v.splitForm(r, e, e.Name, nil)
}

func (v *visit) splitForm(r, e *record.Record, name string, wrong error) error {
	l := v.drawn(e, "")
	form := ui.Form{Action: at(r) + "/split", Submit: "Make a ticket of it", Cancel: shell.RecordURL(r.Kind, r.ID), Hidden: []ui.Hidden{{Name: "entry", Value: e.ID.String()}},
		Note: "The entry stays where it is. The new ticket has its text and files, and both lead to each other.",
		Fields: []ui.Field{{Name: "name", Label: "Subject", Type: "text", Required: true, Wide: true, Focus: true, Value: name, Most: 250,
			Hint: "Another " + shell.Lower(r.Kind.Label) + " of the same organization and customer. Its clocks run from when this was written."}}}
	if wrong != nil {
		said := fault.Say(wrong)
		form.Wrong(said.Text, said.Hint, said.Fields)
	}
	d := mergePage{Head: ui.Head{Title: "Split " + numbered(r), Icon: "git-branch", Sub: []ui.Cell{{Text: r.Name, Href: shell.RecordURL(r.Kind, r.ID)}}}, Parts: []*ui.Section{{Title: "The entry", Icon: "message-2", HTML: l.HTML}}, Form: form}
	p, err := v.Page(d.Head.Title, append(v.CrumbsOf(r), ui.Crumb{Label: "Split"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(web.Status(wrong), "merge", p)
}

// split makes a ticket of an entry.
func (v *visit) split() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	var e, made *record.Record
	err = v.View(func(tx *gate.Tx) (err error) { e, err = v.splitOf(tx, r, f.Text("entry")); return err })
	if err != nil {
		return err
	}
	if strings.TrimSpace(f.Text("name")) == "" {
		return v.splitForm(r, e, "", fault.Field("name", "Subject is missing."))
	}
	err = v.Change(access.Edit, gate.Thing{Kind: r.Kind.Name, ID: r.ID}, func(tx *gate.Tx) (err error) {
		made, err = v.joins().Split(tx, e.ID, f.Text("name"))
		return err
	})
	if shell.Refusable(err) {
		return v.splitForm(r, e, f.Text("name"), err)
	}
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(made.Kind, made.ID), "%s is split off from %s.", numbered(made), numbered(r))
}

// merged is the part of the rail that lists what was merged into a ticket, with how many files each
// has.
func (v *visit) merged(list []*record.Record, files map[id.ID]int) *ui.Section {
	if len(list) == 0 {
		return nil
	}
	s := &ui.Section{Title: "Merged into this", Icon: "stack-2"}
	for _, x := range list {
		it := ui.Item{Title: x.Name, Sub: numbered(x), Href: shell.RecordURL(x.Kind, x.ID), Icon: x.Kind.Icon}
		if n := files[x.ID]; n > 0 {
			it.Sub += " · " + strconv.Itoa(n) + " files"
			if n == 1 {
				it.Sub = strings.TrimSuffix(it.Sub, "s")
			}
		}
		s.Items = append(s.Items, it)
	}
	return s
}
