package vaultapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/base/wordlist"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
)

// Client opens the vaults of the owner of a key. Fill URL, Key and Memory.
type Client struct {
	URL    string // of the server: https://demo.example.com
	Key    string
	Memory *Memory
	File   string           // an emergency file, in the place of a server; it is not written
	HTTP   *http.Client     // nil is one of its own
	Now    func() time.Time // nil is time.Now

	keys      *hostproof.Keyset
	state     *vault.State         // of Locked
	statement *hostproof.Statement // likewise
	list      []id.ID

	saved     *vault.File
	strangers []*Stranger
	stale     []id.ID // vaults that were given to the keys before
}

// Stranger is somebody who gave a vault and whose keys were not compared yet.
type Stranger struct {
	User  int64
	Name  string // as the server says
	Vault id.ID

	statement *hostproof.Statement
}

// Item is an item of a vault, opened.
type Item struct {
	Vault   id.ID
	Title   string // of the vault
	Number  int64
	Content hostproof.Content

	leaf hostproof.Leaf
}

// For gives the numbers of the members whom an item is limited to; none for everybody in
// the vault.
func (i *Item) For() []int64 { return i.leaf.For }

// Vault is a vault, opened.
type Vault struct {
	ID    id.ID
	Title string
	Items []*Item // by number, without the one about the vault

	Withheld int // items that are limited to others

	of       int64 // the owner, 0 for one's own
	vault    *hostproof.Vault
	manifest *hostproof.Manifest
	members  []hostproof.Member             // each with the statement that the grant is for
	newest   map[int64]*hostproof.Statement // of the members
	about    hostproof.Content              // of the vault itself
	names    map[int64]string               // of members, as the server says
	leaves   map[int64]hostproof.Leaf
}

func (c *Client) now() int64 {
	if c.Now == nil {
		return time.Now().UnixMilli()
	}
	return c.Now().UnixMilli()
}

// Unlock opens the keyset of the key's owner with her vault passphrase.
func (c *Client) Unlock(ctx context.Context, passphrase string) error {
	st, s, err := c.known(ctx)
	if err != nil {
		return err
	}
	keys, err := hostproof.Unlock(st.Tenant, int64(st.User), s, st.Lock, passphrase)
	if err != nil {
		return err
	}
	if err := c.listed(ctx, s); err != nil {
		return err
	}
	return c.strengthened(ctx, keys, st, passphrase)
}

// strengthened goes on with keys that were opened and stand in the log; a passphrase that
// is stretched as they were before is brought over first. What hinders that, such as a key that may
// not write, hinders no unlocking.
func (c *Client) strengthened(ctx context.Context, keys *hostproof.Keyset, st *vault.State, passphrase string) error {
	if c.File == "" && keys.Statement.KDF.Weaker() {
		next, lock, err := keys.ChangePassphrase(passphrase, hostproof.NewKDF(), c.now())
		if err == nil && c.call(ctx, "keyset", Keyset{next.Statement.Marshal(), lock}, nil) == nil {
			keys = next
		}
	}
	return c.opened(keys, st)
}

// opened goes on with keys that were opened and stand in the log.
func (c *Client) opened(keys *hostproof.Keyset, st *vault.State) error {
	c.keys, c.list = keys, st.Vaults
	c.Memory.keepKeyset(keys.Statement)
	return c.Memory.save()
}

// known asks for what the key's owner has, and compares it with what is remembered.
func (c *Client) known(ctx context.Context) (*vault.State, *hostproof.Statement, error) {
	var st vault.State
	if err := c.call(ctx, "state", nil, &st); err != nil {
		return nil, nil, err
	}
	m := c.Memory
	if err := m.of(st.Tenant, int64(st.User)); err != nil {
		return nil, nil, err
	}
	if c.File != "" {
		m.forget()
	}
	if len(st.Statement) == 0 {
		if m.Keyset != nil {
			return nil, nil, lied("This computer knows your vault, and the server says that you have none.")
		}
		return nil, nil, fault.New(fault.Invalid, "You have no vault yet.").WithHint("Make one on the page Vault.")
	}
	s, err := hostproof.ParseStatement(st.Statement)
	if err != nil {
		return nil, nil, err
	}
	if err := s.Verify(st.Tenant, int64(st.User)); err != nil {
		return nil, nil, err
	}
	before, err := hostproof.ParseStatements(st.Before)
	if err != nil {
		return nil, nil, err
	}
	if err := m.keyset(s, before); err != nil {
		return nil, nil, err
	}
	return &st, s, m.vaults(s, st.Vaults, st.Ended)
}

