package access

import (
	"slices"

	"strongroom/internal/core/id"
)

// personal are the kinds whose records belong to one person each: their guard is
// her, and nobody else sees them, administrators included.
var personal = []string{"personal_password"}

// Personal tells whether records of a kind belong to one person each.
func Personal(kind string) bool { return slices.Contains(personal, kind) }

// own lists what everybody may do with what is hers alone; to export it takes a role that
// may export. To restrict it and to approve that it is shown have no meaning.
var own = []Action{View, Create, Edit, Archive, Delete, Reveal, Comment, Export}

// person is whose personal records the caller sees; 0 is nobody's. A key that somebody else
// made, or that is for single organizations or folders, sees none.
func (c *Caller) person() id.ID {
	if c.Scope.NoPersonal || len(c.Scope.Orgs) > 0 || c.Scope.Narrow.IDs != "" || c.User == c.Key {
		return 0
	}
	return c.User
}

// mine is the condition that a row of the spine belongs to nobody alone, or to c.
func mine(c *Caller, alias, kind string) (string, []any) {
	if c.Keeper || kind != "" && !slices.Contains(personal, kind) {
		return `1 = 1`, nil
	}
	cond, args := among(alias, kind, personal)
	if p := c.person(); p != 0 {
		return `(not ` + cond + ` or ` + alias + `.guard_id = ?)`, append(args, int64(p))
	}
	return `not ` + cond, args
}

// decideOwn decides about a record that is the caller's own, which is all that she sees of
// its kind.
func decideOwn(c *Caller, a Action, t Target) (Verdict, string) {
	switch {
	case !slices.Contains(own, a):
		return Denied, "This belongs to one person alone."
	case c.Role == ReadOnly && a != View && a != Reveal, a == Export && !c.Role.May(Export):
		return Denied, sentence(string(c.Role), a)
	case c.Custom != nil && !c.Custom.allows(a, a, t):
		return Denied, sentence(c.Custom.Name, a)
	case a == Reveal:
		return reveal(c)
	}
	return Allowed, ""
}
