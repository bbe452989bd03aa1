// Package keyring rotates the key pair that a tenant's secrets are sealed to, and
// retires the pairs that nothing is sealed to any more.
//
// Always true: no secret is decrypted for it; a rotation that was cut short goes on
// where it was, and every secret opens at every moment of it; a pair is retired only
// after its tenant's database was found to hold nothing that is sealed to it, and
// refuses anything that would be, in one transaction.
package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/keys"
	"strongroom/internal/core/secret"
)

// JobKind is the kind of the jobs that rotate.
const JobKind = "keys.rotate"

// The actions of the audit entries; those of the versions and of retiring are
// secret.Rewrapped and secret.Retired.
const (
	Rotated = "keys.rotate" // somebody asked for a rotation
	Began   = "keys.rewrap" // an attempt at wrapping the data keys anew; the key service's log cites it
)

// Keyring rotates. Fill the fields; it then is safe for concurrent use.
type Keyring struct {
	Gate *gate.Gate
	Keys *keys.Client
	Jobs *job.Runner
}

// Task says what a rotation does.
type Task struct {
	Suite  string // of the new pair; empty keeps the present one
	Resume bool   // make no new pair: wrap what is still sealed to older ones
}

// Report is what came of a rotation.
type Report struct {
	Generation uint32        `json:"generation"` // the present one
	Versions   int64         `json:"versions"`   // whose data keys were wrapped anew
	Left       []secret.Left `json:"left"`       // those that could not be, at most 100
}

// Generation is one of the tenant's key pairs.
type Generation struct {
	keys.Generation
	Sealed int64 // versions of secrets that are sealed to it
}

// state is what a rotation remembers.
type state struct {
	From   uint32        `json:"from"` // the generation that a new pair is to follow; 0 for none
	Suite  string        `json:"suite,omitempty"`
	After  id.ID         `json:"after"`
	Done   int64         `json:"done"`
	Left   []secret.Left `json:"left,omitempty"`
	Report *Report       `json:"-"`
}

const mostLeft = 100

// Start begins a rotation and gives the id of its job. Invalid for a suite that
// does not exist, Conflict while another one goes on.
func (k *Keyring) Start(ctx context.Context, c *access.Caller, task Task) (jid id.ID, err error) {
	s, err := k.plan(ctx, c, task)
	if err != nil {
		return 0, err
	}
	err = k.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		list, err := job.List(tx, JobKind, 10)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(list, func(j *job.Status) bool { return j.State == job.Waiting || j.State == job.Running }) {
			return fault.New(fault.Conflict, "The keys are being rotated already.").WithHint("Wait until that has ended.")
		}
		s.note(tx.Entry())
		jid, err = k.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: s})
		return err
	})
	return jid, err
}

// Run rotates at once, telling how far it is, for a process that does no jobs.
func (k *Keyring) Run(ctx context.Context, c *access.Caller, task Task, progress func(done, total int64)) (*Report, error) {
	s, err := k.plan(ctx, c, task)
	if err != nil {
		return nil, err
	}
	err = k.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		s.note(tx.Entry())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.Report, k.work(ctx, c, s, progress, func(*gate.Tx) error { return nil })
}

func (s *state) note(e *audit.Entry) {
	e.Action = Rotated
	e.Detail.Text = "a new key pair"
	if s.From == 0 {
		e.Detail.Text = "what older key pairs still hold"
	} else if s.Suite != "" {
		e.Detail.Text += ", " + s.Suite
	}
}

// plan reads where a rotation begins, so that one that is tried again makes one new
// pair and not two.
func (k *Keyring) plan(ctx context.Context, c *access.Caller, task Task) (*state, error) {
	if task.Suite != "" && !slices.Contains(envelope.KeySuites(), envelope.KeySuite(task.Suite)) {
		return nil, fault.Field("suite", "There is no key suite %q.", task.Suite).WithHint("Choose one of %v.", envelope.KeySuites())
	}
	s := &state{Suite: task.Suite, Report: &Report{}}
	if task.Resume {
		return s, nil
	}
	t, err := k.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	defer t.Release()
	list, err := k.Keys.Generations(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	s.From = list[len(list)-1].Number
	return s, nil
}

// Handler does what Start asked for.
func (k *Keyring) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		s := &state{Report: &Report{}}
		known, err := run.Load(s)
		if err == nil && !known {
			err = run.Payload(s)
		}
		if err != nil {
			return err
		}
		progress := func(done, total int64) { run.Progress(done, total, "Wrapping keys") }
		err = k.work(ctx, run.Caller, s, progress, func(tx *gate.Tx) error {
			if run.Cancelled() {
				return job.ErrCancelled
			}
			return run.SaveIn(tx, s)
		})
		return errors.Join(err, run.Result(s.Report))
	}
}

