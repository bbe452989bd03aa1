package vault_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/envelope"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/webui/webuitest"
)

// view is a vault as the reference sees it for somebody.
type view struct {
	*hostproof.Vault
	manifest *hostproof.Manifest
	leaves   map[int64]hostproof.Leaf
	items    map[int64]hostproof.Content
	withheld [][]byte
	members  map[int64]*hostproof.Statement
}

// viewOf opens a vault with keys that are open, and verifies all that the server gives.
func viewOf(t *testing.T, h *webuitest.House, role access.Role, keys, owner *hostproof.Keyset, at id.ID) view {
	t.Helper()
	got, err := (&vault.Vaults{Gate: h.Gate}).Read(t.Context(), callerOf(h, role), at)
	must(t, err)
	g, err := hostproof.ParseGrant(got.Grant)
	must(t, err)
	var members []hostproof.Member
	x := view{leaves: map[int64]hostproof.Leaf{}, items: map[int64]hostproof.Content{}, withheld: got.Withheld, members: map[int64]*hostproof.Statement{}}
	for _, m := range got.Members {
		s, err := hostproof.ParseStatement(m.Statement)
		must(t, err)
		g, err := hostproof.ParseGrant(m.Grant)
		must(t, err)
		members, x.members[s.User] = append(members, hostproof.Member{Statement: s, Grant: g}), s
	}
	writers, err := hostproof.Writers(int64(at), g.Epoch, owner.Statement, members)
	must(t, err)
	x.Vault, err = keys.OpenVault(g, int64(at), owner.Statement, writers, g.Time)
	must(t, err)
	var leaves []hostproof.Leaf
	for _, sealed := range got.Items {
		c, leaf, err := x.Open(sealed)
		must(t, err)
		x.items[leaf.Item], x.leaves[leaf.Item], leaves = c, leaf, append(leaves, leaf)
	}
	for _, header := range got.Withheld {
		leaf, err := x.Withheld(header)
		must(t, err)
		x.leaves[leaf.Item], leaves = leaf, append(leaves, leaf)
	}
	x.manifest, err = hostproof.ParseManifest(got.Manifest)
	must(t, err)
	_, err = x.Check(x.manifest, leaves, hostproof.Memory{})
	must(t, err)
	return x
}

// limits writes an item anew for some members, as the command line does.
func (x view) limits(t *testing.T, h *webuitest.House, role access.Role, keys *hostproof.Keyset, item int64, to ...int64) {
	t.Helper()
	var list []*hostproof.Statement
	for _, u := range to {
		list = append(list, x.members[u])
	}
	last := x.leaves[item]
	sealed, leaf, err := keys.SealFor(x.Vault, item, &last, x.items[item], list, 1)
	must(t, err)
	x.leaves[item] = leaf
	var all []hostproof.Leaf
	for _, l := range x.leaves {
		all = append(all, l)
	}
	m, err := keys.Manifest(x.Vault, x.manifest, all, 1)
	must(t, err)
	must(t, (&vault.Vaults{Gate: h.Gate}).Write(t.Context(), callerOf(h, role), id.ID(x.ID), vault.Write{Put: [][]byte{sealed}, Manifest: m.Marshal()}))
}

// reopen opens a vault again as the page does, with the keys that were opened before: what
// the server shows is fetched and verified anew, and no passphrase is stretched.
func reopen(b *browser.Tab, at id.ID) {
	browser.Eval[int](b, fmt.Sprintf(`(async (e) => { globalThis.opened ??= e.keys; await e.busy(e, async () => { e.keys = globalThis.opened; await e.load(); await e.listedSelf(); await e.open(%d); e.opened(); await e.proven; }); return 1; })(document.querySelector("sr-vault"))`, int64(at)))
}

