// Package risk tells which passwords should be changed, and why.
//
// Always true: what is kept of a password beside its sealed versions is how many
// guesses it takes, in five steps, how often it was found in breaches, and a keyed
// digest that only this tenant's key makes; it is made where the password is at
// hand, as it is saved or by a check that is recorded like an export; and a report
// is computed when it is asked for, from what its reader may see.
package risk

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"

	"strongroom/internal/base/breached"
	"strongroom/internal/base/strength"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
)

const (
	kind  = "password"
	field = "password"
)

// unknown is what is kept of a password that was not compared with breaches.
const unknown = -1

// Feature is the table of marks: one for the present version of each password.
func Feature() record.Feature {
	return record.Feature{Name: "risk", Purge: purge, Schema: []string{
		`create table if not exists secret_mark (object id primary key, version int not null, score int not null, same text not null, breached int not null)`,
		`create index if not exists secret_mark_same on secret_mark (same)`,
	}}
}

func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from secret_mark where object = ?`, int64(r.ID))
	return err
}

// Risks marks passwords and reports on them. Fill the fields; it then is safe for
// concurrent use.
type Risks struct {
	Gate     *gate.Gate
	Records  *record.Engine
	Secrets  *secret.Revealer
	Jobs     *job.Runner
	Log      *slog.Logger
	Local    breached.Source // asked as a password is saved, too; nil: there is no local list
	Service  breached.Source // asked by checks alone, where there is no local list; nil for none
	Strength strength.Estimator
}

// mark is what is kept of one version of a password.
type mark struct {
	score    strength.Score
	same     string // equal for equal passwords
	breached int64
}

// Sealed marks a password as it is saved; see record.Engine.Sealed.
func (k *Risks) Sealed(tx *gate.Tx, r *record.Record, f string, version uint32, text string) error {
	if r.Kind.Name != kind || f != field {
		return nil
	}
	if text == "" {
		return purge(tx, r)
	}
	m, err := k.mark(context.Background(), tx.Tenant.Keys.Index, r, text, k.Local)
	if err != nil {
		k.Log.Warn("a password was not looked up in the list of breached ones", "error", err)
	}
	return m.write(tx, r.ID, version)
}

// mark looks at a password. Where the look into the breaches fails, the error comes
// with a mark that says it is unknown.
func (k *Risks) mark(ctx context.Context, index []byte, r *record.Record, text string, src breached.Source) (mark, error) {
	m := mark{score: strength.ScoreOf(k.Strength.Guesses(text, r.Name, r.Values.Text("username"), r.Values.Text("url"))), breached: unknown}
	key, err := hkdf.Key(sha256.New, index, nil, "strongroom/same-password/1", sha256.Size)
	if err != nil {
		return m, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	m.same = hex.EncodeToString(mac.Sum(nil)[:16])
	if src == nil {
		return m, nil
	}
	n, err := src.Count(ctx, text)
	if err == nil {
		m.breached = n
	}
	return m, err
}

func (m mark) write(tx *gate.Tx, object id.ID, version uint32) error {
	_, err := tx.Exec(`insert into secret_mark (object, version, score, same, breached) values (?, ?, ?, ?, ?)
		on conflict (object) do update set version = excluded.version, score = excluded.score, same = excluded.same, breached = excluded.breached
		where secret_mark.version <= excluded.version`,
		int64(object), version, int(m.score), m.same, m.breached)
	return err
}

// source is the list that a check asks; nil when there is none.
func (k *Risks) source() breached.Source {
	if k.Local != nil {
		return k.Local
	}
	return k.Service
}
