package leaver

import (
	"context"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

type (
	// Outcome tells what is to be done, or what was.
	Outcome struct {
		Email string     `json:"email"`
		Plan  *Plan      `json:"plan"`
		Done  []DoneLine `json:"done,omitempty"`
	}
	// DoneLine is how much of something was done.
	DoneLine struct {
		What  string `json:"what"`
		Count int    `json:"count"`
	}
)

// AtOnce does all of it while the caller waits, as at the console, or with dry only says
// what would be done. What was begun before goes on.
func (l *Leavers) AtOnce(ctx context.Context, c *access.Caller, user id.ID, o Order, dry bool, progress func(title string)) (*Outcome, error) {
	out := &Outcome{}
	err := l.Gate.View(ctx, c, func(tx *gate.Tx) (err error) { out.Plan, err = l.Plan(tx, user); return err })
	if err != nil || dry {
		return out, err
	}
	leaving, err := l.Begin(ctx, c, user, o)
	if err != nil {
		return nil, err
	}
	said := ""
	err = l.Work(ctx, c, leaving, func(_ int, title string) error {
		if title != said {
			progress(title)
			said = title
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, l.Gate.View(ctx, c, func(tx *gate.Tx) error {
		g, err := Last(tx, user)
		if err != nil || g == nil {
			return err
		}
		for _, what := range Counted() {
			if n := g.Counts[what]; n > 0 {
				out.Done = append(out.Done, DoneLine{what, n})
			}
		}
		return nil
	})
}
