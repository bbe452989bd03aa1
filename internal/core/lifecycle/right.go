package lifecycle

import (
	"fmt"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

type completing struct{}

// Complete says that this transaction does nothing but complete records that an import
// made: what they are was judged where they came from. It is said before anything is saved.
func Complete(tx *gate.Tx) { tx.Local(completing{}, func() any { return true }) }

// Completes tells whether that was said.
func Completes(tx *gate.Tx) bool {
	return tx.Local(completing{}, func() any { return false }).(bool)
}

// Part is what somebody is to a record: its owner, who leads its team. Lifecycle.Is
// tells who is.
type Part string

// Right gives something to some people alone: the moves out of one of the states From
// into one of To, or the change of Fields while the record is In one of some states.
// What no right names is for everybody who may change the record; an administrator and
// the system may whatever a right gives.
type Right struct {
	From, To []string
	Fields   []string
	In       []string
	By       []Part
}

// of tells who alone makes a move; nil for anybody.
func (l *Lifecycle) of(from, to string) []Part {
	for _, x := range l.Rights {
		if slices.Contains(x.From, from) && slices.Contains(x.To, to) {
			return x.By
		}
	}
	return nil
}

// May tells whether the caller makes a move that is declared, as far as rights decide.
func (l *Lifecycle) May(tx *gate.Tx, r *record.Record, to string) (bool, error) {
	from := r.Values.Text(l.Field)
	if from == to {
		return true, nil
	}
	return l.is(tx, r, l.of(from, to))
}

// Offered are the states that may follow one of a record, as far as the caller makes the
// move.
func (l *Lifecycle) Offered(tx *gate.Tx, r *record.Record) ([]string, error) {
	var out []string
	for _, to := range l.Next(r.Values.Text(l.Field)) {
		may, err := l.May(tx, r, to)
		if err != nil {
			return nil, err
		}
		if may {
			out = append(out, to)
		}
	}
	return out, nil
}

// Allow refuses what the rights give to others; old is nil for a new record. What
// somebody is, the record says as it was: nobody becomes its owner in the save that only
// its owner makes. Fault kind Denied.
func (l *Lifecycle) Allow(tx *gate.Tx, now, old *record.Record) error {
	if old == nil {
		return nil
	}
	from, to := old.Values.Text(l.Field), now.Values.Text(l.Field)
	may, err := l.May(tx, old, to)
	if err != nil {
		return err
	}
	if !may && slices.Contains(l.Next(from), to) { // another move is refused by Check, with what is possible
		return denied("From %s to %s this is moved by %s alone.", l.of(from, to), from, to)
	}
	for _, x := range l.Rights {
		if !slices.Contains(x.In, from) {
			continue
		}
		i := slices.IndexFunc(x.Fields, func(f string) bool { return changed(now, old, f) })
		if i < 0 {
			continue
		}
		if may, err = l.is(tx, old, x.By); err != nil {
			return err
		}
		if !may {
			return denied("While this is %s, %s is changed by %s alone.", x.By, from, strings.ToLower(title(now.Kind, x.Fields[i])))
		}
	}
	return nil
}

func denied(words string, by []Part, args ...any) error {
	who := make([]string, len(by))
	for i, p := range by {
		who[i] = string(p)
	}
	return fault.New(fault.Denied, words, append(args, strings.Join(who, " or "))...).WithHint("Ask one of them, or an administrator.")
}

// is tells whether the caller is one of those to a record, or may do all.
func (l *Lifecycle) is(tx *gate.Tx, r *record.Record, by []Part) (bool, error) {
	if by == nil || tx.Caller.Everything() {
		return true, nil
	}
	for _, p := range by {
		if is, err := l.Is(tx, r, p); err != nil || is {
			return is, err
		}
	}
	return false, nil
}

// rightsFit tells what is wrong with the rights of a declaration.
func (l *Lifecycle) rightsFit(k *record.Kind) error {
	for _, x := range l.Rights {
		if len(x.By) == 0 || l.Is == nil || len(x.Fields) == 0 != (len(x.In) == 0) || len(x.From) == 0 != (len(x.To) == 0) {
			return fmt.Errorf("kind %s: a right is of some people, and of moves or of fields in some states", k.Name)
		}
		for _, s := range slices.Concat(x.From, x.To, x.In) {
			if l.State(s) == nil {
				return fmt.Errorf("kind %s: a right names the state %q, which is not declared", k.Name, s)
			}
		}
		for _, to := range x.To {
			if !slices.ContainsFunc(x.From, func(from string) bool { return slices.Contains(l.Next(from), to) }) {
				return fmt.Errorf("kind %s: a right names a move to %s, which is not declared", k.Name, to)
			}
		}
		for _, f := range x.Fields {
			if k.Field(f) == nil {
				return fmt.Errorf("kind %s: a right names the field %q, which is not declared", k.Name, f)
			}
		}
	}
	return nil
}
