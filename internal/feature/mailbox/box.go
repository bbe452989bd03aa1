package mailbox

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/mail"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/secret"
)

// thing is what a mailbox is called in the audit log and as the place of its password.
const thing = "mailbox"

const password = "password"

// The protocols by which mailboxes are read.
const (
	IMAP = "imap"
	POP3 = "pop3"
)

// Box is a mailbox that is read.
type Box struct {
	ID           id.ID
	Name         string
	Address      string // at which customers write
	Protocol     string
	Server       string // host:port
	TLS          string // mail.Implicit, mail.StartTLS or mail.Plain
	User         string
	Folder       string // INBOX when empty
	Done         string // into which mail is moved that was taken; empty leaves it, marked as read
	Active       bool
	Organization id.ID // of strangers, and of contacts who are in several
	Strangers    bool  // who is no contact may open tickets
	Version      int64

	Checked     int64  // when it was read, Unix milliseconds
	Error, Hint string // why it could not be read

	Send       string // how answers leave: BySMTP, ByRelay, or not at all when empty
	SMTPServer string // host:port, for BySMTP
	SMTPTLS    string
	SMTPUser   string // User when empty
	Confirms   bool   // who opens a ticket by mail is told its number
	Resolves   bool   // a customer is told that a ticket is resolved
	Plus       bool   // what is mailed to name+anything@ comes here too, so answers are addressed so
	Language   string // of what it sends, unless the organization has another

	Auth      string // how it is opened: ByPassword, or by OAuth2 of Microsoft, Google or another provider (ByOAuth)
	Client    string // client id at the provider
	Authorize string // its page for browsers, its address for tokens, and what is asked for; empty for what is known of it
	Token     string
	Scope     string
	Granted   int64 // when it gave its permission, Unix milliseconds; 0 for never

	hasSecret bool  // there is a secret beside Client
	validity  int64 // of the places of its folder
	last      int64 // the highest place that was taken
}

const columns = `select id, name, address, protocol, server, tls, user_name, folder, done, active, organization_id, strangers, version, checked_at, error, hint, validity, last, send, smtp_server, smtp_tls, smtp_user, confirms, tells_solved, plus, language, auth, oauth_client, oauth_authorize, oauth_token, oauth_scope, has_secret, granted_at from mailbox `

func scan(row interface{ Scan(...any) error }) (*Box, error) {
	var b Box
	var n, org int64
	err := row.Scan(&n, &b.Name, &b.Address, &b.Protocol, &b.Server, &b.TLS, &b.User, &b.Folder, &b.Done, &b.Active, &org, &b.Strangers, &b.Version, &b.Checked, &b.Error, &b.Hint, &b.validity, &b.last,
		&b.Send, &b.SMTPServer, &b.SMTPTLS, &b.SMTPUser, &b.Confirms, &b.Resolves, &b.Plus, &b.Language, &b.Auth, &b.Client, &b.Authorize, &b.Token, &b.Scope, &b.hasSecret, &b.Granted)
	b.ID, b.Organization = id.ID(n), id.ID(org)
	return &b, err
}

