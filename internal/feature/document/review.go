package document

import (
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Reviewed says that a document was checked today and holds. It is due again after
// as many days as it says, and not at all when it says none. The transaction's
// caller must be allowed to change it.
func Reviewed(tx *gate.Tx, e *record.Engine, doc id.ID) (*record.Record, error) {
	entry, err := tx.Allow(access.Edit, gate.Thing{Kind: "document", ID: doc})
	if err != nil {
		return nil, err
	}
	r, err := e.Get(tx, "document", doc)
	if err != nil {
		return nil, err
	}
	entry.Detail.Text = "reviewed it"
	today := time.UnixMilli(tx.Now).UTC()
	values := record.Values{"reviewed_on": today.Format(time.DateOnly), "expires_on": nil}
	if n, ok := r.Values["review_days"].(int64); ok {
		values["expires_on"] = today.AddDate(0, 0, int(n)).Format(time.DateOnly)
	}
	return e.Inside().Update(tx, "document", doc, 0, values)
}