// listed checks that somebody's keys stand in the signed audit log, which continues the
// one that this computer knows. An emergency file has no log.
func (c *Client) listed(ctx context.Context, s *hostproof.Statement) error {
	if c.File != "" {
		return nil
	}
	var l hostproof.Listing
	if err := c.call(ctx, "people/"+id.ID(s.User).String()+"?since="+strconv.FormatInt(c.Memory.logSize(), 10), nil, &l); err != nil {
		return err
	}
	return c.Memory.listed(s, &l)
}

// Words gives the words of the unlocked keys' fingerprint.
func (c *Client) Words() []string { return wordlist.Encode(c.keys.Statement.Fingerprint()) }

// Strangers gives those who gave vaults that All left out, because their keys were
// not compared yet.
func (c *Client) Strangers() []*Stranger { return c.strangers }

// Stale gives the vaults that All left out because they were given to the keys before:
// their owners give them new keys.
func (c *Client) Stale() []id.ID { return c.stale }

// Meet takes the keys of a stranger for hers when the words are those of the very
// keys that the server showed; All then opens her vaults. Denied when they are not.
func (c *Client) Meet(ctx context.Context, s *Stranger, words string) error {
	fp, err := wordlist.Decode(words)
	if err != nil {
		return err
	}
	if fp != s.statement.Fingerprint() {
		return lied("These are not the words of the keys that the server shows for this person.")
	}
	if err := c.listed(ctx, s.statement); err != nil {
		return err
	}
	return c.Memory.meet(s.statement)
}

// All opens every vault but those of strangers.
func (c *Client) All(ctx context.Context) ([]*Vault, error) {
	var out []*Vault
	c.strangers, c.stale = nil, nil
	for _, n := range c.list {
		v, err := c.open(ctx, n)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out = append(out, v)
		}
	}
	return out, nil
}

// open fetches and verifies a vault; nil for one of a stranger.
func (c *Client) open(ctx context.Context, n id.ID) (*Vault, error) {
	var got vault.Contents
	if err := c.call(ctx, "vaults/"+n.String(), nil, &got); err != nil {
		return nil, err
	}
	g, err := hostproof.ParseGrant(got.Grant)
	if err != nil {
		return nil, err
	}
	m, err := hostproof.ParseManifest(got.Manifest)
	if err != nil {
		return nil, err
	}
	if g.Grantee == c.keys.Statement.User && g.Granter != g.Grantee && g.Generation < c.keys.Statement.Generation {
		c.stale = append(c.stale, n)
		return nil, nil
	}
	owner, members, newest, err := c.people(n, g, got.Members)
	if owner == nil || err != nil {
		return nil, err
	}
	writers, err := hostproof.Writers(int64(n), g.Epoch, owner, members)
	if err != nil {
		return nil, err
	}
	out := &Vault{ID: n, manifest: m, members: members, newest: newest, leaves: map[int64]hostproof.Leaf{}, names: map[int64]string{}}
	for _, m := range got.Members {
		out.names[int64(m.User)] = m.Name
	}
	if owner != c.keys.Statement {
		out.of = owner.User
	}
	if out.vault, err = c.keys.OpenVault(g, int64(n), owner, writers, c.now()); err != nil {
		return nil, err
	}
	return out, c.read(out, got.Items, got.Withheld)
}

