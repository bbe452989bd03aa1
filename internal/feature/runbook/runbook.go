// Package runbook prints chosen parts of an organization, or of all that its
// owner sees, as one PDF: now, or on a schedule.
//
// Always true: a runbook is its owner's. It is made with the rights that the
// owner has at that moment, decided by the gate part by part, and holds nothing
// that the owner may not see; it never holds a secret value. When the owner may
// not export any more, or is gone, it is not made, and says why. What was made
// lies in the tenant's encrypted blobs, and is fetched by the owner and by
// administrators only; each making and each fetching is in the audit log.
package runbook

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/paper"
	"strongroom/internal/base/rhythm"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/relation"
)

// What is done to a runbook, as the audit log calls it.
const (
	Saved   = "runbook.saved"
	Removed = "runbook.removed"
	Made    = "runbook.made"
	Fetched = "runbook.fetched"
)

// Kind is what the audit log calls a runbook.
const Kind = "runbook"

// Bounds of a runbook, and of the runbooks of a person.
const (
	mostParts = 60
	mostKept  = 50
	mostOwn   = 100
	mostVain  = 10 // makings of one that came to nothing and are told of
)

// Runbooks keeps and makes runbooks. Fill the fields; it then is safe for
// concurrent use.
type Runbooks struct {
	Gate      *gate.Gate
	Records   *record.Engine
	Relations *relation.Relations
	Jobs      *job.Runner

	// Body gives the HTML of a document with its sections, and Pictures what reads
	// the pictures in it as a caller; see feature/document.
	Body     func(tx *gate.Tx, e *record.Engine, doc *record.Record) (string, error)
	Pictures func(c *access.Caller) func(ctx context.Context, src string) ([]byte, error)
}

// Feature is the tables of runbooks and of what was made of them.
func Feature() record.Feature {
	return record.Feature{Name: "runbook", Schema: []string{
		`create table if not exists runbook (id id primary key, owner_id int not null, org_id int not null, name text not null, base text not null default '', setup json not null,
			next_at int not null default 0, next_job int not null default 0, created_at int not null, updated_at int not null)`,
		`create index if not exists runbook_owner on runbook (owner_id, id)`,
		`create table if not exists runbook_file (id id primary key, runbook_id int not null, job_id int not null, blob text not null default '', size int not null default 0,
			pages int not null default 0, ready int not null default 0, planned int not null default 0, created_at int not null, updated_at int not null, created_by int not null)`,
		`create index if not exists runbook_file_runbook on runbook_file (runbook_id, id)`,
		`create index if not exists runbook_file_job on runbook_file (job_id)`,
	}}
}

// Runbook says what is printed, and when.
type Runbook struct {
	ID        id.ID
	Owner     id.ID
	OwnerName string // where the caller may see it
	Org       id.ID  // 0 for all that the owner sees
	OrgName   string
	Name      string
	Base      string // what stands before links to what is not in the PDF, such as https://docs.example.com
	Setup

	Next    int64  // when it is made next, Unix milliseconds; 0 for not by itself
	Stopped string // why it is not made by itself any more, though it should be
	Files   []*File
	nextJob id.ID
}

// Setup is what a person chooses of a runbook.
type Setup struct {
	Parts    []Part          `json:"parts"`
	Archived bool            `json:"archived,omitempty"` // what is archived too
	Related  bool            `json:"related,omitempty"`  // names what each record is related to
	Size     paper.Size      `json:"size"`
	When     rhythm.Schedule `json:"when"`
	Keep     int             `json:"keep"` // how many are kept
}

// Part is a kind of records; Of narrows it to one type of flexible assets, to one
// folder of documents with those below it, or to one document.
type Part struct {
	Kind string `json:"kind"`
	Of   id.ID  `json:"of,omitempty"`
}

// Makeable tells whether a caller may have a runbook made: its owner alone, since
// it is made with the owner's rights.
func (b *Runbook) Makeable(c *access.Caller) bool { return c.User == b.Owner && c.User != 0 }

