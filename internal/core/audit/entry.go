// Package audit keeps what was done in a tenant: in order, complete and
// provable.
//
// Always true: an entry is appended in the transaction of the change that it
// records, so neither exists without the other; entries are the leaves of an
// RFC 6962 Merkle tree whose head is in the same database, and whose signed
// checkpoints come from the key service; a leaf holds ids, times, results and
// a salted hash only. What says something about a person (address, reason,
// names) lies beside the leaf under a key of that person, so that it can be
// erased while the tree still verifies.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"strongroom/internal/base/merkle"
	"strongroom/internal/core/id"
)

// Results of an action.
const (
	OK      = "ok"
	Refused = "refused"
	Failed  = "failed"
)

// Entry is one line of the log.
type Entry struct {
	Seq     int64  // position in the tree, from 0
	Time    int64  // Unix milliseconds
	Actor   id.ID  // the user; 0 is the system
	Behalf  id.ID  // on whose behalf, 0 for nobody
	Via     string // session, api key, console, job
	Session string // public id of the session or key
	Action  string // access.Action, or a narrower verb such as "reveal.granted"
	Kind    string
	Object  id.ID
	Org     id.ID
	Version int64
	Result  string // OK, Refused or Failed
	Level   int    // authentication level
	Cites   int64  // seq of the entry that this one follows from, plus one; 0 for none
	Count   int64  // how many equal events this entry stands for, at least 1
	Detail  Detail

	Erased bool // the detail's key was destroyed
	sealed []byte
	digest []byte // salted hash of the detail
	hash   merkle.Hash
}

// Detail is the erasable part of an entry.
type Detail struct {
	Salt    []byte   `json:"salt,omitempty"`
	Address string   `json:"address,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Actor   string   `json:"actor,omitempty"`
	Name    string   `json:"name,omitempty"`   // of the object at that time
	Fields  []string `json:"fields,omitempty"` // which fields changed
	Text    string   `json:"text,omitempty"`
}

// leaf is the canonical form: compact JSON with the members in this order.
type leaf struct {
	Seq     int64  `json:"seq"`
	Time    int64  `json:"time"`
	Tenant  string `json:"tenant"`
	Actor   int64  `json:"actor"`
	Behalf  int64  `json:"behalf"`
	Via     string `json:"via"`
	Session string `json:"session"`
	Action  string `json:"action"`
	Kind    string `json:"kind"`
	Object  int64  `json:"object"`
	Org     int64  `json:"org"`
	Version int64  `json:"version"`
	Result  string `json:"result"`
	Level   int    `json:"level"`
	Cites   int64  `json:"cites"`
	Count   int64  `json:"count"`
	Detail  string `json:"detail"` // base64 of the salted hash
}

// Leaf gives the bytes that are hashed into the tree.
func (e *Entry) Leaf(tenant string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(leaf{e.Seq, e.Time, tenant, int64(e.Actor), int64(e.Behalf), e.Via, e.Session, e.Action, e.Kind, int64(e.Object),
		int64(e.Org), e.Version, e.Result, e.Level, e.Cites, e.Count, base64.RawURLEncoding.EncodeToString(e.digest)})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// Hash is the entry's leaf hash; a reveal ticket carries it.
func (e *Entry) Hash() [32]byte { return e.hash }

// digest is the salted hash that binds a detail to its leaf.
func (d Detail) digest() ([]byte, []byte, error) {
	plain, err := json.Marshal(d)
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(plain)
	return plain, sum[:], nil
}
