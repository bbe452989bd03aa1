// Package mailfetch takes mail out of a mailbox by IMAP.
//
// Always true: nothing is said to a server before TLS; a mail is handed over before the
// server is told that it was taken, and the server's failure to note that takes none
// away and hands none over without end, because who calls remembers the place; a mail is
// never deleted; what a server may send is bounded.
package mailfetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"strongroom/internal/base/bearer"
	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
)

// Source is a mailbox. Fill the fields.
type Source struct {
	Dialer         *dialer.Dialer
	Addr           string // host:port
	StartTLS       bool   // TLS begins after a greeting, and not with the first byte
	User, Password string
	Token          string      // an access token, in place of Password
	Folder         string      // which is read
	Done           string      // into which mail is moved that was taken; empty marks it as read
	Config         *tls.Config // nil is the library's, from TLS 1.2
	Most           int64       // bytes of one mail; of larger ones only the header is fetched

	Validity, Last uint32 // the places that were taken: all up to Last, as long as the folder's validity is that
	Limit          int    // of mails in one visit; 0 is 500
}

const (
	visitTime   = 10 * time.Minute
	mostHeader  = 1 << 20
	mostVisit   = 2 << 30 // bytes
	usualLimit  = 500
	defaultMost = 40 << 20
)

// visit is a connection that is signed in.
type visit struct {
	*Source
	*imapclient.Client
	stop func() bool
}

func (v *visit) end() {
	v.stop()
	_ = v.Close()
}

// open connects, encrypts and signs in. Unavailable with a sentence that says which of
// these failed, and a hint.
func (s *Source) open(ctx context.Context) (*visit, error) {
	host, _, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The mail server's address is wrong.").WithHint("Write imap.example.com:993.")
	}
	conn, err := s.Dialer.DialContext(ctx, "tcp", s.Addr)
	if dialer.Refused(err) {
		return nil, err
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The mail server %s cannot be reached.", s.Addr).WithHint("Look at the name and the port, and whether a firewall lets this server out to it.")
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	fail := func(err error, text, hint string) (*visit, error) {
		stop()
		_ = conn.Close()
		if ctx.Err() != nil {
			err = errors.Join(err, ctx.Err())
		}
		return nil, fault.Wrap(err, fault.Unavailable, "%s", text).WithHint("%s", hint)
	}
	if err := conn.SetDeadline(time.Now().Add(visitTime)); err != nil {
		return fail(err, "The mail server cannot be reached.", "Try again.")
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.Config != nil {
		config = s.Config.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = host
	}
	o := &imapclient.Options{TLSConfig: config}
	var c *imapclient.Client
	bounded := dialer.Most(conn, mostVisit)
	if s.StartTLS {
		if c, err = imapclient.NewStartTLS(bounded, o); err != nil {
			return fail(err, "The mail server does not begin TLS: "+certificate(err)+".", "Servers at port 993 speak TLS from the first byte.")
		}
	} else {
		secured := tls.Client(bounded, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			return fail(err, "The mail server does not speak TLS from the first byte: "+certificate(err)+".", "Servers at port 143 begin it with STARTTLS.")
		}
		c = imapclient.New(secured, o)
	}
	if err := c.WaitGreeting(); err != nil {
		return fail(err, "What answers at "+s.Addr+" is no IMAP server.", "Look at the port.")
	}
	if s.Token != "" {
		t := &bearer.Token{User: s.User, Addr: s.Addr, Text: s.Token, Mechanism: bearer.Choose(mechanisms(c.Caps()))}
		err := bearer.ErrNotOffered
		if t.Mechanism != "" {
			err = c.Authenticate(t)
		}
		if err != nil {
			stop()
			_ = c.Close()
			return nil, t.Refused(errors.Join(err, ctx.Err()))
		}
		return &visit{Source: s, Client: c, stop: stop}, nil
	}
	if err := c.Login(s.User, s.Password).Wait(); err != nil {
		_ = c.Close()
		return fail(err, "The mail server refuses the user or the password.", "Some providers want a password made for programs, or IMAP to be allowed in their settings.")
	}
	return &visit{Source: s, Client: c, stop: stop}, nil
}

// mechanisms are those by which a server lets people in.
func mechanisms(caps imap.CapSet) (out []string) {
	for c := range caps {
		if name, ok := strings.CutPrefix(strings.ToUpper(string(c)), "AUTH="); ok {
			out = append(out, name)
		}
	}
	return out
}

// certificate says why TLS failed.
func certificate(err error) string {
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate does not verify (" + strings.TrimPrefix(bad.Err.Error(), "x509: ") + ")"
	}
	return "it answers something else"
}

