package hudu

import (
	"bytes"
	"io"
	"net/http"
	"path"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/problem"
	"strongroom/internal/feature/importer/state"
)

// uploads brings in the files and the pictures that hang on things.
func (x *reading) uploads() error {
	x.Stage("Files")
	err := x.perhaps("uploads", false, func(t thing) error {
		k, err := x.hung("uploads", t, x.end(t, "uploadable"), t.text("name", "file_name", "filename"))
		if slug := pathOf(t.text("url")); k != 0 && slug != "" {
			x.pages.files[slug] = k
		}
		return err
	})
	if err != nil {
		return err
	}
	return x.perhaps("photos", false, func(t thing) error {
		on := x.end(t, "photoable")
		if k := x.Look.Table("organizations")[t.text("company_id")]; on == nil && t.text("photoable_type") == "" && k != nil && k.Rec != 0 {
			on = k
		}
		_, err := x.hung("photos", t, on, t.text("caption", "name", "file_name"))
		return err
	})
}

// hung brings in a file that hangs on a thing.
func (x *reading) hung(sort string, t thing, on *importer.Known, name string) (id.ID, error) {
	f := file{sort: sort, t: t, on: on, name: name, role: attachment.Attached}
	if f.name == "" {
		f.name = strings.TrimSuffix(sort, "s") + " " + t.text("id")
	}
	if on == nil {
		return 0, x.lost(f, fault.New(fault.NotFound, "What it belongs to was not imported.").WithHint("Attach it by hand where it belongs."))
	}
	return x.bring(f)
}

// file is one on its way in.
type file struct {
	sort string
	t    thing
	on   *importer.Known
	name string
	role attachment.Role
}

func (f *file) path() string { return f.sort + "/" + f.t.text("id") }

// sum tells one state of a file in Hudu from another, without its content.
func (f *file) sum(x *reading) string {
	row := f.t.only("name", "file_name", "ext", "mime", "size", "created_date", "created_at", "updated_at", "caption")
	return x.Sum(func(put func(string)) {
		row.Each(func(name, value string) { put(name); put(value) })
		put(f.t.text("updated_at"))
	}).String()
}

// bring brings in a file, unless it is here as Hudu has it: then Hudu is not asked for
// it. The id is 0 in a dry run, and of a file that was left out.
func (x *reading) bring(f file) (id.ID, error) {
	var old state.File
	sum := f.sum(x)
	if f.on.Rec > 0 {
		err := x.Importer.Gate.View(x.Ctx, x.Caller, func(tx *gate.Tx) (err error) {
			old, err = state.FileOf(tx, f.on.Rec, f.path())
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	what := importer.Created
	switch {
	case old.ID != 0 && old.Sum == sum && old.There:
		x.Report.Count("attachment", importer.Unchanged)
		return old.ID, nil
	case old.ID != 0 && !old.There: // somebody took it away here
		x.Report.Count("attachment", importer.Unchanged)
		return 0, nil
	case old.ID != 0:
		what = importer.Changed
	}
	if x.Dry {
		x.Report.Count("attachment", what)
		return 0, nil
	}
	made, err := x.attach(f, old, sum, what)
	if err != nil {
		return 0, x.lost(f, err)
	}
	x.Report.Count("attachment", what)
	x.Tell()
	return made, nil
}

// attach asks for the content, keeps it, and hangs it on its record.
func (x *reading) attach(f file, old state.File, sum string, what importer.Outcome) (made id.ID, err error) {
	in, err := x.from.open(x.Ctx, f.sort, f.t)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(in, head)
	if n == 0 {
		if err == io.EOF {
			err = fault.New(fault.Invalid, "It is empty.")
		}
		return 0, err
	}
	head = head[:n]
	if path.Ext(f.name) == "" {
		f.name += endings[http.DetectContentType(head)]
	}
	c, err := x.Importer.Files.Write(x.Ctx, x.Caller, f.name, io.MultiReader(bytes.NewReader(head), in))
	if err != nil {
		return 0, err
	}
	if f.role == attachment.Image && !attachment.Viewable(c.Type) {
		f.role = attachment.Attached
	}
	err = x.Importer.Quietly(x.Ctx, x.Caller, func(tx *gate.Tx) error {
		a, err := attachment.Attach(tx, f.on.Rec, f.role, c)
		if err != nil {
			return err
		}
		if made = a.ID; old.ID != 0 {
			if _, err := attachment.Remove(tx, old.ID); err != nil {
				return err
			}
		}
		if err := x.MadeFile(tx, a, old.ID != 0); err != nil {
			return err
		}
		if err := state.SaveFile(tx, f.on.Rec, f.path(), a.ID, sum); err != nil {
			return err
		}
		return x.Note(tx, "attachment", what, 1)
	})
	return made, err
}

// endings are those of pictures whose name has none.
var endings = map[string]string{"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp", "image/bmp": ".bmp"}

// lost goes on without a file that Hudu does not give, or that is too big.
func (x *reading) lost(f file, err error) error {
	if !importer.RowFault(err) {
		return err
	}
	said := fault.Say(err)
	hint := said.Hint
	if hint == "" {
		hint = "Attach it by hand."
	}
	x.Problem("Hudu, "+strings.ReplaceAll(f.sort, "_", " "), 0, problem.Error, hint, "The file %q was left out: %s", importer.Short(f.name), said.Text)
	x.Report.Count("attachment", importer.Skipped)
	return nil
}
