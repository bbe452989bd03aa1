package importertest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/exporter/order"
	"strongroom/internal/feature/exporter/policy"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/vaults"
)

const fileLock = "kelp-lantern-92-mast"

// TestExportOfPasswords takes passwords out in each format, under the tenant's policy, and
// brings them into another house, where they are what they were.
func TestExportOfPasswords(t *testing.T) {
	h := open(t)
	h.ex.Cost = exporter.Cost{Memory: 64, Passes: 1}
	org := h.Org("Harbour / North & Sons")
	folder := h.Make("password_folder", org, record.Values{"name": "Core / Edge"})
	deep := h.Make("password_folder", org, record.Values{"name": "Deep", "parent_id": folder})
	h.Make("password", org, record.Values{"name": "Router", "username": "root", "password": "=cmd|' /C calc'!A0 ü\"<&>,", "otp_secret": "JBSWY3DPEHPK3PXP", "url": "https://router.example/", "notes": "two\nlines, \"quoted\"", "password_folder_id": folder})
	h.Make("password", org, record.Values{"name": "Switch", "username": "admin", "password": "  spaces stay  ", "password_folder_id": deep})
	h.Make("password", h.Org("South"), record.Values{"name": "Router", "username": "root", "password": "of-another-one"})
	before := h.logins()
	export := func(c *access.Caller, o exporter.Options) ([]byte, *exporter.Report, error) {
		var out bytes.Buffer
		report, err := h.ex.Export(t.Context(), c, &out, o, nil)
		return out.Bytes(), report, err
	}
	t.Run("what is missing is said", func(t *testing.T) {
		for field, o := range map[string]exporter.Options{"reason": {Format: order.KDBX, Password: fileLock}, "password": {Format: order.Bitwarden, Password: "short", Reason: "x"}, "format": {Format: "xls", Password: fileLock, Reason: "x"}} {
			if b, _, err := export(h.Admin(), o); fault.Say(err).Fields[field] == "" || len(b) != 0 {
				t.Errorf("without %s: %v", field, err)
			}
		}
	})
	files := map[string][]byte{}
	for _, format := range order.Formats() {
		t.Run(format, func(t *testing.T) {
			b, report, err := export(h.Admin(), exporter.Options{Format: format, Password: fileLock, Reason: "They move to another house"})
			if err != nil || report.Kinds["password"] != 3 {
				t.Fatalf("%v %v", report, err)
			}
			if bytes.Contains(b, []byte("of-another-one")) || bytes.Contains(b, []byte("root")) {
				t.Error("the file can be read without its password")
			}
			n := 0
			h.View(h.Admin(), func(tx *gate.Tx) error {
				list, err := tx.Activity(audit.Filter{Limit: 100})
				for _, e := range list {
					if e.Action == secret.Granted && e.Detail.Reason == "They move to another house" {
						n++
					}
				}
				return err
			})
			if n < 4 {
				t.Errorf("%d reveals are in the log", n)
			}
			files[format] = b
		})
	}
	t.Run("a second administrator consents", func(t *testing.T) {
		demand := func(on bool) error {
			return h.Gate.Change(t.Context(), h.Admin(), access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return policy.Demand(tx, on) })
		}
		if err := demand(true); err != nil {
			t.Fatal(err)
		}
		o := exporter.Options{Format: order.CSV, Password: fileLock, Reason: "x"}
		if b, _, err := export(h.Admin(), o); !fault.Is(err, fault.Denied) || len(b) > 0 {
			t.Errorf("without a consent: %v", err)
		}
		if _, report, err := export(h.Admin(), exporter.Options{}); err != nil || !report.Policy {
			t.Errorf("the zip of IT Glue has passwords without a consent: %v %v", report, err)
		}
		if err := demand(false); !fault.Is(err, fault.Denied) {
			t.Errorf("one administrator takes the demand back: %v", err)
		}
		first, second := h.Admin(), h.Admin()
		first.User, first.Via, second.User, second.Via = 71, "session", 72, "session"
		ask := func(c *access.Caller, fn func(tx *gate.Tx) error) error {
			return h.Gate.Change(t.Context(), c, access.Administer, gate.Thing{}, fn)
		}
		var made *policy.Consent
		if err := ask(first, func(tx *gate.Tx) error { _, err := policy.Ask(tx, "We change the product"); return err }); err != nil {
			t.Fatal(err)
		}
		h.View(first, func(tx *gate.Tx) (err error) { made, err = policy.Mine(tx); return err })
		if err := ask(first, func(tx *gate.Tx) error { return policy.Decide(tx, made.ID, true) }); !fault.Is(err, fault.Denied) {
			t.Errorf("who asked consents: %v", err)
		}
		if err := ask(second, func(tx *gate.Tx) error { return policy.Decide(tx, made.ID, true) }); err != nil {
			t.Fatal(err)
		}
		if _, report, err := export(first, o); err != nil || report.Kinds["password"] != 3 {
			t.Errorf("with a consent: %v %v", report, err)
		}
		if _, _, err := export(second, o); !fault.Is(err, fault.Denied) {
			t.Errorf("who consented exports herself: %v", err)
		}
		h.Clock.Advance(policy.Holds)
		if _, _, err := export(first, o); !fault.Is(err, fault.Denied) {
			t.Errorf("once it is over: %v", err)
		}
	})
	for _, format := range order.Formats() { // a house after the other: one server of databases serves one
		t.Run(format+" comes in", func(t *testing.T) {
			b := files[format]
			again := open(t)
			p := filepath.Join(t.TempDir(), "export."+map[string]string{order.KDBX: "kdbx", order.Bitwarden: "json", order.CSV: "csv"}[format])
			product := vaults.Bitwarden
			if format == order.KDBX {
				product = vaults.KeePass
			}
			if format == order.CSV {
				z, err := archive.Open(bytes.NewReader(b), int64(len(b)), archive.Options{Password: fileLock})
				if err != nil {
					t.Fatal(err)
				}
				r, err := z.Open("passwords.csv")
				if err != nil {
					t.Fatal(err)
				}
				var plain bytes.Buffer
				if _, err := plain.ReadFrom(r); err != nil {
					t.Fatal(err)
				}
				b = plain.Bytes()
			}
			if err := os.WriteFile(p, b, 0o600); err != nil {
				t.Fatal(err)
			}
			again.Org("Harbour / North & Sons")
			again.Org("Harbour \u2215 North & Sons") // as the formats that separate folders by a stroke have it
			again.Org("South")
			_, err := again.vault(product, p, vaults.Places{Named: true}, false, func(o *importer.Options) { o.Password = vaults.Lock{Passphrase: fileLock}.String() })
			if err != nil {
				t.Fatal(err)
			}
			got := again.logins()
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], "\u2215", "/")
			}
			if !slices.Equal(got, before) {
				t.Errorf("came in: %q\nwere: %q", got, before)
			}
			again.View(again.Admin(), func(tx *gate.Tx) error {
				l, err := again.Records.List(tx, "password", record.Query{Filters: []record.Filter{{Field: "username", Op: record.Eq, Values: []any{"root"}}}})
				if err == nil && (len(l.Records) != 2 || !slices.ContainsFunc(l.Records, func(r *record.Record) bool {
					return r.Values.Text("notes") == "two\nlines, \"quoted\"" && r.Values.Bool("otp_enabled")
				})) {
					t.Errorf("notes or the one-time code did not come in")
				}
				return err
			})
		})
	}
}
