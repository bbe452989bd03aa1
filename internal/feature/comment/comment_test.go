package comment_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/notification"
)

// house is a house with people who have names and addresses.
type house struct {
	*coretest.House
	t        testing.TB
	comments *comment.Comments
}

func open(t *testing.T) *house {
	t.Helper()
	return openFor(t)
}

func openFor(t testing.TB) *house {
	t.Helper()
	kinds := coretest.Kinds()
	for _, k := range kinds {
		if k.Name == "user" {
			k.Fields = append(k.Fields, record.Field{Name: "email", Type: record.Text, Format: record.Email, Class: record.Personal, Filter: true})
		}
	}
	h := coretest.Open(t, coretest.Options{Features: []record.Feature{{Name: "test", Kinds: kinds}, notification.Feature(), comment.Feature()}})
	return &house{h, t, &comment.Comments{Records: h.Records}}
}

// person makes a user of that name.
func (h *house) person(name string, role access.Role, orgs ...id.ID) *access.Caller {
	h.t.Helper()
	c := h.User(role, orgs...)
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "user", c.User, 0, record.Values{"name": name, "email": strings.ReplaceAll(strings.ToLower(name), " ", ".") + "." + c.User.String() + "@demo.example"})
		return err
	})
	c.Name = name
	return c
}

// as does something to a record as c.
func (h *house) as(c *access.Caller, rec id.ID, fn func(tx *gate.Tx) error) error {
	return h.Gate.Change(h.t.Context(), c, access.Comment, gate.Thing{ID: rec}, fn)
}

func (h *house) say(c *access.Caller, rec id.ID, text string) (said *comment.Said, err error) {
	h.t.Helper()
	err = h.as(c, rec, func(tx *gate.Tx) (err error) { said, err = h.comments.Say(tx, rec, text); return err })
	return said, err
}

func (h *house) mustSay(c *access.Caller, rec id.ID, text string) *comment.Said {
	h.t.Helper()
	said, err := h.say(c, rec, text)
	if err != nil {
		h.t.Fatal(err)
	}
	return said
}

func (h *house) list(c *access.Caller, rec id.ID) (list []*comment.Comment) {
	h.t.Helper()
	h.View(c, func(tx *gate.Tx) (err error) { list, _, err = comment.List(tx, rec, 0, 50); return err })
	return list
}

// notices gives what somebody was told, the latest first.
func (h *house) notices(c *access.Caller) (out []string) {
	h.t.Helper()
	h.View(c, func(tx *gate.Tx) error {
		p, err := notification.List(tx, notification.Query{})
		for _, l := range p.Lines {
			out = append(out, l.Plain())
		}
		return err
	})
	return out
}

func TestMentionsAndWatchers(t *testing.T) {
	h := open(t)
	mine, theirs := h.Org("Mine"), h.Org("Theirs")
	doc := h.Make("document", mine, record.Values{"name": "Runbook"})
	ines, max, lea, far := h.person("Ines Park", access.Editor), h.person("Max Okafor", access.Creator), h.person("Lea", access.ReadOnly, mine), h.person("Far Away", access.Editor, theirs)
	h.Clock.Advance(time.Second)
	said := h.mustSay(ines, doc, "Look, @max okafor and **@Lea**, and @Far Away! Mail me@home, not @nobody.")
	if said.Told != 2 || !slices.Equal(said.Untold, []string{"Far Away"}) {
		t.Errorf("it said %+v", said)
	}
	list := h.list(lea, doc)
	if len(list) != 1 || list[0].AuthorName != "Ines Park" || !strings.Contains(list[0].HTML, "<strong>@Max Okafor</strong>") || !strings.Contains(list[0].HTML, "me@home, not @nobody") {
		t.Fatalf("there is %+v", list[0])
	}
	if got := h.notices(max); !slices.Equal(got, []string{"Ines Park mentioned you on Runbook"}) {
		t.Errorf("max reads %q", got)
	}
	if got := h.notices(far); len(got) != 0 {
		t.Errorf("who may not see it reads %q", got)
	}
	h.Clock.Advance(time.Second)
	h.mustSay(max, doc, "Done.")
	if got := h.notices(ines); !slices.Equal(got, []string{"Max Okafor commented on Runbook"}) {
		t.Errorf("the first author reads %q", got)
	}
	if err := h.Gate.Change(t.Context(), lea, access.View, gate.Thing{ID: doc}, func(tx *gate.Tx) error { return comment.Watch(tx, doc, false) }); err != nil {
		t.Fatal(err)
	}
	h.Clock.Advance(time.Second)
	h.mustSay(ines, doc, "Thanks, @Max.")
	if got := h.notices(lea); !slices.Equal(got, []string{"Max Okafor commented on Runbook", "Ines Park mentioned you on Runbook"}) {
		t.Errorf("who does not watch any more reads %q", got)
	}
	if got := h.notices(max); !slices.Equal(got, []string{"Ines Park mentioned you on Runbook", "Ines Park mentioned you on Runbook"}) {
		t.Errorf("who is mentioned and watches is told once: %q", got)
	}
}