// Kinds lists what a runbook can hold, in the order in which an organization
// shows it. What is part of a record is printed with it.
func (s *Runbooks) Kinds() []*record.Kind {
	return slices.DeleteFunc(s.Records.Kinds.Documented(), func(k *record.Kind) bool {
		return k.Scope != record.OfOrganization || strings.HasSuffix(k.Name, "_folder")
	})
}

// check completes a runbook that is about to be saved.
func (s *Runbooks) check(b *Runbook) error {
	wrong := map[string]string{}
	b.Name = strings.Join(strings.Fields(b.Name), " ")
	switch n := len([]rune(b.Name)); {
	case n == 0:
		wrong["name"] = "A runbook needs a name."
	case n > 200:
		wrong["name"] = "A name has 200 characters at most."
	}
	if b.Size == "" {
		b.Size = paper.A4
	}
	if b.Size != paper.A4 && b.Size != paper.Letter {
		wrong["size"] = "The size of paper is A4 or Letter."
	}
	if b.Keep == 0 {
		b.Keep = 10
	}
	if b.Keep < 1 || b.Keep > mostKept {
		wrong["keep"] = "Between 1 and 50 are kept."
	}
	if err := b.When.Check(); err != "" {
		wrong["when"] = err
	}
	known := s.Kinds()
	for _, p := range b.Parts {
		if !slices.ContainsFunc(known, func(k *record.Kind) bool { return k.Name == p.Kind }) {
			wrong["parts"] = "There is no part of this name."
		}
	}
	switch {
	case len(b.Parts) == 0:
		wrong["parts"] = "Choose one part at least."
	case len(b.Parts) > mostParts:
		wrong["parts"] = "A runbook has 60 parts at most."
	}
	return fault.Fields(wrong)
}

// Save keeps a new runbook of the caller, or one of hers that she changed, and
// plans when it is made next. NotFound for another's.
func (s *Runbooks) Save(ctx context.Context, c *access.Caller, b *Runbook) error {
	if err := s.check(b); err != nil {
		return err
	}
	setup, err := json.Marshal(b.Setup)
	if err != nil {
		return err
	}
	return s.Gate.Change(ctx, c, access.Export, thingOf(b.Org), func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		if b.ID == 0 {
			err = s.create(tx, b)
		} else {
			err = own(tx, b.ID)
		}
		if err != nil {
			return err
		}
		_, err := tx.Exec(`update runbook set org_id = ?, name = ?, base = ?, setup = ?, updated_at = ? where id = ?`, int64(b.Org), b.Name, b.Base, string(setup), tx.Now, int64(b.ID))
		if err != nil {
			return err
		}
		tx.Also(&audit.Entry{Action: Saved, Kind: Kind, Object: b.ID, Org: b.Org, Detail: audit.Detail{Name: b.Name}})
		return s.plan(tx, b)
	})
}

func (s *Runbooks) create(tx *gate.Tx, b *Runbook) error {
	if tx.Caller.User == 0 {
		return fault.New(fault.Denied, "A runbook belongs to a person.")
	}
	var n int
	if err := tx.QueryRow(`select count(*) from runbook where owner_id = ?`, int64(tx.Caller.User)).Scan(&n); err != nil {
		return err
	}
	if n >= mostOwn {
		return fault.New(fault.Conflict, "A person has %d runbooks at most.", mostOwn).WithHint("Remove one that is not needed any more.")
	}
	var err error
	if b.ID, err = tx.NewID(); err != nil {
		return err
	}
	b.Owner = tx.Caller.User
	_, err = tx.Exec(`insert into runbook (id, owner_id, org_id, name, setup, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?)`,
		int64(b.ID), int64(b.Owner), int64(b.Org), b.Name, "{}", tx.Now, tx.Now)
	return err
}

// own answers NotFound for a runbook that is not the caller's own.
func own(tx *gate.Tx, book id.ID) error {
	var one int
	err := tx.QueryRow(`select 1 from runbook where id = ? and owner_id = ? and owner_id <> 0`, int64(book), int64(tx.Caller.User)).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return gate.Missing()
	}
	return err
}

