package secret

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"strings"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/keys"
)

// The actions of the audit entries of a reveal.
const (
	Granted = "reveal.granted" // durable before the key service is asked
	Failed  = "reveal.failed"  // cites the entry of the granted one
)

// Revealer opens secrets for callers who may see them. Fill the fields; it then
// is safe for concurrent use.
type Revealer struct {
	Gate *gate.Gate
	Keys *keys.Client

	// Policies say whether what the caller's rights allow may be shown now: each is
	// asked for each version, in the transaction of its grant, so that every way to
	// a secret obeys them all. A refusal, Denied, is recorded; what they say of what
	// they allow, they add to the Text of the entry.
	Policies []Policy

	// Restored, when set, runs in the transaction of Restore, for what follows
	// from a changed record.
	Restored func(tx *gate.Tx, p Place, version uint32) error

	// Throttled, when set, is told that a budget of the key service is used up: by
	// whom, and whether by an export.
	Throttled func(ctx context.Context, c *access.Caller, export bool) error

	pace pace
}

// Policy is a rule about reveals beside the rights.
type Policy func(tx *gate.Tx, ref Ref, e *audit.Entry) error

// Ref names one version of one secret of a record.
type Ref struct {
	Kind    string
	Object  id.ID
	Field   string
	Version uint32 // 0 is the present one
	Reasons bool   // the reveal needs a reason
	Copied  bool   // by what the asking page says it is copied and not shown; the entry says so too
}

// Sealed is a secret that only the holder of an ephemeral private key can open:
// the data key, re-wrapped to it (see envelope.OpenRewrapped), and the envelope.
type Sealed struct {
	Key      []byte
	Envelope []byte
	Version  uint32
}

// opening is one version whose reveal was granted.
type opening struct {
	stored   stored
	envelope *envelope.Envelope
	entry    *audit.Entry
	tenant   string
}

// Reveal gives the text of a secret. The grant is in the audit log, durable,
// before the key service is asked; when that fails, so is the failure. Fault
// kinds: NotFound when the caller may not see the record or there is no such
// version, Denied, Invalid for "reason" when one is needed, Unavailable while
// the key service is away, Throttled.
func (r *Revealer) Reveal(ctx context.Context, c *access.Caller, ref Ref, reason string) (string, error) {
	o, err := r.grant(ctx, c, ref, reason)
	if err != nil {
		return "", err
	}
	return r.text(ctx, c, o)
}

