// Package portal holds the pages of customers: what they report, order, follow and decide
// on themselves, under the name and colours of the tenant.
//
// Always true: a page shows what feature/portal gives away and nothing else of a record;
// looking changes nothing; every form works without script, keeps what was typed when it
// is refused, and makes one ticket however often it is sent.
package portal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/ballot"
	desk "strongroom/internal/feature/portal"
	"strongroom/internal/feature/portal/brand"
	"strongroom/internal/feature/survey"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages parts
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Portal  *desk.Portal
	Surveys *survey.Surveys
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// upload is how much one form with files holds at the most.
const upload = desk.MostFiles*desk.MostFile/2 + 1<<20

// Mount gives the shell the pages, and the settings of the portal.
func (p *Pages) Mount(s *shell.Shell) {
	if s.Records.Kinds.Kind(desk.Problem) == nil {
		return
	}
	s.Get("/portal", p.as((*visit).home))
	s.Get("/portal/search", p.as((*visit).search))
	s.Get("/portal/suggest", p.as((*visit).suggest))
	s.Get("/portal/articles/{id}", p.as((*visit).article))
	s.Post("/portal/articles/{id}/helped", p.as((*visit).helped))
	s.Get("/portal/announcements/{id}", p.as((*visit).announcement))
	s.Get("/portal/report", p.as((*visit).report))
	s.Post("/portal/report", p.as((*visit).send), web.MaxBody(upload), web.Within(0))
	s.Get("/portal/catalogue", p.as((*visit).catalogue))
	s.Get("/portal/catalogue/{id}", p.as((*visit).offering))
	s.Post("/portal/catalogue/{id}", p.as((*visit).order), web.MaxBody(upload), web.Within(0))
	s.Get("/portal/devices", p.as((*visit).devices))
	s.Get("/portal/tickets", p.as((*visit).tickets))
	s.Get("/portal/tickets/{id}", p.as((*visit).ticket))
	s.Post("/portal/tickets/{id}/answer", p.as((*visit).answer), web.MaxBody(upload), web.Within(0))
	s.Post("/portal/tickets/{id}/solved", p.as((*visit).solved))
	s.Post("/portal/tickets/{id}/content", p.as((*visit).content))
	s.Get("/portal/approvals", p.as((*visit).approvals))
	s.Get("/portal/approvals/{id}", p.as((*visit).approval))
	s.Post("/portal/approvals/{id}", p.as((*visit).vote))
	s.Get("/portal/files/{id}", p.as((*visit).file), web.Within(0))
	s.Public("GET /sign-in/brand/{tenant}/logo", p.frontLogo)
	s.Public("GET /sign-in/brand/{tenant}/style.css", p.frontStyle)
	s.Get("/portal/style.css", p.as((*visit).style))
	s.Get("/portal/logo", p.as((*visit).logo))
	s.Get("/settings/portal", shell.Administering(p.as((*visit).settings)))
	s.Post("/settings/portal", shell.Administering(p.as((*visit).settle)), web.MaxBody(1<<20))
	s.Manage(shell.ToContents, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Portal", Sub: "Name, colour and welcome of the pages of customers", Href: "/settings/portal", Icon: "lifebuoy"}}
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

// frame is what the layout of the portal finds in the data of every page.
type frame struct {
	Style, Logo string // addresses; empty for none
	Back        *ui.NavItem
	Wide        bool // she speaks for her organization
}

// page fills the layout of the portal around a page.
func (v *visit) page(title string) (ui.Page, frame, error) {
	p := v.Plain(v.R, title, nil)
	p.Flash = web.TakeFlash(v.W, v.R)
	p.User = &ui.User{Name: v.Caller.Name, Href: "/me/security", SignOut: "/sign-out"}
	if p.Notice = v.Looking(); p.Notice != nil {
		p.User = nil
	}
	f := frame{Wide: v.Caller.Wide}
	err := v.View(func(tx *gate.Tx) error {
		b, err := brand.Of(tx)
		if err != nil {
			return err
		}
		p.Brand = ui.Brand{Name: b.Title(tx.Tenant.Title()), Href: "/portal"}
		if b.Colour != "" {
			f.Style = "/portal/style.css?" + sum([]byte(b.Style()))
		}
		if len(b.Logo) > 0 {
			f.Logo = "/portal/logo?" + sum(b.Logo)
		}
		waiting, err := ballot.Waiting(tx)
		p.Nav = v.nav(len(waiting))
		return err
	})
	return p, f, err
}

func (v *visit) nav(waiting int) []ui.NavItem {
	list := []ui.NavItem{{Label: "Home", Href: "/portal", Icon: "home"}, {Label: "Report a problem", Href: "/portal/report", Icon: "alert-circle"}, {Label: "Catalogue", Href: "/portal/catalogue", Icon: "package"},
		{Label: "My tickets", Href: "/portal/tickets", Icon: "ticket"},
		{Label: "My devices", Href: "/portal/devices", Icon: "device-laptop"}}
	if waiting > 0 {
		list = append(list, ui.NavItem{Label: "Approvals", Href: "/portal/approvals", Icon: "checks", Count: waiting})
	}
	for i := range list {
		at := list[i].Href
		list[i].Current = v.R.URL.Path == at || at != "/portal" && strings.HasPrefix(v.R.URL.Path, at+"/")
	}
	return list
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:6])
}

