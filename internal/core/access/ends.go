package access

import (
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/id"
)

// Ends gives when access to a record ends, in Unix milliseconds, by the user or
// group that it is open to. Who is not in it has access without an end; who is
// with a time that has passed has none any more.
func Ends(tx *sqldb.Tx, record id.ID) (map[id.ID]int64, error) {
	rows, err := tx.Query(`select user_id, group_id, ends_at from access_grant where record_id = ? and ends_at <> 0`, int64(record))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[id.ID]int64{}
	for rows.Next() {
		var user, group, at int64
		if err := rows.Scan(&user, &group, &at); err != nil {
			return nil, err
		}
		out[id.ID(max(user, group))] = at
	}
	return out, rows.Err()
}

// SetEnds says when the access of users and groups to a record ends; 0 is never.
// Who is not named keeps the end that she has, and who has no access gets none.
func SetEnds(tx *sqldb.Tx, record id.ID, ends map[id.ID]int64) error {
	for who, at := range ends {
		if _, err := tx.Exec(`update access_grant set ends_at = ? where record_id = ? and (user_id = ? or group_id = ?)`, at, int64(record), int64(who), int64(who)); err != nil {
			return err
		}
	}
	return bump(tx)
}

// Pass gives the grants of a record to those for which they count too, each as its
// own and for as long: for a record that is about to go.
func Pass(tx *sqldb.Tx, guard id.ID) error {
	_, err := tx.Exec(`insert into access_grant (record_id, user_id, group_id, ends_at)
		select r.id, g.user_id, g.group_id, g.ends_at from record r join access_grant g on g.record_id = r.guard_id where r.guard_id = ? and r.id <> ?
		on conflict (record_id, user_id, group_id) do nothing`, int64(guard), int64(guard))
	return err
}
