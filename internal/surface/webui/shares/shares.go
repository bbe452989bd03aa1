// Package shares holds the pages on which people give a password to somebody outside,
// and the one page that somebody outside opens.
//
// Always true: everything secret is done by the script of these pages; the page for
// outsiders says who shares and until when and nothing else of the tenant, sends no
// address of its own anywhere, is kept by no cache and no search engine, and looking at
// it uses no view; what does not exist and what is over is the same page.
package shares

import (
	"embed"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/share"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages parts
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Shares *share.Shares
	// TenantOf names the tenant that a request's host name stands for; "" for none.
	TenantOf func(*http.Request) string

	shell *shell.Shell
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	p.shell = s
	s.Nav(shell.Entry{Label: "Shares", Href: "/shares", Icon: "share", Place: 75, For: func(c *access.Caller) bool { return c.May(access.Reveal) }})
	s.Manage(shell.ToSecrets, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Shares", Sub: "Who gives passwords to people outside, and for how long", Href: "/settings/shares", Icon: "share"}}
	})
	s.Get("/shares", p.as((*visit).list))
	s.Post("/shares/{id}/withdraw", p.as((*visit).withdraw))
	s.Get("/passwords/{id}/share", p.as((*visit).page))
	s.Post("/passwords/{id}/share", p.as((*visit).create), web.MaxBody(128<<10))
	s.Get("/settings/shares", shell.Administering(p.as((*visit).settings)))
	s.Post("/settings/shares", shell.Administering(p.as((*visit).settle)))
	s.Public("GET /s/{share}", p.shared)
	s.Public("POST /s/{share}/open", p.open, web.MaxBody(4<<10))
	s.Marks(p.button)
	p.card(s.Own("password"))
	s.Rail(shell.RailPart{Draw: p.beside})
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

// mayShare tells why a password is not shared; "" when it may be. There is nothing to
// share where none is kept.
func mayShare(tx *gate.Tx, r *record.Record) (string, error) {
	why, err := share.May(tx, r)
	if err != nil || why != "" {
		return why, err
	}
	now, err := secret.Current(tx, r.ID)
	if err == nil && !now["password"].Has {
		why = "No password is kept here."
	}
	return why, err
}

// button stands above a password that may be shared.
func (p *Pages) button(v *shell.Visit, tx *gate.Tx, r *record.Record, h *ui.Head) error {
	if r.Kind.Name != "password" {
		return nil
	}
	why, err := share.May(tx, r) // whether there is one to share, its page says
	if err == nil && why == "" {
		h.Actions = append([]ui.Action{{Label: "Share", Icon: "share", Href: shell.RecordURL(r.Kind, r.ID) + "/share", Quiet: true}}, h.Actions...)
	}
	return err
}

// card offers it on the cards of passwords too.
func (p *Pages) card(own *shell.Own) {
	draw := own.Card
	own.Card = func(v *shell.Visit, tx *gate.Tx, r *record.Record, id string, c *shell.Card) error {
		if draw != nil {
			if err := draw(v, tx, r, id, c); err != nil {
				return err
			}
		}
		var h ui.Head
		err := p.button(v, tx, r, &h)
		c.Actions = append(c.Actions, h.Actions...)
		return err
	}
}

// beside stands in the rail of a password that is shared now.
func (p *Pages) beside(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if r.Kind.Name != "password" {
		return nil, nil
	}
	lines, err := share.Of(tx, r.ID)
	if err != nil {
		return nil, err
	}
	s := &ui.Section{Title: "Shared outside", More: &ui.NavItem{Label: "All", Href: shell.RecordURL(r.Kind, r.ID) + "/share"}}
	for _, l := range lines {
		if l.State == share.Open {
			s.Items = append(s.Items, ui.Item{Title: l.UserName, Sub: views(l) + ", until " + clock(l.Ends), Badge: l.UserName, Person: true})
		}
	}
	if len(s.Items) == 0 {
		return nil, nil
	}
	return s, nil
}

func clock(ms int64) string { return shell.When(ms).UTC().Format("2 Jan 15:04") + " UTC" }

func views(l share.Line) string {
	return "Opened " + strconv.Itoa(l.Used) + " of " + strconv.Itoa(l.Views) + " times"
}

// line is a share in a list; named by its password, or by who made it.
type line struct {
	Title, Href, Sub string
	Pill             ui.Pill
	Time             time.Time
	End              *ui.Action
}

func (v *visit) lines(list []share.Line, byMaker bool, dialogs *[]ui.Confirm) []line {
	var out []line
	for _, l := range list {
		x := line{Title: l.Name, Href: "/passwords/" + l.Record.String(), Sub: views(l) + " · until " + clock(l.Ends), Pill: pill(l), Time: shell.When(l.At)}
		if l.User != v.Caller.User {
			x.Sub = l.UserName + " · " + x.Sub
		}
		if byMaker {
			x.Title, x.Href, x.Sub = l.UserName, "", views(l)+" · until "+clock(l.Ends)+" · version "+strconv.FormatInt(l.Version, 10)
		}
		if l.Passphrase {
			x.Sub += " · with a passphrase"
		}
		if share.MayEnd(v.Caller, l) {
			d := ui.Confirm{ID: "end-" + l.ID.String(), Title: "Take this share back?", Text: "The link leads to nothing from then on. Who opened it already knows the password: change it if they must not.",
				Action: "/shares/" + l.ID.String() + "/withdraw", Submit: "Take it back"}
			*dialogs = append(*dialogs, d)
			x.End = &ui.Action{Label: "Take back", Href: d.Action, Post: true, Quiet: true, Dialog: d.ID}
		}
		out = append(out, x)
	}
	return out
}