func get(tx *gate.Tx, box id.ID) (*Box, error) {
	b, err := scan(tx.QueryRow(columns+`where id = ?`, int64(box)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, gate.Missing()
	}
	return b, err
}

func list(tx *gate.Tx) ([]*Box, error) {
	rows, err := tx.Query(columns + `order by name, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Box
	for rows.Next() {
		b, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}

// Boxes lists the mailboxes, for who manages the tenant.
func Boxes(tx *gate.Tx) ([]*Box, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	return list(tx)
}

// GetBox gives a mailbox, for who manages the tenant. NotFound when there is none.
func GetBox(tx *gate.Tx, box id.ID) (*Box, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	return get(tx, box)
}

// check completes what was entered. Invalid with fields.
func (b *Box) check(plain bool) error {
	bad := map[string]string{}
	for _, s := range []*string{&b.Name, &b.Address, &b.Server, &b.User, &b.Folder, &b.Done} {
		if *s = strings.TrimSpace(*s); len(*s) > 250 {
			*s = (*s)[:250]
		}
	}
	b.checkAuth(bad, plain)
	a, err := mail.ParseAddress(b.Address)
	if err == nil {
		b.Address = strings.ToLower(a.Address)
	} else {
		bad["address"] = "This is no e-mail address. It is the one at which customers write, such as desk@example.com."
	}
	if b.Name == "" {
		b.Name = b.Address
	}
	if b.Protocol == "" {
		b.Protocol = IMAP
	}
	if b.Protocol != IMAP && b.Protocol != POP3 {
		bad["protocol"] = "Mailboxes are read by IMAP or POP3."
	}
	if b.TLS == "" {
		b.TLS = mail.Implicit
	}
	if !slices.Contains([]string{mail.Implicit, mail.StartTLS}, b.TLS) {
		bad["tls"] = "Choose TLS from the first byte or STARTTLS: a password is never sent without."
	}
	if b.Server != "" && !strings.Contains(b.Server, ":") {
		b.Server += map[string]string{IMAP + mail.Implicit: ":993", IMAP + mail.StartTLS: ":143", POP3 + mail.Implicit: ":995", POP3 + mail.StartTLS: ":110"}[b.Protocol+b.TLS]
	}
	if host, port, err := net.SplitHostPort(b.Server); err != nil || host == "" || port == "" {
		bad["server"] = "This is the address of the mail server, such as imap.example.com:993."
	}
	if b.User == "" {
		b.User = b.Address
	}
	if b.Folder == "" || b.Protocol == POP3 {
		b.Folder = "INBOX"
	}
	if b.Protocol == POP3 { // it knows no folders
		b.Done = ""
	}
	if strings.EqualFold(b.Folder, b.Done) {
		bad["done"] = "Choose another folder than the one that is read, or leave it empty."
	}
	b.checkSending(bad)
	if b.Strangers && b.Organization == 0 {
		bad["organization_id"] = "Choose the organization that people belong to who are no contacts yet."
	}
	return fault.Fields(bad)
}

// Words are the secrets of a mailbox that were entered; what is nil or empty stays what it
// is. That for sending is the same as Password when none was ever set.
type Words struct{ Password, SMTP, OAuth *string }

// Save makes a mailbox, or changes the one with b.ID. A mailbox by OAuth2 is read once it was
// connected; it stays so while provider, client, scope and user stay.
// Invalid with fields; Conflict when somebody else has saved it since b.Version.
func (d *Desk) Save(ctx context.Context, c *access.Caller, b *Box, w Words) error {
	if err := b.check(d.Plain); err != nil {
		return err
	}
	if b.ID == 0 && b.Auth == ByPassword && (w.Password == nil || *w.Password == "") {
		return fault.Field(password, "This is needed: with it the mailbox is opened.")
	}
	return d.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Kind, e.Detail.Name = "mailbox.save", thing, b.Name
		if b.Organization != 0 {
			if kind, err := kindOf(tx, b.Organization); err != nil || kind != "organization" {
				return fault.Field("organization_id", "There is no such organization.").WithHint("Choose one from the list.")
			}
		}
		b.hasSecret = b.hasSecret || w.OAuth != nil && *w.OAuth != ""
		if err := b.write(tx); err != nil {
			return err
		}
		e.Object, e.Version = b.ID, b.Version
		for field, text := range map[string]*string{password: w.Password, smtpPassword: w.SMTP, oauthSecret: w.OAuth} {
			if text == nil || *text == "" {
				continue
			}
			e.Detail.Fields = append(e.Detail.Fields, field)
			if _, err := secret.Put(tx, secret.Place{Kind: thing, Object: b.ID, Field: field}, *text, secret.Note{}); err != nil {
				return err
			}
		}
		slices.Sort(e.Detail.Fields)
		return nil
	})
}

func (b *Box) write(tx *gate.Tx) (err error) {
	if b.ID == 0 {
		if b.ID, err = tx.NewID(); err != nil {
			return err
		}
		b.Version = 1
		_, err = tx.Exec(`insert into mailbox (id, name, address, protocol, server, tls, user_name, folder, done, active, organization_id, strangers, send, smtp_server, smtp_tls, smtp_user, confirms, tells_solved, plus, language, auth, oauth_client, oauth_authorize, oauth_token, oauth_scope, has_secret, version, created_at, updated_at)
			values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)`,
			int64(b.ID), b.Name, b.Address, b.Protocol, b.Server, b.TLS, b.User, b.Folder, b.Done, b.Active, int64(b.Organization), b.Strangers, b.Send, b.SMTPServer, b.SMTPTLS, b.SMTPUser, b.Confirms, b.Resolves, b.Plus, b.Language, b.Auth, b.Client, b.Authorize, b.Token, b.Scope, b.hasSecret, tx.Now, tx.Now)
		return err
	}
	old, err := get(tx, b.ID)
	if err != nil {
		return err
	}
	if old.Server != b.Server || old.User != b.User || old.Folder != b.Folder || old.Protocol != b.Protocol { // its places mean others
		old.validity, old.last = 0, 0
	}
	b.Granted = old.Granted
	if old.Auth != b.Auth || old.Client != b.Client || old.Authorize != b.Authorize || old.Token != b.Token || old.Scope != b.Scope || old.User != b.User {
		b.Granted = 0 // it was given for another
	}
	n, err := tx.Exec(`update mailbox set name = ?, address = ?, protocol = ?, server = ?, tls = ?, user_name = ?, folder = ?, done = ?, active = ?, organization_id = ?, strangers = ?, validity = ?, last = ?, send = ?, smtp_server = ?, smtp_tls = ?, smtp_user = ?, confirms = ?, tells_solved = ?, plus = ?, language = ?, auth = ?, oauth_client = ?, oauth_authorize = ?, oauth_token = ?, oauth_scope = ?, has_secret = ?, granted_at = ?,
		error = '', hint = '', version = version + 1, updated_at = ? where id = ? and version = ?`,
		b.Name, b.Address, b.Protocol, b.Server, b.TLS, b.User, b.Folder, b.Done, b.Active, int64(b.Organization), b.Strangers, old.validity, old.last, b.Send, b.SMTPServer, b.SMTPTLS, b.SMTPUser, b.Confirms, b.Resolves, b.Plus, b.Language, b.Auth, b.Client, b.Authorize, b.Token, b.Scope, b.hasSecret, b.Granted, tx.Now, int64(b.ID), b.Version)
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "Somebody else has changed this mailbox in the meantime.").WithHint("Open it again, and enter what you changed once more.")
	}
	b.Version++
	return err
}

// Remove deletes a mailbox with its password; what came from it stays.
func (d *Desk) Remove(ctx context.Context, c *access.Caller, box id.ID) error {
	return d.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		b, err := get(tx, box)
		if err != nil {
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = "mailbox.remove", thing, box, b.Name
		if err := secret.Purge(tx, box); err != nil {
			return err
		}
		if _, err := tx.Exec(`delete from mailbox_taken where mailbox_id = ?`, int64(box)); err != nil {
			return err
		}
		_, err = tx.Exec(`delete from mailbox where id = ?`, int64(box))
		return err
	})
}
