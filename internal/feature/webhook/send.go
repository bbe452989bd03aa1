package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hooksign"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/notification"
)

// The times of sending.
const (
	mostTries  = 10
	lease      = 30 * time.Second   // twice as long as an answer may take
	overlap    = 24 * time.Hour     // how long a secret goes on that was changed
	giveUp     = 3 * 24 * time.Hour // without one answer that is well, until an address is turned off
	firstWait  = 10 * time.Second
	longest    = 8 * time.Hour
	atOnce     = 4   // addresses of a tenant
	batch      = 200 // messages of an address in one run
	mostAnswer = 2000
)

// Topic is what the notices about addresses that fail are about.
const Topic = "webhook"

// field is where the secret of an address lies.
const field = "secret"

// reasonOfUse is what the log says of why a secret was opened.
const reasonOfUse = "to sign the messages of a webhook"

// Hooks send what happens to the addresses of all tenants. Fill the fields; it then is safe
// for concurrent use.
type Hooks struct {
	Gate    *gate.Gate
	Records *record.Engine
	Secrets *secret.Revealer
	Jobs    *job.Runner // nil leaves what waits to Run
	HTTP    *http.Client
	Now     func() time.Time // nil is time.Now

	mu     sync.Mutex
	opened map[place]*kept
}

// place names a secret that was opened.
type place struct {
	tenant  string
	hook    id.ID
	version uint32
}

func (h *Hooks) now() time.Time {
	if h.Now == nil {
		return time.Now()
	}
	return h.Now()
}

// system runs fn as the house; what it writes is no matter of the log.
func (h *Hooks) system(ctx context.Context, tenant string, fn func(tx *gate.Tx) error) error {
	return h.Gate.Change(ctx, access.System(tenant, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return fn(tx)
	})
}

type armedKey struct{}

// arm has what waits sent, by the system itself, once for a transaction.
func (h *Hooks) arm(tx *gate.Tx, at int64) error {
	if h.Jobs == nil {
		return nil
	}
	armed := tx.Local(armedKey{}, func() any { return new(bool) }).(*bool)
	if *armed {
		return nil
	}
	*armed = true
	who := tx.Caller
	tx.Caller = access.System(tx.Tenant.Name, "job")
	defer func() { tx.Caller = who }()
	_, err := h.Jobs.Enqueue(tx, job.Job{Kind: JobKind, At: at})
	return err
}

// Handler sends what is due.
func (h *Hooks) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error { return h.Drain(ctx, run.Tenant) }
}

// Run sends what is due and forgets what is old. A schedule calls it; it bears repetition.
func (h *Hooks) Run(ctx context.Context, tenant string) error {
	if h.Records.Kinds.Kind(Kind) == nil {
		return nil
	}
	if err := h.Drain(ctx, tenant); err != nil {
		return err
	}
	return h.system(ctx, tenant, func(tx *gate.Tx) error {
		old := tx.Now - keep.Milliseconds()
		if _, err := tx.Exec(`delete from webhook_try where out_id in (select id from webhook_out where at < ?)`, old); err != nil {
			return err
		}
		_, err := tx.Exec(`delete from webhook_out where at < ?`, old)
		return err
	})
}

// Drain sends what is due, addresses beside each other and the messages of each one after
// the other.
func (h *Hooks) Drain(ctx context.Context, tenant string) error {
	var list []*Hook
	var next int64
	err := h.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) (err error) {
		list, err = read(tx, h.Records, `join webhook_state s on s.hook_id = r.id where k.active = 1 and r.archived = 0 and r.trashed_at is null and s.off_at = 0 and s.version > 0
			and exists (select 1 from webhook_out o where o.hook_id = r.id and o.state in ('waiting', 'sending')) order by r.id`)
		return err
	})
	if err != nil || len(list) == 0 {
		return err
	}
	var group sync.WaitGroup
	free := make(chan struct{}, atOnce)
	failed := make([]error, len(list))
	for i, x := range list {
		group.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			failed[i] = h.each(ctx, tenant, x)
		})
	}
	group.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	err = h.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) error {
		return tx.QueryRow(`select coalesce(min(o.next_at), 0) from webhook_out o join webhook_state s on s.hook_id = o.hook_id join k_webhook k on k.id = o.hook_id
			where o.state in ('waiting', 'sending') and s.off_at = 0 and s.version > 0 and k.active = 1 and o.id = (select min(x.id) from webhook_out x where x.hook_id = o.hook_id and x.state in ('waiting', 'sending'))`).Scan(&next)
	})
	if err != nil || next == 0 || h.Jobs == nil {
		return err
	}
	return h.system(ctx, tenant, func(tx *gate.Tx) error {
		var have int64
		if err := tx.QueryRow(`select coalesce(min(at), 0) from job where kind = ? and state = ?`, JobKind, job.Waiting).Scan(&have); err != nil || have != 0 && have <= max(next, tx.Now) {
			return err
		}
		return h.arm(tx, next)
	})
}

