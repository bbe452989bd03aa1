package tickets

import (
	"slices"

	"strongroom/internal/base/richtext"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/knowledge"
	"strongroom/internal/feature/knowledge/care"
	"strongroom/internal/surface/webui/shell"
)

// How much is at hand of each.
const mostSecrets, mostAtHand = 3, 5

// hand is what is at hand for a ticket.
type hand struct {
	Secrets []*shell.Card
	Lists   []*ui.Section
}

// hand finds what the subject of a ticket leads to: passwords and documents of its
// organization, known errors, tickets like it.
func (v *visit) hand(tx *gate.Tx, r *record.Record) (*hand, error) {
	d := &hand{}
	own, err := desk.Similar(tx, r.Name, r.Org, []string{"password", "document", "configuration"}, r.ID)
	if err != nil {
		return nil, err
	}
	if err := v.secrets(tx, r, own, d); err != nil {
		return nil, err
	}
	others, err := desk.Similar(tx, r.Name, 0, []string{"problem", "incident", "service_request"}, r.ID)
	if err != nil {
		return nil, err
	}
	behind, err := desk.Known(tx, r, mostAtHand)
	if err != nil {
		return nil, err
	}
	for _, h := range others { // those of its configuration and category first
		if !slices.ContainsFunc(behind, func(b search.Hit) bool { return b.ID == h.ID }) {
			behind = append(behind, h)
		}
	}
	others = behind
	known, err := v.known(tx, others)
	if err != nil {
		return nil, err
	}
	errors := &ui.Section{Title: "Known errors", Icon: "bug"}
	like := &ui.Section{Title: "Tickets like this", Icon: "ticket"}
	for _, h := range others {
		it := v.hit(h)
		switch around, is := known[h.ID]; {
		case is && len(errors.Items) < mostAtHand:
			if it.Pill = (&ui.Pill{Text: "Known error", Tone: "info"}); around != "" {
				it.Sub = around
			}
			errors.Items = append(errors.Items, it)
		case !is && len(like.Items) < mostAtHand:
			like.Items = append(like.Items, it)
		}
	}
	helps, err := v.articles(tx, r)
	if err != nil {
		return nil, err
	}
	docs := &ui.Section{Title: "Documents and configurations", Icon: "file-text"}
	for _, h := range own {
		if h.Kind != "password" && len(docs.Items) < mostAtHand {
			docs.Items = append(docs.Items, v.hit(h))
		}
	}
	if len(docs.Items) == 0 {
		if docs.Items, err = v.latest(tx, "document", r.Org); err != nil {
			return nil, err
		}
	}
	for _, s := range []*ui.Section{errors, helps, docs, like} {
		if len(s.Items) > 0 {
			d.Lists = append(d.Lists, s)
		}
	}
	return d, nil
}

// articles are the published ones that the subject finds, each with a button that says that
// it solved the ticket.
func (v *visit) articles(tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	s := &ui.Section{Title: "Articles", Icon: "bulb"}
	k := v.Kind(knowledge.Kind)
	if k == nil {
		return s, nil
	}
	found, err := desk.Similar(tx, r.Name, 0, []string{knowledge.Kind}, r.ID)
	if err != nil || len(found) == 0 {
		return s, err
	}
	var ids []id.ID
	for _, h := range found {
		if h.Org == 0 || h.Org == r.Org {
			ids = append(ids, h.ID)
		}
	}
	states, err := v.Records.Field(tx, knowledge.Kind, "status", ids...)
	if err != nil {
		return nil, err
	}
	for _, h := range found {
		if states[h.ID] != knowledge.Published || len(s.Items) == mostAtHand {
			continue
		}
		it := v.hit(h)
		if care.Solvable(r.Kind) && v.MayTo(access.Edit, r) && r.Values["resolved_at"] == nil && !r.Values.Bool("final") {
			it.Action = &ui.Action{Label: "This solved it", Icon: "check", Href: at(r) + "/solved", Post: true, Quiet: true, IconOnly: true, Fields: []ui.Hidden{{Name: "article", Value: h.ID.String()}}}
		}
		s.Items = append(s.Items, it)
	}
	return s, nil
}

