package app

import (
	"context"
	"errors"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/search"
	"strongroom/internal/core/tenant"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/automation/routine"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/breakglass"
	"strongroom/internal/feature/bulk"
	"strongroom/internal/feature/checkout"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/dormant"
	"strongroom/internal/feature/duty"
	"strongroom/internal/feature/erasure"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/exporter/standing"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/way"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/undo"
	"strongroom/internal/feature/keyring"
	"strongroom/internal/feature/knowledge"
	"strongroom/internal/feature/leaver"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/outbox"
	steps "strongroom/internal/feature/process"
	"strongroom/internal/feature/report"
	"strongroom/internal/feature/risk"
	"strongroom/internal/feature/rotation"
	"strongroom/internal/feature/rotation/change"
	"strongroom/internal/feature/rotation/schedule/keeper"
	"strongroom/internal/feature/runbook"
	"strongroom/internal/feature/sensitive"
	"strongroom/internal/feature/share"
	"strongroom/internal/feature/siege"
	"strongroom/internal/feature/sla/feed"
	"strongroom/internal/feature/sla/teller"
	"strongroom/internal/feature/survey"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/feature/vault"
	"strongroom/internal/feature/webhook"
)

const (
	keepJobs  = 90 * 24 * time.Hour // how long finished jobs are listed
	keepLoose = 24 * time.Hour      // before files that nothing names are removed
	purgeStep = 200                 // records removed for good in one transaction
	tidySteps = 5000                // transactions that clean the search index in one night
)

