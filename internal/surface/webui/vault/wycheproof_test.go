package vault_test

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/wycheproof"
)

// asked is a test for the page: what it is given, what must come out and whether it must.
type asked struct {
	ID   int      `json:"id"`
	In   []string `json:"in"`
	Want string   `json:"want"`
	Ok   bool     `json:"ok"`
}

func ask(v wycheproof.Vector, want []byte, in ...[]byte) asked {
	a := asked{ID: v.ID, Want: hex.EncodeToString(want), Ok: v.Result != "invalid"}
	for _, b := range in {
		a.In = append(a.In, hex.EncodeToString(b))
	}
	return a
}

// wycheproofs asks the page's own scripts, and what they use of the browser, what
// implementations got wrong elsewhere.
func wycheproofs(t *testing.T, b *browser.Tab) {
	t.Helper()
	for name, c := range map[string]struct {
		file   string
		least  int
		script string // of in, a list of byte arrays, to bytes; what throws is refused
		ask    func(wycheproof.Group, wycheproof.Vector) (asked, bool)
	}{
		"AES-GCM": {"aes_gcm", 60, `K.gcmOpen(i[0], i[2], i[1])`, func(g wycheproof.Group, v wycheproof.Vector) (asked, bool) {
			return ask(v, v.Msg, v.Key, v.AAD, append(append(append([]byte(nil), v.IV...), v.CT...), v.Tag...)), g.KeySize == 256 && g.IVSize == 96 && g.TagSize == 128
		}},
		"HMAC": {"hmac_sha256", 60, `B.hmac(i[0], i[1])`, func(g wycheproof.Group, v wycheproof.Vector) (asked, bool) {
			a := ask(v, v.Tag, v.Key, v.Msg)
			return a, g.TagSize == 256 && len(v.Key) <= 64
		}},
		"ECDSA": {"ecdsa_secp256r1_sha256_p1363", 260, `K.verified({ id: K.signerID(i[0]), sig: i[2] }, i[0], i[1]).then((ok) => new Uint8Array(ok ? [1] : []))`, func(g wycheproof.Group, v wycheproof.Vector) (asked, bool) {
			return ask(v, []byte{1}, g.PublicKey.Uncompressed, v.Msg, v.Sig), true
		}},
		"ML-KEM": {"mlkem_768", 190, `S.importKey("raw-seed", i[0], "ML-KEM-768", false, ["decapsulateBits"]).then((k) => S.decapsulateBits("ML-KEM-768", k, i[1])).then((k) => new Uint8Array(k))`, func(g wycheproof.Group, v wycheproof.Vector) (asked, bool) {
			return ask(v, v.K, v.Seed, v.C), true
		}},
	} {
		var list []asked
		wycheproof.Each(t, c.file, c.least, func(g wycheproof.Group, v wycheproof.Vector) {
			if a, used := c.ask(g, v); used {
				list = append(list, a)
			}
		})
		if len(list) < c.least {
			t.Errorf("%s: only %d tests", name, len(list))
		}
		text, err := json.Marshal(list)
		must(t, err)
		wrong := browser.Eval[[]string](b, `(async () => {`+modules+`
			const S = crypto.subtle, wrong = [];
			for (const a of `+string(text)+`) {
				const i = a.in.map(B.unhex);
				let got = null;
				try { got = B.hex(await `+c.script+`); } catch { /* refused */ }
				if ((got === a.want) !== a.ok) wrong.push(a.id + ": " + got);
			}
			return wrong;
		})()`)
		if len(wrong) > 0 {
			t.Errorf("%s: %s", name, strings.Join(wrong, ", "))
		}
	}
}
