package vault

import (
	"context"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
)

// FileFormat is what the first member of an emergency file says.
const FileFormat = "strongroom-vaults-1"

// File is all that a person has, as the server keeps it: sealed and signed. Her
// passphrase and a client open it where there is no server; see
// doc/formats/vault.md.
type File struct {
	Format string              `json:"format"` // FileFormat
	State  *State              `json:"state"`
	Vaults map[id.ID]*Contents `json:"vaults"`
}

// File gives everything that the caller has a grant for. Each vault is recorded as
// read.
func (s *Vaults) File(ctx context.Context, c *access.Caller) (*File, error) {
	st, err := s.State(ctx, c)
	if err != nil {
		return nil, err
	}
	out := &File{Format: FileFormat, State: st, Vaults: map[id.ID]*Contents{}}
	var there []id.ID
	for _, n := range st.Vaults {
		v, err := s.Read(ctx, c, n)
		if fault.Is(err, fault.NotFound) {
			continue // a grant that has ended
		}
		if err != nil {
			return nil, err
		}
		out.Vaults[n], there = v, append(there, n)
	}
	st.Vaults = append([]id.ID{}, there...)
	return out, nil
}
