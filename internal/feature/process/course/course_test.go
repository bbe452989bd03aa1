package course_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"strongroom/internal/feature/automation/term"
	"strongroom/internal/feature/process/course"
)

func TestCheck(t *testing.T) {
	when := &term.Term{Field: "status", Op: term.Is, Value: "Active"}
	note := func(name string) course.Step { return course.Step{Name: name, Do: "Add a note", Value: "x"} }
	with := func(s course.Step, change func(*course.Step)) course.Step { change(&s); return s }
	for name, c := range map[string]struct {
		course course.Course
		want   string // empty for nothing wrong
	}{
		"nothing at all":           {nil, ""},
		"one below the other":      {course.Course{note("a"), note("b"), {Name: "c", Do: course.End}}, ""},
		"two of one name":          {course.Course{note("a"), note("a")}, "a: is the name of two steps."},
		"no name":                  {course.Course{note("")}, "step 1: has no name."},
		"a step that is not":       {course.Course{with(note("a"), func(s *course.Step) { s.Then = "z" })}, `a: goes on with "z", which is no step.`},
		"behind the end":           {course.Course{{Name: "a", Do: course.End}, note("b")}, "b: is never reached."},
		"passed over for ever":     {course.Course{with(note("a"), func(s *course.Step) { s.Then = "c" }), note("b"), note("c")}, "b: is never reached."},
		"passed over sometimes":    {course.Course{with(note("a"), func(s *course.Step) { s.If, s.Else = when, "c" }), note("b"), note("c")}, ""},
		"a wait for ever":          {course.Course{{Name: "a", Do: course.Entry}}, "a: waits without an end"},
		"a wait for nothing":       {course.Course{{Name: "a", Do: course.Until, Hours: 1}}, "a: waits for nothing"},
		"a circle":                 {course.Course{note("a"), with(note("b"), func(s *course.Step) { s.If, s.Then = when, "a" })}, "turns in a circle without a bound"},
		"a circle that is counted": {course.Course{note("a"), with(note("b"), func(s *course.Step) { s.If, s.Then, s.Most = when, "a", 3 })}, ""},
		"itself":                   {course.Course{with(note("a"), func(s *course.Step) { s.Then = "a" })}, "turns in a circle"},
		"beside each other":        {course.Course{with(note("a"), func(s *course.Step) { s.Together = "x" }), with(note("b"), func(s *course.Step) { s.Together = "x" }), note("c")}, ""},
		"one of several leads out": {course.Course{with(note("a"), func(s *course.Step) { s.Together, s.Then = "x", "c" }), with(note("b"), func(s *course.Step) { s.Together = "x" }), note("c")}, "goes on with them"},
		"into the middle":          {course.Course{with(note("0"), func(s *course.Step) { s.If, s.Else = when, "b" }), with(note("a"), func(s *course.Step) { s.Together = "x" }), with(note("b"), func(s *course.Step) { s.Together = "x" })}, "leads into the middle"},
	} {
		t.Run(name, func(t *testing.T) {
			var said []string
			for _, p := range c.course.Check() {
				said = append(said, p.Step+": "+p.Said)
			}
			if got := strings.Join(said, "\n"); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("it says %q, want %q", got, c.want)
			}
		})
	}
}

// TestItEnds: whatever a course is that nothing is wrong with, and whatever turns out of its
// conditions, it ends within what its counts allow.
func TestItEnds(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	rapid.Check(t, func(t *rapid.T) {
		var c course.Course
		for i := range rapid.IntRange(1, 5).Draw(t, "steps") {
			to := rapid.SampledFrom(append([]string{""}, names...))
			s := course.Step{Name: names[i], Do: rapid.SampledFrom([]string{"Add a note", course.End, course.Entry}).Draw(t, "do"), Then: to.Draw(t, "then"), Else: to.Draw(t, "else"), Hours: 1, Most: rapid.IntRange(0, 3).Draw(t, "most")}
			if rapid.Bool().Draw(t, "asks") {
				s.If = &term.Term{Field: "name", Op: term.Is}
			}
			if rapid.IntRange(0, 3).Draw(t, "beside") == 0 {
				s.Together, s.Then, s.Else, s.Do = "x", "", "", "Add a note"
			}
			c = append(c, s)
		}
		if len(c.Check()) > 0 {
			return
		}
		done := map[int]int{}
		for i, n := 0, 0; i < len(c); n++ {
			if n > 5*4*5 {
				t.Fatalf("it goes on: %+v", c)
			}
			if done[i]++; c[i].Most > 0 && done[i] > c[i].Most {
				return // which ends it
			}
			g := c.Group(i)
			well := rapid.Bool().Draw(t, "well")
			if c[i].If == nil && c[i].Do != course.Entry {
				well = true
			}
			if i = c.Next(g[len(g)-1], well); i < 0 {
				t.Fatalf("it leads nowhere: %+v", c)
			}
		}
	})
}
