package importertest_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/exporter/policy"
)

// TestPolicy: whom the tenant's setting does not let have secrets gets the export
// without them, older versions included, and nothing is recorded as revealed.
func TestPolicy(t *testing.T) {
	h := open(t)
	org := h.Make("organization", 0, record.Values{"name": "Harbour"})
	pw := h.Make("password", org, record.Values{"name": "Router", "password": "pw-older", "otp_secret": "JBSWY3DPEHPK3PXP"})
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "password", pw, 0, record.Values{"password": "pw-now"})
		return err
	})
	reveals := func() (n int) {
		h.View(h.Admin(), func(tx *gate.Tx) error {
			list, err := tx.Activity(audit.Filter{Object: pw, Limit: 1000})
			for _, e := range list {
				if e.Action == secret.Granted {
					n++
				}
			}
			return err
		})
		return n
	}
	admin, manager := access.System(h.Admin().Tenant, "test"), access.System(h.Admin().Tenant, "test")
	manager.Role = access.Manager
	for _, test := range []struct {
		who   policy.Who
		c     *access.Caller
		wants bool
	}{
		{policy.Exporters, admin, true}, {policy.Exporters, manager, true}, {policy.Administrators, admin, true}, {policy.Administrators, manager, false}, {policy.Nobody, admin, false}, {policy.Nobody, manager, false},
	} {
		err := h.Gate.Change(t.Context(), h.Admin(), access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return policy.Set(tx, test.who, false) })
		if err != nil {
			t.Fatal(err)
		}
		before := reveals()
		var out bytes.Buffer
		r, err := h.ex.Export(t.Context(), test.c, &out, exporter.Options{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(unpack(t, out.Bytes()), "\n")
		if got := strings.Contains(all, "pw-now") && strings.Contains(all, "pw-older") && strings.Contains(all, "JBSWY"); got != test.wants || r.Policy == test.wants || (reveals() > before) != test.wants {
			t.Errorf("%q, as %s: with secrets is %v, the report says %v, %d reveals were recorded", test.who, test.c.Role, got, r.Policy, reveals()-before)
		}
		if !test.wants && (strings.Contains(all, "pw-") || strings.Contains(all, "JBSWY")) {
			t.Errorf("%q, as %s: a secret went out", test.who, test.c.Role)
		}
	}
	err := h.Gate.Change(t.Context(), h.Admin(), access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return policy.Set(tx, "whoever", false) })
	if err == nil {
		t.Error("a setting that is none is kept")
	}
}

// unpack gives the contents of a zip.
func unpack(t *testing.T, b []byte) (out []string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	return out
}
