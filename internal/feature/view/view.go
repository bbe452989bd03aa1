// Package view holds saved views: lists with the filters, order and columns that
// somebody gave a name.
//
// Always true: a view is a question and no answer, so what it shows is decided
// anew each time by the gate; a view of one's own is seen by nobody else, one of a team
// by those who belong to it, who make and remove it, and one for everybody is made and
// removed by those who may change the tenant's lists.
package view

import (
	"database/sql"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// View is a saved view.
type View struct {
	ID     id.ID
	Kind   string
	Of     id.ID  // the variant of the kind; 0 for none
	Name   string // unique among those of its owner, without regard to case
	Query  string // of the list's address, encoded
	Shared bool   // it is for everybody
	Team   id.ID  // whose it is; 0 for a person's, or everybody's
}

// Bounds of what is kept.
const (
	MaxName  = 60
	maxQuery = 2000
	maxViews = 100 // of one user, or for everybody
)

// Feature is the table of views.
func Feature() record.Feature {
	return record.Feature{Name: "view", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists saved_view (id id primary key, user_id int not null, kind text not null, variant_id int not null, name text not null, name_fold text not null, query text not null, at int not null)`,
	`create unique index if not exists saved_view_name on saved_view (user_id, kind, variant_id, name_fold)`,
}

// purge forgets the views of a user, or of a variant, that is purged.
func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from saved_view where user_id = ? or variant_id = ?`, int64(r.ID), int64(r.ID))
	return err
}

// List gives the views of a kind, or of a variant of it, that the caller has: her
// own and those for everybody, each by name.
func List(tx *gate.Tx, kind string, of id.ID) ([]View, error) { return ListOf(tx, kind, of, nil) }

// ListOf is List with those of the teams that the caller belongs to.
func ListOf(tx *gate.Tx, kind string, of id.ID, teams []id.ID) ([]View, error) {
	rows, err := tx.Query(`select id, user_id, name, query from saved_view where user_id in (0, ?`+strings.Repeat(`, ?`, len(teams))+`) and kind = ? and variant_id = ? order by user_id desc, name_fold`,
		append(append([]any{int64(tx.Caller.User)}, access.Args(teams)...), kind, int64(of))...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []View
	for rows.Next() {
		v := View{Kind: kind, Of: of}
		var vid, user int64
		if err := rows.Scan(&vid, &user, &v.Name, &v.Query); err != nil {
			return nil, err
		}
		if v.ID, v.Shared = id.ID(vid), user == 0; slices.Contains(teams, id.ID(user)) {
			v.Team = id.ID(user)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// Save keeps a view of the caller's, or for everybody; one of the same name is
// replaced. Invalid, with the field name; Denied for a caller who may not make one
// for everybody. The transaction may be one that began with View.
func Save(tx *gate.Tx, v View) error { return SaveOf(tx, v, nil) }

// SaveOf is Save of a view that may be a team's: of one of those that the caller belongs
// to.
func SaveOf(tx *gate.Tx, v View, teams []id.ID) error {
	owner, err := ownerOf(tx, v.Shared)
	switch {
	case err != nil:
		return err
	case v.Team != 0 && !slices.Contains(teams, v.Team):
		return fault.New(fault.Denied, "Only who belongs to a team saves views for it.").WithHint("Save it for yourself.")
	case v.Team != 0:
		owner = int64(v.Team)
	}
	v.Name = strings.Join(strings.Fields(v.Name), " ")
	switch {
	case v.Name == "":
		return fault.Field("name", "The name of the view is missing.")
	case utf8.RuneCountInString(v.Name) > MaxName:
		return fault.Field("name", "A name has at most %d characters.", MaxName)
	case len(v.Query) > maxQuery:
		return fault.Field("name", "This list is narrowed in too many ways to be kept.")
	}
	var n int64
	if err := tx.QueryRow(`select count(*) from saved_view where user_id = ?`, owner).Scan(&n); err != nil {
		return err
	}
	if n >= maxViews {
		return fault.Field("name", "There are %d views already. Remove one first.", maxViews)
	}
	vid, err := tx.NewID()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into saved_view (id, user_id, kind, variant_id, name, name_fold, query, at) values (?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (user_id, kind, variant_id, name_fold) do update set name = excluded.name, query = excluded.query, at = excluded.at`,
		int64(vid), owner, v.Kind, int64(v.Of), v.Name, record.Fold(v.Name), v.Query, tx.Now)
	return err
}

// Remove forgets a view. NotFound for one that the caller does not have; Denied
// for one for everybody that she may not remove.
func Remove(tx *gate.Tx, view id.ID) error { return RemoveOf(tx, view, nil) }

// RemoveOf is Remove of a view that may be that of a team of the caller's.
func RemoveOf(tx *gate.Tx, view id.ID, teams []id.ID) error {
	var owner int64
	err := tx.QueryRow(`select user_id from saved_view where id = ? and user_id in (0, ?`+strings.Repeat(`, ?`, len(teams))+`)`,
		append([]any{int64(view), int64(tx.Caller.User)}, access.Args(teams)...)...).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) {
		return gate.Missing()
	}
	if err != nil {
		return err
	}
	if _, err := ownerOf(tx, owner == 0); err != nil {
		return err
	}
	_, err = tx.Exec(`delete from saved_view where id = ?`, int64(view))
	return err
}

// ownerOf gives the user whose view it is, 0 for everybody's. What is for everybody
// is decided and recorded.
func ownerOf(tx *gate.Tx, shared bool) (int64, error) {
	if !shared {
		if tx.Caller.User == 0 {
			return 0, fault.New(fault.Denied, "Only people have views of their own.")
		}
		return int64(tx.Caller.User), nil
	}
	e, err := tx.Allow(access.Configure, gate.Thing{})
	if err == nil {
		e.Detail.Text = "a saved view"
	}
	return 0, err
}

// Asks is the question that a view puts to a kind, for who has no pages. Invalid when it
// narrows by what is no field, such as a flag.
func (v View) Asks(k *record.Kind) (record.Query, error) {
	q := record.Query{Archived: "no"}
	values, err := url.ParseQuery(v.Query)
	if err != nil {
		return q, fault.Wrap(err, fault.Invalid, "its question cannot be read.")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		said := values.Get(name)
		switch {
		case said == "" || name == "cols" || name == "dir" || name == "per":
		case name == "q":
			q.Text = said
		case name == "sort":
			q.Sort = []record.Order{{Field: said, Desc: values.Get("dir") == "desc"}}
		case name == "archived" && said == "yes":
			q.Archived = said
		case name == "archived" && said == "all":
			q.Archived = ""
		case name == "organization_id":
			n, ok := id.Parse(said)
			if !ok {
				return q, fault.New(fault.Invalid, "its organization is none.")
			}
			q.Org = n
		default:
			x, known, err := Narrow(k, name, said)
			if err != nil {
				return q, err
			}
			if !known {
				return q, fault.New(fault.Invalid, "it is narrowed by %s.", name)
			}
			q.Filters = append(q.Filters, x)
		}
	}
	return q, nil
}
