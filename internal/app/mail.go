package app

import (
	"context"
	"flag"
	"io"
	"net"
	"net/url"
	"os"
	"strings"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/mail"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/feature/outbox"
	"strongroom/internal/feature/reminder"
)

// Mail says how mail is sent. Without a relay none is.
type Mail struct {
	Relay    string // host:port
	TLS      string // starttls, tls or none; by the port when empty
	User     string
	Password string // file that holds it
	From     string // Strongroom <strongroom@example.com>
	Link     string // address of the web interface in mails; no links when empty
}

func (m *Mail) flags(f *flag.FlagSet) {
	f.StringVar(&m.Relay, "smtp", "", "send mail through the relay at this `address`, such as mail.example.com:587 (default: no mail is sent)")
	f.StringVar(&m.TLS, "smtp-tls", "", "how the relay is spoken to: `starttls`, tls from the first byte, or none (default: tls at port 465, else starttls)")
	f.StringVar(&m.User, "smtp-user", "", "`name` to sign in with at the relay")
	f.StringVar(&m.Password, "smtp-password-file", "", "`file` that holds the password for the relay")
	f.StringVar(&m.From, "mail-from", "", "who mail is from, a name and `address`: Strongroom <strongroom@example.com>")
	f.StringVar(&m.Link, "mail-link", "", "`address` of the web interface for links in mail, such as https://strongroom.example.com")
}

// relay gives the relay; nil when there is none. Invalid for settings that do not go
// together.
func (m *Mail) relay(d *dialer.Dialer) (*mail.Relay, error) {
	if m.Relay == "" {
		return nil, nil
	}
	if _, _, err := net.SplitHostPort(m.Relay); err != nil {
		return nil, fault.New(fault.Invalid, "The setting smtp is %q, which is no address with a port.", m.Relay).WithHint("Write mail.example.com:587.")
	}
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return nil, fault.New(fault.Invalid, "The setting mail-from is missing, or no e-mail address.").WithHint("Write Strongroom <strongroom@example.com>.")
	}
	switch m.TLS {
	case "", mail.StartTLS, mail.Implicit, mail.Plain:
	default:
		return nil, fault.New(fault.Invalid, "The setting smtp-tls is %q.", m.TLS).WithHint("Use starttls, tls or none.")
	}
	if u, err := url.Parse(m.Link); m.Link != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return nil, fault.New(fault.Invalid, "The setting mail-link is %q, which is no address of a website.", m.Link).WithHint("Write https://strongroom.example.com.")
	}
	r := &mail.Relay{Addr: m.Relay, TLS: m.TLS, User: m.User, From: from}
	if m.User != "" {
		b, err := os.ReadFile(m.Password)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "The password for the mail relay cannot be read.").WithHint("Name the file that holds it with -smtp-password-file.")
		}
		r.Password = strings.TrimSpace(string(b))
	}
	named := *d // the operator names the relay, wherever it is
	named.Trusted = append(named.Trusted[:len(named.Trusted):len(named.Trusted)], m.Relay)
	r.Dialer = &named
	return r, nil
}

// mails makes what tells people of things outside of the app, and of what runs out, and
// what reads mail.
func (a *App) mails() error {
	a.Reminder = &reminder.Reminder{Gate: a.Gate, Records: a.Records}
	relay, err := a.Config.Mail.relay(a.Dialer)
	if err != nil {
		return err
	}
	a.Outbox = &outbox.Outbox{Gate: a.Gate, Jobs: a.Jobs, Relay: relay, Link: a.Config.Mail.Link}
	a.Letters = &identity.Letters{Directory: a.Directory, Sessions: a.Sessions, Jobs: a.Jobs, Post: a.Outbox}
	a.Mailboxes = &mailbox.Desk{Tickets: mailbox.Tickets{Kind: incident.Kind, Waits: []string{incident.WaitCustomer, incident.Resolved}, Goes: incident.Active,
		Journal: entry.Kind, Mail: entry.Email, Note: entry.Note, FieldOf: entry.FieldOf, Place: entry.Place, Watching: comment.Watching},
		Gate: a.Gate, Records: a.Records, Files: a.Files, Relations: a.Relations, Secrets: a.Secrets, Dialer: a.Dialer, Log: a.Log, Relay: relay}
	if !a.Dialer.Off {
		a.Mailboxes.Texts = a.names.Texts
	}
	a.Outbox.Via, a.Outbox.File = a.Mailboxes.Via, a.mailed
	a.Notices.Channels = a.Channels.Channels()
	if relay != nil {
		a.Mailboxes.Own = []string{relay.From.Address}
		a.Notices.Channels = append(a.Notices.Channels, a.Outbox)
	}
	return nil
}

// mailed reads a file that hangs on a mail.
func (a *App) mailed(ctx context.Context, tenant string, file id.ID) (mail.File, error) {
	f, content, err := a.Files.Open(ctx, access.System(tenant, "job"), file)
	if err != nil {
		return mail.File{}, err
	}
	defer content.Close()
	b, err := io.ReadAll(content)
	return mail.File{Name: f.Name, Type: f.Type, Content: b}, err
}
