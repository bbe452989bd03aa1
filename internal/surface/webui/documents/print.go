package documents

import (
	"bytes"
	"time"

	"strongroom/internal/base/paper"
	"strongroom/internal/base/web"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/document"
	"strongroom/internal/surface/webui/shell"
)

// book makes a document ready for printing. Its pictures are read later, as the
// reader may see them.
func (v *visit) book(tx *gate.Tx, r *record.Record) (*paper.Book, error) {
	body, err := document.Body(tx, v.Records, r)
	if err != nil {
		return nil, err
	}
	b := &paper.Book{Title: r.Name, Owner: tx.Tenant.Title(), Author: v.Caller.Name, Base: v.here(), Image: document.Pictures(v.Attachments, v.Caller),
		Made: time.UnixMilli(tx.Now).UTC()}
	if r.Org != 0 {
		names, err := v.Records.Names(tx, r.Org)
		if err != nil {
			return nil, err
		}
		b.Lines = append(b.Lines, names[r.Org])
	}
	b.Lines = append(b.Lines, "Last changed "+time.UnixMilli(r.Updated).UTC().Format("2006-01-02"))
	if !r.Values.Bool("published") {
		b.Lines = append(b.Lines, "Draft")
	}
	b.HTML(0, body)
	return b, nil
}

// print answers with a PDF.
func (v *visit) print(b *paper.Book) error {
	var out bytes.Buffer
	if _, err := b.Write(v.R.Context(), &out); err != nil {
		return err
	}
	v.W.Header().Set("Content-Type", "application/pdf")
	v.W.Header().Set("Content-Disposition", shell.Disposition("attachment", attachment.CleanName(b.Title+".pdf")))
	web.NoStore(v.W)
	web.NoCompress(v.W)
	_, err := v.W.Write(out.Bytes())
	return err
}
