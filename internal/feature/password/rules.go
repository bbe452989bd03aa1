package password

import (
	"database/sql"
	"errors"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/password/closed"
	"strongroom/internal/feature/password/demand"
)

// owner is a sort of record that a password can be embedded in: the API's name
// for it, other spellings of the same, and the kinds it stands for.
type owner struct {
	name  string
	also  []string
	kinds []string
}

var owners = []owner{
	{"Configuration", nil, []string{"configuration"}},
	{"Contact", nil, []string{"contact"}},
	{"Document", nil, []string{"document"}},
	{"Domain", nil, []string{"domain"}},
	{"Location", nil, []string{"location"}},
	{"SSL Certificate", nil, []string{"ssl_certificate"}},
	{"Flexible Asset", []string{"structureddatarow", "structureddatacell", "flexibleassettrait"}, []string{"flexible_asset"}},
	{"Ticket", nil, []string{"incident", "service_request", "problem", "change", "release", "task"}},
}

// plain takes the spelling out of a name: SSL Certificate, ssl-certificates and
// ssl_certificate are the same.
func plain(s string) string {
	s = strings.NewReplacer(" ", "", "-", "", "_", "", ":", "").Replace(strings.ToLower(s))
	return strings.TrimSuffix(s, "s")
}

// ownerOf finds the sort of record that a resource type names, in any spelling.
func ownerOf(resourceType string) (owner, bool) {
	p := plain(resourceType)
	for _, o := range owners {
		if plain(o.name) == p || slices.Contains(o.also, p) {
			return o, true
		}
	}
	return owner{}, false
}

// OwnerType gives the resource type under which a password is embedded in a
// record of that kind, or "".
func OwnerType(kind string) string {
	for _, o := range owners {
		if slices.Contains(o.kinds, kind) {
			return o.name
		}
	}
	return ""
}

func before(tx *gate.Tx, now, old *record.Record) error {
	if old == nil || changed(now, old, "resource_type", "resource_id") || now.Org != old.Org {
		if err := settleOwner(tx, now); err != nil {
			return err
		}
	}
	return refiled(tx, now, old, "password_folder_id")
}

// refiled has what leaves a folder keep the folder's demand for approval.
func refiled(tx *gate.Tx, now, old *record.Record, folder string) error {
	if old == nil {
		return nil
	}
	return demand.Moved(tx, old.ID, old.Values.ID(folder), now.Values.ID(folder))
}

// settle has what was filed elsewhere, or restricted or not any more, restricted as its
// folder is. To move something so that others may see it than before takes the right
// to say who may.
func settle(tx *gate.Tx, now, old *record.Record, folder string) error {
	moved := old != nil && old.Values.ID(folder) != now.Values.ID(folder)
	if now.Trashed != 0 || old == nil && now.Values.ID(folder) == 0 || old != nil && !moved && old.Restricted == now.Restricted {
		return nil
	}
	was := closed.Standing{Guard: now.Guard, Restricted: now.Restricted}
	if err := guarded(tx, now, old); err != nil || !moved || was == (closed.Standing{Guard: now.Guard, Restricted: now.Restricted}) {
		return err
	}
	return tx.Check(access.Restrict, gate.Thing{Kind: now.Kind.Name, ID: now.ID})
}

// stays keeps who sees single folders only, as an API key may, from making passwords
// and folders outside of them, and from moving them there.
func stays(tx *gate.Tx, now *record.Record) error {
	if tx.Caller.Scope.Narrow.IDs == "" || tx.Check(access.View, gate.Thing{Kind: now.Kind.Name, ID: now.ID}) == nil {
		return nil
	}
	return fault.New(fault.Denied, "This API key is limited to single password folders.").WithHint("Name one of them as the folder.")
}

func guarded(tx *gate.Tx, now, _ *record.Record) error {
	s, err := closed.Settle(tx, now.Kind.Name, now.ID)
	now.Guard, now.Restricted = s.Guard, s.Restricted
	return err
}

func changed(now, old *record.Record, fields ...string) bool {
	return slices.ContainsFunc(fields, func(f string) bool { return now.Values[f] != old.Values[f] })
}

// settleOwner checks what the password is embedded in and keeps its sort.
func settleOwner(tx *gate.Tx, now *record.Record) error {
	v := now.Values
	typ, rec := v.Text("resource_type"), v["resource_id"]
	if rec == nil {
		delete(v, "cached_resource_type_name")
		if v.Text("external_resource_type") == "" {
			delete(v, "resource_type") // a sort alone says nothing
			delete(v, "cached_resource_name")
		} else {
			v["cached_resource_type_name"] = v.Text("external_resource_type")
		}
		return nil
	}
	if typ == "" {
		return fault.Field("resource_type", "Say what sort of record the password belongs to.")
	}
	o, ok := ownerOf(typ)
	if !ok {
		return fault.Field("resource_type", "A password cannot belong to a %s.", typ)
	}
	number, _ := rec.(int64)
	org, err := find(tx, o.kinds, id.ID(number))
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Field("resource_id", "There is no such %s, or you may not see it.", strings.ToLower(o.name))
	}
	if err != nil {
		return err
	}
	if org != now.Org {
		return fault.Field("resource_id", "This %s belongs to another organization.", strings.ToLower(o.name))
	}
	if !slices.Contains(o.also, plain(typ)) {
		v["resource_type"] = o.name
	}
	v["cached_resource_type_name"] = o.name
	for _, f := range []string{"cached_resource_name", "external_source", "external_resource_type", "external_resource_id"} {
		delete(v, f) // it has found its owner
	}
	return nil
}

