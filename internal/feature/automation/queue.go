package automation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation/term"
)

// The bounds of what rules set off.
const (
	mostSteps     = 4    // rules that set off each other, one after the other
	mostOfRecord  = 20   // runs about one record within an hour
	mostOfTenant  = 2000 // runs of a tenant within an hour
	mostAttempts  = 5
	keepRuns      = 90 * 24 * time.Hour
	batch         = 50
	window        = time.Hour
	mostSweepStep = 500

	mostSweepPages = 20
)

// The states of a run.
const (
	Waiting = "waiting"
	Done    = "done"
	Failed  = "failed"
	Skipped = "skipped"
	Stopped = "stopped" // by a bound
)

// Run is one time that a rule did something, or is to.
type Run struct {
	ID, Rule, Record id.ID
	RuleVersion      int64
	Happens, Once    string
	At, Ended        int64 // Unix milliseconds
	State, Why, Did  string
	Made             int64 // the version of the record that it made; 0 for none
	attempts         int
	chain            []id.ID
}

// Work is a run that is to be done now.
type Work struct {
	Rule  *Rule
	Run   *Run
	About *record.Record
	Did   []string // is said of it
	Made  int64    // the version of the record that it made; 0 for none
}

// put writes a run down, and tells whether it is a new one.
func (x *Run) put(tx *gate.Tx, o *origin) (bool, error) {
	n, err := tx.NewID()
	if err != nil {
		return false, err
	}
	x.ID = n
	chain := make([]string, len(o.chain))
	for i, c := range o.chain {
		chain[i] = c.String()
	}
	ended := int64(0)
	if x.State != Waiting {
		ended = tx.Now
	}
	fresh, err := tx.Exec(`insert into automation_run (id, rule_id, rule_version, record_id, happens, once, at, next_at, state, why, did, depth, chain, made, ended_at)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`, int64(n), int64(x.Rule), x.RuleVersion, int64(x.Record), x.Happens, x.Once, tx.Now, tx.Now, x.State, x.Why, x.Did,
		len(chain), strings.Join(chain, " "), x.Made, ended)
	return fresh > 0, err
}

// enqueue has a rule run about a record once the transaction is durable, unless the rule
// set itself off, may not see the record, or a bound is met.
func (r *Rules) enqueue(tx *gate.Tx, x *Rule, rec, old *record.Record, once string, facts term.Facts) error {
	o := from(tx)
	if slices.Contains(o.chain, x.ID) {
		return nil
	}
	ok, err := may(tx, x, access.View, rec, false)
	if err != nil || !ok {
		return err
	}
	run := Run{Rule: x.ID, RuleVersion: x.Version, Record: rec.ID, Happens: x.When, Once: once, State: Waiting}
	if run.Why, err = why(tx, x, rec, old, facts); err != nil {
		return err
	}
	if said, err := r.bounded(tx, o, rec.ID); err != nil {
		return err
	} else if said != "" {
		run.State, run.Did, run.Once = Stopped, said, fmt.Sprintf("stopped/%d", tx.Now/window.Milliseconds())
	}
	fresh, err := run.put(tx, o)
	if err != nil || !fresh || run.State != Waiting {
		return err
	}
	return r.wake(tx)
}

// bounded says which bound is met; "" for none.
func (r *Rules) bounded(tx *gate.Tx, o *origin, rec id.ID) (string, error) {
	if len(o.chain) >= mostSteps {
		return fmt.Sprintf("Rules set each other off: after %d steps there are no more.", mostSteps), nil
	}
	most := r.Most
	if most == 0 {
		most = mostOfTenant
	}
	since := tx.Now - window.Milliseconds()
	var n int
	err := tx.QueryRow(`select count(*) from automation_run where record_id = ? and at > ? and state <> 'stopped' and once not like 'filled/%'`, int64(rec), since).Scan(&n)
	if err != nil || n >= mostOfRecord {
		return fmt.Sprintf("Rules ran %d times about this within an hour, which is the most.", mostOfRecord), err
	}
	err = tx.QueryRow(`select count(*) from automation_run where at > ? and state <> 'stopped' and once not like 'filled/%'`, since).Scan(&n)
	if err != nil || n >= most {
		return fmt.Sprintf("Rules ran %d times within an hour, which is the most.", most), err
	}
	return "", nil
}

