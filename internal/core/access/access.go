// Package access answers one question: may this caller do this to that?
//
// Always true: the answer is no unless a rule here says yes; a caller who may
// not see a thing is told that it does not exist; and the same rules decide for
// every surface. Who may see which organization is materialised in the tenant's
// database (table access_org) by this package alone, so that a list is filtered
// by one condition in SQL.
package access

import (
	"net/netip"
	"slices"

	"strongroom/internal/core/id"
)

// Role is one of the roles a user can have: six of those who work here, and SelfService.
type Role string

// The roles, from most to least.
const (
	Administrator Role = "Administrator"
	Manager       Role = "Manager"
	Editor        Role = "Editor"
	Creator       Role = "Creator"
	Lite          Role = "Lite"
	ReadOnly      Role = "Read-only"
)

// Roles lists the roles of those who work here, in order; see EveryRole.
func Roles() []Role { return []Role{Administrator, Manager, Editor, Creator, Lite, ReadOnly} }

// Valid tells whether r is a role.
func (r Role) Valid() bool { return slices.Contains(EveryRole(), r) }

// Action is what a caller wants to do.
type Action string

// The actions. View is implied by every other one.
const (
	View       Action = "view"
	Create     Action = "create"
	Edit       Action = "edit"
	Archive    Action = "archive"    // archive and bring back
	Delete     Action = "delete"     // to the trash and back
	Reveal     Action = "reveal"     // see a secret value
	Comment    Action = "comment"    // say something about a record
	Restrict   Action = "restrict"   // say which users and groups may see a record
	Import     Action = "import"     // bring in many records at once
	Export     Action = "export"     // take out many records at once
	Configure  Action = "configure"  // change tenant-wide lists: types, statuses, categories, manufacturers
	Administer Action = "administer" // users, groups, keys, settings
	Inspect    Action = "inspect"    // read the audit log of the whole tenant
	Approve    Action = "approve"    // decide what seeing a password takes, and about who asks to see one
	SignIn     Action = "sign-in"    // sessions: recorded, decided by the sign-in itself
)

// may says which actions each role has. Administrators have all of them.
var may = map[Role][]Action{
	Manager:  {View, Create, Edit, Archive, Delete, Reveal, Comment, Restrict, Import, Export, Configure, Inspect, Approve},
	Editor:   {View, Create, Edit, Archive, Delete, Reveal, Comment, Restrict},
	Creator:  {View, Create, Edit, Reveal, Comment},
	Lite:     {View, Create, Edit, Comment},
	ReadOnly: {View, Reveal},

	SelfService: {View, Create, Comment}, // of what, decideCustomer says
}

// May tells whether the role allows the action somewhere.
func (r Role) May(a Action) bool {
	return r == Administrator || slices.Contains(may[r], a)
}

// liteKinds are what a Lite user may create and change; everything else is for
// reading, and secrets are never shown to a Lite user.
var liteKinds = []string{"document", "document_folder", "contact", "location"}

// Scope narrows a caller, as an API key does. The zero Scope narrows nothing.
type Scope struct {
	ReadOnly    bool    // nothing may be changed
	NoPasswords bool    // no secret value may be read or written
	NoPersonal  bool    // nothing that belongs to one person alone may be seen
	Looks       bool    // looks and does nothing: not even what is her own is written, and nothing is exported
	Orgs        []id.ID // when not empty, only these organizations
	Provisions  bool    // keeps users and groups, and sees and does nothing else
	Narrow      Narrow
}

// Narrow leaves of some kinds only the records whose ids a query gives. The zero
// Narrow narrows nothing.
type Narrow struct {
	Kinds []string
	IDs   string // the query, with its Args; "" narrows nothing
	Args  []any
}

// Caller is who asks, resolved once per request. Nothing is decided without one.
type Caller struct {
	Tenant    string // the tenant's short name
	User      id.ID  // 0 only for the system itself
	Name      string
	Email     string
	Role      Role
	Custom    *Custom // a role of the tenant's own that narrows Role; nil for none
	Contact   id.ID   // whom a customer is, see SelfService; 0 for everybody else
	Wide      bool    // a customer who speaks for her organization: sees its tickets, and asks for colleagues
	Unit      bool    // a customer who sees the tickets of her department, and of those that she manages
	Groups    []id.ID
	AllOrgs   bool // may see every organization
	Granted   bool // some records are open to the caller by name or by group
	Epoch     int64
	Scope     Scope
	Key       id.ID  // the API key that she asks by, or that her job was started by; 0 for none
	Via       string // "session", "api key", "console", "job", or "desk" for many tickets by hand
	Session   string // public id of the session or key
	AuthLevel int    // 1 one factor, 2 two factors
	Confirmed int64  // when her session last gave a second factor or, at level 1, the password or what stands for it; Unix milliseconds, 0 is never
	OneTime   bool   // signed in with a one-time password that must be changed first
	Addr      netip.Addr
	Request   string // request id
	// Unexplained: she uses an account for emergencies and has not said why; nothing is done
	// for her until she has.
	Unexplained bool
	Behind      *Behind // who looks, where somebody is looked at the tenant as
	Keeper      bool    // a rule of the house that sees what belongs to single people, to remove it
	Reason      string  // what the caller gave as reason for this request, if any
}