func find(tx *gate.Tx, kinds []string, rec id.ID) (org id.ID, err error) {
	cond, args := tx.Visible("r")
	var o int64
	var kind string
	err = tx.QueryRow(`select r.kind, r.org_id from record r where r.id = ? and r.trashed_at is null and `+cond, append([]any{int64(rec)}, args...)...).
		Scan(&kind, &o)
	if err == nil && !slices.Contains(kinds, kind) {
		err = sql.ErrNoRows
	}
	return id.ID(o), err
}

// after notes what a change of a secret means for the record. The secret is
// saved before; its newest version tells whether this transaction made it.
func after(tx *gate.Tx, now, old *record.Record) error {
	if now.Trashed != 0 {
		return nil
	}
	if err := errors.Join(stays(tx, now), settle(tx, now, old, "password_folder_id")); err != nil {
		return err
	}
	have, err := secret.Current(tx, now.ID)
	if err != nil {
		return err
	}
	otp := have["otp_secret"].Has
	stamp, _ := now.Values["password_updated_at"].(int64)
	given := old == nil && stamp != 0 || old != nil && changed(now, old, "password_updated_at")
	if p := have["password"]; p.Number > 0 && p.Time == tx.Now && !given {
		stamp = tx.Now
	}
	was, _ := now.Values["password_updated_at"].(int64)
	if otp == now.Values.Bool("otp_enabled") && stamp == was {
		return nil
	}
	now.Values["otp_enabled"] = otp
	var at any
	if stamp != 0 {
		at, now.Values["password_updated_at"] = stamp, stamp
	}
	_, err = tx.Exec(`update k_password set otp_enabled = ?, password_updated_at = ? where id = ?`, otp, at, int64(now.ID))
	return err
}

type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

func scanIDs(rows rows) ([]id.ID, error) {
	defer rows.Close()
	var out []id.ID
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out = append(out, id.ID(n))
	}
	return out, rows.Err()
}

// OwnerNames gives the names of what passwords of a list belong to: of the
// record that one is embedded in, where the caller may see that, or of what has
// no record here. The others are not in it.
func OwnerNames(tx *gate.Tx, e *record.Engine, list []*record.Record) (map[id.ID]string, error) {
	var owners []id.ID
	for _, r := range list {
		if n, ok := r.Values["resource_id"].(int64); ok {
			owners = append(owners, id.ID(n))
		}
	}
	slices.Sort(owners)
	names, err := e.Names(tx, slices.Compact(owners)...)
	if err != nil {
		return nil, err
	}
	out := map[id.ID]string{}
	for _, r := range list {
		name := r.Values.Text("cached_resource_name")
		if n, ok := r.Values["resource_id"].(int64); ok {
			name = names[id.ID(n)]
		}
		if name != "" {
			out[r.ID] = name
		}
	}
	return out, nil
}

// maxByOwner is how many passwords ByOwnerName finds.
const maxByOwner = 5000

// ByOwnerName finds passwords by the names of what they belong to, as far as the
// caller may see that. That she may see the passwords themselves is for who
// lists them.
func ByOwnerName(tx *gate.Tx, names []string) ([]id.ID, error) {
	if len(names) == 0 {
		return nil, nil
	}
	folded := make([]any, len(names))
	for i, n := range names {
		folded[i] = record.Fold(n)
	}
	cond, who := tx.Visible("r")
	args := slices.Concat(folded, who, folded, []any{maxByOwner})
	in := `(` + access.Marks(len(names)) + `)`
	rows, err := tx.Query(`select k.id from record r join k_password k on k.resource_id = r.id where r.name_fold in `+in+` and r.trashed_at is null and `+cond+`
		union select k.id from k_password k where k.resource_id is null and k.cached_resource_name_fold in `+in+` limit ?`, args...)
	if err != nil {
		return nil, err
	}
	return scanIDs(rows)
}

// Resource gives the record that a password is embedded in, or 0.
func Resource(tx *gate.Tx, password id.ID) (id.ID, error) {
	var n sql.NullInt64
	err := tx.QueryRow(`select resource_id from k_password where id = ?`, int64(password)).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id.ID(n.Int64), err
}
