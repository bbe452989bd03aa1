package apptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
)

// Tenant is one of the tenants of a house.
type Tenant struct {
	Name   string
	Open   id.ID // the organization that everybody may see
	Closed id.ID // one that only administrators may see
	People map[access.Role]*Person
	// Customer uses the portal: a contact of Open, who takes part in no ticket.
	Customer   *Person
	Narrow     []*Person // managers with custom roles: one who reveals nothing, one who sees documents alone
	Things     []*Thing  // samples; see Where
	Admin      *access.Caller
	design     id.ID // a type of assets, once there is one
	definition id.ID // a kind of objects, likewise

	h *House
}

// Person is a user of a tenant. Except for administrators, she sees the
// organization Open only.
type Person struct {
	Tenant   string
	Role     access.Role
	Custom   access.Rights // of a custom role; nil without one
	ID       id.ID
	Email    string
	Password string
	Key      string // an API key that may do what she may
	NoSecret string // one that may not see secret values
	ReadOnly string // one that may change nothing
	key      id.ID  // of Key

	h       *House
	browser *http.Client
}

const password = "correct-horse-41-battery"

// tenant makes a tenant with its people and, unless the house is bare, samples;
// skip so many ids before.
func (h *House) tenant(name string, skip int) *Tenant {
	h.t.Helper()
	ctx := h.t.Context()
	created, err := h.App.CreateTenant(ctx, name, "The "+name+" company", identity.Person{Email: "administrator@" + name + ".example", Password: password})
	if err != nil {
		h.t.Fatal(err)
	}
	t := &Tenant{Name: name, People: map[access.Role]*Person{}, h: h, Admin: access.System(name, "console")}
	t.Admin.User, t.Admin.Name = created.User, "Administrator"
	t.change(func(tx *gate.Tx) error {
		for range skip {
			if _, err := tx.NewID(); err != nil {
				return err
			}
		}
		return nil
	})
	t.Open = t.make("organization", record.Values{"name": "Open organization of " + name})
	t.Closed = t.make("organization", record.Values{"name": t.word(Closed, "organization", 0)})
	group := t.make("group", record.Values{"name": "Technicians"})
	var members []id.ID
	for _, role := range access.Roles() {
		p := &Person{Tenant: name, Role: role, ID: created.User, Email: created.Email, Password: password, h: h}
		if role != access.Administrator {
			p.Email = strings.ToLower(string(role)) + "@" + name + ".example"
			issued, err := h.App.Directory.CreateUser(ctx, t.Admin, identity.Person{Email: p.Email, Name: string(role) + " Person", Role: role, Password: password})
			if err != nil {
				h.t.Fatal(err)
			}
			p.ID = issued.User
			members = append(members, p.ID)
		}
		p.Key = t.key(p, true, false)
		p.key = t.Things[len(t.Things)-1].ID
		p.NoSecret, p.ReadOnly = t.key(p, false, false), t.key(p, true, true)
		t.People[role] = p
	}
	for i, rights := range narrow(h.App.Records.Kinds) {
		p := t.narrowed(fmt.Sprintf("narrow%d", i), rights)
		members, t.Narrow = append(members, p.ID), append(t.Narrow, p)
	}
	t.change(func(tx *gate.Tx) error {
		if err := identity.SetMembers(tx, group, members); err != nil {
			return err
		}
		return identity.SetOrganizations(tx, group, false, []id.ID{t.Open})
	})
	t.Customer = t.customer()
	if !h.o.Bare {
		t.fill()
	}
	return t
}

// customer makes somebody who uses the portal.
func (t *Tenant) customer() *Person {
	t.h.t.Helper()
	p := &Person{Tenant: t.Name, Role: access.SelfService, Email: "customer@" + t.Name + ".example", Password: password, h: t.h}
	t.make("contact", record.Values{"organization_id": t.Open, "first_name": "Customer", "contact_emails": []map[string]any{{"value": p.Email, "primary": true}}})
	issued, err := t.h.App.Directory.CreateUser(t.h.t.Context(), t.Admin, identity.Person{Email: p.Email, Name: "Customer Person", Role: p.Role, Password: password})
	if err != nil {
		t.h.t.Fatal(err)
	}
	p.ID = issued.User
	return p
}

// Join makes one person more, with a key that may do what she may.
func (t *Tenant) Join(name string, role access.Role) *Person {
	t.h.t.Helper()
	p := &Person{Tenant: t.Name, Role: role, Email: name + "@" + t.Name + ".example", Password: password, h: t.h}
	issued, err := t.h.App.Directory.CreateUser(t.h.t.Context(), t.Admin, identity.Person{Email: p.Email, Name: name, Role: role, Password: password})
	if err != nil {
		t.h.t.Fatal(err)
	}
	p.ID = issued.User
	p.Key = t.key(p, true, false)
	return p
}

// narrow gives the rights of the custom roles that a tenant has.
func narrow(g *record.Registry) []access.Rights {
	blind := access.Rights{access.Whole: access.WholeActions()}
	for _, k := range identity.Listed(g) {
		for _, a := range access.KindActions() {
			if a != access.Reveal {
				blind[k.Name] = append(blind[k.Name], a)
			}
		}
	}
	return []access.Rights{blind, {"document": access.KindActions()}}
}