// Behind is the person who looks at the tenant as somebody else would: what is done is
// recorded as hers.
type Behind struct {
	User id.ID
	Name string
}

// System is the caller for work that no person asked for in this moment, such
// as a schedule or a console command run by whoever holds the data folder.
func System(tenant, via string) *Caller {
	return &Caller{Tenant: tenant, Name: "Strongroom", Role: Administrator, AllOrgs: true, Via: via, AuthLevel: 2}
}

// Everything tells whether the caller sees all records of the tenant, those
// that are restricted to others included; what belongs to one person alone, nobody
// else sees.
func (c *Caller) Everything() bool {
	return c.Role == Administrator && c.Custom == nil && len(c.Scope.Orgs) == 0 && c.Scope.Narrow.IDs == "" && !c.Scope.Provisions
}

// Verdict is the answer.
type Verdict int

// The answers. Hidden must be told as "not found".
const (
	Allowed Verdict = iota
	Denied
	Hidden
)

// Target is what the caller wants to act on, as far as deciding needs it.
type Target struct {
	Kind     string // name of the kind; "" for the tenant as a whole
	Tenant   bool   // the kind belongs to the tenant, not to an organization
	Shared   bool   // Tenant is of this record, not of its kind: custom roles speak of the kind
	Admin    bool   // the kind may be changed by administrators only (users, groups)
	Visible  bool   // the caller may see this record or, for create, its organization
	ByRecord bool   // visible through a grant on the record itself
}

// Decide answers whether c may do a to t, with a sentence for a no.
func Decide(c *Caller, a Action, t Target) (Verdict, string) {
	if !t.Visible {
		return Hidden, ""
	}
	if c.Scope.Provisions && !provisions(a, t) {
		return Denied, "This API key may only keep users and groups."
	}
	if said := c.looking(a); said != "" {
		return Denied, said
	}
	if c.Scope.ReadOnly && a != View && a != Reveal && a != Export && a != Inspect && a != SignIn {
		return Denied, "This API key may only read."
	}
	if a == SignIn {
		return Allowed, ""
	}
	if c.Role == SelfService {
		return decideCustomer(c, a, t)
	}
	if Personal(t.Kind) {
		return decideOwn(c, a, t)
	}
	need := a
	if t.Kind != "" && t.Tenant && (a == Create || a == Edit || a == Archive || a == Delete || a == Restrict) {
		need = Configure
		if t.Admin {
			need = Administer
		}
	}
	if !c.Role.May(need) {
		return Denied, sentence(string(c.Role), a)
	}
	if c.Custom != nil && !c.Custom.allows(a, need, t) {
		return Denied, sentence(c.Custom.Name, a)
	}
	if c.Role == Lite && (a == Create || a == Edit) && !slices.Contains(liteKinds, t.Kind) {
		return Denied, "Your role, Lite, may change documents, contacts and locations only."
	}
	if a == Reveal {
		return reveal(c)
	}
	return Allowed, ""
}

// provisioned are the kinds that a key for provisioning keeps.
var provisioned = []string{"user", "group"}

// provisions tells whether a key for provisioning may do something: make, change and
// archive users and groups, and never delete any.
func provisions(a Action, t Target) bool {
	if t.Kind == "" {
		return a == View
	}
	return slices.Contains(provisioned, t.Kind) && slices.Contains([]Action{View, Create, Edit, Archive}, a)
}

// looking says what keeps somebody who only looks from an action; "" for nothing.
func (c *Caller) looking(a Action) string {
	switch {
	case !c.Scope.Looks || a == View || a == Inspect || a == Reveal && !c.Scope.NoPasswords:
		return ""
	case c.Behind != nil:
		return "You are looking as somebody else: nothing is changed, exported or shown of secrets."
	}
	return "This access is for looking: nothing is changed or exported, and secrets are shown only where that was approved."
}

func reveal(c *Caller) (Verdict, string) {
	switch {
	case c.Scope.NoPasswords:
		return Denied, "This API key may not read passwords."
	case c.OneTime:
		return Denied, "Change your one-time password first; then passwords can be shown."
	}
	return Allowed, ""
}

func sentence(role string, a Action) string {
	what := map[Action]string{
		Create: "create this", Edit: "change this", Archive: "archive this", Delete: "delete this",
		Reveal: "see passwords", Comment: "comment", Restrict: "change who may see this", Import: "import", Export: "export",
		Configure: "change the tenant's lists", Administer: "manage users, groups, keys and settings",
		Inspect: "read the audit log", Approve: "decide about passwords",
	}[a]
	if what == "" {
		what = string(a)
	}
	return "Your role, " + role + ", may not " + what + "."
}
