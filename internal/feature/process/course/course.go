// Package course checks the steps of a process, and says which one follows.
//
// Always true: a course that Check finds nothing wrong with ends: each of its steps can be
// reached, nothing waits for ever, and whatever turns in a circle is counted; it is data
// alone, and knows no clock and no record.
package course

import (
	"fmt"
	"slices"
	"time"

	"strongroom/internal/feature/automation/term"
)

// What a step is, beside the things that rules do.
const (
	Pause    = "Wait so long"
	Until    = "Wait until"
	Entry    = "Wait for an entry"
	Tasks    = "Wait for its tasks"
	Approval = "Ask for approval, and wait"
	End      = "End"
)

// How the hours of a wait are counted.
const (
	Hours    = "hours"
	Working  = "working hours"
	Workdays = "working days" // until the time of the day that Value is
)

// Counted are they all.
func Counted() []string { return []string{Hours, Working, Workdays} }

// Minute is the time of the day at which a wait of working days ends; nothing is 9:00.
func (s *Step) Minute() (int, bool) {
	if s.Value == "" {
		return 9 * 60, true
	}
	t, err := time.Parse("15:04", s.Value)
	return t.Hour()*60 + t.Minute(), err == nil
}

// Waits are the steps that wait.
func Waits() []string { return []string{Pause, Until, Entry, Tasks, Approval} }

// The bounds of a course.
const (
	MostSteps = 50
	MostTimes = 100 // that a step in a circle is done
	MostHours = 24 * 366
)

// Step is one step. The names of others in Then and Else are those of steps; nothing is the
// one below.
type Step struct {
	Name         string     `json:"name"`
	Do           string     `json:"do"`
	Field, Value string     // of what is done
	If           *term.Term `json:",omitempty"` // only if this holds, or what is waited for
	Then, Else   string     // Else when If does not hold, time is up, or it is not approved
	Hours        float64    // that are waited at the most, or exactly
	Counted      string     `json:",omitempty"` // how; nothing is hours
	Most         int        // times; 0 is once, and no limit is needed then
	Together     string     // steps below each other with the same word are done beside each other
}

// waits tells whether the step waits for something.
func (s *Step) waits() bool { return slices.Contains(Waits(), s.Do) }

// Problem is what is wrong with a step.
type Problem struct{ Step, Said string }

// Course is the steps of a process, in order.
type Course []Step

// index of a name; -1 for none.
func (c Course) index(name string) int {
	return slices.IndexFunc(c, func(s Step) bool { return s.Name == name })
}

// after is the step below a step and all that is done beside it; len(c) for the end.
func (c Course) after(i int) int {
	next := i + 1
	for c[i].Together != "" && next < len(c) && c[next].Together == c[i].Together {
		next++
	}
	return next
}

// Next is the step that follows when a step was done (well), or was not; len(c) is the end.
func (c Course) Next(i int, well bool) int {
	name := c[i].Then
	switch {
	case c[i].Do == End:
		return len(c)
	case !well:
		name = c[i].Else
	}
	if name == "" {
		return c.after(i)
	}
	return c.index(name)
}

// Group is a step and those that are done beside it.
func (c Course) Group(i int) []int {
	if i >= len(c) {
		return nil
	}
	out := []int{i}
	for n := i + 1; n < c.after(i); n++ {
		out = append(out, n)
	}
	return out
}

// Check says what is wrong with a course; nothing when it can be run, and ends.
func (c Course) Check() (out []Problem) {
	bad := func(i int, format string, args ...any) {
		out = append(out, Problem{c[i].Name, fmt.Sprintf(format, args...)})
	}
	if len(c) > MostSteps {
		return []Problem{{"", fmt.Sprintf("A process has %d steps at the most.", MostSteps)}}
	}
	for i, s := range c {
		switch {
		case s.Name == "":
			out = append(out, Problem{fmt.Sprintf("step %d", i+1), "has no name."})
		case c.index(s.Name) != i:
			bad(i, "is the name of two steps.")
		case s.Then != "" && c.index(s.Then) < 0:
			bad(i, "goes on with %q, which is no step.", s.Then)
		case s.Else != "" && c.index(s.Else) < 0:
			bad(i, "goes otherwise on with %q, which is no step.", s.Else)
		case s.waits() && (s.Hours <= 0 || s.Hours > MostHours):
			bad(i, "waits without an end: say how many hours at the most.")
		case s.waits() && s.Counted == Workdays && s.Hours != float64(int(s.Hours)):
			bad(i, "waits for whole working days.")
		case s.Do == Pause && s.Counted == Workdays && !valid(s.Minute()):
			bad(i, "waits until a time of the day: write it as 9:00.")
		case s.Do == Until && s.If == nil:
			bad(i, "waits for nothing: say for which field and value.")
		case s.Most < 0 || s.Most > MostTimes:
			bad(i, "is done 1 to %d times.", MostTimes)
		case s.Together != "" && (s.Then != "" || s.Else != "" || s.Do == End):
			bad(i, "is done beside others, and goes on with them: it names no step that follows.")
		}
	}
	if len(out) > 0 {
		return out
	}
	for i := range c {
		for _, n := range c.edges(i) {
			if n < len(c) && n > 0 && c[n].Together != "" && c[n-1].Together == c[n].Together && !slices.Contains(c.Group(i), n) {
				bad(i, "leads into the middle of %q, which is done as a whole.", c[n].Together)
			}
		}
	}
	seen := c.reached()
	for i := range c {
		if !seen[i] {
			bad(i, "is never reached.")
		}
	}
	if i := c.circle(); i >= 0 {
		bad(i, "turns in a circle without a bound: say how many times at the most.")
	}
	return out
}

func valid(_ int, ok bool) bool { return ok }

// edges are where a step leads.
func (c Course) edges(i int) []int {
	if g := c.Group(i); len(g) > 1 { // those beside it are reached with it, and go on as one
		return append(g[1:], c.after(i))
	}
	out := []int{c.Next(i, true)}
	if c[i].If != nil || c[i].waits() {
		out = append(out, c.Next(i, false))
	}
	return out
}

// reached are the steps that can be reached from the first.
func (c Course) reached() []bool {
	seen := make([]bool, len(c)+1)
	for todo := []int{0}; len(todo) > 0; {
		i := todo[0]
		todo = todo[1:]
		if seen[i] || i >= len(c) {
			continue
		}
		seen[i] = true
		todo = append(todo, c.edges(i)...)
	}
	return seen
}

// circle is a step of a circle that no counted step is in; -1 when there is none.
func (c Course) circle() int {
	state := make([]int, len(c)+1) // 1 while it is looked at, 2 when it leads nowhere in a circle
	var visit func(i int) int
	visit = func(i int) int {
		if i >= len(c) || state[i] == 2 || c[i].Most > 0 {
			return -1
		}
		if state[i] == 1 {
			return i
		}
		state[i] = 1
		for _, n := range c.edges(i) {
			if found := visit(n); found >= 0 {
				return found
			}
		}
		state[i] = 2
		return -1
	}
	for i := range c {
		if found := visit(i); found >= 0 {
			return found
		}
	}
	return -1
}
