package identity

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity/method"
)

// Directory manages users and groups beyond what their records hold. Records
// themselves are changed through the record engine, whose rules keep
// everything here in step.
type Directory struct {
	Gate      *gate.Gate
	Records   *record.Engine
	Passwords method.Keeper
}

// Person is a user to be made.
type Person struct {
	Email    string
	Name     string // given names and family name; may be empty
	Role     access.Role
	Password string // empty: a one-time password is generated
	OneTime  bool   // the given password must be changed at the first sign-in
}

func (p Person) values() record.Values {
	first, last := split(p.Name)
	return record.Values{"email": p.Email, "first_name": first, "last_name": last, "role_name": string(p.Role)}
}

// Issued is a user and the password that was given out for her. Show it once.
type Issued struct {
	User     id.ID
	Email    string
	Password string
	OneTime  bool
	Expires  int64 // Unix milliseconds, 0 for never
}

// OneTimeLife is how long a generated one-time password may be used.
const OneTimeLife = 14 * 24 * time.Hour

// CreateAdministrator makes an administrator of a tenant that may not have one
// yet: for tenant create, the demo and the page of the first run. Fault kinds:
// Invalid with the fields email or password.
func (d *Directory) CreateAdministrator(ctx context.Context, tenant string, p Person) (*Issued, error) {
	p.Role = access.Administrator
	return d.CreateUser(ctx, access.System(tenant, "console"), p)
}

// CreateUser makes a user who can sign in with a local password.
func (d *Directory) CreateUser(ctx context.Context, c *access.Caller, p Person) (*Issued, error) {
	out, stored, err := d.issue(ctx, c, p)
	if err != nil {
		return nil, err
	}
	err = d.Gate.Change(ctx, c, access.Create, gate.Thing{Kind: User}, func(tx *gate.Tx) error {
		r, err := d.Records.Create(tx, User, p.values())
		if err != nil {
			return err
		}
		out.User, out.Email = r.ID, r.Values.Text("email")
		if stored.OneTime {
			if _, err := tx.Exec(`update k_user set invitation_sent_at = ? where id = ?`, tx.Now, int64(r.ID)); err != nil {
				return err
			}
		}
		return d.store(tx, r.ID, out, stored)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Reset gives a user a new one-time password and ends all her sessions. Fault
// kinds: NotFound, Denied; Conflict for one who is archived.
func (d *Directory) Reset(ctx context.Context, c *access.Caller, user id.ID) (*Issued, error) {
	out, stored, err := d.issue(ctx, c, Person{})
	if err != nil {
		return nil, err
	}
	out.User = user
	err = d.Gate.Change(ctx, c, access.Edit, gate.Thing{Kind: User, ID: user}, func(tx *gate.Tx) error {
		r, err := d.Records.Get(tx, User, user)
		if err != nil {
			return err
		}
		if r.Archived {
			return fault.New(fault.Conflict, "This user is archived.").WithHint("Bring the user back first.")
		}
		out.Email = r.Values.Text("email")
		tx.Entry().Action = "password.reset"
		if err := endSessions(tx, user, false); err != nil {
			return err
		}
		return d.store(tx, user, out, stored)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// issue prepares a password; hashing it is slow and happens outside of any
// transaction.
func (d *Directory) issue(ctx context.Context, c *access.Caller, p Person) (*Issued, method.Stored, error) {
	out, company := &Issued{Email: p.Email, Password: p.Password, OneTime: p.OneTime}, ""
	if p.Password == "" {
		out.Password, out.OneTime = generate(), true
	} else if err := d.Gate.View(ctx, c, func(tx *gate.Tx) error { company = tx.Tenant.Title(); return nil }); err != nil {
		return nil, method.Stored{}, err
	}
	hash, err := d.Passwords.Hash(ctx, out.Password, p.Email, p.Name, c.Tenant, company)
	return out, method.Stored{Hash: hash, OneTime: out.OneTime}, err
}

func (d *Directory) store(tx *gate.Tx, user id.ID, out *Issued, s method.Stored) error {
	if s.OneTime {
		s.Expires = tx.Now + OneTimeLife.Milliseconds()
		out.Expires = s.Expires
	}
	if err := endLetters(tx, user); err != nil {
		return err
	}
	if err := d.Passwords.Store(tx, user, s); err != nil {
		return err
	}
	return access.SetOneTime(tx.SQL(), user, s.OneTime)
}

// ByEmail finds a user for a command that names her by her e-mail address.
func (d *Directory) ByEmail(ctx context.Context, c *access.Caller, email string) (user id.ID, err error) {
	err = d.Gate.View(ctx, c, func(tx *gate.Tx) error {
		user, err = ByEmail(tx, email)
		return err
	})
	return user, err
}

// SetMembers replaces the members of a group.
func (d *Directory) SetMembers(ctx context.Context, c *access.Caller, group id.ID, members []id.ID) error {
	return d.Gate.Change(ctx, c, access.Edit, gate.Thing{Kind: Group, ID: group}, func(tx *gate.Tx) error {
		return SetMembers(tx, group, members)
	})
}

// SetOrganizations replaces the organizations that a group's members may see.
func (d *Directory) SetOrganizations(ctx context.Context, c *access.Caller, group id.ID, all bool, orgs []id.ID) error {
	return d.Gate.Change(ctx, c, access.Edit, gate.Thing{Kind: Group, ID: group}, func(tx *gate.Tx) error {
		return SetOrganizations(tx, group, all, orgs)
	})
}

// Members lists the users of a group.
func (d *Directory) Members(ctx context.Context, c *access.Caller, group id.ID) (out []id.ID, err error) {
	err = d.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.View, gate.Thing{Kind: Group, ID: group}); err != nil {
			return err
		}
		out, err = access.Members(tx.SQL(), group)
		return err
	})
	return out, err
}

// Organizations lists those of a group's organizations that the caller may see,
// and whether it is all of them.
func (d *Directory) Organizations(ctx context.Context, c *access.Caller, group id.ID) (all bool, out []id.ID, err error) {
	err = d.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.View, gate.Thing{Kind: Group, ID: group}); err != nil {
			return err
		}
		var orgs []id.ID
		if all, orgs, err = access.GroupOrgs(tx.SQL(), group); err != nil {
			return err
		}
		names, err := d.Records.Names(tx, orgs...)
		for _, o := range orgs {
			if _, ok := names[o]; ok {
				out = append(out, o)
			}
		}
		return err
	})
	return all, out, err
}

// GroupsOf lists the groups of a user.
func (d *Directory) GroupsOf(ctx context.Context, c *access.Caller, user id.ID) (out []id.ID, err error) {
	err = d.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.View, gate.Thing{Kind: User, ID: user}); err != nil {
			return err
		}
		out, err = access.GroupsOf(tx.SQL(), user)
		return err
	})
	return out, err
}

// split takes the last word of a name as the family name.
func split(name string) (first, last string) {
	words := strings.Fields(name)
	if len(words) < 2 {
		return strings.Join(words, " "), ""
	}
	return strings.Join(words[:len(words)-1], " "), words[len(words)-1]
}

// generate gives a password of 100 random bits that can be read aloud.
func generate() string {
	raw := make([]byte, 13)
	rand.Read(raw)
	s := strings.ToLower(base32.StdEncoding.EncodeToString(raw))[:20]
	return s[:5] + "-" + s[5:10] + "-" + s[10:15] + "-" + s[15:]
}
