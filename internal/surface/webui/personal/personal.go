// Package personal holds the pages around personal passwords beside their own: which API
// keys may see them, and how administrators hand over those of somebody who left.
//
// Always true: administrators are told how many personal passwords somebody who left has,
// and nothing else of them; who has to agree to a handover is not who asked for it.
package personal

import (
	"embed"
	"io/fs"
	"net/http"
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/personal"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Keys *apikey.Keys }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

const (
	list = "/personal_passwords"
	keys = "/me/keys"
	over = "/settings/handovers"
)

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	if s.Records.Kinds.Kind(personal.Kind) == nil {
		return
	}
	s.Nav(shell.Entry{Label: "Personal passwords", Href: list, Icon: "lock-password", Place: 62, For: func(c *access.Caller) bool { return c.Sees(personal.Kind) }})
	s.Manage(shell.ToPeople, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Handovers", Sub: "Personal passwords of people who left", Href: over, Icon: "user-x"}}
	})
	s.Get(keys, p.as((*visit).keys))
	s.Post(keys, p.as((*visit).letSee))
	s.Get(over, shell.Administering(p.as(func(v *visit) error { return v.handovers(nil, nil) })))
	s.Post(over, shell.Administering(p.as((*visit).ask)))
	s.Post(over+"/decide", shell.Administering(p.as((*visit).decide)))
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

// keysView is the page of the caller's API keys.
type keysView struct {
	Head ui.Head
	Keys []keyLine
}

type keyLine struct {
	Name, Sub string
	Pill      ui.Pill
	Change    *ui.Action
}