// work makes the new pair, unless that was done, and wraps every data key to it.
func (k *Keyring) work(ctx context.Context, c *access.Caller, s *state, progress func(done, total int64), save func(*gate.Tx) error) error {
	t, err := k.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return err
	}
	defer t.Release()
	if err := k.pair(ctx, t.ID, s); err != nil {
		return err
	}
	if err := k.Gate.House.Rekey(ctx, c.Tenant); err != nil {
		return err
	}
	present := t.Public().Generation
	s.Report.Generation = present
	var cite *audit.Entry
	err = k.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		cite = tx.Entry()
		cite.Action, cite.Detail.Text = Began, fmt.Sprintf("to key pair %d", present)
		return nil
	})
	for err == nil {
		var more bool
		if err = k.pass(ctx, c, cite, present, s, progress, save); err == nil {
			more, err = k.more(ctx, c, present, s)
		}
		if !more {
			break
		}
	}
	s.Report.Versions, s.Report.Left = s.Done, s.Left
	return err
}

// pair makes the new pair when the present one is still that of the plan.
func (k *Keyring) pair(ctx context.Context, tenant string, s *state) error {
	if s.From == 0 {
		return nil
	}
	list, err := k.Keys.Generations(ctx, tenant)
	if err != nil || list[len(list)-1].Number != s.From {
		return err
	}
	_, err = k.Keys.Rotate(ctx, tenant, s.Suite)
	return err
}

// pass goes once over what is sealed to older pairs.
func (k *Keyring) pass(ctx context.Context, c *access.Caller, cite *audit.Entry, present uint32, s *state, progress func(done, total int64), save func(*gate.Tx) error) error {
	w := secret.Rewrapper{Gate: k.Gate, Keys: k.Keys}
	total, err := k.behind(ctx, c, present, s.After)
	if err != nil {
		return err
	}
	total += s.Done
	for {
		progress(s.Done, total)
		next := *s
		n, err := w.Step(ctx, c, cite, present, s.After, func(tx *gate.Tx, last id.ID, done int64, left []secret.Left) error {
			*s = next // the transaction may run twice
			s.After, s.Done = last, s.Done+done
			s.Left = append(slices.Clip(s.Left), left...)
			s.Left = s.Left[:min(len(s.Left), mostLeft)]
			return save(tx)
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// more tells whether another pass may find something: what is left behind is more
// than what could not be wrapped.
func (k *Keyring) more(ctx context.Context, c *access.Caller, present uint32, s *state) (bool, error) {
	n, err := k.behind(ctx, c, present, 0)
	if err != nil || n <= int64(len(s.Left)) || len(s.Left) == mostLeft {
		return false, err
	}
	s.After, s.Left = 0, nil
	return true, nil
}

func (k *Keyring) behind(ctx context.Context, c *access.Caller, first uint32, after id.ID) (n int64, err error) {
	err = k.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.Administer, gate.Thing{}); err != nil {
			return err
		}
		n, err = secret.Behind(tx, first, after)
		return err
	})
	return n, err
}

// Generations lists the tenant's key pairs, oldest first, with how much is sealed to
// each. Denied for who may not administer the tenant.
func (k *Keyring) Generations(ctx context.Context, c *access.Caller) ([]Generation, error) {
	var tenant string
	var sealed map[uint32]int64
	err := k.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		tenant = tx.Tenant.ID
		if _, err = tx.Allow(access.Administer, gate.Thing{}); err == nil {
			sealed, err = secret.Wrapped(tx)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	list, err := k.Keys.Generations(ctx, tenant)
	if err != nil {
		return nil, err
	}
	out := make([]Generation, len(list))
	for i, g := range list {
		out[i] = Generation{g, sealed[g.Number]}
	}
	return out, nil
}

// Retire destroys the private keys of all pairs but the present one, for good, and
// gives how many they were. Conflict while something is sealed to one of them.
// Backups of the database from before the rotation cannot be read by it any more.
func (k *Keyring) Retire(ctx context.Context, c *access.Caller) (int, error) {
	t, err := k.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return 0, err
	}
	defer t.Release()
	var before []keys.Generation
	if before, err = k.Keys.Generations(ctx, t.ID); err != nil {
		return 0, err
	}
	if err := k.Gate.House.Rekey(ctx, c.Tenant); err != nil {
		return 0, err
	}
	first := t.Public().Generation
	open := 0
	for _, g := range before {
		if g.Retired == 0 && g.Number < first {
			open++
		}
	}
	if open == 0 {
		return 0, fault.New(fault.Conflict, "There is no older key pair to retire.").WithHint("Rotate the keys first.")
	}
	var cite *audit.Entry
	var now int64
	err = k.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		cite, now = tx.Entry(), tx.Now
		cite.Action, cite.Detail.Text = secret.Retired, fmt.Sprintf("key pairs before %d", first)
		return secret.Close(tx, first)
	})
	if err != nil {
		return 0, err
	}
	if _, err := k.Keys.Retire(ctx, secret.Citing(c, t.ID, cite, secret.Retired, now), first); err != nil {
		e := &audit.Entry{Action: secret.Retired, Result: audit.Failed, Cites: cite.Seq + 1, Detail: audit.Detail{Text: fault.Say(err).Text}}
		return 0, errors.Join(err, k.Gate.Note(context.WithoutCancel(ctx), c, e))
	}
	return open, nil
}
