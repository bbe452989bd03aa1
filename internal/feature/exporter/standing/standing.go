// Package standing has everything exported again and again: each day or each week, sealed
// for keys or a passphrase, kept in the tenant's blobs and, where the operator allows
// it, in a folder beside.
//
// Always true: an export is made as the person who set it up, with the rights that she
// has then; it is sealed while it is written, so that it never lies anywhere in the
// clear; of those that are done the newest are kept; one that fails is listed with the
// reason, and the next is made all the same.
package standing

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"strings"
	"time"

	"strongroom/internal/base/agefile"
	"strongroom/internal/base/blob"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
)

// JobKind is the kind of the jobs that make these exports.
const JobKind = "export.standing"

// Standing makes exports again and again. Fill the fields; it then is safe for
// concurrent use.
type Standing struct {
	Gate   *gate.Gate
	Export Export
	Jobs   *job.Runner
	Folder string           // that the operator allows; exports lie in it by tenant. Empty allows none
	Now    func() time.Time // nil is time.Now
}

// Export writes everything that the caller may see to w, with secrets only when they
// are asked for, and tells how far it is: exporter.Exporter.Everything.
type Export func(ctx context.Context, c *access.Caller, w io.Writer, reason string, secrets bool, tell func(stage string, done, total int64)) (withheld int64, err error)

// Schema is the tables.
func Schema() []string {
	return []string{
		`create table if not exists export_standing (id int not null primary key, every text not null, weekday int not null, minute int not null, keep int not null, secrets int not null,
			recipients text not null, passphrase text not null default '', folder int not null, set_by int not null, job_id int not null default 0, next_at int not null default 0, changed_at int not null)`,
		`create table if not exists export_run (id id primary key, job_id int not null, name text not null, blob text not null default '', size int not null default 0, ready int not null default 0,
			copied int not null default 0, problem text not null default '', created_at int not null)`,
		`alter table export_run add column if not exists withheld int not null default 0`,
	}
}

// How often.
const (
	Daily  = "day"
	Weekly = "week"
	Never  = ""
)

// Settings say when exports are made, and for whom they are sealed.
type Settings struct {
	Every      string       // Daily, Weekly or Never
	Weekday    time.Weekday // of a weekly one
	Minute     int          // of the day, in UTC
	Keep       int          // how many are kept
	Secrets    bool         // passwords are in it; each is recorded as revealed
	Recipients string       // public keys, one a line
	Passphrase string       // a new one; it is never given back
	Locked     bool         // a passphrase is set
	Folder     bool         // also into the operator's folder

	By     id.ID  // who set it up, as whom it is made
	ByName string // where the caller may see it
	Next   int64  // Unix milliseconds; 0 for none
}

// mostKept is how many may be kept.
const mostKept = 100

// Get gives the settings to who administers the tenant.
func Get(tx *gate.Tx) (Settings, error) {
	s, _, err := get(tx)
	return s, err
}

func get(tx *gate.Tx) (s Settings, passphrase string, err error) {
	if _, err := tx.Allow(access.Administer, gate.Thing{}); err != nil {
		return s, "", err
	}
	var by int64
	err = tx.QueryRow(`select e.every, e.weekday, e.minute, e.keep, e.secrets, e.recipients, e.passphrase, e.folder, e.set_by, coalesce(u.name, ''), e.next_at
		from export_standing e left join record u on u.id = e.set_by where e.id = 1`).
		Scan(&s.Every, &s.Weekday, &s.Minute, &s.Keep, &s.Secrets, &s.Recipients, &passphrase, &s.Folder, &by, &s.ByName, &s.Next)
	if errors.Is(err, sql.ErrNoRows) {
		return Settings{Keep: 8, Minute: 3 * 60, Weekday: time.Sunday}, "", nil
	}
	s.By, s.Locked = id.ID(by), passphrase != ""
	return s, passphrase, err
}

func (s *Settings) check(folder string) error {
	bad := map[string]string{}
	if s.Every != Daily && s.Every != Weekly && s.Every != Never {
		bad["every"] = "Choose daily, weekly or never."
	}
	if s.Weekday < time.Sunday || s.Weekday > time.Saturday {
		bad["weekday"] = "Choose a day of the week."
	}
	if s.Minute < 0 || s.Minute >= 24*60 {
		bad["time"] = "A time is between 00:00 and 23:59."
	}
	if s.Keep < 1 || s.Keep > mostKept {
		bad["keep"] = "Between 1 and 100 exports can be kept."
	}
	if s.Folder && folder == "" {
		bad["folder"] = "The operator of this server allows no folder for exports."
	}
	return fault.Fields(bad)
}

