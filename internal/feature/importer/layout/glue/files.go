package glue

import (
	"fmt"
	"io"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/itglue"
	"strongroom/internal/feature/importer/state"
)

func (r *run) keptFile(rec id.ID, path string) (f state.File, err error) {
	err = r.Importer.Gate.View(r.Ctx, r.Caller, func(tx *gate.Tx) error {
		f, err = state.FileOf(tx, rec, path)
		return err
	})
	return f, err
}

// attach is a file whose content is kept and that waits for its record.
type attach struct {
	rec     id.ID
	path    string
	sum     string
	old     state.File
	content *attachment.Content
	name    string // for people, when it is another
	role    attachment.Role
	from    itglue.Attachment
}

// fileBatch is how many files are attached in one transaction.
const fileBatch = 50

// attachments brings in the files of records.
func (r *run) attachments() error {
	r.Stage("Attachments")
	names, err := r.fileNames()
	if err != nil {
		return err
	}
	var waiting []*attach
	err = r.eachFile(names, func(a itglue.Attachment) error {
		if err := r.Ctx.Err(); err != nil {
			return err
		}
		kind := r.Importer.Records.Kinds.Kind(r.kindOf(a.Table))
		if kind == nil {
			return nil // listed among what has no kind
		}
		if r.Progress.Done++; r.Progress.Done%50 == 0 {
			r.Tell()
		}
		if r.assetTable(a.Table) == nil {
			a.Table = kind.Plural
		}
		w, err := r.file(a)
		if err != nil || w == nil {
			return err
		}
		w.name, w.role = names[a.Entry].Name, r.role(names[a.Entry].Field)
		if waiting = append(waiting, w); len(waiting) < fileBatch {
			return nil
		}
		err = r.attachAll(waiting)
		waiting = nil
		return err
	})
	if err != nil {
		return err
	}
	return r.attachAll(waiting)
}

// ownAssets is the table of all assets in the house's own export.
const ownAssets = "flexible_assets"

