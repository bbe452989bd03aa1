package hostproof

import (
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
)

// MostLimited is to how many members an item is limited at most, its author and the
// vault's owner among them: their numbers stand in its header.
const MostLimited = 14

// limited begins the field of an item that is for some of the vault's members: their
// numbers follow, ascending, in decimal, separated by commas.
const limited = "limited:"

// fieldFor is what the header of an item calls its field: whom it is for.
func fieldFor(item int64, to []int64) string {
	switch {
	case item == 0:
		return FieldAbout
	case len(to) == 0:
		return FieldItem
	}
	var list []string
	for _, user := range to {
		list = append(list, strconv.FormatInt(user, 10))
	}
	return limited + strings.Join(list, ",")
}

// audience reads whom an item is for from its field: nobody in particular is everybody
// in the vault. ok is false for what fieldFor does not write.
func audience(item int64, field string) (to []int64, ok bool) {
	if rest, is := strings.CutPrefix(field, limited); is {
		for s := range strings.SplitSeq(rest, ",") {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil || n <= 0 || len(to) > 0 && n <= to[len(to)-1] {
				return nil, false
			}
			to = append(to, n)
		}
	}
	return to, len(to) <= MostLimited && field == fieldFor(item, to)
}

// SealFor seals a version of an item for some members of a vault: its data key is wrapped
// to their keys and not to the vault's, so that nobody else who has access opens it. The
// statements are those that their grants are for; the owner and the author are among them.
func (k *Keyset) SealFor(v *Vault, item int64, last *Leaf, c Content, to []*Statement, now int64) ([]byte, Leaf, error) {
	to = slices.SortedFunc(slices.Values(to), func(a, b *Statement) int { return int(min(1, max(-1, a.User-b.User))) })
	var users []int64
	var keys []envelope.WrapKey
	for _, s := range to {
		users, keys = append(users, s.User), append(keys, s.Encryption)
	}
	field := fieldFor(item, users)
	if _, ok := audience(item, field); !ok || item == 0 || len(to) == 0 || len(field) > 255 {
		return nil, Leaf{}, fault.New(fault.Invalid, "An item is limited to at most %d members.", MostLimited).WithHint("Make a vault of its own for more.")
	}
	if !slices.Contains(users, v.owner) || !slices.Contains(users, k.Statement.User) {
		return nil, Leaf{}, fault.New(fault.Invalid, "The owner of the vault, and whoever limits an item, are among those whom it is for.")
	}
	return k.sealItem(v, item, last, c, field, keys, now)
}

// forMe checks whom an item of the vault is for, as its header says.
func (v *Vault) forMe(h envelope.Header, to []int64) (bool, error) {
	if len(to) > 0 && (!slices.Contains(to, v.owner) || !slices.Contains(to, h.Author)) {
		return false, alarm("The server sent an item that is kept from the owner of the vault, or from who wrote it.")
	}
	return len(to) == 0 || slices.Contains(to, v.me), nil
}

// Withheld reads the header of an item that the server does not send because it is limited to
// others. The list of the vault says that it is the header of that item; the header says
// whom it is for.
func (v *Vault) Withheld(header []byte) (Leaf, error) {
	h, leaf, err := ParseWithheld(v.Tenant, v.ID, header)
	if err != nil {
		return leaf, err
	}
	if h.AccessEpoch != v.Epoch {
		return leaf, alarm("The server sent an item under a key that is not in use.")
	}
	mine, err := v.forMe(h, leaf.For)
	if err == nil && mine {
		err = alarm("The server keeps an item from you that is for you too.")
	}
	return leaf, err
}

// ParseWithheld reads the header of a limited item of a vault. Nothing of it was verified.
func ParseWithheld(tenant string, vault int64, header []byte) (h envelope.Header, l Leaf, err error) {
	if h, err = envelope.ParseHeader(header); err != nil {
		return h, l, err
	}
	to, ok := audience(h.Object, h.Field)
	if !ok || len(to) == 0 || h.Class != envelope.ClassHostProof || h.Suite != envelope.SuiteSingle || h.Tenant != tenant || h.Kind != Kind || h.Container != vault || h.Version == 0 {
		return h, l, alarm("The server left an item out as if it were limited to others, and it is not.")
	}
	return h, Leaf{h.Object, h.Version, envelope.HashHeader(header), to}, nil
}

// dataKey opens the key of an item: with the vault's key, or with one's own when the item
// is limited.
func (v *Vault) dataKey(e *envelope.Envelope, to []int64) ([]byte, error) {
	list := e.Recipients()
	if len(to) == 0 {
		return v.key.Unwrap(list[0], e.HeaderBytes())
	}
	return envelope.Unwrap(v.private, list[slices.Index(to, v.me)], e.HeaderBytes())
}