// Test signs in and looks at the folders, and says what it found.
func (s *Source) Test(ctx context.Context) ([]string, error) {
	v, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer v.end()
	said := []string{"Signed in at " + s.Addr + " as " + s.User + "."}
	box, err := v.Select(s.Folder, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return said, fault.Wrap(err, fault.Unavailable, "There is no folder %q.", s.Folder).WithHint("Folders there: %s.", v.folders())
	}
	said = append(said, fmt.Sprintf("The folder %s holds %d mails.", s.Folder, box.NumMessages))
	if s.Done == "" {
		return append(said, "Mail that was taken stays there and is marked as read."), nil
	}
	if _, err := v.Status(s.Done, &imap.StatusOptions{NumMessages: true}).Wait(); err != nil {
		return said, fault.Wrap(err, fault.Unavailable, "There is no folder %q for mail that was taken.", s.Done).WithHint("Make it in the mailbox, or choose one of: %s.", v.folders())
	}
	return append(said, "Mail that was taken is moved to "+s.Done+"."), nil
}

// folders lists some folders, for a hint.
func (v *visit) folders() string {
	list, err := v.List("", "*", nil).Collect()
	if err != nil {
		return "they cannot be listed"
	}
	const most = 15
	var names []string
	for _, f := range list {
		if len(names) < most {
			names = append(names, f.Mailbox)
		}
	}
	return strings.Join(names, ", ")
}

// Fetch hands over what is new in the folder, the oldest first, and then has the server
// note that it was taken. It gives validity and the last place that take has kept: what
// the server failed to note is not handed over again as long as these are given to
// it. noted is what the server did not do, to be told; not a failure.
func (s *Source) Fetch(ctx context.Context, take func(validity, place uint32, raw []byte) error) (validity, last uint32, noted, err error) {
	v, err := s.open(ctx)
	if err != nil {
		return s.Validity, s.Last, nil, err
	}
	defer v.end()
	box, err := v.Select(s.Folder, nil).Wait()
	if err != nil {
		return s.Validity, s.Last, nil, fault.Wrap(err, fault.Unavailable, "There is no folder %q.", s.Folder).WithHint("Folders there: %s.", v.folders())
	}
	validity, last = box.UIDValidity, 0
	if s.Validity == validity {
		last = s.Last
	}
	places, sizes, err := v.fresh(last)
	if err != nil {
		return validity, last, nil, lost(err)
	}
	for i, p := range places {
		raw, err := v.one(p, sizes[i])
		if err != nil {
			return validity, last, noted, lost(err)
		}
		if raw != nil { // it may have gone meanwhile
			if err := take(validity, uint32(p), raw); err != nil {
				return validity, last, noted, err
			}
			if err := v.done(p); err != nil {
				noted = err
			}
		}
		last = uint32(p)
	}
	_ = v.Logout().Wait()
	return validity, last, noted, nil
}

func lost(err error) error {
	return fault.Wrap(err, fault.Unavailable, "The mail server stopped answering.").WithHint("What was fetched is kept; the rest follows with the next visit.")
}

// fresh lists the places behind last, with the sizes of their mails.
func (v *visit) fresh(last uint32) (places []imap.UID, sizes []int64, err error) {
	if last == ^uint32(0) {
		return nil, nil, nil
	}
	var set imap.UIDSet
	set.AddRange(imap.UID(last+1), 0)
	limit := v.Limit
	if limit == 0 {
		limit = usualLimit
	}
	list, err := v.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{set}, NotFlag: []imap.Flag{imap.FlagDeleted}}, nil).Wait()
	if err != nil {
		return nil, nil, err
	}
	set = nil
	n := 0
	for _, p := range list.AllUIDs() {
		if uint32(p) > last && n < limit { // a star in a range stands for the last mail, also when that is older
			set.AddNum(p)
			n++
		}
	}
	if n == 0 {
		return nil, nil, nil
	}
	found, err := v.Client.Fetch(set, &imap.FetchOptions{UID: true, RFC822Size: true}).Collect()
	if err != nil {
		return nil, nil, err
	}
	for _, m := range found {
		places, sizes = append(places, m.UID), append(sizes, m.RFC822Size)
	}
	return places, sizes, nil
}

// one fetches a mail, of a larger one the header alone; nil when it is gone.
func (v *visit) one(p imap.UID, size int64) ([]byte, error) {
	most := v.Most
	if most == 0 {
		most = defaultMost
	}
	section := &imap.FetchItemBodySection{Peek: true}
	if size > most {
		section.Specifier, most = imap.PartSpecifierHeader, mostHeader
	}
	cmd := v.Client.Fetch(imap.UIDSetNum(p), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
	var raw []byte
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		for item := m.Next(); item != nil; item = m.Next() {
			body, ok := item.(imapclient.FetchItemDataBodySection)
			if !ok || body.Literal == nil {
				continue
			}
			b, err := io.ReadAll(io.LimitReader(body.Literal, most+1))
			if err != nil {
				return nil, errors.Join(err, cmd.Close())
			}
			raw = b
		}
	}
	return raw, cmd.Close()
}

// done has the server note that a mail was taken.
func (v *visit) done(p imap.UID) error {
	set := imap.UIDSetNum(p)
	err := v.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close()
	if err == nil && v.Done != "" {
		_, err = v.Move(set, v.Done).Wait()
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "The mail server does not move or mark what was taken.").WithHint("The mail is here all the same. Look whether the folder %q exists and the mailbox is not full.", v.Done)
	}
	return nil
}