// jobs makes the runner of everything that goes on without somebody waiting.
func (a *App) jobs() *job.Runner {
	r := &job.Runner{House: a.House, Gate: a.Gate, Log: a.Log, Now: a.Now, Resolve: a.resolve, ResolveKey: a.APIKeys.CallerOf, Schedules: []job.Schedule{
		{Name: "checkpoint", Every: time.Minute, Changed: 1000, Run: a.checkpoint},
		{Name: "trackers", Every: time.Minute, Changed: 1000, Run: func(ctx context.Context, name string) error { return a.Trackers.Sync(ctx, name) }},
		{Name: "check-outs", Every: 15 * time.Minute, Run: (&checkout.Ending{Gate: a.Gate}).Run},
		{Name: "directories", Every: 15 * time.Minute, Run: func(ctx context.Context, name string) error { return a.Ways.RunImports(ctx, name) }},
		{Name: "dormant accounts", Every: 12 * time.Hour, Run: func(ctx context.Context, name string) error {
			return (&dormant.Keeper{Gate: a.Gate, Records: a.Records}).Run(ctx, name)
		}},
		{Name: "tried passwords", Every: 5 * time.Minute, Changed: 1000, Run: func(ctx context.Context, name string) error { return siege.Watch(ctx, a.Gate, name) }},
		{Name: "accounts for emergencies", Every: 24 * time.Hour, Run: func(ctx context.Context, name string) error { return breakglass.Remind(ctx, a.Gate, name) }},
		{Name: "access reviews", Every: 15 * time.Minute, Run: func(ctx context.Context, name string) error { return a.Reviews.Run(ctx, name) }},
		{Name: "routines", Every: 5 * time.Minute, Run: (&routine.Clock{Gate: a.Gate, Records: a.Records}).Run},
		{Name: "approvals", Every: 5 * time.Minute, Run: (&ballot.Clock{Gate: a.Gate, Records: a.Records}).Run},
		{Name: "articles", Every: 12 * time.Hour, Run: (&knowledge.Reviews{Gate: a.Gate, Records: a.Records}).Run},
		{Name: "surveys", Every: 5 * time.Minute, Run: func(ctx context.Context, name string) error {
			return (&survey.Surveys{Gate: a.Gate, Records: a.Records, Address: a.Outbox.Address}).Run(ctx, name)
		}},
		{Name: "shares", Every: 15 * time.Minute, Run: (&share.Shares{Gate: a.Gate}).Tidy},
		{Name: "overdue passwords", Every: 12 * time.Hour, Run: (&rotation.Teller{Gate: a.Gate, Records: a.Records}).Run},
		{Name: "changes of passwords", Every: 15 * time.Minute, Run: func(ctx context.Context, name string) error { return a.Changes.Run(ctx, name) }},
		{Name: "passwords by schedule", Every: 10 * time.Minute, Run: func(ctx context.Context, name string) error {
			return (&keeper.Keeper{Gate: a.Gate, Changes: a.Changes, Resolve: a.resolve}).Run(ctx, name)
		}},
		{Name: "mailboxes", Every: 5 * time.Minute, Run: func(ctx context.Context, name string) error { return a.Mailboxes.Run(ctx, name) }},
		{Name: "reminders", Every: 12 * time.Hour, Run: func(ctx context.Context, name string) error { return a.Reminder.Run(ctx, name) }},
		{Name: "calendar feeds", Every: 15 * time.Minute, Run: func(ctx context.Context, name string) error {
			return (&feed.Feeds{Gate: a.Gate, Records: a.Records, Dialer: a.Dialer}).Run(ctx, name)
		}},
		{Name: "deadlines", Every: 5 * time.Minute, Run: (&teller.Teller{Gate: a.Gate, Records: a.Records, Passed: a.Rules.Clock, OnCall: duty.GiveOnCall}).Run},
		{Name: "webhooks", Every: 5 * time.Minute, Run: a.Hooks.Run},
		{Name: "processes", Every: 5 * time.Minute, Run: a.Processes.Run},
		{Name: "assignment", Every: 5 * time.Minute, Run: a.Duties.Run},
		{Name: "rules", Every: 5 * time.Minute, Run: a.Rules.Sweep},
		{Name: "facts of tickets", Every: 12 * time.Hour, Run: (&report.Keeper{Gate: a.Gate, Records: a.Records}).Run},
		{Name: "reports by mail", Every: 5 * time.Minute, Run: (&report.Mailer{Gate: a.Gate, Records: a.Records, Resolve: a.resolve, Address: a.Outbox.Address, Sends: a.Outbox.Sends, Log: a.Log}).Run},
		{Name: "trash", Every: 24 * time.Hour, Run: a.emptyTrash},
		{Name: "sweep", Every: 24 * time.Hour, Run: a.sweep},
		{Name: "mail", Every: time.Minute, Changed: 1000, Run: func(ctx context.Context, name string) error { return a.Outbox.Run(ctx, name) }},
		{Name: "notices", Every: time.Minute, Changed: 1000, Run: a.Notices.Run}, // ripe with the checkpoint, see job.Schedule.Changed
		{Name: "channels of people", Every: time.Minute, Changed: 1000, Run: a.Channels.Run},
	}}
	a.Gate.Committed = a.Live.After(r.Touch)
	return r
}

// handlers lists the kinds of jobs.
func (a *App) handlers() map[string]job.Handler {
	return map[string]job.Handler{
		importer.JobKind:   a.Importer.Handler(),
		undo.JobKind:       a.Undo.Handler(),
		bulk.JobKind:       a.Bulk.Handler(),
		keyring.JobKind:    a.Keyring.Handler(),
		erasure.JobKind:    (&erasure.Persons{Gate: a.Gate, Records: a.Records}).Handler(),
		sensitive.JobKind:  a.Sensitive.Handler(),
		exporter.JobKind:   a.Exporter.Handler(),
		change.JobKind:     a.Changes.Handler(),
		runbook.JobKind:    a.Runbooks.Handler(),
		standing.JobKind:   a.Standing.Handler(),
		tracker.JobKind:    a.Trackers.Handler(),
		risk.JobKind:       a.Risks.Handler(),
		leaver.JobKind:     a.Leavers.Handler(),
		outbox.JobKind:     a.Outbox.Handler(),
		identity.LetterJob: a.Letters.Handler(),
		way.ImportKind:     a.Ways.ImportHandler(),
		automation.JobKind: a.Rules.Handler(),
		duty.JobKind:       a.Duties.Handler(),
		webhook.JobKind:    a.Hooks.Handler(),
		steps.JobKind:      a.Processes.Handler(),
	}
}

