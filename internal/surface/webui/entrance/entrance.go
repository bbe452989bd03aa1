// Package entrance holds the pages before somebody is signed in: sign-in and the
// first run, which makes the first tenant.
//
// Always true: a refusal does not tell whether an account exists; after signing
// in one is led to a page of ours only; the first run is over once there was a
// tenant, and needs the code that the server printed.
package entrance

import (
	"context"
	"embed"
	"io/fs"
	"net/http"
	"sync/atomic"

	"strongroom/internal/base/web"
	"strongroom/internal/core/tenant"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/way"
	"strongroom/internal/feature/support"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need.
type Pages struct {
	House    *tenant.House
	Sessions *identity.Sessions
	Support  *support.Door      // nil where the operator's people cannot be let in
	Letters  *identity.Letters  // nil where nobody sets a password by mail
	Ways     *way.Ways          // nil where passwords kept here are the only way in
	FirstRun *identity.FirstRun // nil once a tenant exists
	// TenantOf names the tenant that a request's host name stands for; "" for none.
	TenantOf func(*http.Request) string
	// Begin makes the first tenant and its administrator.
	Begin func(ctx context.Context, name, title string, admin identity.Person) error

	shell *shell.Shell
	begun atomic.Bool // the first run is over
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and the way to them for who is not signed in.
func (p *Pages) Mount(s *shell.Shell) {
	p.shell = s
	s.Door = p
	s.Public("GET /sign-in", p.signInPage)
	s.Public("POST /as/end", p.lookBack)
	s.Public("POST /sign-in", p.signIn)
	s.Public("GET /sign-in/second", p.secondPage)
	s.Public("POST /sign-in/second", p.second)
	p.mountPasskeys(s)
	p.mountLetters(s)
	if p.Support != nil {
		s.Public("GET /support", p.supportPage)
		s.Public("POST /support", p.support)
	}
	s.Public("POST /sign-out", p.signOut)
	if p.Ways != nil {
		p.mountWays(s)
	}
	s.Public("GET /first-run", p.firstRunPage)
	s.Public("POST /first-run", p.firstRun)
	s.Public("POST /theme", web.SetTheme)
}
