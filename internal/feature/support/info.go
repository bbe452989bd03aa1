package support

import (
	"time"

	"strongroom/internal/core/gate"
)

// Info is an access as the operator's console tells it; Code is shown once.
type Info struct {
	ID     string `json:"id"`
	Staff  string `json:"staff"`
	Reason string `json:"reason"`
	Scope  string `json:"scope"`
	State  string `json:"state"`
	Until  string `json:"until,omitempty"`
	Code   string `json:"code,omitempty"`
}

// Infos gives List for the console.
func Infos(tx *gate.Tx) ([]Info, error) {
	out := []Info{}
	list, err := List(tx)
	for _, x := range list {
		i := Info{ID: x.ID.String(), Staff: x.Staff, Reason: x.Reason, Scope: x.Scope.String(), State: x.State}
		switch {
		case x.Lapsed(tx.Now):
			i.State = "lapsed"
		case x.State == Open && !x.Is(tx.Now):
			i.State = Over
		}
		if x.Until != 0 {
			i.Until = time.UnixMilli(x.Until).UTC().Format(time.RFC3339)
		}
		out = append(out, i)
	}
	return out, err
}
