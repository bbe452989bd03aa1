package channel

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/notification"
)

// The times of sending.
const (
	mostTries  = 8
	firstWait  = time.Minute
	longest    = 4 * time.Hour
	lease      = time.Minute        // longer than an answer may take
	giveUp     = 3 * 24 * time.Hour // without one answer that is well, until a channel is turned off
	betweenTry = 10 * time.Second   // of tests that a person asks for
	atOnce     = 4                  // channels of a tenant
	batch      = 500
)

// reasonOfUse is what the log says of why the secret of a channel was opened.
const reasonOfUse = "to tell a person by her own channel"

// Sender sends what people are told by channels of their own. Fill the fields; it then is safe
// for concurrent use.
type Sender struct {
	Gate    *gate.Gate
	Secrets *secret.Revealer
	HTTP    *http.Client // connects only to where the operator lets it, and follows nothing
	// Resolve gives a user as she is now; NotFound when she may not sign in.
	Resolve func(ctx context.Context, tenant string, user id.ID) (*access.Caller, error)
	Link    string // address of the web interface, for links; none when empty
	Now     func() time.Time
	Log     *slog.Logger
}

// Channels gives one for each format, for who hands notices over.
func (s *Sender) Channels() []notification.Channel {
	var out []notification.Channel
	for _, f := range Formats() {
		out = append(out, way{f.Name})
	}
	return out
}

// way takes notices over for one format.
type way struct{ name string }

// Name is the channel that people choose.
func (w way) Name() string { return w.name }