// eachFile calls f with every file that hangs on a record, and with those that the
// house's own export keeps in the folders of fields.
func (r *run) eachFile(names map[string]itglue.FileEntry, f func(itglue.Attachment) error) error {
	sheets := map[string]bool{}
	if err := r.eachSheet(func(s itglue.Sheet) { sheets[s.Table] = true }); err != nil {
		return err
	}
	err := r.x.Attachments(func(a itglue.Attachment) error {
		if sheets[a.Table] {
			a.Table = ownAssets
		}
		return f(a)
	})
	if err != nil {
		return err
	}
	for _, entry := range sortedKeys(names) {
		if strings.HasPrefix(entry, "attachments/") {
			continue
		}
		if a, ok := r.x.FieldFile(entry); ok {
			a.Table = ownAssets
			if err := f(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// file decides about one file, and keeps its content when it is to be attached.
func (r *run) file(a itglue.Attachment) (*attach, error) {
	k := r.Look.Table(a.Table)[a.ID]
	if k == nil || k.Rec == 0 {
		r.Problem(a.Entry, 0, itglue.Error, "Attach it by hand where it belongs.", "The file %q was skipped: %s with the id %s was not imported.", a.Entry, strings.ReplaceAll(r.kindOf(a.Table), "_", " "), a.ID)
		r.Report.Count("attachment", importer.Skipped)
		return nil, nil
	}
	if k.Own {
		r.Report.Count("attachment", importer.Unchanged)
		return nil, nil
	}
	w := &attach{rec: k.Rec, path: filePath(a), from: a}
	var err error
	if k.Rec > 0 {
		if w.old, err = r.keptFile(k.Rec, w.path); err != nil {
			return nil, err
		}
	}
	if w.old.ID != 0 {
		if w.sum, err = r.entrySum(a.Entry); err != nil {
			return nil, r.lostFile(a, err)
		}
		if w.sum == w.old.Sum {
			r.Report.Count("attachment", importer.Unchanged)
			return nil, nil
		}
	}
	if r.Dry {
		r.Report.Count("attachment", w.outcome())
		return nil, nil
	}
	if err := r.writeFile(w); err != nil {
		return nil, r.lostFile(a, err)
	}
	return w, nil
}

// role is the role of a file that belongs to a field, with the field's id here.
func (r *run) role(field string) attachment.Role {
	n, ok := strings.CutPrefix(field, "t")
	if k := r.Look.Table("flexible_asset_fields")[n]; ok && k != nil && k.Rec > 0 {
		return attachment.Role(record.TraitName(k.Rec))
	}
	return attachment.Attached
}

// filePath is by what a file is known among those of its record.
func filePath(a itglue.Attachment) string {
	if p := strings.SplitN(a.Entry, "/", 4); len(p) == 4 && p[0] == "attachments" {
		return "attachments/" + p[3]
	}
	return a.Entry
}

func (w *attach) outcome() importer.Outcome {
	if w.old.ID != 0 {
		return importer.Changed
	}
	return importer.Created
}

func (r *run) entrySum(entry string) (string, error) {
	in, _, err := r.x.Open(entry)
	if err != nil {
		return "", err
	}
	defer in.Close()
	return r.fileSum(in)
}

// writeFile keeps the content, reading it once for its hash too.
func (r *run) writeFile(w *attach) error {
	in, _, err := r.x.Open(w.from.Entry)
	if err != nil {
		return err
	}
	defer in.Close()
	hashed := r.hashing(in)
	if w.content, err = r.Importer.Files.Write(r.Ctx, r.Caller, w.from.Name, hashed); err != nil {
		return err
	}
	w.sum = hashed.sum()
	return nil
}

// lostFile goes on without a file that cannot be read or is too big.
func (r *run) lostFile(a itglue.Attachment, err error) error {
	if !importer.RowFault(err) {
		return err
	}
	said := fault.Say(err)
	r.Problem(a.Entry, 0, itglue.Error, said.Hint, "The file %q was skipped: %s", a.Entry, importer.Sentence(said))
	r.Report.Count("attachment", importer.Skipped)
	return nil
}

func (r *run) attachAll(list []*attach) error {
	if len(list) == 0 {
		return nil
	}
	failed := make([]error, len(list))
	err := r.Importer.Quietly(r.Ctx, r.Caller, func(tx *gate.Tx) error {
		for i, w := range list {
			failed[i] = tx.Try(func() error { return r.saveFile(tx, w) })
			if failed[i] != nil && !importer.RowFault(failed[i]) {
				return failed[i]
			}
			if failed[i] == nil {
				if err := r.Note(tx, "attachment", w.outcome(), 1); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, w := range list {
		if failed[i] != nil {
			if err := r.lostFile(w.from, failed[i]); err != nil {
				return err
			}
			continue
		}
		r.Report.Count("attachment", w.outcome())
	}
	r.Tell()
	return nil
}

func (r *run) saveFile(tx *gate.Tx, w *attach) error {
	f, err := attachment.Attach(tx, w.rec, w.role, w.content)
	if err != nil {
		return err
	}
	if w.name != "" && w.name != f.Name {
		if _, err := attachment.Rename(tx, f.ID, w.name); err != nil {
			return err
		}
	}
	instead := w.old.ID != 0 && w.old.There
	if instead {
		if _, err := attachment.Remove(tx, w.old.ID); err != nil {
			return err
		}
	}
	if err := r.MadeFile(tx, f, instead); err != nil {
		return err
	}
	return state.SaveFile(tx, w.rec, w.path, f.ID, w.sum)
}

// fileTotal counts the files that attachments will look at.
func (r *run) fileTotal() (n int64) {
	names, _ := r.fileNames() // what is wrong with them is said when they are read
	_ = r.eachFile(names, func(a itglue.Attachment) error {
		if r.kindOf(a.Table) != "" {
			n++
		}
		return nil
	})
	return n
}

// hashingReader reads and hashes.
type hashingReader struct {
	io.Reader
	sum func() string
}

func (r *run) hashing(in io.Reader) *hashingReader {
	h := r.NewHash()
	return &hashingReader{io.TeeReader(in, h), func() string { return fmt.Sprintf("%x", h.Sum(nil)[:16]) }}
}