// TestLimitedByHand: the page shows what is for its person, limits items to some members,
// notices a server that withholds what is not limited, and moves a limited item into another vault, where
// it stays limited.
func TestLimitedByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	owner, at := fill(t, h, access.Editor, 3)
	mine, there := fill(t, h, access.Manager, 0)
	third, _ := fill(t, h, access.Administrator, 0)
	x := viewOf(t, h, access.Editor, owner, owner, at)
	for _, k := range []*hostproof.Keyset{mine, third} {
		g, err := owner.Grant(x.Vault, k.Statement, hostproof.Writer, 0, 1)
		must(t, err)
		must(t, (&vault.Vaults{Gate: h.Gate}).Grant(t.Context(), callerOf(h, access.Editor), at, g.Marshal()))
	}
	own := viewOf(t, h, access.Manager, mine, mine, there)
	g, err := mine.Grant(own.Vault, third.Statement, hostproof.Writer, 0, 1)
	must(t, err)
	must(t, (&vault.Vaults{Gate: h.Gate}).Grant(t.Context(), callerOf(h, access.Manager), there, g.Marshal()))
	a, m := owner.Statement.User, mine.Statement.User
	viewOf(t, h, access.Editor, owner, owner, at).limits(t, h, access.Editor, owner, 1, a)
	viewOf(t, h, access.Editor, owner, owner, at).limits(t, h, access.Editor, owner, 2, a, m)

	p := newProxy(t, h.URL)
	b := browser.Open(t, p.URL)
	signIn(b, access.Manager)
	fp := owner.Statement.Fingerprint()
	b.Visit("/vault")
	browser.Eval[int](b, fmt.Sprintf(`(localStorage["vault/%s/%d"] = JSON.stringify({ people: { %d: "%s" } }), 1)`, mine.Statement.Tenant, m, a, hex.EncodeToString(fp[:])))
	unlock(b, passphrase)
	b.Wait(state + ` == "open"`)
	choose(b, at.String())
	b.Wait(rows + ` == "Item 0002For 2 people,Item 0003" && !document.querySelector("[data-withheld]").hidden`)
	if s := b.Text("[data-withheld]"); s != "One more item in this vault is limited to others." {
		t.Errorf("it says %q", s)
	}
	t.Run("a hostile server", func(t *testing.T) { withholds(t, p, b, at) })
	b.Click("[data-add]")
	b.Wait(`document.querySelector("[data-dialog]").open`)
	b.Type("#vault-title", "Of two")
	b.Type("#vault-password", "Wombat-78")
	b.Click("[data-limited]")
	b.Wait(`!document.querySelector("[data-limited-to]").hidden && document.querySelectorAll("[data-member]:checked").length == 2 && document.querySelectorAll("[data-member]:disabled").length == 2`)
	b.Axe("whom an item is for")
	b.Shot("vault-limited")
	b.Dark(true)
	b.Shot("vault-limited-dark")
	b.Phone()
	b.NoSideScroll("whom an item is for")
	b.Shot("vault-limited-phone")
	b.Desktop()
	b.Click("[data-edit] button.primary")
	b.Wait(rows + ` == "Item 0002For 2 people,Item 0003,Of twoFor 2 people"`)
	b.Axe("limited items")
	b.Shot("vault-limited-list")

	now := viewOf(t, h, access.Administrator, third, owner, at)
	if len(now.items) != 2 || len(now.withheld) != 3 {
		t.Errorf("somebody else reads %v, and %d are withheld", now.items, len(now.withheld))
	}
	// Everybody again, with a new key; and what is not hers is not changed by her.
	b.Click("[data-rows] tr:first-child .vtitle")
	b.Wait(`document.querySelector("[data-dialog]").open && document.querySelector("[data-limited]").checked`)
	b.Click("[data-limited]")
	b.Click("[data-edit] button.primary")
	b.Wait(rows + ` == "Item 0002,Item 0003,Of twoFor 2 people"`)
	now = viewOf(t, h, access.Administrator, third, owner, at)
	if len(now.withheld) != 2 || now.items[2]["title"] != "Item 0002" {
		t.Errorf("afterwards somebody else reads %v", now.items)
	}
	all := viewOf(t, h, access.Editor, owner, owner, at)
	if len(all.items) != 5 || len(all.withheld) != 0 {
		t.Errorf("the owner reads %v", all.items)
	}
	for n := range now.leaves {
		if _, ok := now.items[n]; !ok {
			now.intrudes(t, h, third, n)
		}
	}
	b.Click("[data-rows] tr:nth-child(3) [data-pick]")
	b.Click("[data-several-move]")
	b.Wait(said + `.includes("one item moved to") && ` + rows + ` == "Item 0002,Item 0003"`)
	choose(b, there.String())
	b.Wait(rows + ` == "Of twoFor you only"`)
	own = viewOf(t, h, access.Manager, mine, mine, there)
	for n, c := range own.items {
		if c["title"] == "Of two" && (c["password"] != "Wombat-78" || len(own.leaves[n].For) != 1 || own.leaves[n].For[0] != m) {
			t.Errorf("it was moved as %v, for %v", c, own.leaves[n].For)
		}
	}
	if now := viewOf(t, h, access.Administrator, third, mine, there); len(now.withheld) != 1 || len(now.items) != 1 || len(own.items) != 2 {
		t.Errorf("in the other vault somebody else reads %v, and %d are withheld", now.items, len(now.withheld))
	}
	if left := viewOf(t, h, access.Editor, owner, owner, at); len(left.items) != 4 {
		t.Errorf("where it was, the owner reads %v", left.items)
	}
}