// solved notes that an article solved a ticket.
func (v *visit) solved() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	article, _ := id.Parse(f.Text("article"))
	var done bool
	err = v.Change(access.Edit, gate.Thing{Kind: r.Kind.Name, ID: r.ID}, func(tx *gate.Tx) (err error) {
		done, err = care.Solve(tx, v.Records, r, article)
		return err
	})
	if err != nil {
		return err
	}
	if done {
		return v.Done(shell.RecordURL(r.Kind, r.ID), "%s is Resolved.", r.Name)
	}
	return v.Done(shell.RecordURL(r.Kind, r.ID), "The article is noted. The ticket is not resolved yet: it needs more for that, which its button Resolved asks for.")
}

// secrets are the passwords that the subject finds, or those of the organization that
// changed last, each as it is shown in a document.
func (v *visit) secrets(tx *gate.Tx, r *record.Record, found []search.Hit, d *hand) error {
	var ids []id.ID
	for _, h := range found {
		if h.Kind == "password" && len(ids) < mostSecrets {
			ids = append(ids, h.ID)
		}
	}
	if k := v.Kind("password"); len(ids) == 0 && k != nil {
		p, err := v.Records.List(tx, k.Name, lastOf(r.Org, mostSecrets))
		if err != nil {
			return err
		}
		for _, x := range p.Records {
			ids = append(ids, x.ID)
		}
	}
	for _, n := range ids {
		rec, err := v.Records.Get(tx, "password", n)
		if err != nil {
			return err
		}
		c, err := v.CardOf(tx, rec, "hand-"+n.String())
		if err != nil {
			return err
		}
		d.Secrets = append(d.Secrets, c)
	}
	return nil
}

// known are those of the problems found whose cause is known, with the way around.
func (v *visit) known(tx *gate.Tx, found []search.Hit) (map[id.ID]string, error) {
	var ids []id.ID
	for _, h := range found {
		if h.Kind == "problem" {
			ids = append(ids, h.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	since, err := v.Records.Field(tx, "problem", "known_error_at", ids...)
	if err != nil {
		return nil, err
	}
	around, err := v.Records.Field(tx, "problem", "workaround", ids...)
	if err != nil {
		return nil, err
	}
	out := map[id.ID]string{}
	for n := range since {
		text, _ := around[n].(string)
		out[n] = richtext.Text(text)
	}
	for n, x := range around { // somebody knows a way around before the cause
		text, _ := x.(string)
		out[n] = richtext.Text(text)
	}
	return out, nil
}

// lastOf asks for the records of an organization that changed last.
func lastOf(org id.ID, most int) record.Query {
	return record.Query{Org: org, Archived: "no", Limit: most, NoTotal: true, Only: []string{}, Sort: []record.Order{{Field: "updated_at", Desc: true}}}
}

// latest are the records of a kind in an organization that changed last.
func (v *visit) latest(tx *gate.Tx, kind string, org id.ID) ([]ui.Item, error) {
	k := v.Kind(kind)
	if k == nil || org == 0 {
		return nil, nil
	}
	p, err := v.Records.List(tx, kind, lastOf(org, mostAtHand))
	if err != nil {
		return nil, err
	}
	var out []ui.Item
	for _, r := range p.Records {
		out = append(out, ui.Item{Title: r.Name, Sub: k.Label, Href: shell.RecordURL(k, r.ID), Icon: k.Icon})
	}
	return out, nil
}

func (v *visit) hit(h search.Hit) ui.Item {
	k := v.Kind(h.Kind)
	it := ui.Item{Title: h.Name, Sub: k.Label, Href: shell.RecordURL(k, h.ID), Icon: k.Icon}
	if h.OrgName != "" && k.Field("status") != nil {
		it.Sub += " · " + h.OrgName
	}
	return it
}
