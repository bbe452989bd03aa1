package identity

import (
	"context"
	"fmt"
	"net/mail"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/feature/identity/method"
)

// A letter is a mail with a code by which somebody sets a password of her own: because
// she forgot hers, or because she is invited. A code names its tenant, is kept as a keyed
// hash, sets one password, and is worth nothing once its time is over, the password was
// set in another way, the user's address is another one, or she may not sign in.
//
// Who asks for a letter is told the same whether or not there is a user: the same is
// written for both, and a job finds out later.

// LetterJob is the kind of the jobs that write letters which were asked for.
const LetterJob = "password.letter"

// The pages that letters and their askers are led to.
const (
	ForgottenPage = "/sign-in/forgotten"
	LetterPage    = "/sign-in/new-password"
)

// How long a code is good, and how many letters one user is sent within an hour because
// somebody asks for them.
const (
	ForgottenLife  = time.Hour
	InvitationLife = 7 * 24 * time.Hour
	lettersAnHour  = 3
)

const (
	forgotten  = "forgotten"
	invitation = "invitation"
)

// Post sends mail.
type Post interface {
	Sends() bool                // whether there is a relay
	Address(path string) string // of a page, for people outside; "" when it is not known
	Put(tx *gate.Tx, user id.ID, to mail.Address, subject, text, page string) error
}

// Letters lets people set their passwords by mail. Fill the fields; it then is safe for
// concurrent use. Nil is none.
type Letters struct {
	Directory *Directory
	Sessions  *Sessions
	Jobs      *job.Runner
	Post      Post
}

// Work tells whether letters are sent at all.
func (l *Letters) Work() bool { return l != nil && l.Post.Sends() && l.Sessions.Passwords != nil }

func noMail() error {
	return fault.New(fault.Conflict, "This server sends no mail, so it cannot help with a forgotten password.").WithHint("An administrator can give you a one-time password.")
}

// Ask has a letter sent to who signs in with an e-mail address, if there is somebody.
// Nothing tells whether there is. Fault kinds: Conflict when no mail is sent or
// the tenant does not want it, Throttled by
// what was asked, whoever has the address.
func (l *Letters) Ask(ctx context.Context, a Attempt) error {
	if !l.Work() {
		return noMail()
	}
	s := l.Sessions
	err := s.Gate.Change(ctx, stranger(a), access.View, gate.Thing{}, func(tx *gate.Tx) error {
		off, err := ResetsOf(tx)
		if err != nil {
			return err
		}
		if err := off.refuse(); err != nil {
			return err
		}
		ch := &charge{}
		who, err := who(tx, a.Email)
		if err != nil {
			return err
		}
		nets := networks(a.Addr)
		if err := ch.need(tx, s.rules().Pair, false, "letter", who, nets[0]); err != nil {
			return err
		}
		if err := ch.need(tx, s.rules().Network, false, "letters", nets[0]); err != nil {
			return err
		}
		if err := ch.add(tx); err != nil {
			return err
		}
		user, err := ByEmail(tx, a.Email)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		lid, err := newLetter(tx, user, who, forgotten, ForgottenLife)
		if err != nil {
			return err
		}
		_, err = l.Jobs.Enqueue(tx, job.Job{Kind: LetterJob, Payload: lid})
		return err
	})
	if a.Tenant == "" || fault.Is(err, fault.NotFound) { // no such tenant: said as if there were
		return nil
	}
	return err
}

func newLetter(tx *gate.Tx, user id.ID, who, sort string, life time.Duration) (id.ID, error) {
	if _, err := tx.Exec(`delete from identity_letter where expires_at <= ?`, tx.Now); err != nil {
		return 0, err
	}
	lid, err := tx.NewID()
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(`insert into identity_letter (id, user_id, who, sort, made_at, expires_at) values (?, ?, ?, ?, ?, ?)`,
		int64(lid), int64(user), who, sort, tx.Now, tx.Now+life.Milliseconds())
	return lid, err
}

