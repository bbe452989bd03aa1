package featurestest_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

func (v *vault) restrict(kind string, rec id.ID, on bool, users ...id.ID) {
	v.t.Helper()
	v.Change(func(tx *gate.Tx) error { return v.Records.SetAccess(tx, kind, rec, on, users, nil) })
}

// sees tells which of these the caller may see.
func (v *vault) sees(c *access.Caller, list ...id.ID) (out string) {
	v.t.Helper()
	v.View(c, func(tx *gate.Tx) error {
		for _, rec := range list {
			switch _, err := v.Records.Get(tx, "", rec); {
			case err == nil:
				out += "y"
			case fault.Is(err, fault.NotFound):
				out += "-"
			default:
				return err
			}
		}
		return nil
	})
	return out
}

// TestARestrictedFolderClosesWhatLiesInIt, and below, to everybody but whom it names;
// what is restricted itself is open to whom it names itself.
func TestARestrictedFolderClosesWhatLiesInIt(t *testing.T) {
	v := newVault(t)
	top := v.folder("Core", 0)
	sub := v.folder("Switches", top)
	in, under, own, out := v.password("a", top), v.password("b", sub), v.password("c", sub), v.password("d", 0)
	all := []id.ID{top, sub, in, under, own, out}
	bob, carol, editor := v.User(access.Editor), v.User(access.Editor), v.User(access.Editor)
	bob.Granted, carol.Granted = true, true
	check := func(what, bobs, carols, editors string) {
		t.Helper()
		if got := fmt.Sprint(v.sees(bob, all...), " ", v.sees(carol, all...), " ", v.sees(editor, all...), " ", v.sees(v.Admin(), all...)); got != bobs+" "+carols+" "+editors+" yyyyyy" {
			t.Errorf("%s: Bob, Carol, an editor and an administrator see %s", what, got)
		}
	}
	v.restrict("password", own, true, carol.User)
	v.restrict("password_folder", top, true, bob.User)
	check("restricted", "yyyy-y", "----yy", "-----y")
	want(t, v.see(editor, under), fault.NotFound)
	if err := v.see(bob, under); err != nil {
		t.Error(err)
	}
	made := v.password("made later", sub)
	if got := v.sees(bob, made) + v.sees(editor, made); got != "y-" {
		t.Errorf("what is made in it is seen by %s", got)
	}
	v.mustUpdate("password_folder", sub, record.Values{"parent_id": nil})
	check("the folder below moved out", "yyyy-y", "-y-yyy", "-y-y-y")
	v.mustUpdate("password_folder", sub, record.Values{"parent_id": top})
	v.mustUpdate("password", under, record.Values{"password_folder_id": nil})
	check("back, and one moved out", "yyyy-y", "---yyy", "---y-y")
	v.mustUpdate("password", under, record.Values{"password_folder_id": sub, "restricted": false})
	v.restrict("password", own, false)
	check("all in it, none restricted itself", "yyyyyy", "-----y", "-----y")
	until := v.Clock.Now().Add(time.Hour).UnixMilli()
	v.Change(func(tx *gate.Tx) error { return access.SetEnds(tx.SQL(), top, map[id.ID]int64{bob.User: until}) })
	v.Change(func(tx *gate.Tx) error {
		if err := v.Records.Trash(tx, "password_folder", top); err != nil {
			return err
		}
		return v.Records.Purge(tx, "password_folder", top)
	})
	all = all[1:]
	if got := v.sees(bob, all...) + " " + v.sees(editor, all...); got != "yyyyy ----y" {
		t.Errorf("the folder purged: %s", got)
	}
	v.Clock.Advance(time.Hour)
	if got := v.sees(bob, all...); got != "----y" {
		t.Errorf("past the end of the folder's grant: %s", got)
	}
}

// TestMovingIsSayingWhoMaySee: what would be open to others takes the right to say so.
func TestMovingIsSayingWhoMaySee(t *testing.T) {
	v := newVault(t)
	shut, free := v.folder("Shut", 0), v.folder("Free", 0)
	creator, editor := v.User(access.Creator), v.User(access.Editor)
	creator.Granted, editor.Granted = true, true
	v.restrict("password_folder", shut, true, creator.User, editor.User)
	rec := v.password("a", shut)
	move := func(c *access.Caller, to id.ID) error {
		return v.Gate.Change(t.Context(), c, access.Edit, gate.Thing{Kind: "password", ID: rec}, func(tx *gate.Tx) error {
			_, err := v.Records.Update(tx, "password", rec, 0, record.Values{"password_folder_id": to})
			return err
		})
	}
	want(t, move(creator, free), fault.Denied)
	if err := move(editor, free); err != nil {
		t.Error(err)
	}
	want(t, move(creator, shut), fault.Denied)
	if err := move(creator, v.folder("As free", 0)); err != nil {
		t.Error(err)
	}
}