// intrudes: who is not among those whom an item is for cannot put another in its place, nor
// remove it.
func (x view) intrudes(t *testing.T, h *webuitest.House, keys *hostproof.Keyset, n int64) {
	t.Helper()
	last := x.leaves[n]
	sealed, leaf, err := keys.Seal(x.Vault, n, &last, hostproof.Content{"title": "mine now"}, 1)
	must(t, err)
	for name, w := range map[string]vault.Write{"put": {Put: [][]byte{sealed}}, "remove": {Remove: []int64{n}}} {
		var all []hostproof.Leaf
		for i, l := range x.leaves {
			switch {
			case i != n:
				all = append(all, l)
			case name == "put":
				all = append(all, leaf)
			}
		}
		m, err := keys.Manifest(x.Vault, x.manifest, all, 1)
		must(t, err)
		w.Manifest = m.Marshal()
		if err := (&vault.Vaults{Gate: h.Gate}).Write(t.Context(), callerOf(h, access.Administrator), id.ID(x.ID), w); err == nil || !strings.Contains(err.Error(), "limited to others") {
			t.Errorf("%s of item %d: %v", name, n, err)
		}
	}
}

// withholds lets a server keep items back, or show what is for others.
func withholds(t *testing.T, p *proxy, b *browser.Tab, at id.ID) {
	here := fmt.Sprintf("/vault/vaults/%d", int64(at))
	header := func(sealed any) string {
		raw, err := base64.StdEncoding.DecodeString(sealed.(string))
		must(t, err)
		e, err := envelope.Parse(raw)
		must(t, err)
		return base64.StdEncoding.EncodeToString(e.HeaderBytes())
	}
	for _, c := range []struct {
		name, want string
		lie        func(items, withheld []any) ([]any, []any)
	}{
		{"a limited item is left out", "left items", func(i, _ []any) ([]any, []any) { return i, nil }},
		{"an item for everybody is kept back", "as if it were limited", func(i, w []any) ([]any, []any) { return i[:2], append(w, header(i[2])) }},
		{"an item is kept from one of those whom it is for", "for you too", func(i, w []any) ([]any, []any) { return []any{i[0], i[2]}, append(w, header(i[1])) }},
		{"its header is another one", "item", func(i, w []any) ([]any, []any) { return i, []any{turned(w[0], 60)} }},
		{"a recipient is another one", "The server sent an item that", func(i, w []any) ([]any, []any) { return []any{i[0], turned(i[1], 1600), i[2]}, w }},
	} {
		p.lies(func(path string, a map[string]any) {
			if path == here {
				items := a["items"].([]any)
				withheld, _ := a["withheld"].([]any)
				a["items"], a["withheld"] = c.lie(items, withheld)
			}
		})
		reopen(b, at)
		b.Wait(alarmed)
		p.lies(nil)
		if s := b.Text("[data-alarm]"); !strings.Contains(s, c.want) || !strings.Contains(s, "Nothing was opened") {
			t.Errorf("%s: it says %q, and not %q", c.name, s, c.want)
		}
	}
	reopen(b, at)
	b.Wait(state + ` == "open" && document.querySelectorAll("[data-rows] tr").length == 2`)
}