// token marks one form, so that sent twice it makes one ticket.
func token() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// style is the style sheet of the tenant's colour.
func (v *visit) style() error {
	var b brand.Brand
	if err := v.View(func(tx *gate.Tx) (err error) { b, err = brand.Of(tx); return err }); err != nil {
		return err
	}
	v.W.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, err := v.W.Write([]byte(b.Style()))
	return err
}

// logo is the picture of the tenant.
func (v *visit) logo() error {
	var b brand.Brand
	if err := v.View(func(tx *gate.Tx) (err error) { b, err = brand.Of(tx); return err }); err != nil {
		return err
	}
	if len(b.Logo) == 0 {
		return gate.Missing()
	}
	v.Stream("logo", b.Type, true, bytes.NewReader(b.Logo))
	return nil
}

// front gives what a tenant shows to strangers. NotFound for one that does not, and for none.
func (p *Pages) front(r *http.Request) (desk.Front, error) {
	f := p.Portal.Front(r.Context(), r.PathValue("tenant"))
	if !f.Brand.Outside {
		return f, gate.Missing()
	}
	return f, nil
}

func (p *Pages) frontLogo(w http.ResponseWriter, r *http.Request) error {
	f, err := p.front(r)
	if err == nil && len(f.Brand.Logo) == 0 {
		err = gate.Missing()
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", f.Brand.Type)
	_, err = w.Write(f.Brand.Logo)
	return err
}

func (p *Pages) frontStyle(w http.ResponseWriter, r *http.Request) error {
	f, err := p.front(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, err = w.Write([]byte(f.Brand.Style()))
	return err
}

// file streams a file that a customer may open.
func (v *visit) file() error {
	fid, err := v.ID("id")
	if err != nil {
		return err
	}
	var f *attachment.File
	if err := v.View(func(tx *gate.Tx) (err error) { f, err = v.Portal.File(tx, fid); return err }); err != nil {
		return err
	}
	f, content, err := v.Portal.Files.Fetch(v.R.Context(), v.Caller, f.ID)
	if err != nil {
		return err
	}
	defer content.Close()
	v.Stream(f.Name, f.Type, attachment.Viewable(f.Type), content)
	return nil
}

// read takes a form with files, which are kept for a ticket, or with 0 for a new one of a
// kind. What is wrong with a file does not lose the rest of the form.
func (v *visit) read(ticket id.ID, kind string) (form *web.Form, files []*attachment.Content, err error) {
	var bad error
	form, err = web.ParseUpload(v.R, func(f *web.File) error {
		if f.Name == "" || bad != nil {
			return nil // the field was left empty
		}
		c, err := v.Portal.Keep(v.R.Context(), v.Caller, ticket, kind, f.Name, f, len(files))
		if err != nil {
			bad = err
			return nil
		}
		files = append(files, c)
		return nil
	})
	if err == nil {
		err = bad
	}
	return form, files, err
}

// markOf is under what files of a form are held: its token, or the ticket that it is of.
func markOf(form *web.Form, ticket id.ID) string {
	if ticket != 0 {
		return "ticket/" + ticket.String()
	}
	return form.Text("token")
}

// taken is read with the files that were held when the form was refused before, as far as
// they are still wanted.
func (v *visit) taken(ticket id.ID, kind string) (form *web.Form, files []*attachment.Content, err error) {
	form, files, err = v.read(ticket, kind)
	if form == nil {
		return web.NewForm(nil), files, err
	}
	keep := form.All("keep")
	if len(keep) == 0 {
		return form, files, err
	}
	var held []*attachment.Content
	bad := v.View(func(tx *gate.Tx) error {
		list, err := attachment.Held(tx, markOf(form, ticket))
		for i, c := range list {
			if slices.Contains(keep, strconv.Itoa(i)) {
				held = append(held, c)
			}
		}
		return err
	})
	if bad != nil {
		return form, files, bad
	}
	if files = append(held, files...); len(files) > desk.MostFiles && err == nil {
		err = fault.Field("files", "These are more than %d files.", desk.MostFiles).WithHint("Take the tick from some of them, or send the others afterwards.")
	}
	return form, files[:min(len(files), desk.MostFiles)], err
}

// hold keeps the files of a form that was refused, so that they need not be chosen again.
func (v *visit) hold(form *web.Form, ticket id.ID, files []*attachment.Content) error {
	mark := markOf(form, ticket)
	if len(files) == 0 || len(mark) < 8 || len(mark) > 64 {
		return nil
	}
	return v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error { return attachment.Hold(tx, mark, files) })
}

// held is a file of a refused form.
type held struct {
	N    int
	Name string
}

func heldOf(files []*attachment.Content) (out []held) {
	for i, c := range files {
		out = append(out, held{i, c.Name})
	}
	return out
}

// formView is a page with a form.
type formView struct {
	frame
	Title, Text string
	Form        ui.Form
	Steps       []step // the fields in their order, with when they are shown
	Found       bool   // knowledge is offered while the subject is typed
	Held        []held // files that came when it was refused
}

// step is a field of a form, and on which answer it depends.
type step struct {
	Field      ui.Field
	On, Answer string
	Tick       bool // On is a checkbox
}

// refused puts what is wrong into a form. Browsers forget files, so they are held here.
func (d *formView) refused(err error, files []*attachment.Content) {
	if err == nil {
		return
	}
	say := fault.Say(err)
	hint := say.Hint
	if d.Held = heldOf(files); len(files) > 0 {
		hint = strings.TrimSpace(hint + " Your files are kept.")
	}
	var fields []ui.Field
	for _, s := range d.Steps {
		fields = append(fields, s.Field)
	}
	d.Form.Fields = append(fields, d.Form.Fields...)
	d.Form.Wrong(say.Text, hint, say.Fields)
	for i := range d.Steps {
		d.Steps[i].Field = d.Form.Fields[i]
	}
	d.Form.Fields = d.Form.Fields[len(d.Steps):]
}

// status is that of a page whose form was refused.
func status(refused error) int {
	if refused == nil {
		return http.StatusOK
	}
	return web.Status(refused)
}

// gives tells whether an error is for the form to say.
func gives(err error) bool {
	return shell.Refusable(err) || fault.Is(err, fault.Throttled)
}

// mine tells whether the caller has a contact, as words for her page when not.
func (v *visit) mine() error {
	return v.View(func(tx *gate.Tx) error {
		_, err := v.Portal.Me(tx)
		return err
	})
}

// colleagues is the field that asks for whom something is.
func (v *visit) colleagues(chosen string) (*ui.Field, error) {
	if !v.Caller.Wide {
		return nil, nil
	}
	f := &ui.Field{Name: "for", Label: "For", Type: "select", Required: true, Value: "me", Options: []ui.Option{{Value: "me", Label: "Myself", Selected: chosen == "" || chosen == "me"}}}
	err := v.View(func(tx *gate.Tx) error {
		list, err := v.Portal.Colleagues(tx)
		for _, c := range list {
			if c.ID != v.Caller.Contact {
				f.Options = append(f.Options, ui.Option{Value: c.ID.String(), Label: c.Name, Selected: chosen == c.ID.String()})
			}
		}
		return err
	})
	return f, err
}

// whom reads the field of colleagues.
func whom(form *web.Form) id.ID {
	return chosen(form, "for")
}

// chosen reads a field of records; 0 for none of them.
func chosen(form *web.Form, name string) id.ID {
	n, _ := id.Parse(form.Text(name))
	return n
}