func (v *visit) keys() error {
	d := keysView{Head: ui.Head{Title: "API keys and personal passwords", Icon: "lock-password", Sub: []ui.Cell{{Text: "Which keys of yours see what is yours alone"}}}}
	err := v.View(func(tx *gate.Tx) error {
		mine, err := apikey.Mine(tx)
		for _, k := range mine {
			l := keyLine{Name: k.Name, Sub: k.Hint + "… · made " + shell.When(k.Created).Format("2 Jan 2006"), Pill: ui.Pill{Text: "Does not see them"}}
			if k.Alone() {
				l.Pill = ui.Pill{Text: "Sees them", Tone: "info"}
			}
			switch {
			case k.CreatedBy == v.Caller.User:
				l.Sub += " by yourself"
			case len(k.Orgs) > 0 || len(k.Folders) > 0:
				l.Sub += " · limited to organizations or folders"
			default:
				on, label := "1", "Let it see them"
				if k.Personal {
					on, label = "0", "Do not let it"
				}
				l.Change = &ui.Action{Label: label, Href: keys, Post: true, Quiet: true, Fields: []ui.Hidden{{Name: "id", Value: k.ID.String()}, {Name: "on", Value: on}}}
			}
			d.Keys = append(d.Keys, l)
		}
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: "Personal passwords", Href: list}, ui.Crumb{Label: "API keys"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("personal-keys", p)
}

func (v *visit) letSee() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	key, ok := id.Parse(form.Text("id"))
	if !ok {
		return gate.Missing()
	}
	if err := v.Keys.LetSee(v.R.Context(), v.Caller, key, form.Bool("on")); err != nil {
		return err
	}
	if form.Bool("on") {
		return v.Done(keys, "The key sees your personal passwords from now on.")
	}
	return v.Done(keys, "The key does not see your personal passwords any more.")
}

// handoversView is the page of people who left.
type handoversView struct {
	Head    ui.Head
	Open    []openLine
	Leavers []ui.Item
	Form    *ui.Form
}

type openLine struct {
	Title, Sub, Reason string
	Agree, Refuse      *ui.Action
}

func (v *visit) handovers(sent *web.Form, refused error) error {
	d := handoversView{Head: ui.Head{Title: "Handovers", Icon: "user-x",
		Sub: []ui.Cell{{Text: "Personal passwords of people who may not sign in any more. Two administrators hand them over; what they are is told to neither."}}}}
	err := v.View(func(tx *gate.Tx) error {
		left, err := personal.Leavers(tx)
		if err != nil {
			return err
		}
		user := ui.Field{Name: "user", Label: "Of", Type: "select", Required: true}
		for _, l := range left {
			if l.Asked != nil {
				d.Open = append(d.Open, v.openLine(l))
				continue
			}
			d.Leavers = append(d.Leavers, ui.Item{Title: l.Name, Sub: count(l.Count), Icon: "user-x"})
			user.Options = append(user.Options, ui.Option{Value: l.User.String(), Label: l.Name + ", " + count(l.Count), Selected: sent != nil && sent.Text("user") == l.User.String()})
		}
		if len(user.Options) == 0 {
			return nil
		}
		to := ui.Field{Name: "to", Label: "To", Type: "select", Required: true}
		to.Options, err = people(tx, sent)
		d.Form = &ui.Form{Action: over, Submit: "Ask for a handover", Note: "Another administrator has to agree within seven days.", Fields: []ui.Field{
			{Type: "heading", Label: "Ask for a handover"}, user, to, {Name: "reason", Label: "Reason", Type: "text", Required: true, Most: 500, Wide: true, Value: text(sent, "reason")}}}
		return err
	})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if refused != nil {
		said := fault.Say(refused)
		status = web.Status(refused)
		if d.Form == nil {
			d.Form = &ui.Form{Action: over, Submit: "Ask for a handover"}
		}
		d.Form.Wrong(said.Text, said.Hint, said.Fields)
	}
	p, err := v.Page("Handovers", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Handovers"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(status, "handovers", p)
}

func text(f *web.Form, name string) string {
	if f == nil {
		return ""
	}
	return f.Text(name)
}

func count(n int64) string {
	if n == 1 {
		return "one password"
	}
	return strconv.FormatInt(n, 10) + " passwords"
}

// people are those who may be given passwords.
func people(tx *gate.Tx, sent *web.Form) (out []ui.Option, err error) {
	rows, err := tx.Query(`select u.id, u.name from access_principal p join record u on u.id = p.user_id where p.active = 1 and u.trashed_at is null order by u.name_fold, u.id limit 1000`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out = append(out, ui.Option{Label: "Choose a person"})
	for rows.Next() {
		var n int64
		var o ui.Option
		if err := rows.Scan(&n, &o.Label); err != nil {
			return nil, err
		}
		o.Value = id.ID(n).String()
		o.Selected = text(sent, "to") == o.Value
		out = append(out, o)
	}
	return out, rows.Err()
}

func (v *visit) openLine(l *personal.Leaver) openLine {
	h := l.Asked
	out := openLine{Title: "From " + l.Name + " to " + h.ToName, Reason: h.Reason,
		Sub: count(l.Count) + " · asked by " + h.Name + ", " + shell.When(h.At).Format("2 Jan 2006, 15:04") + " UTC"}
	decide := func(label, yes string) *ui.Action {
		return &ui.Action{Label: label, Href: over + "/decide", Post: true, Quiet: true, Fields: []ui.Hidden{{Name: "handover", Value: h.ID.String()}, {Name: "agree", Value: yes}}}
	}
	if h.By == v.Caller.User {
		out.Refuse = decide("Take it back", "0")
		return out
	}
	out.Agree, out.Refuse = decide("Agree", "1"), decide("Refuse", "0")
	return out
}

func (v *visit) ask() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	user, _ := id.Parse(form.Text("user"))
	to, _ := id.Parse(form.Text("to"))
	err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		_, err := personal.Ask(tx, user, to, form.Text("reason"))
		return err
	})
	if shell.Refusable(err) {
		return v.handovers(form, err)
	}
	if err != nil {
		return err
	}
	return v.Done(over, "It is asked for. Another administrator has to agree.")
}

func (v *visit) decide() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	h, ok := id.Parse(form.Text("handover"))
	if !ok {
		return gate.Missing()
	}
	agrees, n := form.Bool("agree"), 0
	err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) (err error) {
		n, err = personal.Decide(tx, h, agrees)
		return err
	})
	switch {
	case fault.Is(err, fault.Conflict):
		return v.handovers(nil, err)
	case err != nil:
		return err
	case !agrees:
		return v.Done(over, "Nothing was handed over.")
	}
	return v.Done(over, "%s changed hands.", count(int64(n)))
}
