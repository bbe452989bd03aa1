package ballot

import (
	"maps"
	"slices"

	"strongroom/internal/core/id"
)

// Rule says when a phase has passed.
type Rule string

// The rules.
const (
	All    Rule = "All"    // everybody says yes
	Any    Rule = "Any"    // one says yes
	Quorum Rule = "Quorum" // so many say yes
)

// End says what happens when a phase is not decided in time.
type End string

// The ends.
const (
	Escalates End = "Escalate" // others decide too, once; then it is over
	Denies    End = "Deny"
	Passes    End = "Approve"
)

// Who names people who decide.
type Who struct {
	As    string `json:"as"`              // one of Roles
	Named string `json:"named,omitempty"` // the group, or the address of the person
}

// Phase is one of the steps of an approval.
type Phase struct {
	Name   string `json:"name"`
	Rule   Rule   `json:"rule"`
	Needed int    `json:"needed,omitempty"` // of Quorum
	Who    Who    `json:"who"`
	Hours  int64  `json:"hours,omitempty"` // to decide; 0 is without end
	Then   End    `json:"then,omitempty"`
	To     Who    `json:"to"` // of Escalates
}

// What happened.
const (
	Began     = "began"     // a phase, with its voters
	Voted     = "voted"     // By said Yes or no for User
	Took      = "took"      // User's vote was taken back
	Left      = "left"      // User cannot vote any more
	Escalated = "escalated" // Voters decide too
	Canceled  = "canceled"
)

// Event is something that happened to an approval.
type Event struct {
	At       int64 // Unix milliseconds
	What     string
	Phase    int
	User, By id.ID
	Yes      bool
	Words    string
	Voters   []id.ID
}

// The states of an approval.
const (
	Pending   = "Pending"
	Approved  = "Approved"
	Denied    = "Denied"
	Cancelled = "Cancelled"
	TimedOut  = "Timed out"
)

// Vote is what was said for somebody.
type Vote struct {
	Yes bool
	By  id.ID
}

// Result is how an approval stands.
type Result struct {
	State  string
	Phase  int            // the one that is being decided, or was last
	Voters []id.ID        // of that phase, in the order in which they came
	Votes  map[id.ID]Vote // of that phase, by whom they are for
	Due    int64          // when the phase ends; 0 for never
	Ended  int64          // when the approval did; 0 while it is pending
	Next   bool           // the phase has passed, and the next is to begin
	Stuck  bool           // others have to decide: it is late, or too few are left
}

// Tally is how an approval of phases stands at a time, after what has happened: a function
// of nothing else. What happens after the end, or to a phase that is over, counts for
// nothing.
func Tally(phases []Phase, events []Event, now int64) Result {
	t := &tally{phases: phases, r: Result{State: Pending, Phase: -1, Next: true}}
	if len(phases) == 0 {
		t.r.State, t.r.Next = Approved, false
		return t.r
	}
	for _, e := range events {
		if e.At > now {
			break
		}
		t.until(e.At)
		t.take(e)
	}
	t.until(now)
	return t.r
}

type tally struct {
	phases    []Phase
	r         Result
	escalated bool
}

func (t *tally) open() bool { return t.r.State == Pending && !t.r.Next }

// until lets the time pass, up to what is due by then.
func (t *tally) until(now int64) {
	if !t.open() || t.r.Due == 0 || now < t.r.Due {
		return
	}
	switch p := t.phases[t.r.Phase]; {
	case p.Then == Passes:
		t.pass(t.r.Due)
	case p.Then == Escalates && !t.escalated:
		t.r.Stuck = true
	default:
		t.end(TimedOut, t.r.Due)
	}
}

func (t *tally) take(e Event) {
	switch e.What {
	case Began:
		if t.r.State == Pending && t.r.Next && e.Phase == t.r.Phase+1 {
			t.begin(e)
		}
		return
	case Canceled:
		if t.r.State == Pending {
			t.end(Cancelled, e.At)
		}
		return
	}
	if !t.open() || e.Phase != t.r.Phase {
		return
	}
	switch _, voted := t.r.Votes[e.User]; {
	case e.What == Voted && !voted && slices.Contains(t.r.Voters, e.User):
		t.r.Votes[e.User] = Vote{e.Yes, e.By}
	case e.What == Took && voted:
		delete(t.r.Votes, e.User)
	case e.What == Left:
		t.r.Voters = slices.DeleteFunc(t.r.Voters, func(u id.ID) bool { return u == e.User })
		delete(t.r.Votes, e.User)
	case e.What == Escalated && !t.escalated:
		t.escalated, t.r.Stuck = true, false
		t.join(e.Voters)
		t.deadline(e.At)
	}
	t.decide(e.At)
}

func (t *tally) begin(e Event) {
	t.escalated = false
	t.r.Phase, t.r.Next, t.r.Stuck, t.r.Voters, t.r.Votes = e.Phase, false, false, nil, map[id.ID]Vote{}
	t.join(e.Voters)
	t.deadline(e.At)
	t.decide(e.At)
}

func (t *tally) join(voters []id.ID) {
	for _, v := range voters {
		if !slices.Contains(t.r.Voters, v) {
			t.r.Voters = append(t.r.Voters, v)
		}
	}
}

func (t *tally) deadline(from int64) {
	t.r.Due = 0
	if h := t.phases[t.r.Phase].Hours; h > 0 {
		t.r.Due = from + h*3600_000
	}
}

// decide ends the phase, or the approval, when the votes do. Somebody who votes for
// several counts once towards a quorum.
func (t *tally) decide(at int64) {
	var yes, no int
	people := map[id.ID]bool{}
	for v := range maps.Values(t.r.Votes) {
		if v.Yes {
			yes++
			people[v.By] = true
		} else {
			no++
		}
	}
	p, all := t.phases[t.r.Phase], len(t.r.Voters)
	need := map[Rule]int{All: all, Any: 1, Quorum: max(1, p.Needed)}[p.Rule]
	got := yes
	if p.Rule == Quorum {
		got = len(people)
	}
	switch {
	case all > 0 && got >= need && (p.Rule != All || no == 0):
		t.pass(at)
	case no > 0 && all-no < max(need, 1):
		t.end(Denied, at)
	case all < max(need, 1): // too few are left, whatever they say
		if t.escalated {
			t.end(Denied, at)
		} else {
			t.r.Stuck = true
		}
	}
}

func (t *tally) pass(at int64) {
	t.r.Stuck = false
	if t.r.Phase == len(t.phases)-1 {
		t.end(Approved, at)
		return
	}
	t.r.Next, t.r.Due = true, 0
}

func (t *tally) end(state string, at int64) {
	t.r.State, t.r.Ended, t.r.Next, t.r.Stuck, t.r.Due = state, at, false, false, 0
}
