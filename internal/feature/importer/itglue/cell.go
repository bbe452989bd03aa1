package itglue

import "fmt"

// Object is an object as the JSON in a cell gives it.
type Object map[string]any

// Text gives the first of the members that says something, as a text.
func (o Object) Text(names ...string) string {
	for _, n := range names {
		switch v := o[n].(type) {
		case nil, string:
			if v != nil && v != "" {
				return v.(string)
			}
		default:
			return fmt.Sprint(v)
		}
	}
	return ""
}
