package document

import (
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/rule"
)

// Ancestors gives the folders above a document folder, the outermost first.
func Ancestors(tx *gate.Tx, folder id.ID) ([]id.ID, error) {
	return rule.Ancestors(tx, folders(), "parent_id", folder)
}
