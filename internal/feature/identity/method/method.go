// Package method says what a way of signing in can do, in small interfaces;
// each way is a folder below and has those it can.
//
// Always true: a method tells who somebody is and never what he may do; it
// opens no session; a password that passes through it is used once, in memory.
// Each method passes methodtest.Run.
package method

import (
	"context"
	"net/url"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Try is one attempt to sign in with a password.
type Try struct {
	Tenant   string // the tenant's short name, as the person gave it
	Email    string
	Password string
	Known    bool // from a device that this person signed in with before; it does not queue behind strangers
}

// Claim is who somebody is, as a method found out.
type Claim struct {
	Method    string // name of the method
	User      id.ID  // the user, where the method knows the tenant's users itself; else 0
	Subject   string // the name that never changes at the other side
	Email     string
	Verified  bool // the other side vouches for the e-mail address
	FirstName string
	LastName  string
	Level     int  // 1 one factor, 2 two factors
	OneTime   bool // signed in with a password that somebody else knows
}

// Password is a method that checks an e-mail address and a password.
// Unauthorized says that they do not belong together, without saying which of
// them is wrong and in the same time; Throttled and Unavailable say that they
// were not checked.
type Password interface {
	Check(ctx context.Context, t Try) (Claim, error)
}

// Keeper is a method that keeps passwords here.
type Keeper interface {
	Password
	// Hash checks a new password by the policy (Invalid, field password) and
	// gives what may be stored of it. It takes long: call it outside of any
	// transaction. not lists what the password must not be, such as the
	// person's name.
	Hash(ctx context.Context, password string, not ...string) (string, error)
	// Store keeps what Hash gave as the user's password.
	Store(tx *gate.Tx, user id.ID, s Stored) error
}

// Stored is a password as a Keeper keeps it.
type Stored struct {
	Hash    string
	OneTime bool  // must be changed at the next sign-in
	Expires int64 // Unix milliseconds after which it is worth nothing, 0 for never
}

// Trip is one journey to another site and back.
type Trip struct {
	Tenant   string
	Callback string // our address that the other side sends the browser to
	State    []byte // what Start gave, kept in the browser, signed, for this trip only
}

// Redirect is a method that sends the browser to another site, which sends it
// back with a query.
type Redirect interface {
	Start(ctx context.Context, tenant, callback string) (to string, state []byte, err error)
	Return(ctx context.Context, t Trip, query url.Values) (Claim, error)
}

// Post is a method whose other side posts a form.
type Post interface {
	Receive(ctx context.Context, t Trip, form url.Values) (Claim, error)
}

// Logout is a method that can end the session at the other side too.
type Logout interface {
	Logout(ctx context.Context, c Claim, back string) (to string, err error)
}
