package tickets

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/mailbox/letter"
)

// mostSaid is how large what is written may be with its files: mail servers take about as
// much.
const mostSaid, mostFiles = 25 << 20, 10

// written reads what somebody writes on a ticket, and keeps the files that come with it.
func (v *visit) written(r *record.Record) (*web.Form, []*attachment.Content, error) {
	var files []*attachment.Content
	f, err := web.ParseUpload(v.R, func(f *web.File) error {
		if f.Name == "" {
			return nil
		}
		if len(files) == mostFiles {
			return fault.New(fault.Invalid, "These are more than %d files.", mostFiles).WithHint("Put them into one archive, or attach them to the ticket.")
		}
		c, err := v.p.Attachments.WriteFor(v.R.Context(), v.Caller, access.Create, gate.Thing{Kind: entry.Kind, Org: r.Org}, f.Name, f)
		if err == nil {
			files = append(files, c)
		}
		return err
	})
	return f, files, err
}

// enclosed attaches files to an entry, and to the mail that it goes out as where that was
// chosen.
func enclosed(tx *gate.Tx, e *record.Record, files []*attachment.Content, mailed bool) error {
	var ids []id.ID
	for _, c := range files {
		f, err := attachment.Attach(tx, e.ID, attachment.Attached, c)
		if err != nil {
			return err
		}
		ids = append(ids, f.ID)
	}
	if !mailed {
		return nil
	}
	return letter.Enclose(tx, e.ID, ids)
}

// lost says that files are to be chosen again.
func lost(files []*attachment.Content, said string) string {
	if len(files) == 0 {
		return said
	}
	return strings.TrimSpace(said + " Choose the files again, please.")
}
