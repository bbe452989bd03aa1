package reviews

import (
	"bytes"
	"fmt"
	"html"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/paper"
	"strongroom/internal/base/table"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/review"
	"strongroom/internal/surface/webui/shell"
)

// header are the columns of the evidence.
var header = []string{"line", "sort", "who", "what", "asked", "answer", "answered_by", "answered_at", "reason", "outcome", "outcome_at", "audit_entry", "agrees_with_the_audit_log"}

// evidence reads all of a campaign; that it was taken is recorded.
func (v *visit) evidence(as string) (e *review.Evidence, names map[id.ID]string, owner string, err error) {
	rid, err := v.ID("id")
	if err != nil {
		return nil, nil, "", err
	}
	err = v.Change(access.Export, gate.Thing{}, func(tx *gate.Tx) error {
		if e, err = v.Reviews.Look(tx, rid); err != nil {
			return err
		}
		entry := tx.Entry()
		entry.Kind, entry.Object, entry.Detail.Name, entry.Detail.Text = review.Kind, rid, e.Name, "evidence as "+as
		owner = tx.Tenant.Title()
		names, err = v.names(tx, e.Review, e.List)
		return err
	})
	return e, names, owner, err
}

// cells gives a line of the evidence in the order of header.
func cells(e *review.Evidence, l *review.Line, names map[id.ID]string) []string {
	agrees, seq := "yes", ""
	for _, d := range e.Differs {
		if d == l.ID {
			agrees = "NO"
		}
	}
	if n, ok := e.Entries[l.ID]; ok {
		seq = strconv.FormatInt(n+1, 10)
	}
	if l.Answer == "" && agrees == "yes" {
		agrees = ""
	}
	text, _ := said(l)
	answered := ""
	if l.Answer != "" {
		answered = by(names, l)
	}
	return []string{l.ID.String(), l.Sort, holder(names, l), l.What, name(names, l.Asked), text, answered, stamp(l.At), l.Reason, l.Result, stamp(l.Done), seq, agrees}
}

func stamp(ms int64) string {
	if ms == 0 {
		return ""
	}
	return shell.When(ms).Format(time.RFC3339)
}

func (v *visit) csv() error {
	e, names, _, err := v.evidence("CSV")
	if err != nil {
		return err
	}
	var b bytes.Buffer
	out, err := table.CreateForSpreadsheet(&b, header)
	if err != nil {
		return err
	}
	for _, l := range e.List {
		if err := out.Write(cells(e, l, names)...); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	return v.CSV("access-review-"+e.ID.String(), b.Bytes())
}

func (v *visit) pdf() error {
	e, names, owner, err := v.evidence("PDF")
	if err != nil {
		return err
	}
	book := &paper.Book{Title: "Access review: " + e.Name, Author: v.Caller.Name, Owner: owner, Made: v.Now().UTC(), Lines: []string{
		"Begun " + stamp(e.At) + " by " + name(names, e.By), fmt.Sprintf("%d lines: %d kept, %d removed, %d not answered", e.Lines, e.Kept, e.Removed, e.Lapsed+e.Open())}}
	if e.Ended != 0 {
		book.Lines = append(book.Lines, "Ended "+stamp(e.Ended))
	}
	verdict := "Each answer was compared with its entry in the audit log and agrees with it."
	if n := len(e.Differs); n > 0 {
		verdict = shell.Counted(int64(n), "line does", "lines do") + " not agree with the audit log; they are marked."
	}
	book.Heading(1, "Evidence", "")
	book.HTML(1, "<p>"+html.EscapeString(verdict)+"</p>")
	book.Heading(1, "Lines", "")
	var b strings.Builder
	b.WriteString("<table><thead><tr><th>Who</th><th>What</th><th>Answer</th><th>By</th><th>When</th><th>Reason</th><th>Outcome</th><th>Entry</th></tr></thead><tbody>")
	for _, l := range e.List {
		c := cells(e, l, names)
		b.WriteString("<tr>")
		for _, i := range []int{2, 3, 5, 6, 7, 8, 9, 11} {
			text := c[i]
			if i == 11 && c[12] == "NO" {
				text = "does not agree"
			}
			b.WriteString("<td>" + html.EscapeString(text) + "</td>")
		}
		b.WriteString("</tr>")
	}
	book.HTML(1, b.String()+"</tbody></table>")
	var out bytes.Buffer
	if _, err := book.Write(v.R.Context(), &out); err != nil {
		return err
	}
	v.Stream("access-review-"+e.ID.String()+".pdf", "application/pdf", false, bytes.NewReader(out.Bytes()))
	return nil
}
