package report

import (
	"context"
	"html"
	"io"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/paper"
	"strongroom/internal/base/web"
	"strongroom/internal/core/record"
)

// Says is the number of a cell in words, as pages, mails and paper show it.
func (a Ask) Says(c Cell) string {
	switch {
	case c.N == 0 && a.Measure != Count && a.Measure != Sum:
		return "—"
	case a.Measure == Within:
		return strconv.FormatFloat(c.Value*100, 'f', 0, 64) + " %"
	case strings.HasSuffix(a.Of, "_minutes"):
		return minutes(int64(c.Value))
	}
	if c.Value != float64(int64(c.Value)) {
		return strconv.FormatFloat(c.Value, 'f', 1, 64)
	}
	return web.Number(int64(c.Value))
}

func minutes(n int64) string {
	switch {
	case n < 60:
		return strconv.FormatInt(n, 10) + " min"
	case n < 48*60:
		return strconv.FormatInt(n/60, 10) + " h " + strconv.FormatInt(n%60, 10) + " min"
	}
	return web.Number(n/60) + " h"
}

// Period says a period of so many days.
func Period(days int) string {
	switch days {
	case 0:
		return "All"
	case 365:
		return "A year"
	}
	return strconv.Itoa(days) + " days"
}

// About says in a line what a report is of.
func (a Ask) About(k *record.Kind) string {
	out := k.Labels
	if a.Days > 0 {
		out += ", " + Period(a.Days) + " until today in UTC"
	}
	return out
}

// lines are the cells of an answer with all of them as the last.
func (x *Answer) lines() []Cell {
	return append(append([]Cell(nil), x.Cells...), x.Total)
}

// table is an answer as HTML: nothing in it but text.
func (x *Answer) table() string {
	var b strings.Builder
	b.WriteString("<table><thead><tr><th>Group</th><th>Number</th><th>Records</th></tr></thead><tbody>")
	for _, c := range x.lines() {
		b.WriteString("<tr><td>" + html.EscapeString(c.Label) + "</td><td>" + html.EscapeString(x.Ask.Says(c)) + "</td><td>" + web.Number(c.N) + "</td></tr>")
	}
	b.WriteString("</tbody></table>")
	if x.More {
		b.WriteString("<p>Only the largest groups are told apart.</p>")
	}
	return b.String()
}

// Print writes an answer as PDF: its title, what it is of, for whom it was made, and its numbers.
func (x *Answer) Print(ctx context.Context, out io.Writer, title string, lines []string, who string, made time.Time) error {
	b := &paper.Book{Title: title, Lines: lines, Author: who, Owner: who, Made: made.UTC()}
	b.HTML(0, x.table())
	_, err := b.Write(ctx, out)
	return err
}