// people verifies who has access to a vault, and gives its owner, everybody, and
// the newest statements; no owner when her keys were not compared yet.
func (c *Client) people(n id.ID, mine *hostproof.Grant, list []vault.Member) (owner *hostproof.Statement, members []hostproof.Member, newest map[int64]*hostproof.Statement, err error) {
	newest = map[int64]*hostproof.Statement{}
	me := c.keys.Statement
	if mine.Granter == me.User {
		owner = me
	}
	if owner == nil && c.Memory.own(n) {
		return nil, nil, nil, lied("The server says that somebody gave you a vault that is your own.")
	}
	for _, m := range list {
		st, of, err := c.member(m)
		if err != nil {
			return nil, nil, nil, err
		}
		before, err := hostproof.ParseStatements(m.Before)
		if err != nil {
			return nil, nil, nil, err
		}
		known, err := c.Memory.knows(st, before)
		if err != nil {
			return nil, nil, nil, err
		}
		if st.User == mine.Granter && st != me {
			if !known {
				c.strangers = append(c.strangers, &Stranger{User: st.User, Name: m.Name, Vault: n, statement: st})
				return nil, nil, nil, nil
			}
			owner = st
		}
		members, newest[st.User] = append(members, of), st
	}
	if owner == nil {
		return nil, nil, nil, lied("The server does not say whose vault this is.")
	}
	if !slices.ContainsFunc(list, func(m vault.Member) bool { return int64(m.User) == me.User && bytes.Equal(m.Grant, mine.Marshal()) }) {
		return nil, nil, nil, lied("The server sent two grants of yours for one vault, or left one out.")
	}
	return owner, members, newest, nil
}

// member verifies somebody's newest statement, and gives it, and the one that the grant
// is for, which it follows.
func (c *Client) member(m vault.Member) (newest *hostproof.Statement, of hostproof.Member, err error) {
	if newest, err = hostproof.ParseStatement(m.Statement); err != nil {
		return nil, of, err
	}
	if of.Grant, err = hostproof.ParseGrant(m.Grant); err != nil {
		return nil, of, err
	}
	if err := newest.Verify(c.keys.Statement.Tenant, int64(m.User)); err != nil {
		return nil, of, err
	}
	if newest.User == c.keys.Statement.User {
		newest = c.keys.Statement
	}
	of.Statement = newest
	if of.Grant.Generation >= newest.Generation {
		return newest, of, nil
	}
	before, err := hostproof.ParseStatements(m.Before)
	if err != nil {
		return nil, of, err
	}
	of.Statement, err = newest.From(of.Grant.Fingerprint, before)
	return newest, of, err
}

// read opens the items of a vault and checks them against its list and what is
// remembered.
func (c *Client) read(out *Vault, items, withheld [][]byte) error {
	n := out.ID
	var leaves []hostproof.Leaf
	for _, header := range withheld {
		leaf, err := out.vault.Withheld(header)
		if err != nil {
			return err
		}
		leaves = append(leaves, leaf)
		out.leaves[leaf.Item] = leaf
		out.Withheld++
	}
	for _, sealed := range items {
		content, leaf, err := out.vault.Open(sealed)
		if err != nil {
			return err
		}
		leaves = append(leaves, leaf)
		out.leaves[leaf.Item] = leaf
		if leaf.Item == 0 {
			out.Title, out.about = content["title"], content
			continue
		}
		out.Items = append(out.Items, &Item{Vault: n, Number: leaf.Item, Content: content, leaf: leaf})
	}
	seen, err := out.vault.Check(out.manifest, leaves, c.Memory.vault(n))
	if err != nil {
		return err
	}
	for _, i := range out.Items {
		i.Title = out.Title
	}
	slices.SortFunc(out.Items, func(a, b *Item) int { return int(min(1, max(-1, a.Number-b.Number))) })
	return c.Memory.keep(n, seen, out.of)
}

// Put writes an item: a new one when was is nil. It stays limited to whom it was.
func (c *Client) Put(ctx context.Context, v *Vault, was *Item, content hostproof.Content) (*Item, error) {
	return c.put(ctx, v, was, content, vault.Write{})
}

// put is Put together with what else is written.
func (c *Client) put(ctx context.Context, v *Vault, was *Item, content hostproof.Content, w vault.Write) (*Item, error) {
	number, last := c.unused(v), (*hostproof.Leaf)(nil)
	if was != nil {
		number, last = was.Number, &was.leaf
		content = content.Following(was.Content, c.now())
	}
	return c.seal(ctx, v, number, last, content, forOf(last), w)
}

