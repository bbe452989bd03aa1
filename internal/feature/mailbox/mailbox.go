// Package mailbox brings mail into the service desk, and names the ways by which its
// answers leave.
//
// Always true: a mail is written down before the server of the mailbox is told that it
// was taken, and filed once, whatever was fetched twice or came to two mailboxes; it is
// written on a ticket only with a proof that it belongs there; what is not filed is
// listed with the reason and kept until people decide; no mail is sent because of one
// that a machine sent, and nothing that a sender repeats goes on without end.
package mailbox

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"database/sql"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	post "strongroom/internal/base/mail"
	"strongroom/internal/base/mailparse"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/mailbox/letter"
	"strongroom/internal/feature/relation"
)

// Window is over which the mails of a sender are counted.
const Window = time.Hour

// The states of a mail that came.
const (
	Received = "received" // written down, not looked at
	Filed    = "filed"    // written on a ticket, or one of its own
	Held     = "held"     // people decide
	Ignored  = "ignored"
	Dropped  = "dropped" // people decided against it
)

const (
	again    = 7 * 24 * time.Hour   // how long after a mail the same one is the same and not a new one
	keepText = 90 * 24 * time.Hour  // how long a mail that is held can be filed
	keepList = 365 * 24 * time.Hour // how long it is known what came, also so that nothing is filed twice
	most     = 200                  // mails of the list
)

// Tickets says what mail becomes and where it is written.
type Tickets struct {
	Kind     string                                        // of new ones
	Waits    []string                                      // the states in which an answer lets one go on
	Goes     string                                        // the state in which it then is
	Journal  string                                        // the kind of what is written on tickets
	Mail     string                                        // its type of mails
	Note     string                                        // its type of notes
	FieldOf  func(kind string) string                      // its field that names a ticket of a kind; empty for none such
	Place    func(entry id.ID) string                      // where an entry stands on the page of its ticket
	Watching func(tx *gate.Tx, rec id.ID) ([]id.ID, error) // who follows a ticket
}

// Desk files the mail of all tenants. Fill the fields; it then is safe for concurrent
// use.
type Desk struct {
	Tickets   Tickets
	Gate      *gate.Gate
	Records   *record.Engine
	Files     *attachment.Store
	Relations *relation.Relations
	Secrets   *secret.Revealer // for fetching
	Dialer    *dialer.Dialer   // likewise
	Own       []string         // addresses from which this server sends mail
	Relay     *post.Relay      // the operator's; nil when there is none
	Log       *slog.Logger
	TLS       *tls.Config // of mail servers; nil is the library's
	// Texts gives the TXT records of a name, as trackers ask for them; nil asks nobody.
	Texts func(ctx context.Context, name string) ([]string, error)
	Plain bool // providers of OAuth2 may be asked by http: for tests on loopback

	mu     sync.Mutex
	opened map[place]string // passwords, while their settings stay
	tokens map[place]*held
	trips  map[string]trip // to providers, by their state
}

