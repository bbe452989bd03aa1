// Package personal holds the passwords that belong to one person alone, and how those
// of somebody who left are handed over.
//
// Always true: nobody but their owner sees personal passwords, not even their names, nor
// how they are called in the audit log; they are in nobody's export of what is documented;
// they change hands only when their owner may not sign in any more, and two
// administrators, one who asks and another one who agrees, want it; each password that
// changes hands has its entry in the log.
package personal

import (
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
)

// Kind is the kind of personal passwords.
const Kind = "personal_password"

// Feature is the kind personal_password, and the table of handovers.
func Feature() record.Feature {
	return record.Feature{Name: "personal", Kinds: []*record.Kind{passwords()}, Schema: schema, Purge: purge}
}

func passwords() *record.Kind {
	return &record.Kind{
		Name: Kind, Plural: "personal_passwords", Label: "Personal password", Labels: "Personal passwords", Icon: "lock-password",
		Scope: record.OfPerson, After: after,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Personal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "username", Label: "User name", Type: record.Text, Format: record.Mono, Class: record.Personal, Sort: true, Search: true, List: true},
			{Name: "password", Type: record.Secret},
			{Name: "otp_secret", Label: "One-time code", Type: record.Secret, Format: record.Otpauth,
				Hint: "The key or the otpauth address that the other system shows for an authenticator app."},
			{Name: "url", Label: "Address", Type: record.Text, Format: record.URL, Class: record.Personal, Filter: true, Sort: true, Search: true, List: true},
			{Name: "otp_enabled", Label: "Has one-time codes", Type: record.Bool, Class: record.Internal, ReadOnly: true, Filter: true, Default: false},
			{Name: "password_updated_at", Label: "Password changed", Type: record.Time, Class: record.Internal, ReadOnly: true, Sort: true, List: true},
			{Name: "notes", Type: record.Multiline, Class: record.Personal, Group: "Notes", Search: true,
				Hint: "Only you find them; they are not sealed as the password is."},
		},
	}
}

// after notes what a change of a secret means for the record.
func after(tx *gate.Tx, now, old *record.Record) error {
	if now.Trashed != 0 {
		return nil
	}
	have, err := secret.Current(tx, now.ID)
	if err != nil {
		return err
	}
	otp, p := have["otp_secret"].Has, have["password"]
	was, _ := now.Values["password_updated_at"].(int64)
	stamp := was
	if p.Number > 0 && p.Time == tx.Now {
		stamp = tx.Now
	}
	if otp == now.Values.Bool("otp_enabled") && stamp == was {
		return nil
	}
	now.Values["otp_enabled"] = otp
	var at any
	if stamp != 0 {
		at, now.Values["password_updated_at"] = stamp, stamp
	}
	_, err = tx.Exec(`update k_personal_password set otp_enabled = ?, password_updated_at = ? where id = ?`, otp, at, int64(now.ID))
	return err
}
