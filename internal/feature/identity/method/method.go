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
	Way       id.ID  // the tenant's way in that it came by; 0 for passwords kept here
	User      id.ID  // the user, where the method knows the tenant's users itself; else 0
	Subject   string // the name that never changes at the other side
	Session   string // the other side's name of its own session, for when it ends that; may be empty
	Leave     []byte // what a Farewell needs to end the other side's session; nil where it cannot
	Email     string
	Verified  bool // the other side vouches for the e-mail address
	FirstName string
	LastName  string
	Groups    []string // the other side's names of the groups somebody is in
	Level     int      // 1 one factor, 2 two factors
	OneTime   bool     // signed in with a password that somebody else knows

	// Once names the message that proved all this, where it could be sent again;
	// it is refused a second time until Until (Unix milliseconds).
	Once  string
	Until int64
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
	// Has tells whether the user has a password here.
	Has(tx *gate.Tx, user id.ID) (bool, error)
}

// Stored is a password as a Keeper keeps it.
type Stored struct {
	Hash    string
	OneTime bool  // must be changed at the next sign-in
	Expires int64 // Unix milliseconds after which it is worth nothing, 0 for never
}

// Trip is one journey to another site and back.
type Trip struct {
	Callback string // our address that the other side sends the browser to
	State    []byte // what Start gave, kept in the browser, sealed, for this trip only
}

// Directory is a way whose other side can list everybody who may come by it.
type Directory interface {
	// People calls each with everybody, in no order, and fails unless it was
	// everybody: who is missing counts as gone.
	People(ctx context.Context, each func(Listed) error) error
}

// Listed is somebody in a directory.
type Listed struct {
	Claim
	GroupNames []string // of Claim.Groups those that are names for people, each once
}

// Redirect is a way that sends the browser to another site, which sends it back
// with a query or has it post a form.
type Redirect interface {
	Start(ctx context.Context, callback string) (to Away, state []byte, err error)
	Return(ctx context.Context, t Trip, query url.Values) (Claim, error)
}

// Away is where a browser goes.
type Away struct {
	To   string
	Form url.Values // what it posts there; nil where the address is only opened
}

// Unasked is a Redirect whose other side may also send somebody who did not begin
// here, where the settings allow that; Invalid where they do not.
type Unasked interface {
	Unasked(ctx context.Context, callback string, query url.Values) (Claim, error)
}

// Published is a way that describes itself to its other side in a document, which
// anybody may read.
type Published interface {
	Document(ctx context.Context) (contentType string, body []byte, err error)
}

// Ended is a session that the other side says is over.
type Ended struct {
	Subject  string   // may be empty when Sessions is not
	Sessions []string // none for all of the subject's
	Once     string   // see Claim
	Until    int64
}

// BackChannel is a way whose other side tells, from server to server, that a
// session of its own is over.
type BackChannel interface {
	Ended(ctx context.Context, form url.Values) (Ended, error)
}

// Farewell is a Redirect whose other side can be told by the browser that somebody
// signs out here, and tells the same of itself.
type Farewell interface {
	// Leave gives where the browser goes to end the other side's session, of which
	// Claim.Leave was kept. Unavailable where the other side takes no such wish.
	Leave(ctx context.Context, session []byte) (Away, error)
	// Told takes what the other side sent along with the browser.
	Told(ctx context.Context, m Message) (Told, error)
	// Answer gives where the browser goes back to with the answer to a wish, once
	// done tells whether it was met.
	Answer(ctx context.Context, t Told, done bool) (Away, error)
}

// Message is what a browser brings: with a query, or with a form that it posts.
type Message struct {
	Query string // as it came: signatures are over its very bytes
	Form  url.Values
}

// Told is a message of a Farewell: the wish that sessions end, or the answer to
// one of ours.
type Told struct {
	Ended   *Ended // nil for an answer
	Request string // of a wish, to be answered
	Relay   string // of a wish, to be sent back with the answer
	Partly  bool   // of an answer: the other side could not end everything
}