func TestWhoIsMeant(t *testing.T) {
	h := open(t)
	doc := h.Make("document", h.Org("Mine"), record.Values{"name": "Runbook"})
	author := h.person("Wim Writer", access.Editor)
	anna, _, short := h.person("Anna Berg", access.Editor), h.person("Anna Holm", access.Editor), h.person("Anna", access.Editor)
	twin, _ := h.person("Jo Twin", access.Editor), h.person("Jo Twin", access.Editor)
	star := h.person("Al_ex* O'Neil-Ruiz", access.Editor)
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "user", star.User, 0, record.Values{"email": "star@demo.example"})
		return err
	})
	mail := "jo.twin." + twin.User.String() + "@demo.example"
	for _, c := range []struct {
		text  string
		told  int
		holds string
	}{
		{"@Anna Berg.", 1, "<strong>@Anna Berg</strong>."},
		{"@anna", 1, "<strong>@Anna</strong>"},
		{"(@ANNA BERG)", 1, "<strong>@Anna Berg</strong>"},
		{"@" + mail + ": yes", 1, "<strong>@Jo Twin</strong>: yes"},
		{"`@Anna Berg` and\n```\n@Anna Berg\n```", 0, "@Anna Berg"},
		{"x@Anna Berg", 0, "x@Anna Berg"},
		{"\\@Anna Berg", 0, "@Anna Berg"},
		{"@ @, @@ and @.", 0, "@ @"},
		{"@Wim Writer", 0, "<strong>@Wim Writer</strong>"},
		{"@nobody@nowhere.example", 0, "nobody@nowhere.example"},
		{"@star@demo.example", 1, "<strong>@Al_ex* O'Neil-Ruiz</strong>"},
		{"@100% _x_", 0, "@100%"},
	} {
		said, err := h.say(author, doc, c.text)
		if err != nil || said.Told != c.told || len(said.Untold) != 0 {
			t.Errorf("%q: %+v, %v", c.text, said, err)
			continue
		}
		list := h.list(author, doc)
		if got := list[len(list)-1].HTML; !strings.Contains(got, c.holds) {
			t.Errorf("%q is shown as %s", c.text, got)
		}
	}
	for text, says := range map[string]string{"@Jo Twin": "several people of that name", "@jo": "several people of that name"} {
		if _, err := h.say(author, doc, text); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Say(err).Fields["text"], says) {
			t.Errorf("%q gives %v", text, err)
		}
	}
	h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, "user", short.User) })
	if _, err := h.say(author, doc, "@anna"); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Say(err).Fields["text"], "Anna Berg or Anna Holm") {
		t.Errorf("a first name of two gives %v", err)
	}
	n := 0
	for _, s := range h.notices(anna) {
		if strings.Contains(s, "mentioned you") {
			n++
		}
	}
	if n != 2 {
		t.Errorf("Anna Berg reads %q", h.notices(anna))
	}
}

