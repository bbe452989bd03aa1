package passwords

import (
	"fmt"
	"io"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/problem"
	"strongroom/internal/feature/importer/state"
	"strongroom/internal/feature/importer/vaults"
)

// files attaches the files of entries to their passwords.
func (x *reading) files() error {
	x.Stage("Files")
	for _, p := range x.placed {
		k := x.Look.Table(entriesTable)[p.foreign]
		if k == nil || k.Rec == 0 {
			continue // it was not imported, and that was said
		}
		names := map[string]int{}
		for _, f := range p.Files {
			names[f.Name]++
			at := fmt.Sprintf("%s/%d/%s", x.Source, names[f.Name], f.Name)
			if err := x.file(p, k, f, at); importer.RowFault(err) {
				said := fault.Say(err)
				x.Problem(p.File, p.Line, problem.Error, said.Hint, "The file %q of line %d of %s was skipped: %s", importer.Short(f.Name), p.Line, p.File, importer.Sentence(said))
				x.Report.Count("attachment", importer.Skipped)
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// file attaches one file, unless it is there as it was.
func (x *reading) file(p *placed, k *importer.Known, f vaults.Attached, at string) error {
	var old state.File
	if k.Rec > 0 {
		err := x.Importer.Gate.View(x.Ctx, x.Caller, func(tx *gate.Tx) (err error) {
			old, err = state.FileOf(tx, k.Rec, at)
			return err
		})
		if err != nil {
			return err
		}
	}
	sum, err := x.fileSum(f)
	if err != nil {
		return err
	}
	what := importer.Created
	switch {
	case old.ID != 0 && old.Sum == sum:
		x.Report.Count("attachment", importer.Unchanged)
		return nil
	case old.ID != 0:
		what = importer.Changed
	}
	if x.Dry {
		x.Report.Count("attachment", what)
		return nil
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	content, err := x.Importer.Files.Write(x.Ctx, x.Caller, f.Name, in)
	if err != nil {
		return err
	}
	err = x.Importer.Quietly(x.Ctx, x.Caller, func(tx *gate.Tx) error {
		made, err := attachment.Attach(tx, k.Rec, attachment.Attached, content)
		if err != nil {
			return err
		}
		instead := old.ID != 0 && old.There
		if instead {
			if _, err := attachment.Remove(tx, old.ID); err != nil {
				return err
			}
		}
		if err := x.MadeFile(tx, made, instead); err != nil {
			return err
		}
		if err := state.SaveFile(tx, k.Rec, at, made.ID, sum); err != nil {
			return err
		}
		return x.Note(tx, "attachment", what, 1)
	})
	if err == nil {
		x.Report.Count("attachment", what)
	}
	return err
}

// fileSum is the keyed hash of a content.
func (x *reading) fileSum(f vaults.Attached) (string, error) {
	in, err := f.Open()
	if err != nil {
		return "", err
	}
	defer in.Close()
	h := x.NewHash()
	if _, err := io.Copy(h, in); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16]), nil
}
