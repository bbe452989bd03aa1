package roles

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
	"strongroom/internal/surface/webui/shell"
)

// whyView is the page that says why somebody sees a record, or why not.
type whyView struct {
	Head   ui.Head
	Ask    []ui.Option // users and API keys
	Asked  bool
	Answer string
	Sees   bool
	Paths  []ui.Item
	Bars   []ui.Item
	May    []ui.Prop
}

// why answers for the user or key whose id is asked for as who.
func (p *Pages) why(v *shell.Visit) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	keys, err := p.Keys.List(v.R.Context(), v.Caller)
	if err != nil {
		return err
	}
	who, _ := id.Parse(v.R.URL.Query().Get("who"))
	d := &whyView{Head: ui.Head{Title: "Why can somebody see this?", Icon: "shield-lock"}}
	var rec *record.Record
	err = v.View(func(tx *gate.Tx) error {
		if rec, err = v.Records.Get(tx, "", rid); err != nil {
			return err
		}
		users, err := v.Choices(tx, identity.User, map[id.ID]bool{who: true})
		if err != nil {
			return err
		}
		d.Ask = users
		for _, k := range keys {
			d.Ask = append(d.Ask, ui.Option{Value: k.ID.String(), Label: "API key " + k.Name, Selected: k.ID == who})
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.Head.Sub = []ui.Cell{{Text: rec.Name, Href: shell.RecordURL(rec.Kind, rec.ID)}}
	if who != 0 {
		if err := p.answer(v, d, rec, who, keys); err != nil {
			return err
		}
	}
	page, err := v.Page("Why", append(v.CrumbsOf(rec), ui.Crumb{Label: "Why"})...)
	if err != nil {
		return err
	}
	page.Data = d
	return v.Render("why", page)
}

// answer fills in the reasons for a user or key.
func (p *Pages) answer(v *shell.Visit, d *whyView, rec *record.Record, who id.ID, keys []*apikey.Key) error {
	d.Asked = true
	c, name, err := p.somebody(v, who, keys)
	if fault.Is(err, fault.NotFound) {
		d.Answer = "No: this user may not sign in, or this key is over."
		return nil
	}
	if err != nil {
		return err
	}
	return v.View(func(tx *gate.Tx) error {
		c = c.Beside(tenantKinds(v.Records.Kinds))
		a, err := access.Explain(tx.SQL(), c, rec.ID, tx.Now)
		if errors.Is(err, sql.ErrNoRows) {
			return gate.Missing()
		}
		if err != nil {
			return err
		}
		ask := []id.ID{a.Guard}
		for _, x := range a.Paths {
			ask = append(ask, x.Group)
		}
		names, err := v.Records.Names(tx, ask...)
		if err != nil {
			return err
		}
		d.Sees, d.Answer = a.Sees, "No: "+name+" does not see it."
		if a.Sees {
			d.Answer = "Yes: " + name + " sees it."
		}
		for _, x := range a.Paths {
			d.Paths = append(d.Paths, pathItem(x, rec, a, names, tx.Now))
		}
		for _, b := range a.Bars {
			d.Bars = append(d.Bars, ui.Item{Title: barWords(b, c, rec), Icon: "lock"})
		}
		d.May = may(c, rec, a.Sees)
		return nil
	})
}

// somebody gives the caller that a user or key is, and what she is called. NotFound
// for who may not come in.
func (p *Pages) somebody(v *shell.Visit, who id.ID, keys []*apikey.Key) (c *access.Caller, name string, err error) {
	for _, k := range keys {
		if k.ID == who {
			c, err = p.Keys.CallerOf(v.R.Context(), v.Caller.Tenant, who)
			return c, "the key " + k.Name, err
		}
	}
	err = v.View(func(tx *gate.Tx) error {
		u, err := v.Records.Get(tx, identity.User, who)
		if err != nil {
			return err
		}
		name = u.Name
		c, err = access.Load(tx.SQL(), who)
		return err
	})
	return c, name, err
}

// tenantKinds lists the kinds whose records belong to the tenant.
func tenantKinds(g *record.Registry) (out []string) {
	for _, k := range g.Kinds() {
		if k.Scope == record.OfTenant {
			out = append(out, k.Name)
		}
	}
	return out
}

func pathItem(x access.Path, rec *record.Record, a *access.Answer, names map[id.ID]string, now int64) ui.Item {
	group := "a group"
	if n := names[x.Group]; n != "" {
		group = "the group " + n
	}
	it := ui.Item{Icon: "users"}
	switch x.By {
	case access.ByRole:
		it = ui.Item{Title: "The role Administrator", Sub: "Administrators see every record.", Icon: "user-check"}
	case access.ByHouse:
		it = ui.Item{Title: "It belongs to the tenant", Sub: "Everybody sees it.", Icon: "building"}
	case access.ByAll:
		it.Title, it.Sub = "Through "+group, "Its members see every organization."
		if x.Group == 0 {
			it.Title, it.Sub, it.Icon = "A key without an owner", "It sees every organization.", "api"
		}
	case access.ByOrg:
		it.Title, it.Sub = "Through "+group, "Its members see "+rec.OrgName+"."
	case access.ByPart:
		it = ui.Item{Title: "As a customer", Sub: "It is about her, or published for her: it stands in her portal.", Icon: "user"}
	case access.ByName:
		it.Title, it.Sub, it.Icon = "By name", "It is open to this user.", "user"
	case access.ByGroup:
		it.Title, it.Sub = "Through "+group, "It is open to this group."
	}
	if x.Group != 0 {
		it.Href = "/groups/" + x.Group.String()
	}
	if (x.By == access.ByName || x.By == access.ByGroup) && a.Guard != rec.ID {
		where := "what it lies in"
		if n := names[a.Guard]; n != "" {
			where = n
		}
		it.Sub = strings.Replace(it.Sub, "It is", "It lies in "+where+", which is", 1)
	}
	if x.Ends != 0 && !x.Over {
		it.Sub += " Until " + shell.When(x.Ends).Format("2 Jan 2006 15:04") + " UTC."
	}
	pill := ui.Pill{Text: "Opens it", Tone: "ok"}
	switch {
	case x.Over:
		pill = ui.Pill{Text: "Over since " + shell.When(x.Ends).Format("2 Jan 2006 15:04"), Tone: "bad"}
	case x.Closed:
		pill = ui.Pill{Text: "Not enough: it is restricted", Tone: "warn"}
	}
	it.Pill = &pill
	return it
}

func barWords(b access.Bar, c *access.Caller, rec *record.Record) string {
	switch b {
	case access.BarKind:
		return "The custom role " + c.Title() + " does not see " + strings.ToLower(rec.Kind.Labels) + "."
	case access.BarOrgs:
		return "The key is for " + strconv.Itoa(len(c.Scope.Orgs)) + " organizations, of which this is none."
	case access.BarNarrow:
		return "The key is for other password folders."
	}
	return "It is in the trash: only who may delete it finds it there."
}

// may says what she may do to the record, by the decision itself.
func may(c *access.Caller, rec *record.Record, sees bool) (out []ui.Prop) {
	for _, a := range access.KindActions() {
		if a == access.Create || !offered(rec.Kind, a) {
			continue
		}
		verdict, why := access.Decide(c, a, access.Target{Kind: rec.Kind.Name, Tenant: rec.Kind.Scope == record.OfTenant || rec.Kind.Shared && rec.Org == 0, Admin: rec.Kind.Admin, Visible: sees})
		cell := ui.Cell{Text: "Yes"}
		switch verdict {
		case access.Hidden:
			cell = ui.Cell{Type: "mut", Text: "No: it does not exist for her"}
		case access.Denied:
			cell = ui.Cell{Type: "mut", Text: "No: " + strings.Replace(why, "Your role", "The role", 1)}
		}
		out = append(out, ui.Prop{Label: word(a), Cells: []ui.Cell{cell}})
	}
	return out
}
