package notification

import (
	"context"
	"log/slog"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Channel takes notices out of the house, such as by mail.
type Channel interface {
	// Name is one of the channels that people choose: ByMail.
	Name() string
	// Deliver takes over one message to one person, in the transaction in which it
	// leaves the notices that wait: it writes it into a queue of its own and does
	// not wait for anybody. What it fails with leaves the message waiting, for a day
	// at most. The transaction is the person's: what may be told is decided.
	Deliver(tx *gate.Tx, m Message) error
}

// Message is a notice for one person. To has her name and e-mail address.
type Message struct {
	To     *access.Caller
	Notice *Line
	Digest []*Line // several, the oldest first, in one message; Notice is nil then
}

// Deliverer hands notices to the channels. Fill the fields.
type Deliverer struct {
	Gate     *gate.Gate
	Channels []Channel
	// Resolve gives a user as she is now; NotFound when she may not sign in.
	Resolve func(ctx context.Context, tenant string, user id.ID) (*access.Caller, error)
	Log     *slog.Logger
}

// Has tells whether there is a channel of that name.
func (d *Deliverer) Has(name string) bool { return d != nil && d.channel(name) != nil }

func (d *Deliverer) channel(name string) Channel {
	for _, c := range d.Channels {
		if c.Name() == name {
			return c
		}
	}
	return nil
}

// waiting is a notice that waits for a channel.
type waiting struct {
	channel      string
	notice, user id.ID
	at           int64 // from when it may leave, Unix milliseconds
	digest       bool  // with others
}

// deliverAtOnce is how many messages one run hands over.
const deliverAtOnce = 500

// Run hands over what waits in a tenant: what was read meanwhile, what its
// reader may not see any more and what is older than a day is dropped. One that
// a channel refuses waits for the next run and keeps none of the others.
func (d *Deliverer) Run(ctx context.Context, tenant string) error {
	var list []waiting
	err := d.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) (err error) {
		list, err = due(tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, w := range list {
		ch := d.channel(w.channel)
		if ch == nil {
			continue
		}
		if err := d.one(ctx, tenant, ch, w); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			d.Log.WarnContext(ctx, "a notice could not be handed over", "tenant", tenant, "channel", w.channel, "notice", int64(w.notice), "error", err)
		}
	}
	return nil
}

func due(tx *gate.Tx) ([]waiting, error) {
	rows, err := tx.Query(`select channel, notification_id, user_id, at, digest from notification_out where at <= ? order by at, notification_id limit ?`, tx.Now, deliverAtOnce)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []waiting
	for rows.Next() {
		var w waiting
		var n, u int64
		if err := rows.Scan(&w.channel, &n, &u, &w.at, &w.digest); err != nil {
			return nil, err
		}
		w.notice, w.user = id.ID(n), id.ID(u)
		out = append(out, w)
	}
	return out, rows.Err()
}

// one hands over one message as the person who gets it.
func (d *Deliverer) one(ctx context.Context, tenant string, ch Channel, w waiting) error {
	to, err := d.Resolve(ctx, tenant, w.user)
	gone := fault.Is(err, fault.NotFound)
	if err != nil && !gone {
		return err
	}
	if gone {
		to = access.System(tenant, "job")
	}
	return d.Gate.Change(ctx, to, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		m := Message{To: to}
		switch {
		case gone:
			_, err := tx.Exec(`delete from notification_out where channel = ? and notification_id = ?`, w.channel, int64(w.notice))
			return err
		case w.digest:
			if m.Digest, err = together(tx, w); err != nil || len(m.Digest) == 0 { // nothing is no message; or it went with another
				return err
			}
		default:
			if m.Notice, err = leaving(tx, w); err != nil || m.Notice == nil {
				return err
			}
		}
		return ch.Deliver(tx, m)
	})
}

// leaving takes a notice out of what waits, and gives it when it still is to be told: nil when
// somebody else was first, and for what was read meanwhile, is hidden or is no news any more.
func leaving(tx *gate.Tx, w waiting) (*Line, error) {
	n, err := tx.Exec(`delete from notification_out where channel = ? and notification_id = ?`, w.channel, int64(w.notice))
	if err != nil || n == 0 {
		return nil, err
	}
	var still []*Line
	if w.at >= tx.Now-keepOut.Milliseconds() {
		if still, err = Still(tx, w.user, w.notice); err != nil {
			return nil, err
		}
	}
	if len(still) == 0 {
		return nil, fate(tx, w.notice, w.channel, Dropped, tx.Now, "")
	}
	return still[0], fate(tx, w.notice, w.channel, Given, tx.Now, "")
}