// Feature is the tables of mailboxes and of mail that came.
func Feature() record.Feature {
	return record.Feature{Name: "mailbox", Schema: append([]string{
		`create table if not exists mailbox (id id primary key, name text not null, address text not null, protocol text not null, server text not null, tls text not null, user_name text not null, folder text not null,
			done text not null, active int not null, organization_id int not null, strangers int not null, version int not null, created_at int not null, updated_at int not null,
			validity int not null default 0, last int not null default 0, checked_at int not null default 0, error text not null default '', hint text not null default '')`,
		`create table if not exists mailbox_mail (id id primary key, mailbox_id int not null, place text not null, key text not null, message_id text not null, sender text not null, sender_name text not null, subject text not null,
			topic text not null, state text not null, why text not null, ticket_id int not null, at int not null, size int not null, attempts int not null default 0)`,
		`create unique index if not exists unique_mailbox_place on mailbox_mail (mailbox_id, place)`,
		`create index if not exists mailbox_mail_key on mailbox_mail (key)`,
		`create index if not exists mailbox_mail_message on mailbox_mail (message_id)`,
		`create index if not exists mailbox_mail_sender on mailbox_mail (sender, at)`,
		`create index if not exists mailbox_mail_state on mailbox_mail (state, id)`,
		`create index if not exists mailbox_mail_ticket on mailbox_mail (ticket_id)`,
		`create table if not exists mailbox_text (mail_id id primary key, raw bytes not null)`,
		`create table if not exists mailbox_person (ticket_id int not null, address text not null, primary key (ticket_id, address))`,
		`create table if not exists mailbox_taken (mailbox_id int not null, name text not null, primary key (mailbox_id, name))`, // of POP3, as long as the server has them
		`alter table mailbox_person add column if not exists machine int not null default 0`,                                     // a program writes from there
		`alter table mailbox add column if not exists send text not null default ''`,
		`alter table mailbox add column if not exists smtp_server text not null default ''`,
		`alter table mailbox add column if not exists smtp_tls text not null default ''`,
		`alter table mailbox add column if not exists smtp_user text not null default ''`,
		`alter table mailbox add column if not exists confirms int not null default 0`,
		`alter table mailbox add column if not exists tells_solved int not null default 0`,
		`alter table mailbox add column if not exists plus int not null default 0`,
		`create table if not exists mail_key (id id primary key, domain text not null, state text not null, made_at int not null, rsa text not null, ed25519 text not null)`,
		`create index if not exists mail_key_domain on mail_key (domain, state)`,
		`alter table mailbox add column if not exists language text not null default ''`,
		`alter table mailbox add column if not exists auth text not null default ''`,
		`alter table mailbox add column if not exists oauth_client text not null default ''`,
		`alter table mailbox add column if not exists oauth_authorize text not null default ''`,
		`alter table mailbox add column if not exists oauth_token text not null default ''`,
		`alter table mailbox add column if not exists oauth_scope text not null default ''`,
		`alter table mailbox add column if not exists has_secret int not null default 0`,
		`alter table mailbox add column if not exists granted_at int not null default 0`,
	}, letter.Schema()...), Purge: purge}
}

// purge forgets who took part in a ticket, and what mail came of it.
func purge(tx *gate.Tx, r *record.Record) error {
	if _, err := tx.Exec(`delete from mailbox_person where ticket_id = ?`, int64(r.ID)); err != nil {
		return err
	}
	if err := letter.Purge(tx, r); err != nil {
		return err
	}
	_, err := tx.Exec(`update mailbox_mail set ticket_id = 0, sender = '', sender_name = '', subject = '', topic = '' where ticket_id = ?`, int64(r.ID))
	return err
}

// quietly changes what is no record: what matters is recorded with the tickets.
func (d *Desk) quietly(ctx context.Context, tenant string, fn func(tx *gate.Tx) error) error {
	return d.Gate.Change(ctx, access.System(tenant, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return fn(tx)
	})
}

