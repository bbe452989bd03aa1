package design_test

import (
	"fmt"
	"strings"
	"testing"

	"strongroom/internal/feature/importer/design"
)

func TestGuess(t *testing.T) {
	names := []string{"id", "organization", "name", "vlan", "customer_number", "valid_until", "guests", "notes", "switch", "photos", "admin_password", "empty", "archived"}
	headers := []string{"id", "organization", "name", "vlan", "customer-number", "Valid until", "Guests allowed", "notes", "Switch", "photos", "Admin password", "empty", "archived"}
	known := map[string][]string{"sw-1": {"Configurations"}, "sw-2": {"Configurations", "Contacts"}, "Smith, Ann": {"Contacts"}}
	g := design.New(names, headers, design.Clues{
		Refers: func(org, name string) []string {
			if org != "Harbour" {
				return nil
			}
			return known[name]
		},
		Files:  func(column string) bool { return column == "photos" },
		Secret: func(header string) bool { return header == "Admin password" },
	})
	for _, row := range [][]string{
		{"1", "Harbour", "Office", "12", "00123", "2027-01-31", "Yes", "<p>rich</p>", "sw-1, sw-2", "a.png", "", "", "No"},
		{"2", "Harbour", "Guests", "-3.5", "12", "2/28/2027", "no", "plain", "sw-2", "", "", "", "No"},
		{"3", "Kestrel", "Cellar", "", "", "", "", "", "", "", "", "", "Yes"},
	} {
		g.Row(row[1], row)
	}
	columns, fields := g.Fields()
	var got []string
	for i, f := range fields {
		s := columns[i] + ": " + f.Name + " " + f.Kind + f.TagType
		for _, x := range []struct {
			on   bool
			word string
		}{{f.List, "list"}, {f.Title, "title"}, {f.Expires, "expires"}} {
			if x.on {
				s += " " + x.word
			}
		}
		got = append(got, s)
	}
	want := `name: Name Text list title
vlan: VLAN Number list
customer_number: Customer number Text list
valid_until: Valid until Date list expires
guests: Guests allowed Checkbox list
notes: Notes Textbox
switch: Switch TagConfigurations list
photos: Photos Upload
admin_password: Admin password Password
empty: Empty Text`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

func TestNamed(t *testing.T) {
	known := map[string][]string{"a": {"X", "Y"}, "b": {"Y"}, "c, d": {"Z"}}
	for cell, want := range map[string]string{"a": "[X Y]", "a, b": "[Y]", "c, d": "[Z]", "a, q": "[]", "q": "[]"} {
		if got := fmt.Sprint(design.Named(cell, func(n string) []string { return known[n] })); got != want {
			t.Errorf("%q: got %s, want %s", cell, got, want)
		}
	}
}
