// Package office holds the pages on which a tenant is run: users and groups, API
// keys, settings, and each person's own account.
//
// Always true: all but the own account is for those who manage the tenant; who
// may not is told so, and that they asked is recorded. A password or key that is
// given out is shown once.
package office

import (
	"embed"
	"io/fs"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/profile"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages parts
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Sessions  *identity.Sessions
	Directory *identity.Directory
	Letters   *identity.Letters // nil where no mail helps with passwords
	APIKeys   *apikey.Keys
	Profile   *profile.Profile
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Nav(shell.Entry{Label: "Settings", Href: "/settings", Icon: "settings", Go: "s", Place: 140,
		For: func(c *access.Caller) bool { return c.May(access.Configure) }})
	s.Manage(shell.ToPeople, func(_ *shell.Visit, totals map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Users", Sub: web.Number(totals["user"]) + " who may sign in", Href: "/users", Icon: "user"},
			{Title: "Groups", Sub: web.Number(totals["group"]) + ": who sees which organizations", Href: "/groups", Icon: "users"}}
	})
	s.Manage(shell.ToSecrets, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Limits of reveals", Sub: "Who opens unusually many secrets is stopped", Href: "/settings/reveals", Icon: "shield-check"}}
	})
	s.Manage(shell.ToPrograms, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "API keys", Sub: "For programs that use the IT Glue API", Href: "/keys", Icon: "api"}}
	})
	s.Get("/settings", p.as((*visit).settings))
	s.Get("/settings/tenant", shell.Administering(p.as((*visit).tenant)))
	s.Post("/settings/tenant", shell.Administering(p.as((*visit).saveTenant)))
	s.Get("/settings/sessions", shell.Administering(p.as((*visit).limits)))
	s.Post("/settings/sessions", shell.Administering(p.as((*visit).saveLimits)))
	s.Get("/settings/reveals", shell.Administering(p.as((*visit).reveals)))
	s.Get("/settings/reveals/limits", shell.Administering(p.as((*visit).revealLimits)))
	s.Post("/settings/reveals/limits", shell.Administering(p.as((*visit).saveRevealLimits)))
	s.Post("/settings/reveals/resume", shell.Administering(p.as((*visit).resume)))
	p.mountPeople(s)
	s.Get("/keys", shell.Administering(p.as((*visit).keys)))
	s.Get("/keys/new", shell.Administering(p.as((*visit).newKey)))
	s.Post("/keys", shell.Administering(p.as((*visit).createKey)))
	s.Get("/keys/{id}/rotate", shell.Administering(p.as((*visit).askToRotate)))
	s.Post("/keys/{id}/rotate", shell.Administering(p.as((*visit).rotateKey)))
	s.Post("/keys/{id}/end-before", shell.Administering(p.as((*visit).endBefore)))
	s.Post("/keys/{id}/revoke", shell.Administering(p.as((*visit).revokeKey)))
	s.Get("/account", p.as((*visit).account))
	s.Get("/account/password", p.as((*visit).ownPassword))
	s.Post("/account/password", p.as((*visit).changePassword))
	s.Post("/account/sessions/{id}/end", p.as((*visit).endSession))
	s.Post("/account/sessions/end", p.as((*visit).endOtherSessions))
}

// mountPeople mounts the pages of users and groups: lists and forms are derived,
// but a user is invited.
func (p *Pages) mountPeople(s *shell.Shell) {
	user := s.Own(identity.User)
	user.Page = func(v *shell.Visit, r *record.Record) error { return (&visit{v, p}).userPage(r) }
	user.New, user.Create = p.as((*visit).invitation), p.as((*visit).invite)
	s.Own(identity.Group).Page = func(v *shell.Visit, r *record.Record) error { return (&visit{v, p}).groupPage(r) }
	for path, h := range map[string]func(*visit) error{
		"/users/{id}/reset": (*visit).resetUser, "/users/{id}/invite": (*visit).inviteAgain, "/users/{id}/groups": (*visit).setUserGroups, "/users/{id}/sessions/end": (*visit).endUserSessions,
		"/groups/{id}/members": (*visit).setGroupMembers, "/groups/{id}/organizations": (*visit).setGroupOrganizations,
	} {
		s.Post(path, shell.Administering(p.as(h)))
	}
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
