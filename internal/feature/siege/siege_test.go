package siege_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/siege"
)

// TestWatch: administrators are told of many addresses and of many tries on one, once in a
// while, and of what people mistype they are not.
func TestWatch(t *testing.T) {
	h := coretest.Open(t, coretest.Options{Features: []record.Feature{{Name: "test", Kinds: coretest.Kinds()}, notification.Feature()}})
	admin := h.User(access.Administrator)
	editor := h.User(access.Editor)
	system := access.System(h.Tenant().Name, "job")
	miss := func(who string, user id.ID, n int64) {
		t.Helper()
		err := h.Gate.Change(t.Context(), system, access.View, gate.Thing{}, func(tx *gate.Tx) error {
			tx.Also(&audit.Entry{Action: string(access.SignIn), Kind: "user", Object: user, Result: audit.Refused, Count: n, Detail: audit.Detail{Text: "the password is wrong" + identity.TriedFor + who}})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	told := func() (out []string) {
		t.Helper()
		if err := siege.Watch(t.Context(), h.Gate, system.Tenant); err != nil {
			t.Fatal(err)
		}
		h.View(h.Admin(), func(tx *gate.Tx) error {
			rows, err := tx.Query(`select user_id, parts from notification where topic = ? order by id`, siege.Topic)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var u int64
				var parts string
				if err := rows.Scan(&u, &parts); err != nil {
					return err
				}
				if id.ID(u) == editor.User {
					t.Error("somebody else is told")
				}
				if id.ID(u) == admin.User {
					out = append(out, parts)
				}
			}
			return rows.Err()
		})
		return out
	}
	for i := range 14 {
		miss(fmt.Sprint("address-", i), 0, 1)
	}
	miss("address-1", editor.User, 5)
	if got := told(); got != nil {
		t.Errorf("of what people mistype they are told %q", got)
	}
	miss("address-14", 0, 1)
	if got := told(); len(got) != 1 || !strings.Contains(got[0], "20 sign-ins failed in an hour, for 15 addresses, of which 1 are") {
		t.Errorf("of many addresses they are told %q", got)
	}
	if got := told(); len(got) != 1 {
		t.Errorf("they are told again: %q", got)
	}
	h.Clock.Advance(4*time.Hour + time.Minute)
	if got := told(); len(got) != 1 {
		t.Errorf("when it is over they are told %q", got)
	}
	miss("address-2", editor.User, 30)
	if got := told(); len(got) != 2 || !strings.Contains(got[1], "30 sign-ins failed in an hour for one address") {
		t.Errorf("of guesses they are told %q", got)
	}
}