type wokenKey struct{}

// wake has the queue looked at, by the system itself, once for a transaction.
func (r *Rules) wake(tx *gate.Tx) error {
	if r.Jobs == nil {
		return nil
	}
	woken := tx.Local(wokenKey{}, func() any { return new(bool) }).(*bool)
	if *woken {
		return nil
	}
	*woken = true
	who := tx.Caller
	tx.Caller = access.System(tx.Tenant.Name, "job")
	defer func() { tx.Caller = who }()
	_, err := r.Jobs.Enqueue(tx, job.Job{Kind: JobKind})
	return err
}

// Handler does what waits.
func (r *Rules) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error { return r.Drain(ctx, run.Tenant) }
}

// Sweep looks at the passing of time, does what waits, and forgets what is old. A schedule
// calls it; it bears repetition.
func (r *Rules) Sweep(ctx context.Context, tenant string) error {
	if err := r.elapse(ctx, tenant); err != nil {
		return err
	}
	if err := r.Drain(ctx, tenant); err != nil {
		return err
	}
	return r.system(ctx, tenant, func(tx *gate.Tx) error {
		_, err := tx.Exec(`delete from automation_run where id in (select id from automation_run where at < ? and state <> 'waiting' order by at, id limit ?)`, tx.Now-keepRuns.Milliseconds(), mostSweepStep)
		return err
	})
}

// system runs fn as the house; what it writes is no matter of the log.
func (r *Rules) system(ctx context.Context, tenant string, fn func(tx *gate.Tx) error) error {
	return r.Gate.Change(ctx, access.System(tenant, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return fn(tx)
	})
}

const runColumns = `select a.id, a.rule_id, a.rule_version, a.record_id, a.happens, a.once, a.at, a.ended_at, a.state, a.why, a.did, a.made, a.attempts, a.chain from automation_run a `