func TestEditAndRemove(t *testing.T) {
	h := open(t)
	org := h.Org("Mine")
	doc, other := h.Make("document", org, record.Values{"name": "Runbook"}), h.Make("document", org, record.Values{"name": "Other"})
	ines, max := h.person("Ines Park", access.Editor), h.person("Max Okafor", access.Editor)
	cid := h.mustSay(ines, doc, "Frist").ID
	edit := func(c *access.Caller, rec id.ID, text string) error {
		return h.as(c, rec, func(tx *gate.Tx) error { _, err := h.comments.Edit(tx, rec, cid, text); return err })
	}
	remove := func(c *access.Caller, rec id.ID) error {
		return h.as(c, rec, func(tx *gate.Tx) error { return h.comments.Remove(tx, rec, cid) })
	}
	h.Clock.Advance(time.Minute)
	if err := edit(max, doc, "No"); !fault.Is(err, fault.Denied) {
		t.Errorf("changing another's gives %v", err)
	}
	if err := edit(ines, other, "No"); !fault.Is(err, fault.NotFound) {
		t.Errorf("changing it at another record gives %v", err)
	}
	if err := edit(ines, doc, "First, @Max"); err != nil {
		t.Fatal(err)
	}
	h.Clock.Advance(time.Minute)
	if err := edit(ines, doc, "First and last, @Max"); err != nil {
		t.Fatal(err)
	}
	if got := h.notices(max); len(got) != 1 {
		t.Errorf("who is mentioned twice reads %q", got)
	}
	var versions []comment.Version
	h.View(max, func(tx *gate.Tx) (err error) { versions, err = comment.Versions(tx, doc, cid); return err })
	if len(versions) != 2 || !strings.Contains(versions[1].HTML, "Frist") || versions[0].At <= versions[1].At {
		t.Errorf("it said before: %+v", versions)
	}
	if got := h.list(max, doc)[0]; got.Edited == 0 || got.Source != "First and last, @Max" {
		t.Errorf("it says %+v", got)
	}
	if err := remove(max, doc); !fault.Is(err, fault.Denied) {
		t.Errorf("removing another's gives %v", err)
	}
	if err := remove(ines, doc); err != nil {
		t.Fatal(err)
	}
	if len(h.list(ines, doc)) != 0 || len(h.notices(max)) != 0 {
		t.Errorf("after its removal there is %v and %q", h.list(ines, doc), h.notices(max))
	}
	var rows int
	h.View(h.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select (select count(*) from record_comment_version) + (select count(*) from record_comment_mention)`).Scan(&rows)
	})
	if rows != 0 {
		t.Errorf("%d rows of it are left", rows)
	}
}

func TestWhoMayNotSeeReadsNothing(t *testing.T) {
	h := open(t)
	mine, theirs := h.Org("Mine"), h.Org("Theirs")
	doc := h.Make("document", mine, record.Values{"name": "Runbook"})
	ines, reader, far := h.person("Ines Park", access.Editor), h.person("Rob", access.ReadOnly, mine), h.person("Far Away", access.Editor, theirs)
	cid := h.mustSay(ines, doc, "Secret plan").ID
	if _, err := h.say(far, doc, "Hello"); !fault.Is(err, fault.NotFound) {
		t.Errorf("commenting on what is hidden gives %v", err)
	}
	if _, err := h.say(reader, doc, "Hello"); !fault.Is(err, fault.Denied) {
		t.Errorf("a reader's comment gives %v", err)
	}
	if got := h.list(far, doc); len(got) != 0 {
		t.Errorf("who may not see the record reads %+v", got)
	}
	h.View(far, func(tx *gate.Tx) error {
		if _, err := comment.Get(tx, doc, cid); !fault.Is(err, fault.NotFound) {
			t.Errorf("one comment gives %v", err)
		}
		if _, err := comment.Versions(tx, doc, cid); !fault.Is(err, fault.NotFound) {
			t.Errorf("its versions give %v", err)
		}
		return nil
	})
	err := h.Gate.Change(t.Context(), far, access.View, gate.Thing{}, func(tx *gate.Tx) error { return comment.Watch(tx, doc, true) })
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("watching what is hidden gives %v", err)
	}
	for text, field := range map[string]string{"  ": "text", strings.Repeat("é", comment.MaxText+1): "text"} {
		if _, err := h.say(ines, doc, text); !fault.Is(err, fault.Invalid) || fault.Say(err).Fields[field] == "" {
			t.Errorf("a text of %d bytes gives %v", len(text), err)
		}
	}
	h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, "document", doc) })
	if got := h.list(ines, doc); len(got) != 0 {
		t.Errorf("in the trash it has %+v", got)
	}
	h.Change(func(tx *gate.Tx) error { return h.Records.Purge(tx, "document", doc) })
	var rows int
	h.View(h.Admin(), func(tx *gate.Tx) error { return tx.QueryRow(`select count(*) from record_comment`).Scan(&rows) })
	if rows != 0 {
		t.Errorf("%d comments of a purged record are left", rows)
	}
}

func TestPages(t *testing.T) {
	h := open(t)
	doc := h.Make("document", h.Org("Mine"), record.Values{"name": "Runbook"})
	ines := h.person("Ines Park", access.Editor)
	for _, s := range []string{"a", "b", "c", "d", "e"} {
		h.mustSay(ines, doc, s)
	}
	var got []string
	for before := id.ID(0); ; {
		var list []*comment.Comment
		var earlier bool
		h.View(ines, func(tx *gate.Tx) (err error) { list, earlier, err = comment.List(tx, doc, before, 2); return err })
		for _, c := range slices.Backward(list) {
			got = append(got, c.Source)
		}
		if !earlier {
			break
		}
		before = list[0].ID
	}
	if strings.Join(got, "") != "edcba" {
		t.Errorf("the pages gave %q", got)
	}
}

// FuzzMentions: whatever is typed becomes a comment or a sentence about it, and
// runs nothing.
func FuzzMentions(f *testing.F) {
	for _, s := range []string{"@Ines Park", "```\n@x", "`@Ines", "@a.b@c.d.", "<script>alert(1)</script>@Ines", "@" + strings.Repeat("a ", 50), "\xff@\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, "\x00") || len(s) > 2000 {
			t.Skip("no form sends it")
		}
		h := open(t)
		doc := h.Make("document", h.Org("Mine"), record.Values{"name": "Runbook"})
		ines := h.person("Ines Park", access.Editor)
		_, err := h.say(ines, doc, s)
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatalf("%q: %v", s, err)
		}
		if err == nil && strings.Contains(strings.ToLower(h.list(ines, doc)[0].HTML), "<script") {
			t.Fatalf("%q holds a script", s)
		}
	})
}
