package hostproof

import (
	"encoding/json"
	"slices"
)

// The limits of what an item keeps of its past.
const (
	mostPast = 20
	pastRoom = 48 << 10 // bytes of the whole content
)

// past is the member of a content that says what it held before: a JSON list, the
// newest first, of objects with the time (at, Unix milliseconds) and the values that
// were replaced then.
const past = "history"

// Following gives the content that follows old, with what it replaces in its history.
// now is in Unix milliseconds. What is no history is forgotten.
func (c Content) Following(old Content, now int64) Content {
	was := map[string]any{"at": now}
	out := Content{}
	for name, value := range c {
		out[name] = value
		if name != past && name != files && name != moved && old[name] != value {
			was[name] = old[name]
		}
	}
	if len(was) == 1 {
		return out
	}
	var list []json.RawMessage
	_ = json.Unmarshal([]byte(old[past]), &list) // none is none
	first, err := json.Marshal(was)
	if err != nil {
		return out
	}
	for list = slices.Insert(list, 0, json.RawMessage(first)); len(list) > 0; list = list[:len(list)-1] {
		b, err := json.Marshal(list[:min(len(list), mostPast)])
		if err != nil {
			return out
		}
		out[past] = string(b)
		if whole, err := out.Encode(); err == nil && len(whole) <= pastRoom {
			return out
		}
	}
	delete(out, past)
	return out
}
