package process

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
)

// begin starts the processes that begin when a record is made.
func (p *Processes) begin(tx *gate.Tx, now *record.Record) error {
	list, err := tx.IDs(`select r.id from k_process k join record r on r.id = k.id where k.active = 1 and r.archived = 0 and r.trashed_at is null and k.of_kind = ? and (k.begins = ? or k.begins = ? and k.offering_id = ?) order by r.id`,
		now.Kind.Name, AtOnce, Ordered, int64(now.Values.ID("offering_id")))
	if err != nil {
		return err
	}
	for _, n := range list {
		if _, err := p.Start(tx, n, now, "begin"); err != nil {
			return err
		}
	}
	return nil
}

// Start begins a process about a record, once under a key, and says what it did. It does not
// begin beside itself, nor where processes and rules set each other off without end.
func (p *Processes) Start(tx *gate.Tx, process id.ID, rec *record.Record, once string) (string, error) {
	e := rec.Kind.Engine()
	var def *record.Record
	who := tx.Caller
	tx.Caller = access.System(tx.Tenant.Name, "job") // what the process says is no matter of who begins it
	def, err := e.Get(tx, Kind, process)
	tx.Caller = who
	if fault.Is(err, fault.NotFound) {
		return "", fault.New(fault.Invalid, "The process is not there any more.")
	}
	if err != nil {
		return "", err
	}
	c := StepsOf(def)
	if !def.Values.Bool("active") || def.Archived || def.Values.Text("of_kind") != rec.Kind.Name || len(c) == 0 {
		return "", fault.New(fault.Invalid, "The process is off, or about something else.")
	}
	chain := automation.Chain(tx)
	var running, lately int
	err = errors.Join(tx.QueryRow(`select count(*) from process_run where process_id = ? and record_id = ? and state = 'running'`, int64(process), int64(rec.ID)).Scan(&running),
		tx.QueryRow(`select count(*) from process_run where record_id = ? and at > ?`, int64(rec.ID), tx.Now-time.Hour.Milliseconds()).Scan(&lately))
	switch {
	case err != nil:
		return "", err
	case running > 0:
		return "It runs already.", nil
	case slices.Contains(chain, process), len(chain) >= automation.MostSteps, lately >= mostOfRecord:
		return "It was not begun: rules and processes would set each other off.", nil
	}
	n, err := tx.NewID()
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	words := make([]string, 0, len(chain)+1)
	for _, x := range append(chain, process) {
		words = append(words, x.String())
	}
	fresh, err := tx.Exec(`insert into process_run (id, process_id, version, record_id, once, course, chain, state, at) values (?, ?, ?, ?, ?, ?, ?, 'running', ?) on conflict do nothing`,
		int64(n), int64(process), def.Version, int64(rec.ID), once, string(text), strings.Join(words, " "), tx.Now)
	if err != nil || fresh == 0 {
		return "It ran already.", err
	}
	r := &run{ID: n, Process: process, Record: rec.ID, course: c, kinds: e}
	return "Began " + def.Name + ".", p.open(tx, r, 0)
}