// RevealBeside is Reveal for an answer that also tells of the record: look reads
// in the transaction of the grant, so that one snapshot serves both, and gives
// the secret to reveal. When look gives nil, or a secret that was never set or
// was cleared, nothing is revealed nor recorded, and has is false.
func (r *Revealer) RevealBeside(ctx context.Context, c *access.Caller, thing gate.Thing, reason string, look func(*gate.Tx) (*Ref, error)) (text string, has bool, err error) {
	o, err := r.decide(ctx, c, thing, func(tx *gate.Tx) (*opening, error) {
		e := tx.Entry()
		ref, err := look(tx)
		if err != nil {
			return nil, err
		}
		var s stored
		if ref != nil {
			s, err = load(tx, *ref)
		}
		if ref == nil || errors.Is(err, sql.ErrNoRows) || err == nil && s.empty {
			tx.Withdraw(e)
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return r.admit(tx, s, *ref, e, reason)
	})
	if err != nil || o == nil {
		return "", false, err
	}
	text, err = r.text(ctx, c, o)
	return text, err == nil, err
}

// text opens what was granted.
func (r *Revealer) text(ctx context.Context, c *access.Caller, o *opening) (string, error) {
	asked := r.pace.ask()
	key, err := r.Keys.Unwrap(ctx, o.ticket(c, false), o.envelope.HeaderBytes(), o.envelope.Recipients()[0])
	asked()
	if err != nil {
		return "", r.failed(ctx, c, o, err)
	}
	defer clear(key)
	plain, err := o.envelope.Open(key)
	if err != nil {
		return "", r.failed(ctx, c, o, err)
	}
	defer clear(plain)
	return string(plain), nil
}

// RevealSealed is Reveal for a browser: ephemeral is its P-256 public key (65
// bytes, uncompressed), and only its private key opens what comes back.
func (r *Revealer) RevealSealed(ctx context.Context, c *access.Caller, ref Ref, reason string, ephemeral []byte) (Sealed, error) {
	o, err := r.grant(ctx, c, ref, reason)
	if err != nil {
		return Sealed{}, err
	}
	asked := r.pace.ask()
	key, err := r.Keys.SealedUnwrap(ctx, o.ticket(c, false), o.envelope.HeaderBytes(), o.envelope.Recipients()[0], ephemeral)
	asked()
	if err != nil {
		return Sealed{}, r.failed(ctx, c, o, err)
	}
	return Sealed{Key: key, Envelope: o.stored.sealed, Version: o.stored.version}, nil
}

// grant decides, and makes the grant durable.
func (r *Revealer) grant(ctx context.Context, c *access.Caller, ref Ref, reason string) (*opening, error) {
	return r.decide(ctx, c, gate.Thing{Kind: ref.Kind, ID: ref.Object}, func(tx *gate.Tx) (*opening, error) {
		return r.find(tx, ref, tx.Entry(), reason)
	})
}

// decide runs pick where the caller may reveal, and makes durable what it grants.
func (r *Revealer) decide(ctx context.Context, c *access.Caller, thing gate.Thing, pick func(*gate.Tx) (*opening, error)) (*opening, error) {
	r.pace.join(ctx)
	var o *opening
	err := r.Gate.Change(ctx, c, access.Reveal, thing, func(tx *gate.Tx) (err error) {
		o, err = pick(tx)
		return err
	})
	if err != nil && o != nil {
		return nil, r.unreadable(ctx, c, o, err)
	}
	return o, err
}

// unreadable records that a version was asked for that is not what was stored.
// Nothing was granted, so nothing is cited.
func (r *Revealer) unreadable(ctx context.Context, c *access.Caller, o *opening, cause error) error {
	e := &audit.Entry{
		Action: Failed, Kind: o.entry.Kind, Object: o.entry.Object, Org: o.entry.Org, Version: int64(o.stored.version), Result: audit.Failed,
		Detail: audit.Detail{Name: o.entry.Detail.Name, Fields: []string{o.stored.field}, Text: fault.Say(cause).Text},
	}
	return errors.Join(cause, r.Gate.Note(context.WithoutCancel(ctx), c, e))
}

// find reads the version and writes into the entry of its reveal what it is.
// When the version is there but not what was stored, it gives both it and an
// error.
func (r *Revealer) find(tx *gate.Tx, ref Ref, e *audit.Entry, reason string) (*opening, error) {
	s, err := load(tx, ref)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "There is no such value, or no such version of it.").WithHint("Look at the list of its versions.")
	}
	if err != nil {
		return nil, err
	}
	return r.admit(tx, s, ref, e, reason)
}

// admit asks the policies, then grants; see find.
func (r *Revealer) admit(tx *gate.Tx, s stored, ref Ref, e *audit.Entry, reason string) (*opening, error) {
	if err := r.permit(tx, ref, e); err != nil {
		if fault.Is(err, fault.Denied) {
			e.Detail.Fields = []string{s.field}
			tx.Refuse(e)
		}
		return nil, err
	}
	return s.grant(tx, ref, e, reason)
}

func (r *Revealer) permit(tx *gate.Tx, ref Ref, e *audit.Entry) error {
	for _, p := range r.Policies {
		if err := p(tx, ref, e); err != nil {
			return err
		}
	}
	return nil
}