// narrowed makes a manager with a custom role.
func (t *Tenant) narrowed(name string, rights access.Rights) *Person {
	t.h.t.Helper()
	p := &Person{Tenant: t.Name, Role: access.Manager, Custom: rights, Email: name + "@" + t.Name + ".example", Password: password, h: t.h}
	issued, err := t.h.App.Directory.CreateUser(t.h.t.Context(), t.Admin, identity.Person{Email: p.Email, Name: name, Role: p.Role, Password: password})
	if err != nil {
		t.h.t.Fatal(err)
	}
	p.ID = issued.User
	role := t.make(identity.Role, record.Values{"name": name})
	t.change(func(tx *gate.Tx) error {
		if err := identity.SetRights(tx, t.h.App.Records, role, 0, rights); err != nil {
			return err
		}
		_, err := t.h.App.Records.Update(tx, identity.User, p.ID, 0, record.Values{"custom_role_id": role})
		return err
	})
	p.Key = t.key(p, true, false)
	return p
}

func (t *Tenant) key(p *Person, passwords, readOnly bool) string {
	t.h.t.Helper()
	known, key, err := t.h.App.APIKeys.Create(t.h.t.Context(), t.Admin, apikey.New{Name: "Key", Owner: p.ID, Passwords: passwords, ReadOnly: readOnly, Limit: &apikey.Limit{}})
	if err != nil {
		t.h.t.Fatal(err)
	}
	t.Things = append(t.Things, &Thing{Kind: "key", ID: known.ID, Where: Shared})
	return key
}

// change runs fn in a transaction that may do anything.
func (t *Tenant) change(fn func(*gate.Tx) error) {
	t.h.t.Helper()
	if err := t.try(fn); err != nil {
		t.h.t.Fatal(err)
	}
}

func (t *Tenant) try(fn func(*gate.Tx) error) error {
	return t.h.App.Gate.Change(t.h.t.Context(), t.Admin, access.Administer, gate.Thing{}, fn)
}

// View runs fn in a transaction that sees everything.
func (t *Tenant) View(fn func(*gate.Tx) error) {
	t.h.t.Helper()
	if err := t.h.App.Gate.View(t.h.t.Context(), t.Admin, fn); err != nil {
		t.h.t.Fatal(err)
	}
}

// make makes a record as the tenant's administrator.
func (t *Tenant) make(kind string, v record.Values) (made id.ID) {
	t.h.t.Helper()
	t.change(func(tx *gate.Tx) error {
		r, err := t.h.App.Records.Create(tx, kind, v)
		if err == nil {
			made = r.ID
		}
		return err
	})
	return made
}

// Answer is what a request was answered with.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON decodes the answer's body.
func (a *Answer) JSON() (v map[string]any, err error) {
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.UseNumber()
	return v, d.Decode(&v)
}

// Do sends one request. body is nil, a string, url.Values for a form, or
// anything that is sent as JSON.
func (h *House) Do(c *http.Client, method, path string, body any, header http.Header) (*Answer, error) {
	var in io.Reader
	typ := ""
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	case url.Values:
		in, typ = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		in, typ = bytes.NewReader(raw), "application/vnd.api+json"
	}
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.URL+path, in)
	if err != nil {
		return nil, err
	}
	if typ != "" {
		r.Header.Set("Content-Type", typ)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	resp, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	return &Answer{resp.StatusCode, resp.Header, all}, err
}

// API sends a request of a program with a key; an empty key sends none.
func (h *House) API(key, method, path string, body any) *Answer {
	h.t.Helper()
	header := http.Header{}
	if key != "" {
		header.Set("X-Api-Key", key)
	}
	a, err := h.Do(h.Programs(), method, "/api/v1"+path, body, header)
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

// Programs is the client of programs: it keeps no cookies.
func (h *House) Programs() *http.Client {
	if h.api == nil {
		h.api = client(nil)
	}
	return h.api
}

// Browser gives the browser of a person, who is signed in.
func (p *Person) Browser() *http.Client {
	p.h.t.Helper()
	if p.browser == nil {
		b, err := p.h.SignIn(p.Tenant, p.Email, p.Password)
		if err != nil {
			p.h.t.Fatal(err)
		}
		p.browser = b
	}
	return p.browser
}

// SignIn signs in through the page.
func (h *House) SignIn(tenant, email, password string) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := client(jar)
	a, err := h.Do(c, http.MethodPost, "/sign-in", url.Values{"tenant": {tenant}, "email": {email}, "password": {password}}, nil)
	if err == nil && a.Status != http.StatusSeeOther {
		err = fmt.Errorf("signing in as %s answered %d", email, a.Status)
	}
	return c, err
}

// Page asks for a page as this person.
func (p *Person) Page(method, path string, body any) *Answer {
	p.h.t.Helper()
	a, err := p.h.Do(p.Browser(), method, path, body, nil)
	if err != nil {
		p.h.t.Fatal(err)
	}
	return a
}
