package glue

import "strings"

// unknownNote says what became of a part without a kind.
func unknownNote(file string) string {
	switch {
	case strings.HasPrefix(file, "attachments/"):
		return "Files of records that Strongroom has no kind for yet. They were left out; keep the zip."
	case strings.HasSuffix(file, "/"):
		return "A folder that belongs to no kind of Strongroom yet, such as files of a custom field. It was left out; keep the zip."
	case strings.HasSuffix(strings.ToLower(file), ".csv"):
		return "Strongroom has no kind for these yet. The rows were left out; passwords embedded in them were imported and remember where they belong. Keep the zip."
	}
	return "A file that belongs to nothing known. It was left out."
}