// Handler writes the letters that were asked for.
func (l *Letters) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		var lid id.ID
		if err := run.Payload(&lid); err != nil {
			return err
		}
		return l.Sessions.Gate.Change(ctx, access.System(run.Tenant, "job"), access.View, gate.Thing{}, func(tx *gate.Tx) error {
			return l.answer(tx, lid)
		})
	}
}

// addressee is who a letter is for.
type addressee struct {
	user      id.ID
	name, who string
	email     string
	company   string
	sort      string
	expires   int64
}

// reads gives who an open letter is for, while she has the address that it was sent to and
// may sign in; nil when it is for nobody.
func reads(tx *gate.Tx, cond string, args ...any) (*addressee, error) {
	var x addressee
	var user int64
	err := tx.QueryRow(`select l.user_id, l.who, l.sort, l.expires_at, r.name, coalesce(u.email, '') from identity_letter l join record r on r.id = l.user_id join k_user u on u.id = l.user_id
		join access_principal p on p.user_id = l.user_id where r.trashed_at is null and r.archived = 0 and p.active = 1 and l.expires_at > ? and `+cond, append([]any{tx.Now}, args...)...).
		Scan(&user, &x.who, &x.sort, &x.expires, &x.name, &x.email)
	if noRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now, err := who(tx, x.email)
	if err != nil || now != x.who {
		return nil, err
	}
	x.user, x.company = id.ID(user), tx.Tenant.Title()
	return &x, nil
}

// answer writes a letter that was asked for, or none.
func (l *Letters) answer(tx *gate.Tx, lid id.ID) error {
	x, err := reads(tx, `l.id = ? and l.hash is null`, int64(lid))
	if err != nil {
		return err
	}
	off, err := ResetsOf(tx)
	if err != nil {
		return err
	}
	lately := 0
	if x != nil {
		if err := tx.QueryRow(`select count(*) from identity_letter where user_id = ? and sort = ? and hash is not null and made_at > ?`, int64(x.user), forgotten, tx.Now-time.Hour.Milliseconds()).Scan(&lately); err != nil {
			return err
		}
	}
	if x == nil || off.Off || lately >= lettersAnHour {
		return forget(tx, lid)
	}
	refused, err := l.elsewhere(tx, x.user)
	if err != nil {
		return err
	}
	if refused == "" {
		return l.write(tx, lid, x)
	}
	if err := forget(tx, lid); err != nil {
		return err
	}
	return l.Post.Put(tx, x.user, mail.Address{Name: x.name, Address: x.email}, "Your password for Strongroom ("+tx.Tenant.Title()+")",
		"Somebody, you perhaps, asked to set a new password for your account at "+tx.Tenant.Title()+".\n\n"+refused+"\n\nNothing was changed.\n", "")
}

func forget(tx *gate.Tx, lid id.ID) error {
	_, err := tx.Exec(`delete from identity_letter where id = ?`, int64(lid))
	return err
}

// elsewhere says why a user has no password here that could be set; "" when she has.
func (l *Letters) elsewhere(tx *gate.Tx, user id.ID) (string, error) {
	const none = "You do not sign in with a password that is kept there, so none can be set. Sign in as you usually do, or ask an administrator."
	has, err := l.Sessions.Passwords.Has(tx, user)
	if err != nil {
		return "", err
	}
	if !has {
		var invited int
		err := tx.QueryRow(`select count(*) from identity_letter where user_id = ? and sort = ?`, int64(user), invitation).Scan(&invited)
		if err == nil && invited == 0 {
			return none, nil
		}
		return "", err
	}
	for _, f := range l.Sessions.Opening { // as if she signed in with one
		if err := f(tx, user, 0, method.Claim{Method: "local", User: user, Level: 2}); fault.Is(err, fault.Denied) {
			return none, nil
		} else if err != nil {
			return "", err
		}
	}
	return "", nil
}

