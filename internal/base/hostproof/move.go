package hostproof

import (
	"encoding/hex"
	"fmt"
	"maps"
)

// moved is the member of a content that says which item it was, when it was moved from
// another vault: so that a move that was interrupted is gone on with and not repeated.
const moved = "moved"

// Alone gives the content without its past: what a copy has.
func (c Content) Alone() Content {
	out := maps.Clone(c)
	delete(out, past)
	delete(out, moved)
	return out
}

// Moved gives the content of an item in the vault that it is moved to.
func (c Content) Moved(from int64, l Leaf) Content {
	out := maps.Clone(c)
	out[moved] = fmt.Sprintf("%d/%d#%s", from, l.Item, hex.EncodeToString(l.Header[:]))
	return out
}

// MovedFrom gives vault, item and header of what an item was before it was moved;
// nothing when it was not.
func (c Content) MovedFrom() string { return c[moved] }
