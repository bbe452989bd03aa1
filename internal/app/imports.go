package app

import (
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/layout/glue"
	"strongroom/internal/feature/importer/layout/sheet"
)

// layouts lists the exports of other products that can be imported. A new one
// adds one line. The first is that of an import that names none.
func layouts() []importer.Layout {
	return []importer.Layout{
		glue.Layout{},
		sheet.Layout{},
	}
}