// write gives a letter its code and puts it into the post.
func (l *Letters) write(tx *gate.Tx, lid id.ID, x *addressee) error {
	code := newToken(tx.Tenant.Name, letterCode)
	hash, err := digest(tx, "letter", code)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`update identity_letter set hash = ? where id = ?`, hash, int64(lid)); err != nil {
		return err
	}
	title := tx.Tenant.Title()
	subject, text := "Set a new password for Strongroom ("+title+")", "Somebody, you perhaps, asked to set a new password for your account at "+title+".\n\n"
	rest := "If you did not ask for it, do nothing: your password stays as it is.\n"
	if x.sort == invitation {
		subject, text = "You are invited to Strongroom ("+title+")", "You are invited to the Strongroom of "+title+". You sign in with this e-mail address and a password that you choose.\n\n"
		rest = "If you do not know what this is about, do nothing.\n"
	}
	if at := l.Post.Address(LetterPage); at != "" {
		text += "Open this page and choose a password:\n\n" + at + "#" + code + "\n\nIf it asks for a code, that is:\n\n"
	} else {
		text += "On the sign-in page choose \"Forgot your password?\", then \"I have a code\". The code is:\n\n"
	}
	text += code + "\n\n" + fmt.Sprintf("It works once, until %s UTC. ", time.UnixMilli(x.expires).UTC().Format("2 Jan 2006 15:04")) + rest
	return l.Post.Put(tx, x.user, mail.Address{Name: x.name, Address: x.email}, subject, text, "")
}

// Invite makes a user and sends her a letter by which she sets her password. Fault kinds:
// those of Directory.CreateUser, Conflict when no mail is sent.
func (l *Letters) Invite(ctx context.Context, c *access.Caller, p Person) (user id.ID, err error) {
	if !l.Work() {
		return 0, noMail()
	}
	err = l.Sessions.Gate.Change(ctx, c, access.Create, gate.Thing{Kind: User}, func(tx *gate.Tx) error {
		r, err := l.Directory.Records.Create(tx, User, p.values())
		if err != nil {
			return err
		}
		user = r.ID
		return l.invite(tx, user, r.Values.Text("email"), r.Name)
	})
	return user, err
}

// InviteAgain sends somebody who has set no password yet another letter; those before open
// nothing any more. Conflict for who has a password here, or is archived.
func (l *Letters) InviteAgain(ctx context.Context, c *access.Caller, user id.ID) error {
	if !l.Work() {
		return noMail()
	}
	return l.Sessions.Gate.Change(ctx, c, access.Edit, gate.Thing{Kind: User, ID: user}, func(tx *gate.Tx) error {
		tx.Entry().Action = "user.invite"
		r, err := l.Directory.Records.Get(tx, User, user)
		if err != nil {
			return err
		}
		has, err := l.Sessions.Passwords.Has(tx, user)
		switch {
		case err != nil:
			return err
		case r.Archived:
			return fault.New(fault.Conflict, "This user is archived.").WithHint("Bring the user back first.")
		case has || r.Values["current_sign_in_at"] != nil:
			return fault.New(fault.Conflict, "This user signs in already.").WithHint("Who forgot a password asks for a new one on the sign-in page, or gets a one-time password from you.")
		}
		return l.invite(tx, user, r.Values.Text("email"), r.Name)
	})
}

// Invited tells until when an invitation by mail waits for a user; 0 when none does.
func (l *Letters) Invited(tx *gate.Tx, user id.ID) (until int64, err error) {
	x, err := reads(tx, `l.user_id = ? and l.sort = ? and l.hash is not null`, int64(user), invitation)
	if x != nil {
		until = x.expires
	}
	return until, err
}

