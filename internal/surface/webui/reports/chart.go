package reports

import (
	"fmt"
	"strconv"

	"strongroom/internal/feature/report"
)

// columns is a chart of a time, drawn in a box of chartWidth by chartHeight.
type columns struct {
	Label   string
	Columns []column
	Lines   []line
	Table   []bar
}

type column struct {
	X, Y, W, H string
	Title      string
}

// line is one across the chart, with what it stands for.
type line struct{ Y, Text string }

// bar is a row of a table: what it is of, its number, and its part of the largest.
type bar struct {
	Label, Href, Value string
	Share              string // of 100
	N                  int64
}

const (
	chartWidth, chartHeight = 640.0, 150.0
	chartLeft, chartTop     = 52.0, 10.0
)

// card draws a report.
func (v *visit) card(title, text, href string, x *report.Answer) card {
	c := card{Title: title, Text: text, Href: href, More: x.More}
	rows := v.rows(x)
	if x.Total.N == 0 {
		return c
	}
	if report.Timed(x.Ask.Group) {
		c.Columns = draw(title, x, rows)
		return c
	}
	c.Bars = rows
	return c
}

// rows are the numbers of a report as lines of a table.
func (v *visit) rows(x *report.Answer) (out []bar) {
	cells := x.Cells
	if x.Ask.Group == "" {
		cells = append(cells, x.Total)
	}
	most := largest(cells)
	for _, c := range cells {
		out = append(out, bar{Label: c.Label, Href: v.listOf(x.Ask, c), Value: x.Ask.Says(c), Share: short(100 * c.Value / most), N: c.N})
	}
	return out
}

func largest(cells []report.Cell) float64 {
	most := 0.0
	for _, c := range cells {
		most = max(most, c.Value)
	}
	if most <= 0 {
		return 1
	}
	return most
}

func short(n float64) string { return strconv.FormatFloat(max(n, 0), 'f', 1, 64) }

// draw draws columns, side by side.
func draw(title string, x *report.Answer, rows []bar) *columns {
	d := &columns{Label: title, Table: rows}
	if len(x.Cells) == 0 {
		return d
	}
	most := largest(x.Cells)
	if x.Ask.Measure == report.Within {
		most = 1
	}
	wide := (chartWidth - chartLeft) / float64(len(x.Cells))
	high := chartHeight - chartTop
	for i, c := range x.Cells {
		h := high * c.Value / most
		d.Columns = append(d.Columns, column{X: short(chartLeft + float64(i)*wide + wide*.1), Y: short(chartTop + high - h), W: short(wide * .8), H: short(h), Title: fmt.Sprintf("%s: %s", c.Label, rows[i].Value)})
	}
	for _, part := range []float64{0, .5, 1} {
		if half := most * part; x.Ask.Measure == report.Count && half != float64(int64(half)) {
			continue
		}
		d.Lines = append(d.Lines, line{Y: short(chartTop + high*(1-part)), Text: x.Ask.Says(report.Cell{N: 1, Value: most * part})})
	}
	return d
}