// limitedVectors opens limited items of both implementations, and makes the browser's when
// asked.
func limitedVectors(t *testing.T, b *browser.Tab) {
	t.Helper()
	dir := filepath.Join(vectors, "limited")
	if *newVectors {
		made := browser.Eval[json.RawMessage](b, `(async () => {`+modules+`
			const tenant = "northbeam", passphrase = "straße ﬁve harbour 72", now = 1790000000000, id = 1978, people = await Promise.all([43, 44, 45].map((u) => Y.newKeyset(tenant, u, passphrase, now)));
			const [a, b, c] = people, first = await V.newVault(a.keys, id, now), grants = [first.grant, await V.giveVault(a.keys, first.vault, b.statement, 2, 0, now), await V.giveVault(a.keys, first.vault, c.statement, 1, 0, now)];
			const content = { title: "Router of two", password: "päss" };
			const items = [await V.sealItem(a.keys, first.vault, 0, null, { title: "Team" }, now), await V.sealItem(a.keys, first.vault, 7, null, content, now, [b.statement, a.statement]), await V.sealItem(a.keys, first.vault, 9, null, { title: "Bank" }, now)];
			const list = await V.sealManifest(a.keys, first.vault, null, items.map((i) => i.leaf), now);
			return { made_by: "the browser", tenant, passphrase, vault: id, owner: B.hex(a.statement.stored), members: people.map((p, i) => ({ user: p.statement.user, statement: B.hex(p.statement.stored), lock: B.hex(p.lock), grant: B.hex(grants[i]) })),
				manifest: B.hex(list.stored), items: items.map((i) => B.hex(i.sealed)), content };
		})()`)
		var out any
		must(t, json.Unmarshal(made, &out))
		text, err := json.MarshalIndent(out, "", "\t")
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, "browser.json"), append(text, '\n'), 0o600))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	must(t, err)
	if len(files) < 2 {
		t.Errorf("there are %d vectors of limited items", len(files))
	}
	for _, f := range files {
		text, err := os.ReadFile(f) //nolint:gosec // a file of the repository
		must(t, err)
		browser.Eval[int](b, `(async () => {`+modules+`
			const v = `+string(text)+`, u = B.unhex, owner = Y.parseStatement(u(v.owner)), members = v.members.map((m) => ({ statement: Y.parseStatement(u(m.statement)), grant: V.parseGrant(u(m.grant)) }));
			const list = V.parseManifest(u(v.manifest)), writers = await V.writersOf(v.vault, list.epoch, owner, members);
			const header = (b) => b.subarray(6, 6 + b[4] * 256 + b[5]), fails = async (what, f) => { try { await f(); } catch (e) { if (e.message.includes(what)) return; throw e; } throw new Error("it does not say: " + what); };
			for (const i of [1, 2]) {
				const m = members[i], keys = await Y.unlock(v.tenant, v.members[i].user, m.statement, u(v.members[i].lock), v.passphrase), vault = await V.openVault(keys, m.grant, v.vault, owner, writers, list.time);
				const leaves = [];
				for (const [n, text] of v.items.entries()) {
					if (n === 1 && i === 2) {
						await fails("limited to others", () => V.openItem(vault, u(text)));
						leaves.push(V.readWithheld(vault, header(u(text))));
						continue;
					}
					const { content, leaf } = await V.openItem(vault, u(text));
					if (n === 1 && (content.title !== v.content.title || content.password !== v.content.password || leaf.to.length !== 2)) throw new Error("it opens to " + JSON.stringify(content));
					if (n === 1) await fails("for you too", () => V.readWithheld(vault, header(u(text))));
					else await fails("as if it were limited", () => V.readWithheld(vault, header(u(text))));
					leaves.push(leaf);
				}
				await V.checkManifest(vault, list, leaves, undefined);
			}
			return 1;
		})()`)
	}
}