// grant writes into the entry of the version's reveal what it is; see find.
func (s stored) grant(tx *gate.Tx, ref Ref, e *audit.Entry, reason string) (*opening, error) {
	o := &opening{stored: s, entry: e, tenant: tx.Tenant.ID}
	var err error
	if o.envelope, err = s.open(tx.Tenant.ID); err != nil {
		return o, err
	}
	if reason != "" {
		e.Detail.Reason = reason
	}
	if ref.Reasons && e.Detail.Reason == "" {
		return nil, fault.Field("reason", "Give the reason why you need to see this.")
	}
	e.Action, e.Version, e.Detail.Fields = Granted, int64(s.version), []string{s.field}
	if ref.Copied {
		e.Detail.Text = strings.TrimSuffix("copied, "+e.Detail.Text, ", ")
	}
	return o, nil
}

// load gives sql.ErrNoRows when there is no such version.
func load(tx *gate.Tx, ref Ref) (s stored, err error) {
	q, args := storedColumns+`where object = ? and field = ? order by version desc limit 1`, []any{int64(ref.Object), ref.Field}
	if ref.Version != 0 {
		q, args = storedColumns+`where object = ? and field = ? and version = ?`, append(args, ref.Version)
	}
	err = s.scan(tx.QueryRow(q, args...))
	return s, err
}

// ticket cites the entry of the grant.
func (o *opening) ticket(c *access.Caller, bulk bool) keys.Ticket {
	t := keys.Ticket{
		Tenant: o.tenant, Subject: int64(c.User), Session: c.Session, Action: string(access.Reveal), Time: o.entry.Time,
		AuthLevel: c.AuthLevel, AuditSeq: o.entry.Seq, AuditLeaf: o.entry.Hash(), Bulk: bulk,
	}
	if t.Session == "" {
		t.Session = "none, " + c.Via
	}
	if d := o.entry.Detail; d.Reason != "" {
		sum := sha256.Sum256(append(append([]byte("strongroom/reveal/reason/1"), d.Salt...), d.Reason...))
		t.Reason = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if !bulk {
		t.Object, t.Kind, t.Field, t.Version = o.stored.object, o.stored.kind, o.stored.field, o.stored.version
	}
	return t
}

// failed records that a granted reveal showed nothing, and gives the reason of
// it. The caller's own request may be over: the record must not depend on it.
func (r *Revealer) failed(ctx context.Context, c *access.Caller, o *opening, cause error) error {
	g := o.entry
	e := &audit.Entry{
		Action: Failed, Kind: g.Kind, Object: g.Object, Org: g.Org, Version: g.Version, Result: audit.Failed, Cites: g.Seq + 1,
		Detail: audit.Detail{Name: g.Detail.Name, Reason: g.Detail.Reason, Fields: g.Detail.Fields, Text: fault.Say(cause).Text},
	}
	ctx = context.WithoutCancel(ctx)
	err := errors.Join(cause, r.Gate.Note(ctx, c, e))
	if r.Throttled != nil && fault.Is(cause, fault.Throttled) {
		err = errors.Join(err, r.Throttled(ctx, c, g.Action == string(access.Export)))
	}
	return err
}

// Restore makes the text of an earlier version the present one again, as a new
// version under a fresh key, and gives its number. The caller needs the right
// to see the value and to change the record; both are recorded.
func (r *Revealer) Restore(ctx context.Context, c *access.Caller, ref Ref, reason string) (uint32, error) {
	if ref.Version == 0 {
		return 0, fault.Field("version", "Choose the version to restore.")
	}
	text, err := r.Reveal(ctx, c, ref, reason)
	if err != nil {
		return 0, err
	}
	var made uint32
	err = r.Gate.Change(ctx, c, access.Edit, gate.Thing{Kind: ref.Kind, ID: ref.Object}, func(tx *gate.Tx) error {
		e := tx.Entry()
		p := Place{Kind: e.Kind, Org: e.Org, Object: ref.Object, Field: ref.Field}
		var err error
		if made, err = Put(tx, p, text, Note{Reason: reason, Restores: ref.Version}); err != nil {
			return err
		}
		if reason != "" {
			e.Detail.Reason = reason
		}
		e.Detail.Fields = []string{ref.Field}
		if r.Restored != nil {
			return r.Restored(tx, p, made)
		}
		return nil
	})
	return made, err
}