func (l *Letters) invite(tx *gate.Tx, user id.ID, email, name string) error {
	if err := endLetters(tx, user); err != nil {
		return err
	}
	if _, err := tx.Exec(`update k_user set invitation_sent_at = ? where id = ?`, tx.Now, int64(user)); err != nil {
		return err
	}
	who, err := who(tx, email)
	if err != nil {
		return err
	}
	lid, err := newLetter(tx, user, who, invitation, InvitationLife)
	if err != nil {
		return err
	}
	return l.write(tx, lid, &addressee{user: user, name: name, email: email, who: who, sort: invitation, expires: tx.Now + InvitationLife.Milliseconds()})
}

// endLetters ends the codes that a user was sent.
func endLetters(tx *gate.Tx, user id.ID) error {
	_, err := tx.Exec(`delete from identity_letter where user_id = ?`, int64(user))
	return err
}

func spent() error {
	return fault.Field("code", "This code is not good, or not any more: it works once, for a short time, and for the address that it was sent to.").
		WithHint("Ask for a new one on the sign-in page, or ask who invited you.")
}

// Set sets the password of who has a code; all her sessions and access tokens end, and she
// signs in with it, and with her second factor if she has one. Fault kinds: Invalid with
// the fields code or password, Denied from an address from which she is not let in,
// Throttled.
func (l *Letters) Set(ctx context.Context, a Attempt, code, password string) error {
	s := l.Sessions
	if name := TenantOf(code); sortOf(code) != letterCode || a.Tenant != "" && a.Tenant != name {
		return spent()
	}
	a.Tenant = TenantOf(code)
	ch, err := s.charge(ctx, stranger(a), func(tx *gate.Tx, ch *charge) error {
		return ch.need(tx, s.rules().Network, false, "code", networks(a.Addr)[0])
	})
	if fault.Is(err, fault.NotFound) {
		return spent()
	}
	if err != nil {
		return err
	}
	var x *addressee
	var hash []byte
	err = s.Gate.View(ctx, stranger(a), func(tx *gate.Tx) (err error) {
		if hash, err = digest(tx, "letter", code); err == nil {
			x, err = reads(tx, `l.hash = ?`, hash)
		}
		return err
	})
	if err != nil {
		return err
	}
	if x == nil {
		s.missed(ctx, a, ch, "wrong code of a letter")
		return spent()
	}
	a.Email = x.email
	stored, err := s.Passwords.Hash(ctx, password, x.email, x.name, a.Tenant, x.company)
	if err != nil {
		s.giveBack(ctx, ch)
		return err
	}
	c, err := s.load(ctx, a, method.Claim{User: x.user})
	if err != nil {
		return spent()
	}
	c.Via = "letter"
	return s.Gate.Change(ctx, c, access.SignIn, gate.Thing{Kind: User, ID: x.user}, func(tx *gate.Tx) error {
		tx.Entry().Action, tx.Entry().Detail.Text = "password.recover", "by a mail: "+x.sort
		if err := s.place(tx, c, a.Addr); err != nil {
			return err
		}
		x, err := reads(tx, `l.hash = ?`, hash) // somebody may have been quicker
		if err != nil {
			return err
		}
		if x == nil {
			return spent()
		}
		if err := ch.settle(tx, true); err != nil {
			return err
		}
		if err := s.Passwords.Store(tx, x.user, method.Stored{Hash: stored}); err != nil {
			return err
		}
		if err := access.SetOneTime(tx.SQL(), x.user, false); err != nil {
			return err
		}
		if err := endSessions(tx, x.user, false); err != nil {
			return err
		}
		if x.sort == invitation {
			return endLetters(tx, x.user)
		}
		return s.changed(tx, x.user, "Your password was set anew, by a mail to your address.")
	})
}

// changed ends the codes of a user whose password is another one, and tells her.
func (s *Sessions) changed(tx *gate.Tx, user id.ID, words string) error {
	if err := endLetters(tx, user); err != nil || s.Changed == nil {
		return err
	}
	return s.Changed(tx, user, words)
}