// out is a message that is due.
type out struct {
	id       id.ID
	body     string
	attempts int
}

// each sends the messages of one address that are due, until one has to wait.
func (h *Hooks) each(ctx context.Context, tenant string, x *Hook) error {
	for range batch {
		o, err := h.take(ctx, tenant, x)
		if err != nil || o == nil {
			return err
		}
		t, err := h.send(ctx, tenant, x, o)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err() // the process stops; it is tried again, with the same id
		}
		if err := h.system(ctx, tenant, func(tx *gate.Tx) error { return h.note(tx, x, o, t) }); err != nil {
			return err
		}
		if !t.well() {
			return nil
		}
	}
	return nil
}

// take takes the first message of an address when it is due, so that nobody else does for
// some minutes; nil when none is. One that was being sent when the server stopped may have
// come: it goes out again, with the id that it had, and its log says so.
func (h *Hooks) take(ctx context.Context, tenant string, x *Hook) (*out, error) {
	o := &out{}
	var n int64
	err := h.system(ctx, tenant, func(tx *gate.Tx) error {
		var was string
		var since int64
		if err := tx.QueryRow(`select state, next_at from webhook_out where hook_id = ? and state in ('waiting', 'sending') order by id limit 1`, int64(x.ID)).Scan(&was, &since); err != nil {
			return err
		}
		err := tx.QueryRow(`update webhook_out set state = 'sending', attempts = attempts + 1, next_at = ? where id = (select min(id) from webhook_out where hook_id = ? and state in ('waiting', 'sending')) and state in ('waiting', 'sending') and next_at <= ?
			returning id, body, attempts`, tx.Now+lease.Milliseconds(), int64(x.ID), tx.Now).Scan(&n, &o.body, &o.attempts)
		if err != nil || was != Sending {
			return err
		}
		return tried(tx, id.ID(n), &try{at: time.UnixMilli(since).Add(-lease), said: Unknown})
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	o.id = id.ID(n)
	return o, err
}

// Unknown is what is said of a try of which nobody knows what came.
const Unknown = "The server stopped before it had the answer, so nobody knows whether it came. It was sent again, with the same id."

// tried writes down what came of a try.
func tried(tx *gate.Tx, message id.ID, t *try) error {
	n, err := tx.NewID()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into webhook_try (id, out_id, at, took, status, said, answer) values (?, ?, ?, ?, ?, ?, ?)`, int64(n), int64(message), t.at.UnixMilli(), t.took.Milliseconds(), t.status, t.said, t.answer)
	return err
}

// try is what came of sending a message.
type try struct {
	at     time.Time
	took   time.Duration
	status int // 0 when there was no answer
	said   string
	answer string
}

func (t *try) well() bool { return t.status >= 200 && t.status < 300 }

// gone tells whether the other side wants no messages any more.
func (t *try) gone() bool { return t.status == http.StatusGone }

// MessageID is the id by which the receiver knows a message, however often it comes.
func MessageID(n id.ID) string { return "msg_" + n.String() }

// send sends a message once.
func (h *Hooks) send(ctx context.Context, tenant string, x *Hook, o *out) (*try, error) {
	keys, err := h.keys(ctx, tenant, x)
	if err != nil {
		return nil, err
	}
	t := &try{at: h.now()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, x.URL, bytes.NewReader([]byte(o.body)))
	if err != nil {
		return nil, err
	}
	stamp := hooksign.Stamp(t.at)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Strongroom-Webhook/1")
	var signed []string
	for _, k := range keys {
		signed = append(signed, sign(x.Signs, k, MessageID(o.id), stamp, o.body))
	}
	hooksign.Set(req.Header, MessageID(o.id), stamp, signed...)
	resp, err := h.HTTP.Do(req)
	t.took = h.now().Sub(t.at)
	if err != nil {
		t.said = unreached(err)
		return t, nil
	}
	defer resp.Body.Close()
	t.status, t.said = resp.StatusCode, resp.Status
	text, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		t.said += ", and the answer broke off"
	}
	t.answer = masked(string(text), signed)
	return t, nil
}

// note writes down what came of a try, and turns off an address that only fails.
func (h *Hooks) note(tx *gate.Tx, x *Hook, o *out, t *try) error {
	if err := tried(tx, o.id, t); err != nil {
		return err
	}
	if t.well() {
		if _, err := tx.Exec(`update webhook_out set state = 'sent', ended_at = ? where id = ?`, tx.Now, int64(o.id)); err != nil {
			return err
		}
		_, err := tx.Exec(`update webhook_state set ok_at = ?, failing_at = 0 where hook_id = ?`, tx.Now, int64(x.ID))
		return err
	}
	if _, err := tx.Exec(`update webhook_state set failing_at = ? where hook_id = ? and failing_at = 0`, tx.Now, int64(x.ID)); err != nil {
		return err
	}
	state, ended := Waiting, int64(0)
	if o.attempts >= mostTries {
		state, ended = Failed, tx.Now
	}
	if _, err := tx.Exec(`update webhook_out set state = ?, ended_at = ?, next_at = ? where id = ?`, state, ended, tx.Now+wait(o.attempts).Milliseconds(), int64(o.id)); err != nil {
		return err
	}
	var since int64
	if err := tx.QueryRow(`select failing_at from webhook_state where hook_id = ?`, int64(x.ID)).Scan(&since); err != nil {
		return err
	}
	switch {
	case t.gone():
		return h.off(tx, x, "It answered that it is gone.")
	case tx.Now-since >= giveUp.Milliseconds():
		return h.off(tx, x, "It has failed for three days: "+t.said)
	}
	return nil
}

// wait is how long after a try the next one comes: longer each time, and not all at once.
func wait(attempts int) time.Duration {
	d := firstWait
	for range attempts - 1 {
		d = min(4*d, longest)
	}
	more, err := rand.Int(rand.Reader, big.NewInt(int64(d)/4))
	if err != nil {
		return d
	}
	return d + time.Duration(more.Int64())
}

// off turns an address off, once, and tells who saved it last. What waits stays.
func (h *Hooks) off(tx *gate.Tx, x *Hook, said string) error {
	fresh, err := tx.Exec(`update webhook_state set off_at = ?, said = ? where hook_id = ? and off_at = 0`, tx.Now, said, int64(x.ID))
	if err != nil || fresh == 0 {
		return err
	}
	_, err = notification.Send(tx, notification.Notice{Topic: Topic, To: []id.ID{x.Maker}, Record: x.ID, Own: true, Key: fmt.Sprintf("webhook/%s/%d", x.ID, tx.Now),
		Text: []notification.Part{notification.Words("The webhook"), notification.Of(x.ID), notification.Words("was turned off. " + said)}})
	return err
}

// Test puts a message that tells nothing into the queue of an address, unless one waits.
func (h *Hooks) Test(tx *gate.Tx, hook id.ID) error {
	x, e, err := h.named(tx, hook)
	if err != nil {
		return err
	}
	var have int
	if err := tx.QueryRow(`select count(*) from webhook_out where hook_id = ? and event = ? and state in ('waiting', 'sending')`, int64(hook), Tested).Scan(&have); err != nil || have > 0 {
		tx.Withdraw(e)
		return err
	}
	e.Action = "webhook.test"
	n, err := tx.NewID()
	if err != nil {
		return err
	}
	body := fmt.Sprintf(`{"type":"test","timestamp":%q,"data":{"from":"Strongroom"}}`, time.UnixMilli(tx.Now).UTC().Format(time.RFC3339Nano))
	return h.put(tx, x, n, Tested, "", 0, "test/"+n.String(), []byte(body))
}

// named is an address that the caller may change.
func (h *Hooks) named(tx *gate.Tx, hook id.ID) (*Hook, *audit.Entry, error) {
	r, err := h.Records.Get(tx, Kind, hook)
	if err != nil {
		return nil, nil, err
	}
	e, err := tx.Allow(access.Edit, gate.Thing{Kind: Kind, ID: hook})
	return Of(r), e, err
}

// Replay has a message that was sent, or failed, sent once more, with the id that it had. It
// tells what it told then. One that waits is not touched.
func (h *Hooks) Replay(tx *gate.Tx, hook, message id.ID) error {
	_, e, err := h.named(tx, hook)
	if err != nil {
		return err
	}
	e.Action = "webhook.replay"
	n, err := tx.Exec(`update webhook_out set state = 'waiting', attempts = 0, next_at = ?, ended_at = 0 where id = ? and hook_id = ? and state in ('sent', 'failed')`, tx.Now, int64(message), int64(hook))
	if err != nil {
		return err
	}
	if n == 0 {
		tx.Withdraw(e)
		var have int
		if err := tx.QueryRow(`select count(*) from webhook_out where id = ? and hook_id = ?`, int64(message), int64(hook)).Scan(&have); err != nil || have > 0 {
			return err
		}
		return gate.Missing()
	}
	return h.arm(tx, 0)
}

// Call sends what a record says to an address because a rule asks for it, as often as once
// under the same key.
func (h *Hooks) Call(tx *gate.Tx, hook id.ID, rec *record.Record, once string) (string, error) {
	list, err := read(tx, rec.Kind.Engine(), `where r.id = ? and r.trashed_at is null`, int64(hook))
	if err != nil {
		return "", err
	}
	if len(list) == 0 || !list[0].On {
		return "", fault.New(fault.Invalid, "The webhook is off, or not there any more.")
	}
	return "Put a message for " + list[0].Name + " into the queue.", h.enqueue(tx, list[0], rec, nil, Asked, once, nil)
}