// keyOf tells a mail from all others, whichever way it came: servers on the way change
// the header, and some programs use one message id again and again.
func keyOf(m *mailparse.Mail) string {
	if m.ID == "" && m.Date.IsZero() {
		return m.Digest
	}
	h := sha256.New()
	for _, s := range append([]string{m.ID, m.From.Address, m.Subject, m.Date.UTC().Format(time.RFC3339), m.Text, m.HTML, m.Rest}, m.Answers()...) {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	for _, f := range m.Files {
		sum := sha256.Sum256(f.Content)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Receive writes a mail down that a mailbox holds at a place of its own, once. When it
// returns nil the mail is safe, and the server may be told so.
func (d *Desk) Receive(ctx context.Context, tenant string, box id.ID, place string, raw []byte) error {
	m, err := mailparse.Parse(raw)
	state, why := Received, ""
	if err != nil {
		state, why = Held, fault.Say(err).Text
		if m, err = mailparse.ParseHeader(raw[:min(len(raw), 1<<20)]); err != nil {
			m = &mailparse.Mail{}
		}
		raw = raw[:min(len(raw), 1<<20)]
	}
	return d.quietly(ctx, tenant, func(tx *gate.Tx) error {
		mid, err := tx.NewID()
		if err != nil {
			return err
		}
		n, err := tx.Exec(`insert into mailbox_mail (id, mailbox_id, place, key, message_id, sender, sender_name, subject, topic, state, why, ticket_id, at, size) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)
			on conflict (mailbox_id, place) do nothing`, int64(mid), int64(box), place, keyOf(m), m.ID, m.From.Address, short(m.From.Name, 200), short(m.Subject, 250), short(Topic(m.Subject), 250), state, why, tx.Now, len(raw))
		if err != nil || n == 0 {
			return err
		}
		_, err = tx.Exec(`insert into mailbox_text (mail_id, raw) values (?, ?)`, int64(mid), raw)
		return err
	})
}

func short(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return strings.TrimSpace(string(r[:most-1])) + "…"
	}
	return s
}

// waiting is a mail that is written down.
type waiting struct {
	id, box id.ID
	key     string
	raw     []byte
	at      int64
}

func load(tx *gate.Tx, where string, args ...any) (*waiting, error) {
	var w waiting
	var mid, box int64
	err := tx.QueryRow(`select m.id, m.mailbox_id, m.key, m.at, t.raw from mailbox_mail m join mailbox_text t on t.mail_id = m.id `+where, args...).Scan(&mid, &box, &w.key, &w.at, &w.raw)
	w.id, w.box = id.ID(mid), id.ID(box)
	return &w, err
}

// FileAll files what was received, in the order in which it came. A mail that cannot be
// filed is held, and those behind it go on.
func (d *Desk) FileAll(ctx context.Context, tenant string) error {
	for {
		var w *waiting
		err := d.quietly(ctx, tenant, func(tx *gate.Tx) (err error) {
			if w, err = load(tx, `where m.state = ? order by m.id limit 1`, Received); err != nil {
				return err
			}
			_, err = tx.Exec(`update mailbox_mail set attempts = attempts + 1 where id = ?`, int64(w.id))
			return err
		})
		if errors.Is(err, sql.ErrNoRows) {
			return d.tidy(ctx, tenant)
		}
		if err != nil {
			return err
		}
		if err := d.file(ctx, tenant, w, nil); err != nil {
			if ctx.Err() != nil || fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Throttled) {
				return err
			}
			if d.Log != nil {
				d.Log.WarnContext(ctx, "a mail could not be filed", "tenant", tenant, "mail", w.id, "error", err)
			}
			if err := d.quietly(ctx, tenant, func(tx *gate.Tx) error {
				return settle(tx, w, Held, "it could not be filed: "+fault.Say(err).Error(), 0)
			}); err != nil {
				return err
			}
		}
	}
}

// tidy forgets what was kept for long enough.
func (d *Desk) tidy(ctx context.Context, tenant string) error {
	return d.quietly(ctx, tenant, func(tx *gate.Tx) error {
		if _, err := tx.Exec(`delete from mailbox_text where mail_id in (select id from mailbox_mail where at < ?)`, tx.Now-keepText.Milliseconds()); err != nil {
			return err
		}
		_, err := tx.Exec(`delete from mailbox_mail where at < ?`, tx.Now-keepList.Milliseconds())
		return err
	})
}

// settle notes what became of a mail. The text of what is not held is forgotten.
func settle(tx *gate.Tx, w *waiting, state, why string, ticket id.ID) error {
	if _, err := tx.Exec(`update mailbox_mail set state = ?, why = ?, ticket_id = ? where id = ?`, state, why, int64(ticket), int64(w.id)); err != nil || state == Held {
		return err
	}
	_, err := tx.Exec(`delete from mailbox_text where mail_id = ?`, int64(w.id))
	return err
}
