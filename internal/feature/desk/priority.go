package desk

import "strongroom/internal/core/record"

// PriorityOf is the priority that follows from urgency and impact: from 1, when both
// are high, to 5, when both are low; a step less of either is one less pressing. It
// is empty when one of them is no grade.
func PriorityOf(urgency, impact string) string {
	u, i := grade(urgency), grade(impact)
	if u < 0 || i < 0 {
		return ""
	}
	return Priorities()[u+i]
}

func grade(name string) int {
	for n, g := range Grades() {
		if g == name {
			return n
		}
	}
	return -1
}

// prioritise fills the priority of a kind that has an impact and an urgency.
func prioritise(r *record.Record) {
	if r.Kind.Field("impact") == nil || r.Kind.Field("urgency") == nil {
		return
	}
	for _, f := range []string{"impact", "urgency"} {
		if r.Values[f] == nil {
			r.Values[f] = "Medium"
		}
	}
	r.Values["priority"] = PriorityOf(r.Values.Text("urgency"), r.Values.Text("impact"))
}
