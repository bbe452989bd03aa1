package importertest_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/sealed"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/exporter/policy"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/sensitive"
)

// sealedHouse is one with a value in each sort of sealed field: of a table of IT Glue's,
// of what stands in a cell of such a table, of a kind that it does not know, and of a type
// that was designed.
func sealedHouse(t *testing.T) *house {
	h := open(t)
	org := h.Make("organization", 0, record.Values{"name": "Harbour"})
	var trait string
	h.Change(func(tx *gate.Tx) error {
		typ, err := h.Records.Create(tx, flexibleasset.TypeKind, record.Values{"name": "Safe"})
		if err != nil {
			return err
		}
		var made []id.ID
		for i, name := range []string{"Name", "Code"} {
			f, err := h.Records.Create(tx, flexibleasset.FieldKind, record.Values{flexibleasset.TypeField: typ.ID, "name": name, "kind": flexibleasset.Text, "use_for_title": i == 0})
			if err != nil {
				return err
			}
			made = append(made, f.ID)
		}
		trait = record.TraitName(made[1])
		for kind, field := range map[string]string{"configuration": "serial_number", "configuration_interface": "notes", "rack": "height", flexibleasset.Kind: trait} {
			if err := sealed.Set(tx, sealed.Mark{Kind: kind, Field: field, State: sealed.Done}); err != nil {
				return err
			}
		}
		sort, err := h.Records.Create(tx, "configuration_type", record.Values{"name": "Sealed"})
		if err != nil {
			return err
		}
		c, err := h.Records.Create(tx, "configuration", record.Values{"organization_id": org, "name": "srv", "configuration_type_id": sort.ID, "serial_number": "sealed-serial"})
		if err != nil {
			return err
		}
		for _, m := range []struct {
			kind string
			v    record.Values
		}{
			{"configuration_interface", record.Values{"configuration_id": c.ID, "name": "eth0", "notes": "sealed-port"}},
			{"rack", record.Values{"organization_id": org, "name": "Rack", "height": int64(4711)}},
			{flexibleasset.Kind, record.Values{"organization_id": org, flexibleasset.TypeField: typ.ID, record.TraitName(made[0]): "Cellar", trait: "sealed-code"}},
		} {
			if _, err := h.Records.Create(tx, m.kind, m.v); err != nil {
				return fmt.Errorf("%s: %w", m.kind, err)
			}
		}
		return nil
	})
	return h
}

// shown counts the looks in the log.
func (h *house) shown() (ok, refused int) {
	h.t.Helper()
	h.Gate.Flush(h.t.Context(), true)
	h.View(h.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select coalesce(sum(case when result = 'ok' then 1 else 0 end), 0), coalesce(sum(case when result = 'ok' then 0 else 1 end), 0) from audit_entry where action = ?`, sensitive.Shown).Scan(&ok, &refused)
	})
	return ok, refused
}

// TestSealedFieldsInExports: values of sealed fields are in an export where the setting
// says so, of who may have secrets, each looked at once in the log; else the export says
// how many it lacks.
func TestSealedFieldsInExports(t *testing.T) {
	h := sealedHouse(t)
	fields := &sensitive.Fields{Gate: h.Gate, Records: h.Records}
	h.ex.Fields = fields.ShowMany
	deny := secret.Policy(func(*gate.Tx, secret.Ref, *audit.Entry) error {
		return fault.New(fault.Denied, "Not without an approval.")
	})
	const values = 4
	var whole []byte
	for _, test := range []struct {
		what              string
		who               policy.Who
		fields, noSecrets bool
		policies          []secret.Policy
		out               bool
		withheld          int64
		looks, refused    int
	}{
		{"as it comes", policy.Exporters, false, false, nil, false, values, 0, 0},
		{"with the setting", policy.Exporters, true, false, nil, true, 0, values, 0},
		{"without secrets", policy.Exporters, true, true, nil, false, 0, 0, 0},
		{"who gets no secrets", policy.Nobody, true, false, nil, false, 0, 0, 0},
		{"what takes an approval", policy.Exporters, true, false, []secret.Policy{deny}, false, values, 0, values},
	} {
		if err := h.Gate.Change(t.Context(), h.Admin(), access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return policy.Set(tx, test.who, test.fields) }); err != nil {
			t.Fatal(err)
		}
		fields.Policies = test.policies
		looks, refused := h.shown()
		var b bytes.Buffer
		r, err := h.ex.Export(t.Context(), h.Admin(), &b, exporter.Options{NoSecrets: test.noSecrets}, nil)
		if err != nil {
			t.Fatalf("%s: %v", test.what, err)
		}
		all := strings.Join(unpack(t, b.Bytes()), "\n")
		for _, v := range []string{"sealed-serial", "sealed-port", "4711", "sealed-code"} {
			if strings.Contains(all, v) != test.out {
				t.Errorf("%s: %s in the export is %v", test.what, v, !test.out)
			}
		}
		if ok, not := h.shown(); r.Withheld != test.withheld || ok-looks != test.looks || not-refused != test.refused || strings.Count(all, `"why"`) != int(test.withheld) {
			t.Errorf("%s: %d withheld, %d looks, %d refused, %d lines", test.what, r.Withheld, ok-looks, not-refused, strings.Count(all, `"why"`))
		}
		if test.out {
			whole = b.Bytes()
		}
	}
	p := filepath.Join(t.TempDir(), "e.zip")
	if err := os.WriteFile(p, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	other := open(t) // in the place of the first
	other.run(p)
	if c := other.one("configuration", "srv"); c.Values["serial_number"] != "sealed-serial" || other.one("rack", "Rack").Values["height"] != int64(4711) {
		t.Errorf("elsewhere it is %v", c.Values)
	}
	if said := fmt.Sprint(other.one(flexibleasset.Kind, "Cellar").Values); !strings.Contains(said, "sealed-code") {
		t.Errorf("elsewhere the asset is %s", said)
	}
}

// TestSealedFieldsOfWhoMayNot: who may export and not see sealed fields gets none of them.
func TestSealedFieldsOfWhoMayNot(t *testing.T) {
	h := sealedHouse(t)
	c := h.one("configuration", "srv")
	key := *h.Admin()
	key.Scope.NoPasswords = true
	fields, refs := &sensitive.Fields{Gate: h.Gate, Records: h.Records}, []secret.Ref{{Kind: "configuration", Object: c.ID, Field: "serial_number"}}
	given := 0
	err := fields.ShowMany(t.Context(), &key, refs, "", func(_ secret.Ref, v any, why error) error {
		if given++; v != nil || !fault.Is(why, fault.Denied) {
			t.Errorf("it is %v, %v", v, why)
		}
		return nil
	})
	if ok, _ := h.shown(); err != nil || given != 1 || ok != 0 {
		t.Errorf("given %d, %v; %d looks", given, err, ok)
	}
	reader := h.User(access.ReadOnly, c.Org)
	if err := fields.ShowMany(t.Context(), reader, refs, "", func(secret.Ref, any, error) error { t.Error("given"); return nil }); !fault.Is(err, fault.Denied) {
		t.Errorf("who may not export: %v", err)
	}
}
