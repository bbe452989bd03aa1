package importer

import (
	"encoding/json"
	"io"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/importer/itglue"
)

// readManifest gives nil for an export that Strongroom did not make.
func readManifest(x *itglue.Export) (*itglue.Manifest, error) {
	name := itglue.ManifestFile
	if !x.Has(name) {
		return nil, nil
	}
	in, _, err := x.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var m itglue.Manifest
	if err := json.NewDecoder(io.LimitReader(in, 64<<10)).Decode(&m); err != nil || m.Tenant == "" {
		return nil, fault.New(fault.Invalid, "The file %s of the export cannot be read.", name).WithHint("Take the folder %s out of the zip to import the rest.", itglue.Own)
	}
	if m.Format != itglue.Format {
		return nil, fault.New(fault.Invalid, "The export was made by a newer Strongroom (format %d; this one reads %d).", m.Format, itglue.Format).
			WithHint("Update this Strongroom first.")
	}
	return &m, nil
}

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
