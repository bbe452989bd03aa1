package vault_test

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/surface/webui/webuitest"
)

var newVectors = flag.Bool("new-vectors", false, "write hostproof/testdata/browser.json anew")

// vectors is where both implementations' vaults are kept: what the browser made is
// opened by the reference in base/hostproof, what the reference made here.
const vectors = "../../../base/hostproof/testdata"

// modules loads the script of the page, and the vault of a vector with it.
const modules = `const at = new URL("./", document.querySelector("script[src$='vault/page.js']").src);
	const [B, K, Y, V, R, M] = await Promise.all(["bytes", "keys", "keyset", "vault", "recovery", "shamir"].map((n) => import(at + n + ".js")));`

func TestVectors(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	b := browser.Open(t, h.URL)
	signIn(b, access.Editor)
	b.Visit("/vault")
	b.Wait(state + ` == "new"`)
	if *newVectors {
		made := browser.Eval[json.RawMessage](b, `(async () => {`+modules+`
			const tenant = "northbeam", user = 43, id = 1977, passphrase = "straße ﬁve harbour 72", now = 1790000000000;
			const k = await Y.newKeyset(tenant, user, passphrase, now), { vault, grant } = await V.newVault(k.keys, id, now);
			const contents = { 0: { title: "Personal" }, 281474976710655: { title: "Router \u2028 <b>", username: "admin", password: "p\u00e4ss", url: "", notes: "x".repeat(300) }, 12: { title: "" } };
			let leaves = [], items = [], last = null;
			for (const [n, content] of Object.entries(contents)) {
				let i = await V.sealItem(k.keys, vault, Number(n), null, content, now);
				if (n === "12") i = await V.sealItem(k.keys, vault, 12, i.leaf, content, now);
				leaves.push(i.leaf), items.push(B.hex(i.sealed));
				last = await V.sealManifest(k.keys, vault, last, leaves, now);
			}
			return { made_by: "the browser", tenant, user, passphrase, statement: B.hex(k.statement.stored), lock: B.hex(k.lock), fingerprint: B.hex(k.statement.fingerprint), vault: id,
				grant: B.hex(grant), manifest: B.hex(last.stored), items, contents };
		})()`)
		var out any
		must(t, json.Unmarshal(made, &out))
		text, err := json.MarshalIndent(out, "", "\t")
		must(t, err)
		must(t, os.WriteFile(filepath.Join(vectors, "browser.json"), append(text, '\n'), 0o600))
	}
	files, err := filepath.Glob(filepath.Join(vectors, "*.json"))
	if err != nil || len(files) < 4 {
		t.Fatalf("there are %d vectors, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f) //nolint:gosec // a file of the repository
		must(t, err)
		var v struct {
			Contents map[string]hostproof.Content `json:"contents"`
		}
		must(t, json.Unmarshal(text, &v))
		got := browser.Eval[map[string]hostproof.Content](b, `(async () => {`+modules+`
			const v = `+string(text)+`, u = B.unhex, s = Y.parseStatement(u(v.statement)), keys = await Y.unlock(v.tenant, v.user, s, u(v.lock), v.passphrase);
			if (B.hex(s.fingerprint) !== v.fingerprint) throw new Error("another fingerprint");
			const g = V.parseGrant(u(v.grant)), vault = await V.openVault(keys, g, v.vault, s, [s], g.time), out = {}, leaves = [];
			for (const i of v.items) { const { content, leaf } = await V.openItem(vault, u(i)); out[leaf.item] = content; leaves.push(leaf); }
			await V.checkManifest(vault, V.parseManifest(u(v.manifest)), leaves, undefined);
			return out;
		})()`)
		want, err := json.Marshal(v.Contents)
		must(t, err)
		have, err := json.Marshal(got)
		must(t, err)
		if string(have) != string(want) {
			t.Errorf("%s opens to %s", filepath.Base(f), have)
		}
	}
	recovered(t, b)
	wycheproofs(t, b)
	limitedVectors(t, b)
	t.Run("Argon2id", func(t *testing.T) { argon2ids(t, b) })
	t.Run("hashes", func(t *testing.T) { hashes(t, b) })
	t.Run("proofs of trees", func(t *testing.T) { treeProofs(t, b) })
}

// recovered opens what either implementation made of recoveries, and makes the browser's when asked.
func recovered(t *testing.T, b *browser.Tab) {
	t.Helper()
	if *newVectors {
		made := browser.Eval[json.RawMessage](b, `(async () => {`+modules+`
			const tenant = "northbeam", user = 43, pass = "straße ﬁve harbour 72", time = 1790000000000, hex = (s) => B.hex(s.stored);
			const me = await Y.newKeyset(tenant, user, pass, time), officers = await Promise.all([61, 62, 63].map((u) => Y.newKeyset(tenant, u, pass, time)));
			const kit = await R.chooseKit(me.statement, me.lock, pass, 1, time), x = await R.chooseOfficers(me.statement, me.lock, pass, 2, officers.map((o) => o.statement), 2, time);
			const a = await R.newAsk(x, pass, time), answers = [];
			for (const o of officers.slice(1)) answers.push(B.hex(await R.answerAsk(o.keys, x, me.statement, a.ask, a.statement, time)));
			return { made_by: "the browser", tenant, user, time, statement: hex(me.statement), kit: hex(kit.recovery), code: kit.code, officers: hex(x), ask: hex(a.ask), ask_keys: hex(a.statement), ask_lock: B.hex(a.lock), ask_passphrase: pass,
				answers, answered_by: officers.slice(1).map((o) => hex(o.statement)) };
		})()`)
		var out any
		must(t, json.Unmarshal(made, &out))
		text, err := json.MarshalIndent(out, "", "\t")
		must(t, err)
		must(t, os.WriteFile(filepath.Join(vectors, "recovery", "browser.json"), append(text, '\n'), 0o600))
	}
	files, err := filepath.Glob(filepath.Join(vectors, "recovery", "*.json"))
	if err != nil || len(files) < 2 {
		t.Fatalf("there are %d vectors of recoveries, %v", len(files), err)
	}
	other, err := os.ReadFile("../../../base/shamir/testdata/other.json")
	must(t, err)
	for _, f := range files {
		text, err := os.ReadFile(f) //nolint:gosec // a file of the repository
		must(t, err)
		browser.Eval[int](b, `(async () => {`+modules+`
			const v = `+string(text)+`, u = B.unhex, s = Y.parseStatement(u(v.statement)), fails = async (what, f) => { try { await f(); } catch (e) { if (e.message.includes(what)) return; throw e; } throw new Error("it does not say: " + what); };
			const kit = R.parseRecovery(u(v.kit)), x = R.parseRecovery(u(v.officers)), ask = R.parseAsk(u(v.ask)), keys = Y.parseStatement(u(v.ask_keys));
			if (R.codeText(R.parseCode(v.code.toLowerCase().replaceAll("-", " "))) !== v.code) throw new Error("the code is read as another");
			await fails("another one", () => R.parseCode(v.code.replace(/^./, (c) => (c === "A" ? "B" : "A"))));
			await R.recoverByKit(kit, s, v.code, "another sentence of words", v.time);
			const answers = v.answers.map((a, i) => ({ answer: R.parseAnswer(u(a)), officer: Y.parseStatement(u(v.answered_by[i])) })), lock = u(v.ask_lock);
			await fails("1 of the 2 officers", () => R.finishRecovery(x, s, ask, keys, lock, answers.slice(1), v.ask_passphrase, v.time));
			const made = await R.finishRecovery(x, s, ask, keys, lock, answers, v.ask_passphrase, v.time);
			if (!B.equal(made.statement.fingerprint, s.fingerprint) || made.statement.number !== s.number + 1) throw new Error("other keys were recovered");
			const flip = (hex, at) => { const b = u(hex); b[at < 0 ? b.length + at : at] ^= 4; return b; };
			await fails("not chosen with the keys", () => R.verifyRecovery(R.parseRecovery(flip(v.officers, -100)), s));
			await fails("not chosen with the keys", () => R.verifyRecovery(x, answers[0].officer).catch((e) => { throw new Error(e.message.replace("somebody else’s recovery", "not chosen with the keys")); }));
			await fails("another recovery", () => R.verifyAsk(ask, kit, keys, v.time));
			await fails("other keys than those", () => R.verifyAsk(ask, x, s, v.time));
			await fails("older than 14 days", () => R.verifyAsk(ask, x, keys, v.time + R.LASTS + 1));
			await fails("did not sign", () => R.finishRecovery(x, s, ask, keys, lock, [{ ...answers[0], answer: R.parseAnswer(flip(v.answers[0], -90)) }, answers[1]], v.ask_passphrase, v.time));
			await fails("other keys of an officer", () => R.finishRecovery(x, s, ask, keys, lock, [{ ...answers[0], officer: s }, answers[1]], v.ask_passphrase, v.time));
			for (const { secret, needed, points } of (`+string(other)+`).splits) {
				const all = Object.entries(points).map(([n, y]) => [Number(n), u(y)]);
				if (B.hex(M.combine(new Map(all.slice(0, needed)))) !== secret || B.hex(M.combine(new Map(all.slice(1, needed)))) === secret) throw new Error("shares of another implementation");
				const mine = M.split(u(secret), 7, needed > 7 ? 7 : needed);
				if (B.hex(M.combine(new Map(mine.map((y, i) => [i + 1, y])))) !== secret) throw new Error("its own shares");
			}
			return 1;
		})()`)
	}
}

// argon2ids compares the worker's Argon2id with that of the reference, and with what the reference implementation
// of its authors gives.
func argon2ids(t *testing.T, b *browser.Tab) {
	t.Helper()
	type one struct {
		Pass, Salt     string
		Passes, Memory uint32
		Want           string
	}
	list := []one{
		{"password", "somesalt", 2, 256, ""}, {"password", "somesalt", 2, 65536, ""}, {"stra\u00dfe \u2028", strings.Repeat("salt", 8), 3, 8, ""}, {"x", strings.Repeat("\x7f", 32), 5, 1027, ""},
	}
	for i, v := range list {
		list[i].Want = hex.EncodeToString(argon2.IDKey([]byte(v.Pass), []byte(v.Salt), v.Passes, v.Memory, 1, 32))
	}
	// github.com/P-H-C/phc-winner-argon2, src/test.c
	if list[0].Want != "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe" || list[1].Want != "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7" {
		t.Error("the reference's own Argon2id is another one")
	}
	text, err := json.Marshal(list)
	must(t, err)
	if wrong := browser.Eval[[]string](b, `(async () => {`+modules+`
		const { argon2id } = await import(at + "stretch.js"), out = [];
		for (const v of `+string(text)+`) {
			const got = B.hex(await argon2id(B.bytes(v.Pass), B.bytes(v.Salt), v.Passes, v.Memory));
			if (got !== v.Want) out.push(v.Pass + ": " + got + ", not " + v.Want);
		}
		return out;
	})()`); len(wrong) != 0 {
		t.Error(wrong)
	}
}

// hashes compares the SHA-256 and HMAC of the script with those of the browser at lengths
// around the blocks, and its trees with those of the reference.
func hashes(t *testing.T, b *browser.Tab) {
	t.Helper()
	got := browser.Eval[map[string]string](b, `(async () => {`+modules+`
		const out = {};
		for (const n of [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 1000, 70000]) {
			const b = new Uint8Array(n).map((_, i) => i * 7), d = new Uint8Array(await crypto.subtle.digest("SHA-256", b));
			if (!B.equal(d, B.sha256(b))) out["sha " + n] = B.hex(B.sha256(b));
			const key = new Uint8Array(32).map((_, i) => 255 - i), k = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
			if (!B.equal(new Uint8Array(await crypto.subtle.sign("HMAC", k, b)), B.hmac(key, b))) out["hmac " + n] = "differs";
		}
		for (const n of [0, 1, 2, 3, 5, 8, 13]) {
			out["root " + n] = B.hex(V.treeRoot(Array.from({ length: n }, (_, i) => ({ item: i * 3, version: i + 1, header: new Uint8Array(32).fill(i) })).reverse()));
		}
		return out;
	})()`)
	for _, n := range []int{0, 1, 2, 3, 5, 8, 13} {
		var leaves []hostproof.Leaf
		for i := range n {
			l := hostproof.Leaf{Item: int64(i) * 3, Version: uint32(i) + 1}
			for j := range l.Header {
				l.Header[j] = byte(i)
			}
			leaves = append(leaves, l)
		}
		root, err := hostproof.Root(leaves)
		must(t, err)
		name := "root " + jsNumber(int64(n))
		if got[name] != hex.EncodeToString(root[:]) {
			t.Errorf("%s is %s", name, got[name])
		}
		delete(got, name)
	}
	if len(got) != 0 {
		t.Errorf("hashes differ: %v", got)
	}
}
