package reach_test

import (
	"encoding/json"
	"testing"

	"strongroom/internal/feature/importer/reach"
)

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name          string
		columns       []string
		cells         []string
		mails, phones string
		left          string
	}{
		{"plain", []string{"name", "primary_email", "primary_phone"}, []string{"Ann", "a@x.example", "206 555 0100"},
			`[{"label_name":"Work","primary":true,"value":"a@x.example"}]`, `[{"label_name":"Work","primary":true,"value":"206 555 0100"}]`, `null`},
		{"several in a cell", []string{"emails"}, []string{"Home: a@x.example; b@x.example"},
			`[{"label_name":"Home","value":"a@x.example"},{"label_name":"Work","value":"b@x.example"}]`, `null`, `null`},
		{"the same twice", []string{"email", "primary_email"}, []string{"A@x.example", "a@x.example"},
			`[{"label_name":"Work","primary":true,"value":"A@x.example"}]`, `null`, `null`},
		{"lists repeat the others", []string{"contact_emails", "primary_email"}, []string{`[{"value":"a@x.example","primary":"true"}]`, "a@x.example"},
			`[{"label_name":"Work","primary":true,"value":"a@x.example"}]`, `null`, `null`},
		{"fax and mobile", []string{"fax", "mobile_phone"}, []string{"1", "2"},
			`null`, `[{"label_name":"Fax","label_type":"fax","value":"1"},{"label_name":"Mobile","value":"2"}]`, `null`},
		{"extension", []string{"phone", "phone_ext"}, []string{"1", "12"}, `null`, `[{"extension":"12","label_name":"Work","value":"1"}]`, `null`},
		{"an extension of nothing", []string{"ext"}, []string{"12"}, `null`, `null`, `[{"Label":"Extension","Value":"12"}]`},
		{"no address", []string{"email"}, []string{"ask Bob"}, `null`, `null`, `[{"Label":"E-mail address","Value":"ask Bob"}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := reach.Read(c.columns, c.cells)
			for _, p := range []struct {
				got  any
				want string
			}{{w.Emails, c.mails}, {w.Phones, c.phones}, {w.Left, c.left}} {
				if b, err := json.Marshal(p.got); err != nil || string(b) != p.want {
					t.Errorf("got %s, %v, want %s", b, err, p.want)
				}
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add("contact_emails", `[{"value":"a@x.example"}]`)
	f.Add("phone_2", "Desk: 1; Fax: 2")
	f.Fuzz(func(t *testing.T, column, cell string) {
		w := reach.Read([]string{column}, []string{cell})
		if w.Found && !reach.Column(column) {
			t.Errorf("%q is no column that says how to reach anybody, but gave %+v", column, w)
		}
		for _, m := range w.Emails {
			if s, ok := m["value"].(string); !ok || s == "" {
				t.Errorf("an address without value: %+v", m)
			}
		}
	})
}