// resolve gives a user as she is now, for a job of hers.
func (a *App) resolve(ctx context.Context, name string, user id.ID) (*access.Caller, error) {
	c := access.System(name, "job")
	if user == 0 {
		return c, nil
	}
	var out *access.Caller
	err := a.Gate.View(ctx, c, func(tx *gate.Tx) error {
		u, err := a.Records.Get(tx, "user", user)
		if err != nil {
			return err
		}
		if out, err = access.Load(tx.SQL(), user); err != nil {
			return err
		}
		out.Tenant, out.Name, out.Email, out.Via, out.AuthLevel = name, u.Name, u.Values.Text("email"), "job", 1
		return nil
	})
	return out, err
}

// tick does every minute what is to be done for all tenants together.
func (a *App) tick(ctx context.Context) {
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		a.Gate.Flush(ctx, false)
		a.Sessions.Flush(ctx, false)
		if err := a.House.Sweep(ctx); err != nil {
			a.Log.WarnContext(ctx, "closing idle tenants failed", "error", err)
		}
	}
}

func (a *App) inTenant(ctx context.Context, name string, f func(*tenant.Tenant) error) error {
	t, err := a.House.Open(ctx, name)
	if err != nil {
		return err
	}
	defer t.Release()
	return f(t)
}

// checkpoint has the head of a tenant's audit tree signed.
func (a *App) checkpoint(ctx context.Context, name string) error {
	return a.inTenant(ctx, name, func(t *tenant.Tenant) error {
		_, err := audit.Sign(ctx, t.DB, t.ID, a.Keys, a.Now().UnixMilli())
		return err
	})
}

// checkpointAll signs what is left to be signed, before the house closes.
func (a *App) checkpointAll(ctx context.Context) {
	for _, name := range a.House.Opened() {
		if err := a.checkpoint(ctx, name); err != nil {
			a.Log.WarnContext(ctx, "the audit log could not be signed", "tenant", name, "error", err)
		}
	}
}

func (a *App) emptyTrash(ctx context.Context, name string) error {
	c := access.System(name, "job")
	for {
		var n int
		err := a.Gate.Change(ctx, c, access.Delete, gate.Thing{}, func(tx *gate.Tx) (err error) {
			tx.Withdraw(tx.Entry()) // each record has its own
			n, err = a.Records.PurgeOld(tx, purgeStep)
			return err
		})
		if err != nil || n < purgeStep {
			return err
		}
	}
}

// sweep removes files that nothing names any more, and old jobs.
func (a *App) sweep(ctx context.Context, name string) error {
	if _, err := a.Files.Sweep(ctx, name); err != nil {
		return err
	}
	if _, err := a.Importer.Sweep(ctx, name); err != nil {
		return err
	}
	if _, err := a.Exporter.Sweep(ctx, name); err != nil {
		return err
	}
	if err := (&vault.Vaults{Gate: a.Gate}).Sweep(ctx, name); err != nil {
		return err
	}
	err := a.inTenant(ctx, name, func(t *tenant.Tenant) error {
		f, ok := t.Blobs.(interface {
			Sweep(context.Context, time.Time) (int, error)
		})
		if !ok {
			return nil
		}
		_, err := f.Sweep(ctx, a.Now().Add(-keepLoose))
		return err
	})
	if err != nil {
		return err
	}
	if err := errors.Join(a.tidySearch(ctx, name), comment.Index(ctx, a.Gate, name)); err != nil {
		return err
	}
	return a.Gate.Change(ctx, access.System(name, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		if err := notification.Prune(tx); err != nil {
			return err
		}
		_, err := job.Prune(tx, a.Now().Add(-keepJobs).UnixMilli())
		return err
	})
}

// tidySearch takes out of the file what left the search index.
func (a *App) tidySearch(ctx context.Context, name string) error {
	more := true
	for n := 0; more && n < tidySteps; n++ {
		err := a.Gate.Change(ctx, access.System(name, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) (err error) {
			tx.Withdraw(tx.Entry())
			more, err = search.Tidy(tx.SQL())
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