// plan puts the job that makes a runbook next, instead of the one planned before.
func (s *Runbooks) plan(tx *gate.Tx, b *Runbook) error {
	_, err := tx.Exec(`update job set cancel = 1 where state = ? and id = (select next_job from runbook where id = ?)`, job.Waiting, int64(b.ID))
	if err != nil {
		return err
	}
	at := b.When.Next(time.UnixMilli(tx.Now))
	var next id.ID
	if at != 0 {
		if next, err = s.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: payload{Runbook: b.ID}, At: at}); err != nil {
			return err
		}
	}
	b.Next = at
	_, err = tx.Exec(`update runbook set next_at = ?, next_job = ? where id = ?`, at, int64(next), int64(b.ID))
	return err
}

func thingOf(org id.ID) gate.Thing {
	if org != 0 {
		return gate.Thing{Kind: "organization", ID: org}
	}
	return gate.Thing{}
}

// mine is the condition on a runbook that it is the caller's, or that she sees
// everything.
func mine(tx *gate.Tx) (string, []any) {
	if tx.Caller.Everything() {
		return `1 = 1`, nil
	}
	return `b.owner_id = ?`, []any{int64(tx.Caller.User)}
}

// List gives the caller's runbooks by name, and all to an administrator, without
// their files. Denied for who may not export.
func (s *Runbooks) List(tx *gate.Tx) ([]*Runbook, error) {
	if _, err := tx.Allow(access.Export, gate.Thing{}); err != nil {
		return nil, err
	}
	cond, args := mine(tx)
	return s.read(tx, cond, args...)
}

// Get gives a runbook with what was made of it, newest first. NotFound for
// another's.
func (s *Runbooks) Get(tx *gate.Tx, book id.ID) (*Runbook, error) {
	if _, err := tx.Allow(access.Export, gate.Thing{}); err != nil {
		return nil, err
	}
	cond, args := mine(tx)
	list, err := s.read(tx, cond+` and b.id = ?`, append(args, int64(book))...)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, gate.Missing()
	}
	b := list[0]
	b.Files, err = files(tx, `f.runbook_id = ?`, int64(book))
	return b, err
}

func (s *Runbooks) read(tx *gate.Tx, cond string, args ...any) ([]*Runbook, error) {
	rows, err := tx.Query(`select b.id, b.owner_id, b.org_id, b.name, b.base, b.setup, b.next_at, b.next_job, coalesce(j.state, ''), coalesce(j.error, '')
		from runbook b left join job j on j.id = b.next_job where `+cond+` order by b.name, b.id limit 2000`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Runbook
	var named []id.ID
	for rows.Next() {
		b := &Runbook{}
		var n, owner, org, next int64
		var setup, state, failed string
		if err := rows.Scan(&n, &owner, &org, &b.Name, &b.Base, &setup, &b.Next, &next, &state, &failed); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(setup), &b.Setup); err != nil {
			return nil, err
		}
		b.ID, b.Owner, b.Org, b.nextJob = id.ID(n), id.ID(owner), id.ID(org), id.ID(next)
		if b.Next != 0 && state != job.Waiting && state != job.Running {
			b.Next = 0
			if b.Stopped = failed; failed == "" {
				b.Stopped = "The job that was to make it was stopped."
			}
		}
		out, named = append(out, b), append(named, b.Org, b.Owner)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	names, err := s.Records.Names(tx, named...)
	for _, b := range out {
		b.OrgName, b.OwnerName = names[b.Org], names[b.Owner]
	}
	return out, err
}

// Remove deletes a runbook with what was made of it. NotFound for another's,
// but to administrators.
func (s *Runbooks) Remove(ctx context.Context, c *access.Caller, book id.ID) error {
	return s.Gate.Change(ctx, c, access.Export, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		b, err := s.Get(tx, book)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`update job set cancel = 1 where state in (?, ?) and (id = ? or id in (select job_id from runbook_file where runbook_id = ?))`,
			job.Waiting, job.Running, int64(b.nextJob), int64(book))
		if err != nil {
			return err
		}
		if err := s.drop(tx, b.Files...); err != nil {
			return err
		}
		if _, err := tx.Exec(`delete from runbook where id = ?`, int64(book)); err != nil {
			return err
		}
		tx.Also(&audit.Entry{Action: Removed, Kind: Kind, Object: book, Org: b.Org, Detail: audit.Detail{Name: b.Name}})
		return nil
	})
}
