package mailbox

import (
	"cmp"
	"context"
	"net"
	"slices"
	"strings"
	"time"

	netmail "net/mail"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/mail"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/mailbox/letter"
)

// The ways by which the answers of a mailbox leave.
const (
	BySMTP  = "smtp"  // by a server of its own
	ByRelay = "relay" // by the operator's
)

// smtpPassword is the place of the password for sending.
const smtpPassword = "smtp_password"

// checkSending completes what was entered for sending.
func (b *Box) checkSending(bad map[string]string) {
	for _, s := range []*string{&b.SMTPServer, &b.SMTPUser} {
		if *s = strings.TrimSpace(*s); len(*s) > 250 {
			*s = (*s)[:250]
		}
	}
	if b.Language == "" {
		b.Language = letter.Languages()[0].Code
	}
	if !letter.Known(b.Language) {
		bad["language"] = "There are no templates in this language."
	}
	if !slices.Contains([]string{"", BySMTP, ByRelay}, b.Send) {
		bad["send"] = "Choose one from the list."
	}
	if b.SMTPTLS == "" {
		b.SMTPTLS = mail.StartTLS
	}
	if !slices.Contains([]string{mail.Implicit, mail.StartTLS}, b.SMTPTLS) {
		bad["smtp_tls"] = "Choose TLS from the first byte or STARTTLS: a password is never sent without."
	}
	if b.SMTPServer != "" && !strings.Contains(b.SMTPServer, ":") {
		b.SMTPServer += map[string]string{mail.Implicit: ":465", mail.StartTLS: ":587"}[b.SMTPTLS]
	}
	if b.Send != BySMTP && b.SMTPServer == "" {
		return
	}
	if host, port, err := net.SplitHostPort(b.SMTPServer); err != nil || host == "" || port == "" {
		bad["smtp_server"] = "This is the address of the server that sends, such as smtp.example.com:587."
	}
}

// Via is the relay by which a mailbox's answers leave. Invalid when it sends no more,
// Unavailable when the operator's is to be used and there is none.
func (d *Desk) Via(ctx context.Context, tenant string, box id.ID) (*mail.Relay, error) {
	var b *Box
	err := d.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) (err error) { b, err = get(tx, box); return err })
	if fault.Is(err, fault.NotFound) || err == nil && b.Send == "" {
		return nil, fault.New(fault.Invalid, "The mailbox that was to send it is gone, or sends no mail any more.")
	}
	if err != nil {
		return nil, err
	}
	return d.relay(ctx, tenant, b)
}

// relay is that of a mailbox, with who it is from.
func (d *Desk) relay(ctx context.Context, tenant string, b *Box) (*mail.Relay, error) {
	from := netmail.Address{Name: b.Name, Address: b.Address}
	if b.Name == b.Address {
		from.Name = ""
	}
	keys, err := d.signing(ctx, tenant, b)
	if err != nil {
		return nil, err
	}
	if b.Send == ByRelay {
		if d.Relay == nil {
			return nil, fault.New(fault.Unavailable, "This server has no relay for mail.").WithHint("Its operator can name one with the setting smtp; or give the mailbox a server of its own.")
		}
		out := *d.Relay
		out.From, out.Keys = from, keys
		return &out, nil
	}
	var w word
	pass, err := d.open(ctx, tenant, b, smtpPassword)
	if w.password = pass; err == nil && pass == "" {
		w, err = d.word(ctx, tenant, b)
	}
	if err != nil {
		return nil, err
	}
	return &mail.Relay{Dialer: d.Dialer, Addr: b.SMTPServer, TLS: b.SMTPTLS, User: cmp.Or(b.SMTPUser, b.User), Password: w.password, Token: w.token, From: from, Keys: keys, Config: d.TLS}, nil
}

// Try sends a mail by the way of a mailbox to who asks, and says what happened. It is
// recorded.
func (d *Desk) Try(ctx context.Context, c *access.Caller, box id.ID) ([]string, error) {
	to, err := mail.ParseAddress(c.Email)
	if err != nil {
		return nil, err
	}
	var b *Box
	var title string
	err = d.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) (err error) {
		if b, err = get(tx, box); err != nil {
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = "mailbox.try", thing, box, b.Name
		title = tx.Tenant.Title()
		return nil
	})
	if err != nil {
		return nil, err
	}
	if b.Send == "" {
		return nil, fault.New(fault.Invalid, "This mailbox sends no mail.").WithHint("Choose how answers leave, save, and try again.")
	}
	r, err := d.relay(ctx, c.Tenant, b)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	err = r.Send(ctx, mail.Message{ID: "try-" + b.ID.String() + "-" + now.UTC().Format("20060102150405.000"), To: netmail.Address{Name: c.Name, Address: to.Address}, Subject: "Mail from " + b.Name + " arrives",
		Text: "You asked for this mail in Strongroom (" + title + ") to see whether what the mailbox " + b.Address + " sends arrives.\n", Date: now})
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "%s", fault.Say(err).Text).WithHint("%s", cmp.Or(fault.Say(err).Hint, "Look at the server, its encryption, the user and the password."))
	}
	return []string{"The server " + r.Addr + " took a mail to " + to.Address + ".", "Look whether it arrives, and not among the spam."}, nil
}