// seal seals one version of an item for members of the vault and writes it.
func (c *Client) seal(ctx context.Context, v *Vault, number int64, last *hostproof.Leaf, content hostproof.Content, to []int64, w vault.Write) (*Item, error) {
	sealed, leaf, err := c.sealed(v, number, last, content, to)
	if err != nil {
		return nil, err
	}
	w.Put = [][]byte{sealed}
	if err := c.commit(ctx, v, []hostproof.Leaf{leaf}, w); err != nil {
		return nil, err
	}
	return &Item{v.ID, v.Title, number, content, leaf}, nil
}

// commit writes what was put and removed, with the list that comes of it.
func (c *Client) commit(ctx context.Context, v *Vault, put []hostproof.Leaf, w vault.Write) error {
	next := maps.Clone(v.leaves)
	for _, l := range put {
		next[l.Item] = l
	}
	for _, n := range w.Remove {
		delete(next, n)
	}
	m, err := c.keys.Manifest(v.vault, v.manifest, slices.Collect(maps.Values(next)), c.now())
	if err != nil {
		return err
	}
	w.Manifest = m.Marshal()
	if err := c.call(ctx, "vaults/"+v.ID.String(), w, nil); err != nil {
		return err
	}
	v.manifest, v.leaves = m, next
	return c.Memory.keep(v.ID, hostproof.Memory{Epoch: m.Epoch, Counter: m.Counter, Hash: m.Hash()}, v.of)
}

// unused draws the number of a new item: 48 random bits.
func (c *Client) unused(v *Vault) int64 {
	for {
		var b [8]byte
		rand.Read(b[2:])
		n := int64(binary.BigEndian.Uint64(b[:]))
		if _, ok := v.leaves[n]; n > 0 && !ok {
			return n
		}
	}
}

// maxAnswer is the most that is read of an answer: a full vault of middling items.
const maxAnswer = 256 << 20

// call asks the server; what it answers is data to be verified.
func (c *Client) call(ctx context.Context, path string, send, into any) error {
	if c.File != "" {
		return c.fromFile(path, send, into)
	}
	at, err := c.address()
	if err != nil {
		return err
	}
	method, body := http.MethodGet, io.Reader(nil)
	if send != nil {
		b, err := json.Marshal(send)
		if err != nil {
			return err
		}
		method, body = http.MethodPost, bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, at+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.Key)
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.client().Do(r)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "The server at %s cannot be reached: %v.", c.URL, err).WithHint("Look at the address.")
	}
	defer resp.Body.Close()
	in := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode != http.StatusOK {
		return refusal(in, resp)
	}
	if into == nil {
		return nil
	}
	if err := in.Decode(into); err != nil {
		return fault.Wrap(err, fault.Unavailable, "The server's answer cannot be read.").WithHint("Is it a Strongroom of this version?")
	}
	return nil
}

// refusal words what a server said in place of an answer.
func refusal(in *json.Decoder, resp *http.Response) error {
	var f failure
	if err := in.Decode(&f); err != nil || f.Error.Text == "" {
		f.Error.Text = "The server answered " + resp.Status + "."
	}
	kind := fault.Invalid
	switch {
	case resp.StatusCode >= 500:
		kind = fault.Unavailable
	case resp.StatusCode == http.StatusConflict:
		kind = fault.Conflict
	}
	return fault.New(kind, "%s", f.Error.Text).WithHint("%s", f.Error.Hint)
}

// address is where the server answers. A key is not sent in the clear to another
// machine.
func (c *Client) address() (string, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", fault.New(fault.Invalid, "%q is no address of a server.", c.URL).WithHint("It is like https://demo.example.com")
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	if u.Scheme == "http" && host != "localhost" && !strings.HasSuffix(host, ".localhost") && (ip == nil || !ip.IsLoopback()) {
		return "", fault.New(fault.Invalid, "The key would go to %s in the clear.", host).WithHint("Use the address that begins with https://")
	}
	return u.Scheme + "://" + u.Host + Path, nil
}

func (c *Client) client() *http.Client {
	h := http.Client{Timeout: 2 * time.Minute}
	if c.HTTP != nil {
		h = *c.HTTP
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the key goes nowhere else
	return &h
}
