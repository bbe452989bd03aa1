package jsonapi

import "strconv"

// DefaultPage is how many objects a page holds when nothing is said, MaxPage
// how many at most.
const (
	DefaultPage = 50
	MaxPage     = 1000
	maxOffset   = 1 << 40 // objects before a page at most, whatever is asked
)

// Page gives number and size of the page that is asked for: the number is at
// least 1, the size within its limits.
func (q Query) Page() (number, size int) {
	size = q.Size
	if size <= 0 {
		size = DefaultPage
	}
	size = min(size, MaxPage)
	return min(max(1, q.Number), maxOffset/size), size
}

// Page is one page of a list.
type Page struct {
	Self   string // absolute address of the list, without its query
	Number int
	Size   int
	Total  int64 // objects on all pages
}

// Append appends the members meta and links, with a comma before them. filters
// is the JSON of what can be filtered by. A list of one page has no links.
func (p Page) Append(b []byte, q Query, filters []byte) []byte {
	pages := int((p.Total + int64(p.Size) - 1) / int64(p.Size))
	prev, next := 0, 0
	if p.Number < pages {
		next = p.Number + 1
	}
	if p.Number > 1 {
		prev = min(p.Number-1, max(1, pages))
	}
	b = strconv.AppendInt(append(b, `,"meta":{"current-page":`...), int64(p.Number), 10)
	b = appendNumber(append(b, `,"next-page":`...), next)
	b = appendNumber(append(b, `,"prev-page":`...), prev)
	b = strconv.AppendInt(append(b, `,"total-pages":`...), int64(pages), 10)
	b = strconv.AppendInt(append(b, `,"total-count":`...), p.Total, 10)
	b = append(append(append(b, `,"filters":`...), filters...), `},"links":{`...)
	if pages <= 1 && p.Number == 1 {
		return append(b, '}')
	}
	b = p.link(b, q, `"self":"`, p.Number)
	b = p.link(b, q, `,"first":"`, 1)
	if prev > 0 {
		b = p.link(b, q, `,"prev":"`, prev)
	}
	if next > 0 {
		b = p.link(b, q, `,"next":"`, next)
	}
	b = p.link(b, q, `,"last":"`, max(1, pages))
	return append(b, '}')
}

func (p Page) link(b []byte, q Query, key string, number int) []byte {
	return append(q.Link(append(b, key...), p.Self, number, p.Size), '"')
}

func appendNumber(b []byte, n int) []byte {
	if n == 0 {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, int64(n), 10)
}
