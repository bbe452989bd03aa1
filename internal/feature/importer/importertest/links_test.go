package importertest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/exporter"
)

func notesWithLinks() files {
	return files{
		"organizations.csv": csv("id,name,quick_notes", `101,One,"<p><a href=""https://msp.itglue.com/101/passwords/501"">the key</a>, <a href=""/101/configurations/401"">srv</a> and <a href=""https://msp.itglue.com/101/docs/999"">gone</a></p>"`),
		"configurations.csv": csv("id,organization,name,configuration_type,notes", `401,One,srv,Server,"<p>For <a href=""https://msp.itglue.com/101"">them</a>, with <a href=""https://example.com/101/docs/1"">this</a></p>"`,
			"402,One,plain,Server,<p>nothing</p>"),
		"passwords.csv": csv("id,organization,name,password", "501,One,Key,x"),
	}
}

// TestNotesLeadToWhatCameIn: links in quick notes and in notes of configurations
// lead to the records of this house, also to those that came in later.
func TestNotesLeadToWhatCameIn(t *testing.T) {
	h := open(t)
	p := notesWithLinks().pack(t, "")
	h.run(p)
	shown := func() (notes, quick string) {
		return h.one("configuration", "srv").Values.Text("notes"), h.one("organization", "One").Values.Text("quick_notes")
	}
	notes, quick := shown()
	org := h.one("organization", "One").ID.String()
	for _, want := range []string{`href="/` + org + `/passwords/` + h.one("password", "Key").ID.String() + `"`, `href="/` + org + `/configurations/` + h.one("configuration", "srv").ID.String() + `"`,
		`href="https://msp.itglue.com/101/docs/999"`} {
		if !strings.Contains(quick, want) {
			t.Errorf("quick notes have no %s: %s", want, quick)
		}
	}
	if !strings.Contains(notes, `href="/`+org+`"`) || !strings.Contains(notes, `href="https://example.com/101/docs/1"`) {
		t.Errorf("the notes are %s", notes)
	}
	if r := h.run(p); r.Unchanged != 4 || r.Changed+r.Conflicts+r.Created != 0 {
		t.Errorf("the same import again: %+v", r.Counts)
	}
	if n, q := shown(); n != notes || q != quick {
		t.Errorf("the same import again changed %s, %s", n, q)
	}
	f := notesWithLinks()
	f["configurations.csv"] = strings.Replace(f["configurations.csv"], "For <a", "Now for <a", 1)
	if r := h.run(f.pack(t, "")); r.Changed != 1 || r.Conflicts != 0 {
		t.Errorf("a changed row: %+v", r.Counts)
	}
	if n, _ := shown(); n != strings.Replace(notes, "For <a", "Now for <a", 1) {
		t.Errorf("after the change the notes are %s", n)
	}
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "configuration", h.one("configuration", "srv").ID, 0, record.Values{"notes": "<p>mine</p>"})
		return err
	})
	h.run(f.pack(t, ""))
	if n, _ := shown(); n != "<p>mine</p>" {
		t.Errorf("what was written here became %s", n)
	}
}

// TestArchivedInterfacesStayArchived on the way out and in.
func TestArchivedInterfacesStayArchived(t *testing.T) {
	zip := filepath.Join(t.TempDir(), "export.zip")
	t.Run("export", func(t *testing.T) {
		h := open(t)
		org := h.Org("One")
		cfg := h.Make("configuration", org, record.Values{"name": "srv", "configuration_type_id": h.one("configuration_type", "Server").ID})
		h.Make("configuration_interface", 0, record.Values{"name": "eth0", "configuration_id": cfg, "ip_address": "192.0.2.1", "primary": true})
		h.Make("configuration_interface", 0, record.Values{"name": "eth1", "configuration_id": cfg, "archived": true})
		b, err := os.ReadFile(h.export(exporter.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(zip, b, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	h := open(t)
	h.run(zip)
	for name, archived := range map[string]bool{"eth0": false, "eth1": true} {
		if r := h.one("configuration_interface", name); r.Archived != archived {
			t.Errorf("%s is archived: %v", name, r.Archived)
		}
	}
}
