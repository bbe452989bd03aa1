package app

import (
	"context"
	"os"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/tenant"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/ipaccess"
	"strongroom/internal/feature/mfa"
)

// The arguments and results of the console commands.
type (
	// NewTenant asks for a tenant.
	NewTenant struct{ Name, Title, Email, Person, Password string }
	// TenantRef names a tenant.
	TenantRef struct{ Name string }
	// NewUser asks for a user.
	NewUser struct{ Tenant, Email, Person, Role string }
	// UserRef names a user.
	UserRef struct {
		Tenant, Email string
		Factors       bool // remove the second factors too
	}
	// GivenUser is a user and her one-time password.
	GivenUser struct {
		Tenant   string `json:"tenant"`
		Email    string `json:"email"`
		Password string `json:"password"`
		Expires  string `json:"expires,omitempty"`
	}
	// TenantInfo is one line of tenant list.
	TenantInfo struct {
		Name    string `json:"tenant"`
		Title   string `json:"title"`
		State   string `json:"state"`
		Created string `json:"created"`
	}
	// ImportFile asks for an import from a file of this machine.
	ImportFile struct {
		Tenant, Path, Password string
		DryRun                 bool
	}
	// ExportFile asks for an export into a file of this machine.
	ExportFile struct{ Tenant, Path, Password string }
	// AuditFile asks for a tenant's audit log in a file of this machine.
	AuditFile struct {
		Tenant, Path string
		Details      bool
	}
)

// commands lists the console commands.
func commands() map[string]command {
	return map[string]command{
		"tenant.create":    with(createTenant),
		"tenant.list":      with(listTenants),
		"tenant.erase":     with(eraseTenant),
		"user.create":      with(createUser),
		"user.reset":       with(resetUser),
		"import.itglue":    with(importFile),
		"import.csv":       with(importTable),
		"import.hudu":      with(importHudu),
		"import.vault":     with(importVault),
		"tenant.export":    with(exportFile),
		"audit.export":     with(exportAudit),
		"tenant.keys":      with(tenantKeys),
		"tenant.rotate":    with(rotateKeys),
		"tenant.retire":    with(retireKeys),
		"tenant.addresses": with(clearAddresses),
		"user.leave":       with(leaveUser),
		"support.ask":      with(askSupport),
		"support.list":     with(listSupport),
		"support.end":      with(endSupport),
	}
}

func createTenant(ctx context.Context, a *App, n NewTenant, _ func(any)) (any, error) {
	if n.Email == "" {
		n.Email = "admin@" + n.Name + ".example"
	}
	return a.CreateTenant(ctx, n.Name, n.Title, identity.Person{Email: n.Email, Name: n.Person, Password: n.Password})
}

func listTenants(ctx context.Context, a *App, _ struct{}, _ func(any)) (any, error) {
	list, err := a.House.List(ctx)
	out := []TenantInfo{}
	for _, i := range list {
		out = append(out, tenantInfo(i))
	}
	return out, err
}

func tenantInfo(i tenant.Info) TenantInfo {
	return TenantInfo{Name: i.Name, Title: i.Title, State: i.State, Created: time.UnixMilli(i.Created).UTC().Format(time.RFC3339)}
}

func eraseTenant(ctx context.Context, a *App, t TenantRef, _ func(any)) (any, error) {
	return struct{}{}, a.House.Erase(ctx, t.Name)
}

func createUser(ctx context.Context, a *App, n NewUser, _ func(any)) (any, error) {
	role := access.Role(n.Role)
	if !role.Valid() {
		return nil, fault.Field("role", "The role %q is not known.", n.Role).WithHint("Use Administrator, Manager, Editor, Creator, Lite or Read-only.")
	}
	if _, err := a.House.Info(ctx, n.Tenant); err != nil {
		return nil, err
	}
	issued, err := a.Directory.CreateUser(ctx, access.System(n.Tenant, "console"), identity.Person{Email: n.Email, Name: n.Person, Role: role})
	if err == nil {
		err = a.tellConsole(ctx, n.Tenant, "At the server's console somebody made the user "+n.Email+", with the role "+n.Role+".")
	}
	if err != nil {
		return nil, err
	}
	return given(n.Tenant, issued), nil
}

// clearAddresses removes the rules from where people are let in.
func clearAddresses(ctx context.Context, a *App, t TenantRef, _ func(any)) (any, error) {
	return struct{}{}, a.Gate.Change(ctx, access.System(t.Name, "console"), access.Administer, gate.Thing{}, ipaccess.Clear)
}

func resetUser(ctx context.Context, a *App, u UserRef, _ func(any)) (any, error) {
	c := access.System(u.Tenant, "console")
	user, err := a.Directory.ByEmail(ctx, c, u.Email)
	if err != nil {
		return nil, err
	}
	issued, err := a.Directory.Reset(ctx, c, user)
	if err == nil && u.Factors {
		err = a.Gate.Change(ctx, c, access.Administer, gate.Thing{Kind: identity.User, ID: user}, func(tx *gate.Tx) error {
			return mfa.Clear(tx, user, identity.EndSessions)
		})
	}
	if err == nil {
		err = a.tellConsole(ctx, u.Tenant, "At the server's console somebody gave "+u.Email+" a new one-time password.")
	}
	if err != nil {
		return nil, err
	}
	return given(u.Tenant, issued), nil
}

func given(tenant string, i *identity.Issued) GivenUser {
	g := GivenUser{Tenant: tenant, Email: i.Email, Password: i.Password}
	if i.Expires != 0 {
		g.Expires = time.UnixMilli(i.Expires).UTC().Format(time.RFC3339)
	}
	return g
}

// readable opens a file that a person named.
func readable(path string) (*os.File, int64, error) {
	f, err := os.Open(path) // #nosec G304 -- the person who holds the data folder names it
	if err != nil {
		return nil, 0, fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", path).WithHint("Check the name and the rights.")
	}
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, 0, fault.New(fault.Invalid, "%s is no plain file.", path)
	}
	return f, st.Size(), nil
}
