// Package plan says with which table a list begins, where a database knows too little to
// choose well.
//
// Always true: it goes by numbers of rows alone, and whatever it says the list is the same.
package plan

// Driver is the table that a list begins with; each of its rows is then asked for everything
// else.
type Driver int

// The drivers.
const (
	AnyWay    Driver = iota // as the database likes
	ByOrder                 // in the order of the list, until the page is full
	BySight                 // all that the caller may see, or all of the organization; sorted then
	ByMatches               // all that the first filter by a trait finds; sorted then
)

// Counts are how many rows each driver has to look at. The kept totals tell the first two;
// matches are counted, but no further than Enough where the total is not made of them.
type Counts struct {
	All, Hers, Matches int64
	Narrow, Filtered   bool // whether BySight and ByMatches are possible
}

// Enough matches are many: a list is then better gone through in its order.
const Enough = 4000

// Many is how many of all the rows of a kind are many, for a filter by a field: fewer are read and
// sorted. To go through the list in its order costs as much as all of it where those that are
// asked for stand at its end, so a sixteenth is little still.
func Many(all int64) int64 { return max(Enough, all/16) }

// Sorting is what a row that is read and sorted costs, in rows that are passed over in the
// order of an index. A row whose trait has to be looked up as it is passed over costs as much
// as one that is read.
const Sorting = 4

// ToCount is the best driver for looking at every row.
func (c *Counts) ToCount() Driver {
	switch {
	case c.Filtered && (!c.Narrow || c.Matches <= c.Hers):
		return ByMatches
	case c.Narrow:
		return BySight
	}
	return AnyWay
}

// ToList is the best driver for the first rows in order. passing is what a row costs that is
// passed over.
func (c *Counts) ToList(rows, passing int64) Driver {
	best := c.ToCount()
	read := map[Driver]int64{BySight: c.Hers, ByMatches: c.Matches, AnyWay: c.All}[best]
	seen := max(1, min(c.Hers, c.All)) // of all rows, as many are in the list as hers and the matches make likely
	if c.Filtered {
		seen = max(1, seen*min(c.Matches, c.All)/max(1, c.All))
	}
	if best != AnyWay && Sorting*read*seen < passing*rows*c.All {
		return best
	}
	return ByOrder
}