// runs reads some.
func runs(tx *gate.Tx, where string, args ...any) ([]*Run, error) {
	rows, err := tx.Query(runColumns+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Run
	for rows.Next() {
		x := &Run{}
		var n, rule, rec int64
		var chain string
		if err := rows.Scan(&n, &rule, &x.RuleVersion, &rec, &x.Happens, &x.Once, &x.At, &x.Ended, &x.State, &x.Why, &x.Did, &x.Made, &x.attempts, &chain); err != nil {
			return nil, err
		}
		x.ID, x.Rule, x.Record = id.ID(n), id.ID(rule), id.ID(rec)
		for c := range strings.FieldsSeq(chain) {
			if u, ok := id.Parse(c); ok {
				x.chain = append(x.chain, u)
			}
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

// Drain does what waits and is due, in its order, until nothing is. What is done is bounded
// by what was put into the queue, and that by its bounds.
func (r *Rules) Drain(ctx context.Context, tenant string) error {
	for {
		var list []*Run
		err := r.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) (err error) {
			list, err = runs(tx, `where a.state = 'waiting' and a.next_at <= ? order by a.next_at, a.id limit ?`, tx.Now, batch)
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		for _, x := range list {
			if err := r.one(ctx, tenant, x); err != nil {
				return err
			}
		}
	}
}

// one does what one run says, as its rule.
func (r *Rules) one(ctx context.Context, tenant string, x *Run) error {
	rule, caller, rec, said, err := r.ready(ctx, tenant, x)
	if err != nil {
		return err
	}
	if said != "" {
		return r.end(ctx, tenant, x, Skipped, said)
	}
	caller.Reason = clip(x.Why)
	err = r.Gate.Change(ctx, caller, access.View, gate.Thing{Kind: rec.Kind.Name, ID: rec.ID}, func(tx *gate.Tx) error {
		n, err := tx.Exec(`update automation_run set state = 'done', ended_at = ? where id = ? and state = 'waiting'`, tx.Now, int64(x.ID))
		if err != nil || n == 0 {
			return err // another process was first
		}
		from(tx).chain = append(slices.Clone(x.chain), rule.ID)
		w := &Work{Rule: rule, Run: x, About: rec}
		if err := r.Do(tx, r.Records, w); err != nil {
			return err
		}
		_, err = tx.Exec(`update automation_run set did = ?, made = ? where id = ?`, clip(strings.Join(w.Did, " ")), w.Made, int64(x.ID))
		return err
	})
	switch k := fault.Of(err); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case (k == fault.Internal || k == fault.Unavailable || k == fault.Conflict) && x.attempts+1 < mostAttempts:
		return r.again(ctx, tenant, x, fault.Say(err).Text)
	}
	return r.end(ctx, tenant, x, Failed, sentence(err))
}

// sentence is what is said of a refusal, with what is wrong with each field.
func sentence(err error) string {
	said := fault.Say(err)
	if len(said.Fields) == 0 {
		return said.Text
	}
	var out []string
	for _, s := range said.Fields {
		out = append(out, s)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// ready reads what a run needs; said is why it is not to be done.
func (r *Rules) ready(ctx context.Context, tenant string, x *Run) (rule *Rule, caller *access.Caller, rec *record.Record, said string, err error) {
	err = r.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) error {
		of, err := r.Records.Get(tx, Kind, x.Rule)
		if fault.Is(err, fault.NotFound) {
			said = "The rule is not there any more."
			return nil
		}
		if err != nil {
			return err
		}
		if rule = Of(of); !rule.On {
			said = "The rule was turned off."
			return nil
		}
		if caller, said, err = As(tx, rule); err != nil || caller == nil {
			return err
		}
		rec, err = r.Records.Get(tx, "", x.Record)
		if fault.Is(err, fault.NotFound) {
			said = "What it was about is not there any more."
			return nil
		}
		if err != nil {
			return err
		}
		ok, err := may(tx, rule, access.View, rec, false)
		switch {
		case err != nil:
			return err
		case !ok:
			said = "The rule may not see it."
		case !rule.Over && over(rec, nil):
			said = "It is over, and this rule leaves that alone."
		}
		return nil
	})
	return rule, caller, rec, said, err
}

// end notes how a run ended that did nothing.
func (r *Rules) end(ctx context.Context, tenant string, x *Run, state, said string) error {
	return r.system(ctx, tenant, func(tx *gate.Tx) error {
		_, err := tx.Exec(`update automation_run set state = ?, did = ?, ended_at = ? where id = ? and state = 'waiting'`, state, clip(said), tx.Now, int64(x.ID))
		return err
	})
}

// again has a run tried later.
func (r *Rules) again(ctx context.Context, tenant string, x *Run, said string) error {
	return r.system(ctx, tenant, func(tx *gate.Tx) error {
		next := tx.Now + (time.Minute << x.attempts).Milliseconds()
		_, err := tx.Exec(`update automation_run set attempts = attempts + 1, next_at = ?, did = ? where id = ? and state = 'waiting'`, next, clip(said), int64(x.ID))
		return err
	})
}

// elapse sets off the rules for which time has passed since the last look. A rule that was
// turned on looks ahead, and not at what lies behind.
func (r *Rules) elapse(ctx context.Context, tenant string) error {
	return r.system(ctx, tenant, func(tx *gate.Tx) error {
		list, err := active(tx, r.Records)
		if err != nil {
			return err
		}
		for _, x := range list {
			if x.When != Elapsed {
				continue
			}
			if err := r.elapsed(tx, x); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *Rules) elapsed(tx *gate.Tx, x *Rule) error {
	var until int64
	seen, err := tx.IDs(`select until from automation_seen where rule_id = ?`, int64(x.ID))
	if err != nil {
		return err
	}
	if until = tx.Now; len(seen) > 0 {
		until = int64(seen[0])
	}
	wait := int64(x.Hours * float64(time.Hour.Milliseconds()))
	column := "created_at"
	if x.Since == SinceChanged {
		column = "updated_at"
	}
	after, last := until-wait, int64(id.Max)
	for range mostSweepPages {
		found, err := tx.IDs(`select r.id from record r where r.kind = ? and r.trashed_at is null and (r.`+column+` > ? or r.`+column+` = ? and r.id > ?) and r.`+column+` <= ? order by r.`+column+`, r.id limit ?`,
			x.Of, after, after, last, tx.Now-wait, mostSweepStep)
		if err != nil {
			return err
		}
		for _, n := range found {
			rec, err := r.Records.Get(tx, x.Of, n)
			if err != nil {
				return err
			}
			if after, last = rec.Created, int64(n); x.Since == SinceChanged {
				after = rec.Updated
			}
			if err := r.passed(tx, x, rec, after); err != nil {
				return err
			}
		}
		if len(found) < mostSweepStep {
			after = tx.Now - wait
			break
		}
	}
	_, err = tx.Exec(`insert into automation_seen (rule_id, until) values (?, ?) on conflict (rule_id) do update set until = excluded.until`, int64(x.ID), after+wait)
	return err
}

// passed sets a rule off for one record, unless nothing has happened to it but what the
// rule did itself.
func (r *Rules) passed(tx *gate.Tx, x *Rule, rec *record.Record, at int64) error {
	if !x.met(rec, rec, nil) {
		return nil
	}
	var own int
	if err := tx.QueryRow(`select count(*) from automation_run where rule_id = ? and record_id = ? and made = ? and made > 0`, int64(x.ID), int64(rec.ID), rec.Version).Scan(&own); err != nil || own > 0 {
		return err
	}
	return r.enqueue(tx, x, rec, nil, fmt.Sprintf("time/%d", at), nil)
}

// Ask has a rule run about a record because somebody who may change the record asks for it.
func (r *Rules) Ask(tx *gate.Tx, rule id.ID, rec *record.Record) error {
	list, err := active(tx, rec.Kind.Engine())
	if err != nil {
		return err
	}
	for _, x := range list {
		if x.ID != rule || x.When != ByHand || x.Of != rec.Kind.Name {
			continue
		}
		if !x.met(rec, rec, nil) {
			return fault.New(fault.Invalid, "The conditions of this rule do not hold here.").WithHint("The page of the rule says which there are.")
		}
		e, err := tx.Allow(access.Edit, gate.Thing{Kind: rec.Kind.Name, ID: rec.ID})
		if err != nil {
			return err
		}
		tx.Withdraw(e) // what the rule does is in the log
		return r.enqueue(tx, x, rec, nil, fmt.Sprintf("hand/%d/%d", rec.Version, tx.Now), nil)
	}
	return gate.Missing()
}

// ByHands are the rules that somebody may ask for about a record.
func ByHands(tx *gate.Tx, rec *record.Record) (out []*Rule, err error) {
	list, err := active(tx, rec.Kind.Engine())
	for _, x := range list {
		if x.When == ByHand && x.Of == rec.Kind.Name && x.met(rec, rec, nil) {
			out = append(out, x)
		}
	}
	return out, err
}

// OfRecord lists what rules did about a record that the caller sees, the latest first.
func OfRecord(tx *gate.Tx, rec id.ID, most int) ([]*Run, error) {
	return runs(tx, `where a.record_id = ? order by a.at desc, a.id desc limit ?`, int64(rec), most)
}

// Log lists what rules did, about records that the caller sees, the latest first; of one
// rule, unless that is 0.
func Log(tx *gate.Tx, rule id.ID, most int) ([]*Run, error) {
	sees, args := tx.Visible("r")
	where := `join record r on r.id = a.record_id where r.trashed_at is null and ` + sees
	if rule != 0 {
		where, args = where+` and a.rule_id = ?`, append(args, int64(rule))
	}
	return runs(tx, where+` order by a.at desc, a.id desc limit ?`, append(args, most)...)
}