// Deliver keeps which notices are to be sent. What they say is read when they are.
func (w way) Deliver(tx *gate.Tx, m notification.Message) error {
	lines := m.Digest
	if m.Notice != nil {
		lines = []*notification.Line{m.Notice}
	}
	urgent := false
	ids := make([]id.ID, len(lines))
	for i, l := range lines {
		ids[i], urgent = l.ID, urgent || l.Topic.Urgent
	}
	own, err := get(tx, m.To.User, w.name)
	switch {
	case err != nil:
		return err
	case own == nil || own.Off != 0:
		return notification.Note(tx, w.name, notification.Dropped, "", ids...)
	}
	text, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	n, err := tx.NewID()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into channel_out (id, user_id, channel, notices, urgent, at, created_at) values (?, ?, ?, ?, ?, ?, ?)`, int64(n), int64(m.To.User), w.name, string(text), urgent, tx.Now, tx.Now)
	return err
}

// out is a message that waits.
type out struct {
	id, user id.ID
	channel  string
	notices  []id.ID
	urgent   bool
	attempts int
}

// Run sends what is due in a tenant, channels beside each other and the messages of each one
// after the other. It bears repetition: a message that may have arrived when the server stopped
// goes out again, with the id that it had.
func (s *Sender) Run(ctx context.Context, tenant string) error {
	type place struct {
		user    id.ID
		channel string
	}
	due := map[place][]id.ID{}
	err := s.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) error {
		rows, err := tx.Query(`select id, user_id, channel from channel_out where at <= ? order by at, id limit ?`, tx.Now, batch)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n, u int64
			var p place
			if err := rows.Scan(&n, &u, &p.channel); err != nil {
				return err
			}
			p.user = id.ID(u)
			due[p] = append(due[p], id.ID(n))
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	var failed error
	free := make(chan struct{}, atOnce)
	for _, list := range due {
		group.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			for _, n := range list {
				well, err := s.one(ctx, tenant, n)
				if err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
				}
				if err != nil || !well {
					return
				}
			}
		})
	}
	group.Wait()
	return failed
}

// system runs fn as the house; what it writes is no matter of the log.
func (s *Sender) system(ctx context.Context, tenant string, fn func(tx *gate.Tx) error) error {
	return s.Gate.Change(ctx, access.System(tenant, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return fn(tx)
	})
}

// one sends a message when nobody else does, and tells whether the next one may follow.
func (s *Sender) one(ctx context.Context, tenant string, n id.ID) (well bool, err error) {
	o, err := s.take(ctx, tenant, n)
	if err != nil || o == nil {
		return err == nil, err
	}
	own, m, err := s.message(ctx, tenant, o)
	if err != nil {
		return false, err
	}
	if m == nil {
		return true, s.system(ctx, tenant, func(tx *gate.Tx) error { return over(tx, o, notification.Dropped, "") })
	}
	got, err := s.send(ctx, tenant, own, o.user, *m)
	if err != nil {
		return false, err
	}
	if ctx.Err() != nil {
		return false, ctx.Err() // the process stops; it is tried again
	}
	return got.well(), s.system(ctx, tenant, func(tx *gate.Tx) error { return note(tx, o, got) })
}

// take takes a message that is due, so that nobody else does for a minute; nil when it is not.
func (s *Sender) take(ctx context.Context, tenant string, n id.ID) (*out, error) {
	o := &out{id: n}
	err := s.system(ctx, tenant, func(tx *gate.Tx) error {
		var user int64
		var list string
		err := tx.QueryRow(`update channel_out set attempts = attempts + 1, at = ? where id = ? and at <= ? returning user_id, channel, notices, urgent, attempts`, tx.Now+lease.Milliseconds(), int64(n), tx.Now).
			Scan(&user, &o.channel, &list, &o.urgent, &o.attempts)
		if err != nil {
			return err
		}
		o.user = id.ID(user)
		return json.Unmarshal([]byte(list), &o.notices)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return o, err
}

// message reads, as the person, what is to be told; nil when nothing is any more: she may not
// sign in, has read it, may not see it, or has no such channel that is on.
func (s *Sender) message(ctx context.Context, tenant string, o *out) (own *Own, m *Message, err error) {
	c, err := s.Resolve(ctx, tenant, o.user)
	if fault.Is(err, fault.NotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	err = s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		allowed, err := Allowed(tx)
		if err != nil || !allowed[o.channel] {
			return err
		}
		if own, err = Get(tx, o.channel); err != nil || own == nil || own.Off != 0 {
			return err
		}
		lines, err := notification.Still(tx, o.user, o.notices...)
		if err != nil || len(lines) == 0 {
			return err
		}
		m = &Message{ID: "msg_" + o.id.String(), At: time.UnixMilli(tx.Now), Urgent: o.urgent}
		for _, l := range lines {
			m.Lines = append(m.Lines, s.line(l))
		}
		return nil
	})
	return own, m, err
}

func (s *Sender) line(l *notification.Line) Line {
	out := Line{ID: l.ID.String(), Topic: l.Topic.Name, Text: l.Plain(), At: time.UnixMilli(l.At).UTC()}
	if s.Link != "" {
		out.Link = s.Link + "/notifications/" + out.ID
	}
	return out
}

// answer is what came of a try.
type answer struct {
	status int // 0 when there was none
	said   string
}

func (a *answer) well() bool { return a.status >= 200 && a.status < 300 }

// final tells whether the other side will not take this message however often it is asked.
func (a *answer) final() bool {
	switch a.status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return a.status >= 300 && a.status < 500
}

// send sends a message once.
func (s *Sender) send(ctx context.Context, tenant string, own *Own, user id.ID, m Message) (*answer, error) {
	f, ok := FormatOf(own.Channel)
	if !ok {
		return &answer{status: http.StatusGone, said: "This version does not know this channel."}, nil
	}
	var err error
	if m.Address, err = url.Parse(own.Address); err != nil {
		return nil, err
	}
	if own.HasSecret {
		m.Secret, _, err = s.Secrets.RevealBeside(ctx, access.System(tenant, "job"), gate.Thing{}, reasonOfUse, func(tx *gate.Tx) (*secret.Ref, error) {
			e := tx.Entry()
			e.Kind, e.Object, e.Detail.Name = thing, user, own.Channel+": "+own.Host()
			return &secret.Ref{Kind: thing, Object: user, Field: field(own.Channel)}, nil
		})
		if err != nil {
			return nil, err
		}
	}
	req, err := f.Request(ctx, m)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Strongroom-Channel/1")
	resp, err := s.HTTP.Do(req)
	switch {
	case dialer.Refused(err):
		return &answer{said: fault.Say(err).Text}, nil
	case err != nil:
		return &answer{said: "No answer came from " + own.Host() + "."}, nil
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err != nil {
		s.Log.DebugContext(ctx, "the answer of a channel broke off", "tenant", tenant, "channel", own.Channel, "error", err)
	}
	return &answer{status: resp.StatusCode, said: fmt.Sprintf("%s answered %d %s.", own.Host(), resp.StatusCode, http.StatusText(resp.StatusCode))}, nil
}

// over ends a message.
func over(tx *gate.Tx, o *out, state, said string) error {
	if _, err := tx.Exec(`delete from channel_out where id = ?`, int64(o.id)); err != nil {
		return err
	}
	return notification.Note(tx, o.channel, state, said, o.notices...)
}

// note writes down what came of a try, and turns off a channel that only fails.
func note(tx *gate.Tx, o *out, a *answer) error {
	if a.well() {
		if _, err := tx.Exec(`update channel_own set failing_at = 0, said = '' where user_id = ? and channel = ?`, int64(o.user), o.channel); err != nil {
			return err
		}
		return over(tx, o, notification.Arrived, "")
	}
	if _, err := tx.Exec(`update channel_own set failing_at = case when failing_at = 0 then ? else failing_at end, said = ? where user_id = ? and channel = ?`, tx.Now, a.said, int64(o.user), o.channel); err != nil {
		return err
	}
	own, err := get(tx, o.user, o.channel)
	if err != nil || own == nil {
		return err
	}
	if a.final() || o.attempts >= mostTries {
		err = over(tx, o, notification.Failed, a.said)
	} else {
		_, err = tx.Exec(`update channel_out set at = ? where id = ?`, tx.Now+wait(o.attempts).Milliseconds(), int64(o.id))
	}
	if err != nil || a.status != http.StatusGone && tx.Now-own.Failing < giveUp.Milliseconds() {
		return err
	}
	return off(tx, o.user, own)
}

// wait is how long after a try the next one comes.
func wait(attempts int) time.Duration {
	d := firstWait
	for range attempts - 1 {
		d = min(3*d, longest)
	}
	return d
}

// off turns a channel off, and tells its owner.
func off(tx *gate.Tx, user id.ID, own *Own) error {
	fresh, err := tx.Exec(`update channel_own set off_at = ? where user_id = ? and channel = ? and off_at = 0`, tx.Now, int64(user), own.Channel)
	if err != nil || fresh == 0 {
		return err
	}
	if err := notification.Shut(tx, user, own.Channel); err != nil {
		return err
	}
	f, _ := FormatOf(own.Channel)
	_, err = notification.Send(tx, notification.Notice{Topic: "channel", To: []id.ID{user}, Href: "/notifications/channels/" + own.Channel, Own: true, Key: fmt.Sprintf("channel/%s/%d", own.Channel, tx.Now),
		Text: []notification.Part{notification.Words("The channel “" + f.Label + "” was turned off. " + own.Said + " Set it up again when it works.")}})
	return err
}

// Test sends the caller something by a channel of hers now, and says what came back. NotFound
// when she has none of that name; Conflict when she has just asked.
func (s *Sender) Test(ctx context.Context, c *access.Caller, name string) (said string, err error) {
	var own *Own
	err = s.Gate.Change(ctx, c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		if own, err = Get(tx, name); err != nil {
			return err
		}
		allowed, err := Allowed(tx)
		switch {
		case err != nil:
			return err
		case own == nil || !allowed[name]:
			return gate.Missing()
		}
		n, err := tx.Exec(`update channel_own set tested_at = ? where user_id = ? and channel = ? and tested_at <= ?`, tx.Now, int64(c.User), name, tx.Now-betweenTry.Milliseconds())
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "A test was sent a moment ago.").WithHint("Wait ten seconds.")
		}
		if err == nil {
			tx.Also(entry("channel.test", c.User, name, own.Host()))
		}
		return err
	})
	if err != nil {
		return "", err
	}
	now := s.Now()
	got, err := s.send(ctx, c.Tenant, own, c.User, Message{ID: fmt.Sprintf("test_%d", now.UnixMilli()), At: now, Lines: []Line{{ID: "test", Topic: "test", Text: "This is a test: Strongroom reaches you here.", At: now.UTC(), Link: s.Link}}})
	if err != nil {
		return "", err
	}
	if got.well() {
		return "The test was sent: " + got.said, nil
	}
	return "", fault.New(fault.Invalid, "The test did not arrive. %s", got.said).WithHint("Look at the address, and at whether that server takes messages from here.")
}