// sealedFor checks for whom exports are to be sealed.
func (s *Settings) sealedFor(kept string) (agefile.For, error) {
	switch {
	case strings.TrimSpace(s.Recipients) != "" && s.Passphrase != "":
		return agefile.For{}, fault.Field("passphrase", "A file is sealed for keys or for a passphrase, not for both.").WithHint("Leave one of them empty.")
	case strings.TrimSpace(s.Recipients) != "":
		return agefile.Keys(s.Recipients)
	case s.Passphrase != "":
		return agefile.Passphrase(s.Passphrase)
	case kept != "":
		return agefile.For{}, nil
	}
	return agefile.For{}, fault.Field("recipients", "Nothing says for whom exports are sealed.").WithHint("Enter a public key of age, or a passphrase.")
}

// Save keeps the settings, and plans the next export as the caller. Fault kinds: Denied
// for who may not administer the tenant or not export, Invalid with fields.
func (s *Standing) Save(ctx context.Context, c *access.Caller, n Settings) error {
	if err := n.check(s.Folder); err != nil {
		return err
	}
	var kept string
	var old int64
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		if _, err := tx.Allow(access.Export, gate.Thing{}); err != nil {
			return err
		}
		if _, kept, err = get(tx); err != nil {
			return err
		}
		return tx.QueryRow(`select coalesce(max(job_id), 0) from export_standing`).Scan(&old)
	})
	if err != nil {
		return err
	}
	if n.Every != Never {
		if _, err := n.sealedFor(kept); err != nil {
			return err
		}
	}
	if old != 0 { // the export that was planned
		if err := s.Jobs.Cancel(ctx, c, id.ID(old)); err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return s.keep(ctx, c, n, kept)
}

// keep writes the settings. A passphrase lies in the blobs, encrypted like all of them.
func (s *Standing) keep(ctx context.Context, c *access.Caller, n Settings, kept string) error {
	t, err := s.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return err
	}
	defer t.Release()
	passphrase := kept
	switch {
	case n.Passphrase != "":
		passphrase, err = blob.WriteText(ctx, t.Blobs, n.Passphrase)
	case strings.TrimSpace(n.Recipients) != "":
		passphrase = ""
	}
	if err != nil {
		return err
	}
	err = s.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Entry().Action, tx.Entry().Detail.Text = "export.schedule", describe(n)
		var next int64
		var planned id.ID
		if n.Every != Never {
			next = n.after(time.UnixMilli(tx.Now)).UnixMilli()
			if planned, err = s.Jobs.Enqueue(tx, job.Job{Kind: JobKind, At: next, Payload: payload{}}); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`insert into export_standing (id, every, weekday, minute, keep, secrets, recipients, passphrase, folder, set_by, job_id, next_at, changed_at) values (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			on conflict (id) do update set every = excluded.every, weekday = excluded.weekday, minute = excluded.minute, keep = excluded.keep, secrets = excluded.secrets, recipients = excluded.recipients,
			passphrase = excluded.passphrase, folder = excluded.folder, set_by = excluded.set_by, job_id = excluded.job_id, next_at = excluded.next_at, changed_at = excluded.changed_at`,
			n.Every, int(n.Weekday), n.Minute, n.Keep, n.Secrets, n.Recipients, passphrase, n.Folder, int64(c.User), int64(planned), next, tx.Now)
		return err
	})
	if err != nil || kept == passphrase || kept == "" {
		return err
	}
	return t.Blobs.Remove(ctx, kept)
}

func describe(n Settings) string {
	what := "no exports are made by themselves"
	switch n.Every {
	case Daily:
		what = "everything is exported each day"
	case Weekly:
		what = "everything is exported each week"
	}
	if n.Every != Never && n.Secrets {
		what += ", with passwords"
	}
	return what
}

// after gives the next time behind a time.
func (s *Settings) after(now time.Time) time.Time {
	now = now.UTC()
	at := time.Date(now.Year(), now.Month(), now.Day(), 0, s.Minute, 0, 0, time.UTC)
	for !at.After(now) || s.Every == Weekly && at.Weekday() != s.Weekday {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

// Start makes an export now, as the caller. Invalid when nothing says for whom it is
// sealed.
func (s *Standing) Start(ctx context.Context, c *access.Caller) (started id.ID, err error) {
	err = s.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry()) // the export has its own
		n, kept, err := get(tx)
		if err != nil {
			return err
		}
		if _, err := n.sealedFor(kept); err != nil {
			return err
		}
		started, err = s.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: payload{Now: true}})
		return err
	})
	return started, err
}

type payload struct {
	Now bool `json:"now,omitempty"` // asked for, and not one of the plan
}

// Feature is the tables of the settings and of what was made.
func Feature() record.Feature { return record.Feature{Name: "standing", Schema: Schema()} }
