package shell

import (
	"strongroom/internal/base/textdiff"
	"strongroom/internal/base/web/ui"
)

// DiffLines compares two texts; lines far from any change are left out.
func DiffLines(old, now string) []ui.DiffLine {
	var out []ui.DiffLine
	for _, l := range textdiff.Lines(old, now) {
		line := ui.DiffLine{Op: string(l.Op)}
		for _, p := range l.Parts {
			line.Parts = append(line.Parts, ui.DiffPart{Text: p.Text, Changed: p.Changed && len(l.Parts) > 1})
		}
		out = append(out, line)
	}
	return nearChanges(out)
}

// nearChanges leaves two lines around each change.
func nearChanges(all []ui.DiffLine) []ui.DiffLine {
	const around = 2
	var out []ui.DiffLine
	last := -1
	for i, x := range all {
		near := x.Op != " "
		for d := 1; d <= around && !near; d++ {
			near = i-d >= 0 && all[i-d].Op != " " || i+d < len(all) && all[i+d].Op != " "
		}
		if !near {
			continue
		}
		if i > last+1 && last >= 0 {
			out = append(out, ui.DiffLine{Op: " ", Parts: []ui.DiffPart{{Text: "…"}}})
		}
		out = append(out, x)
		last = i
	}
	return out
}
