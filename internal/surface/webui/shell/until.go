package shell

import (
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
)

// UntilLayout is how browsers send a date and time; it is UTC on all pages.
const UntilLayout = "2006-01-02T15:04"

// Until reads a field of a form that says when something ends, in Unix milliseconds;
// 0 when it is empty.
func Until(form *web.Form, name string) (int64, error) {
	text := form.Text(name)
	if text == "" {
		return 0, nil
	}
	at, err := time.Parse(UntilLayout, text)
	if err != nil || at.Year() < 2000 {
		return 0, fault.Field(name, "Give a date and a time, such as 2027-01-31T18:00, or nothing.")
	}
	return at.UnixMilli(), nil
}

// Over refuses an end of access that has passed when it is given.
func Over(name string) error {
	return fault.Field(name, "That time is over: the access would open nothing. The time is that of UTC.")
}
