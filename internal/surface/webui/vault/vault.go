// Package vault holds the page of a person's host-proof vaults, and what its
// script and the command line fetch and send.
//
// Always true: what passes here is sealed or public; the page itself is the same
// for everybody, and nothing in it or in a request comes of what is in a vault.
package vault

import (
	"crypto/fips140"
	"embed"
	"encoding/json"
	"io/fs"
	"strconv"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Vaults *vault.Vaults }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// maxBody is the most that one write of a vault sends.
const maxBody = 32 << 20

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Nav(shell.Entry{Label: "Vault", Href: "/vault", Icon: "shield-lock", Place: 60,
		For: func(c *access.Caller) bool { return c.May(access.Reveal) }})
	s.Get("/vault", p.as((*visit).page))
	s.Get("/vault/state", p.as((*visit).state))
	s.Post("/vault/keyset", p.as((*visit).saveKeyset))
	s.Post("/vault/vaults", p.as((*visit).reserve))
	s.Get("/vault/vaults/{id}", p.as((*visit).read), web.Within(2*time.Minute))
	s.Get("/vault/copies", p.as((*visit).copies))
	s.Get("/vault/file", p.as((*visit).file), web.Within(5*time.Minute))
	s.Get("/vault/people", p.as((*visit).people))
	s.Get("/vault/people/{id}", p.as((*visit).listing))
	p.mountRecovery(s)
	s.Post("/vault/vaults/{id}/grants", p.as((*visit).grant))
	s.Post("/vault/vaults/{id}/renew", p.as((*visit).renew), web.MaxBody(maxBody), web.Within(2*time.Minute))
	s.Post("/vault/vaults/{id}/delete", p.as((*visit).end))
	s.Get("/vault/vaults/{id}/files/{file}", p.as((*visit).fetch), web.Within(0))
	s.Post("/vault/vaults/{id}/files/{file}", p.as((*visit).send), web.MaxBody(vault.MostFile+1), web.Within(0))
	s.Post("/vault/vaults/{id}", p.as((*visit).write), web.MaxBody(maxBody), web.Within(2*time.Minute))
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

func (v *visit) page() error {
	p, err := v.Page("Vault", ui.Crumb{Label: "Vault"})
	if err != nil {
		return err
	}
	p.Data = struct {
		Head     ui.Head
		Who      string
		Approved bool // new passphrases by what FIPS 140-3 approves
	}{ui.Head{Title: "Vault", Icon: "shield-lock", Sub: []ui.Cell{{Text: "Encrypted and decrypted in your browser only"}}}, v.Caller.Name, fips140.Enforced()}
	return v.Render("vault", p)
}

func (v *visit) state() error {
	s, err := v.Vaults.State(v.R.Context(), v.Caller)
	if err != nil {
		return err
	}
	return web.JSON(v.W, 200, s)
}

// sent reads the JSON that a request brings.
func (v *visit) sent(into any) error {
	d := json.NewDecoder(v.R.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fault.Wrap(err, fault.Invalid, "The request is not what the vault expects.")
	}
	return nil
}

func (v *visit) saveKeyset() error {
	var in struct {
		Statement []byte `json:"statement"`
		Lock      []byte `json:"lock"`
	}
	if err := v.sent(&in); err != nil {
		return err
	}
	if err := v.Vaults.SaveKeyset(v.R.Context(), v.Caller, in.Statement, in.Lock); err != nil {
		return err
	}
	return web.JSON(v.W, 200, struct{}{})
}

func (v *visit) reserve() error {
	if err := v.sent(&struct{}{}); err != nil {
		return err
	}
	n, err := v.Vaults.Reserve(v.R.Context(), v.Caller)
	if err != nil {
		return err
	}
	return web.JSON(v.W, 200, struct {
		ID id.ID `json:"id"`
	}{n})
}

func (v *visit) read() error {
	n, err := v.ID("id")
	if err != nil {
		return err
	}
	c, err := v.Vaults.Read(v.R.Context(), v.Caller, n)
	if err != nil {
		return err
	}
	return web.JSON(v.W, 200, c)
}

func (v *visit) write() error {
	n, err := v.ID("id")
	if err != nil {
		return err
	}
	var w vault.Write
	if err := v.sent(&w); err != nil {
		return err
	}
	if err := v.Vaults.Write(v.R.Context(), v.Caller, n, w); err != nil {
		return err
	}
	return web.JSON(v.W, 200, struct{}{})
}

func (v *visit) people() error {
	list, err := v.Vaults.People(v.R.Context(), v.Caller)
	if err != nil {
		return err
	}
	return web.JSON(v.W, 200, list)
}

// listing proves that somebody's keys stand in the audit log.
func (v *visit) listing() error {
	n, err := v.ID("id")
	if err != nil {
		return err
	}
	since, _ := strconv.ParseInt(v.R.URL.Query().Get("since"), 10, 64) // what is no number is 0
	p, err := v.Vaults.Listing(v.R.Context(), v.Caller, n, max(since, 0))
	if err != nil {
		return err
	}
	return web.JSON(v.W, 200, p)
}

// of reads the number of a vault and the JSON that a request brings.
func (v *visit) of(into any) (id.ID, error) {
	n, err := v.ID("id")
	if err != nil {
		return 0, err
	}
	return n, v.sent(into)
}

func (v *visit) grant() error {
	var in struct {
		Grant []byte `json:"grant"`
	}
	n, err := v.of(&in)
	if err != nil {
		return err
	}
	if err := v.Vaults.Grant(v.R.Context(), v.Caller, n, in.Grant); err != nil {
		return err
	}
	return web.JSON(v.W, 200, struct{}{})
}

func (v *visit) renew() error {
	var in vault.Renewal
	n, err := v.of(&in)
	if err != nil {
		return err
	}
	if err := v.Vaults.Renew(v.R.Context(), v.Caller, n, in); err != nil {
		return err
	}
	return web.JSON(v.W, 200, struct{}{})
}

// end deletes a vault, with the list that its owner signed last.
func (v *visit) end() error {
	var in struct {
		Manifest []byte `json:"manifest"`
	}
	n, err := v.of(&in)
	if err != nil {
		return err
	}
	if err := v.Vaults.End(v.R.Context(), v.Caller, n, in.Manifest); err != nil {
		return err
	}
	return web.JSON(v.W, 200, struct{}{})
}

// file sends everything that the person has, sealed, to be kept for when there is no
// server.
func (v *visit) file() error {
	f, err := v.Vaults.File(v.R.Context(), v.Caller)
	if err != nil {
		return err
	}
	v.W.Header().Set("Content-Disposition", `attachment; filename="strongroom-vaults-`+v.Now().UTC().Format(time.DateOnly)+`.json"`)
	return web.JSON(v.W, 200, f)
}
