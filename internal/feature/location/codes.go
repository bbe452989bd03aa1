package location

import (
	_ "embed"
	"strings"

	"strongroom/internal/core/record"
)

//go:embed countries.txt
var countryTable string

//go:embed regions.txt
var regionTable string

func countrySeeds() []record.Values {
	var out []record.Values
	for _, row := range table(countryTable, 2) {
		out = append(out, record.Values{"iso": row[0], "name": row[1]})
	}
	return out
}

func regionSeeds() []record.Values {
	var out []record.Values
	for _, row := range table(regionTable, 3) {
		out = append(out, record.Values{"country_iso": row[0], "iso": row[1], "name": row[2]})
	}
	return out
}

// table reads lines of cells that are separated by tabs.
func table(text string, cells int) [][]string {
	var out [][]string
	for line := range strings.Lines(text) {
		row := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if !strings.HasPrefix(line, "#") && len(row) == cells {
			out = append(out, row)
		}
	}
	return out
}
