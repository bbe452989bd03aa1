package audit

import (
	"bytes"
	"encoding/json"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/merkle"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/id"
)

// Proof shows to whoever knows the log's public key that an entry stands in it. Its
// form is in doc/formats/vault.md, its checking in base/hostproof.
type Proof struct {
	Key        string   `json:"key"`        // note verifier key of the log
	Checkpoint string   `json:"checkpoint"` // signed note; empty while none covers the entry
	Since      [][]byte `json:"since"`      // that the log of the size that was asked for is its beginning
	Seq        int64    `json:"seq"`
	Leaf       string   `json:"leaf"`
	Detail     string   `json:"detail"`
	Path       [][]byte `json:"path"` // that the leaf is in the tree of the checkpoint
}

// Prove proves the newest entry of an action of the system on a version of a thing,
// and that the log of since entries (0 for none) is the beginning of the present one.
// NotFound when there is no such entry. key is the log's public key.
func (l *Log) Prove(tx *sqldb.Tx, key, action string, object id.ID, version, since int64) (*Proof, error) {
	list, err := scan(tx, `select `+columns+` from audit_entry where object = ? and action = ? and version = ? and actor = 0 order by seq desc limit 1`, int64(object), action, version)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fault.New(fault.NotFound, "This does not stand in the audit log.")
	}
	e, p := list[0], &Proof{Key: key, Seq: list[0].Seq}
	leaf, err := e.Leaf(l.Tenant)
	if err != nil {
		return nil, err
	}
	plain, err := l.plain(tx, e)
	if err != nil {
		return nil, err
	}
	p.Leaf, p.Detail = string(leaf), string(plain)
	points, err := checkpoints(tx)
	if err != nil || len(points) == 0 || points[len(points)-1].size <= e.Seq {
		return p, err
	}
	newest := points[len(points)-1]
	s := merkle.Source{Leaves: func(from, to int64) ([]merkle.Hash, error) { return hashes(tx, from, to) }}
	p.Checkpoint = newest.note
	if p.Path, err = plainHashes(s.Inclusion(e.Seq, newest.size)); err != nil || since == 0 {
		return p, err
	}
	p.Since, err = plainHashes(s.Consistency(since, newest.size))
	return p, err
}

func plainHashes(list []merkle.Hash, err error) ([][]byte, error) {
	out := [][]byte{}
	for _, h := range list {
		out = append(out, h[:])
	}
	return out, err
}

func hashes(tx *sqldb.Tx, from, to int64) ([]merkle.Hash, error) {
	rows, err := tx.Query(`select hash from audit_entry where seq >= ? and seq < ? order by seq`, from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []merkle.Hash
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		out = append(out, merkle.Hash(b))
	}
	return out, rows.Err()
}

// Stated is an entry of an action of the system in an exported log.
type Stated struct {
	Object  id.ID
	Version int64
	Text    string // of the detail; empty when that is not in the file
}

// StatedIn gives the entries of an action of the system in an exported log, in order.
// What VerifyExport says of the same bytes is what they are worth.
func StatedIn(export []byte, action string) (out []Stated) {
	for line := range bytes.Lines(export) {
		var in entryLine
		var e leaf
		var d Detail
		if json.Unmarshal(line, &in) != nil || json.Unmarshal([]byte(in.Leaf), &e) != nil || e.Action != action || e.Actor != 0 {
			continue
		}
		_ = json.Unmarshal([]byte(in.Detail), &d) // none is no text
		out = append(out, Stated{id.ID(e.Object), e.Version, d.Text})
	}
	return out
}
