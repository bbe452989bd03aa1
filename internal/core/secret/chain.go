package secret

import (
	"bytes"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Verify checks the chain of headers of every secret of an object, or of the
// whole tenant when object is 0, and gives how many versions it saw. It decides
// nothing: the caller has been allowed to see the object, or to inspect the
// tenant, in tx. The error names the first version that was altered, moved,
// taken out or put in.
func Verify(tx *gate.Tx, object id.ID) (versions int, err error) {
	q, args := storedColumns+`order by object, field, version`, []any(nil)
	if object != 0 {
		q, args = storedColumns+`where object = ? order by field, version`, []any{int64(object)}
	}
	rows, err := tx.Query(q, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var last stored
	for rows.Next() {
		var s stored
		if err := s.scan(rows); err != nil {
			return versions, err
		}
		if s.object != last.object || s.field != last.field {
			last = stored{header: make([]byte, 32)}
		}
		if _, err := s.open(tx.Tenant.ID); err != nil {
			return versions, err
		}
		switch {
		case s.version != last.version+1:
			return versions, s.bad(nil, "does not follow the one before it")
		case !bytes.Equal(s.previous, last.header):
			return versions, s.bad(nil, "names another version as the one before it")
		}
		versions, last = versions+1, s
	}
	return versions, rows.Err()
}