func pill(l share.Line) ui.Pill {
	switch l.State {
	case share.Open:
		return ui.Pill{Text: "Open", Tone: "ok"}
	case share.Used:
		return ui.Pill{Text: "Opened"}
	case share.Withdrawn:
		return ui.Pill{Text: "Taken back"}
	case share.Locked:
		return ui.Pill{Text: "Wrong passphrases", Tone: "bad"}
	}
	return ui.Pill{Text: "Over"}
}

type listView struct {
	Head         ui.Head
	Mine, Others []line
	Empty        ui.Empty
	Dialogs      []ui.Confirm
}

func (v *visit) list() error {
	d := listView{Head: ui.Head{Title: "Shares", Icon: "share", Sub: []ui.Cell{{Text: "Passwords that you gave to people outside, by links that end"}}},
		Empty: ui.Empty{Icon: "share", Title: "You share nothing", Text: "Share stands on the page of each password that may be given outside."}}
	err := v.View(func(tx *gate.Tx) error {
		mine, err := share.Mine(tx)
		if err != nil {
			return err
		}
		others, err := share.Others(tx)
		d.Mine, d.Others = v.lines(mine, false, &d.Dialogs), v.lines(others, false, &d.Dialogs)
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page("Shares", ui.Crumb{Label: "Shares"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("shares", p)
}

func (v *visit) withdraw() error {
	n, err := v.ID("id")
	if err != nil {
		return err
	}
	if _, err := v.Shares.End(v.R.Context(), v.Caller, n); err != nil {
		return err
	}
	return v.Done("/shares", "The link leads to nothing any more.")
}

// pageView is the page on which a password is shared.
type pageView struct {
	Head                ui.Head
	Why                 string // not
	ID, Tenant          string
	Now                 int64 // Unix milliseconds
	Name, Username, URL string
	Reason, Passphrase  bool // required
	Hours, Views        []ui.Option
	Lines               []line
	Dialogs             []ui.Confirm
	Back                string
}

func (v *visit) page() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	d := pageView{ID: rid.String(), Tenant: v.Caller.Tenant}
	var r *record.Record
	err = v.View(func(tx *gate.Tx) (err error) {
		if r, err = v.Records.Get(tx, "password", rid); err != nil {
			return err
		}
		if d.Why, err = mayShare(tx, r); err != nil {
			return err
		}
		set, err := share.Setting(tx)
		if err != nil {
			return err
		}
		d.Now, d.Passphrase, d.Hours, d.Views = tx.Now, set.Passphrase, spans(set.Hours), counts(set.Views)
		lines, err := share.Of(tx, rid)
		d.Lines = v.lines(lines, true, &d.Dialogs)
		return err
	})
	if err != nil {
		return err
	}
	d.Head = ui.Head{Title: "Share " + r.Name, Icon: "share", Sub: []ui.Cell{{Text: "With somebody outside, by a link that ends"}}}
	d.Name, d.Username, d.URL, d.Reason, d.Back = r.Name, r.Values.Text("username"), r.Values.Text("url"), r.Values.Bool("reason_required"), shell.RecordURL(r.Kind, r.ID)
	p, err := v.Page("Share "+r.Name, append(v.CrumbsOf(r), ui.Crumb{Label: "Share"})...)
	if err != nil {
		return err
	}
	p.Data = d
	discreet(v.W)
	return v.Render("share", p)
}

// spans are the times that can be chosen.
func spans(most int) []ui.Option {
	var out []ui.Option
	for _, x := range []struct {
		hours int
		label string
	}{{1, "1 hour"}, {4, "4 hours"}, {24, "1 day"}, {72, "3 days"}, {168, "7 days"}, {336, "14 days"}, {720, "30 days"}} {
		if x.hours <= most || len(out) == 0 {
			out = append(out, ui.Option{Value: strconv.Itoa(x.hours), Label: x.label, Selected: x.hours == 24})
		}
	}
	return out
}

func counts(most int) []ui.Option {
	var out []ui.Option
	for n := 1; n <= most; n++ {
		label := strconv.Itoa(n) + " times"
		if n == 1 {
			label = "Once"
		}
		out = append(out, ui.Option{Value: strconv.Itoa(n), Label: label})
	}
	return out
}

func (v *visit) create() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	var n share.New
	if err := sent(v.R, &n); err != nil {
		return err
	}
	made, err := v.Shares.Create(v.R.Context(), v.Caller, rid, n)
	if err != nil {
		return err
	}
	return web.JSON(v.W, http.StatusOK, map[string]string{"id": made.String()})
}

// sent reads the JSON that a request brings.
func sent(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fault.Wrap(err, fault.Invalid, "The request is not what this page sends.").WithHint("Load the page again.")
	}
	return nil
}

// text is bytes for an attribute that a script reads.
func text(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