// cabinet is a tree of folders and passwords as the rules want it.
type cabinet struct {
	list   []id.ID
	folder map[id.ID]bool
	above  map[id.ID]id.ID
	own    map[id.ID]bool
	gone   map[id.ID]bool
}

func (s *cabinet) guard(rec id.ID) (guard id.ID, restricted bool) {
	for at := rec; at != 0; at = s.above[at] {
		if s.own[at] {
			return at, true
		}
	}
	return rec, false
}

func (s *cabinet) kind(rec id.ID) (kind, field string) {
	if s.folder[rec] {
		return "password_folder", "parent_id"
	}
	return "password", "password_folder_id"
}

// within tells whether rec lies in folder or is it.
func (s *cabinet) within(rec, folder id.ID) bool {
	for at := rec; at != 0; at = s.above[at] {
		if at == folder {
			return true
		}
	}
	return false
}

// TestRestrictionsFollowTheTree: whatever is made, moved, restricted, deleted and
// brought back, each row says what the tree says, and the totals count it.
func TestRestrictionsFollowTheTree(t *testing.T) {
	v := newVault(t)
	manager := v.User(access.Manager)
	rapid.Check(t, func(r *rapid.T) {
		v.org = v.Org("O")
		s := &cabinet{folder: map[id.ID]bool{}, above: map[id.ID]id.ID{}, own: map[id.ID]bool{}, gone: map[id.ID]bool{}}
		some := func(folders bool) id.ID {
			list := []id.ID{}
			for _, x := range s.list {
				if !s.gone[x] && (!folders || s.folder[x]) {
					list = append(list, x)
				}
			}
			if len(list) == 0 {
				return 0
			}
			return rapid.SampledFrom(list).Draw(r, "one")
		}
		for range rapid.IntRange(4, 14).Draw(r, "steps") {
			s.step(v, r, some)
		}
		s.compare(v, r, manager)
	})
}

func (s *cabinet) step(v *vault, r *rapid.T, some func(bool) id.ID) {
	rec, to := some(false), some(true)
	kind, field := s.kind(rec)
	what := rapid.SampledFrom([]string{"folder", "password", "move", "restrict", "open", "write", "trash", "back"}).Draw(r, "what")
	switch {
	case what == "folder" || rec == 0:
		made := v.folder("f", to)
		s.list, s.folder[made], s.above[made] = append(s.list, made), true, to
	case what == "password":
		values := record.Values{"name": "p"}
		if to != 0 {
			values["password_folder_id"] = to
		}
		made := v.Make("password", v.org, values)
		s.list, s.above[made] = append(s.list, made), to
	case what == "move":
		if s.folder[rec] && s.within(to, rec) {
			to = 0
		}
		v.mustUpdate(kind, rec, record.Values{field: to})
		s.above[rec] = to
	case what == "restrict" || what == "open":
		v.restrict(kind, rec, what == "restrict")
		s.own[rec] = what == "restrict"
	case what == "write":
		on := rapid.Bool().Draw(r, "on")
		if _, was := s.guard(rec); on && !was || !on {
			s.own[rec] = on
		}
		v.mustUpdate(kind, rec, record.Values{"restricted": on})
	case what == "trash" && !s.folder[rec]:
		v.Change(func(tx *gate.Tx) error { return v.Records.Trash(tx, kind, rec) })
		s.gone[rec] = true
	case what == "back":
		for x := range s.gone {
			v.Change(func(tx *gate.Tx) error { return v.Records.Untrash(tx, "password", x) })
			delete(s.gone, x)
		}
	}
}

func (s *cabinet) compare(v *vault, r *rapid.T, manager *access.Caller) {
	counted, seen := map[string]int64{}, map[string]int64{}
	v.View(v.Admin(), func(tx *gate.Tx) error {
		for _, x := range s.list {
			var guard int64
			var restricted bool
			if err := tx.QueryRow(`select guard_id, restricted from record where id = ?`, int64(x)).Scan(&guard, &restricted); err != nil {
				return err
			}
			g, want := s.guard(x)
			if id.ID(guard) != g || restricted != want {
				r.Errorf("%s: guard %d, restricted %t; want %d, %t", x, guard, restricted, g, want)
			}
			if kind, _ := s.kind(x); !s.gone[x] {
				counted[kind]++
				if !want {
					seen[kind]++
				}
			}
		}
		return nil
	})
	for c, want := range map[*access.Caller]map[string]int64{v.Admin(): counted, manager: seen} {
		v.View(c, func(tx *gate.Tx) error {
			got, err := v.Records.Totals(tx, v.org)
			for _, kind := range []string{"password", "password_folder"} {
				if got[kind] != want[kind] {
					r.Errorf("%s counts %d of %s, want %d", c.Role, got[kind], kind, want[kind])
				}
			}
			return err
		})
	}
}
