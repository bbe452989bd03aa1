package apikey

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/password/filed"
)

// refused is the one answer for whatever is wrong with a key.
func refused() error {
	return fault.New(fault.Denied, "The API key is not valid.").WithHint("Check that it was copied whole, or ask an administrator for a new one.")
}

// Resolve gives the caller that a key stands for, and the key's rate limit.
// addr is where the request comes from. The caller is a copy of its own; its
// Request and Reason are for who received the request to fill in. Fault kinds:
// Unauthorized when key is empty, Denied when it is not valid, whatever the
// reason.
//
// A key that may read passwords has authentication level 2: who made it decided
// that it needs nothing else. A key for provisioning is none of these: see
// ResolveProvisioning.
func (k *Keys) Resolve(ctx context.Context, key string, addr netip.Addr) (*access.Caller, Limit, error) {
	return k.resolve(ctx, key, addr, false)
}

// ResolveProvisioning is Resolve for keys for provisioning, and for no others.
func (k *Keys) ResolveProvisioning(ctx context.Context, key string, addr netip.Addr) (*access.Caller, Limit, error) {
	return k.resolve(ctx, key, addr, true)
}

func (k *Keys) resolve(ctx context.Context, key string, addr netip.Addr, provisions bool) (*access.Caller, Limit, error) {
	if key == "" {
		return nil, Limit{}, fault.New(fault.Unauthorized, "An API key is missing.").WithHint("Send it in the header x-api-key.")
	}
	tenant := TenantOf(key)
	if tenant == "" {
		return nil, Limit{}, refused()
	}
	found, c, err := k.find(ctx, tenant, key)
	if err == nil && found.Provisions != provisions {
		err = refused()
	}
	if fault.Is(err, fault.NotFound) { // no such tenant, or an owner who is gone
		return nil, Limit{}, refused()
	}
	if err != nil {
		return nil, Limit{}, err
	}
	if !found.from(addr) || found.over(k.now()) {
		return nil, Limit{}, refused()
	}
	c.Addr = addr
	if k.cache.due(tenant, found, k.now()) {
		k.touch(ctx, c, found.ID)
	}
	return c, found.Limit, nil
}

// find gives a key and who it acts as: from memory while nobody's rights, keys and names
// have changed, or from the database. The caller is a copy.
func (k *Keys) find(ctx context.Context, tenant, text string) (key *Key, c *access.Caller, err error) {
	edition, ok, err := k.Gate.Edition(ctx, tenant)
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256([]byte(text))
	if key, c = k.cache.found(sum, edition); ok && key != nil {
		return key, c, nil
	}
	err = k.Gate.View(ctx, access.System(tenant, "api key"), func(tx *gate.Tx) error {
		hash, err := digest(tx, text)
		if err != nil {
			return err
		}
		var s state
		if key, s, err = read(tx, `a.hash = ?`, hash); fault.Is(err, fault.Denied) { // perhaps the text before the present one, which is good for a while yet
			key, s, err = read(tx, `a.id = (select b.key_id from api_key_before b where b.hash = ? and b.until_at > ?)`, hash, tx.Now)
			ok = false
		}
		if err != nil {
			return err
		}
		c, err = k.callerOf(tx, key, s)
		return err
	})
	if err == nil && ok {
		k.cache.keep(sum, edition, key, c)
	}
	return key, c, err
}

// CallerOf gives the caller that a key stands for now, for a job that the key
// started: where it was used from has been looked at then. NotFound when the key
// was revoked or has expired, or its owner is gone.
func (k *Keys) CallerOf(ctx context.Context, tenant string, key id.ID) (c *access.Caller, err error) {
	err = k.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) error {
		found, s, err := read(tx, `a.id = ?`, int64(key))
		if fault.Is(err, fault.Denied) {
			return gate.Missing()
		}
		if err == nil {
			c, err = k.callerOf(tx, found, s)
		}
		return err
	})
	return c, err
}

// read finds a key that may be used now. Denied when there is none.
func read(tx *gate.Tx, cond string, args ...any) (key *Key, s state, err error) {
	key, err = scan(tx.QueryRow(`select `+columns+`, coalesce(r.name, ''), coalesce(u.email, ''), coalesce(r.version, 0),
		case when a.owner_id = 0 or r.trashed_at is null and r.archived = 0 then 1 else 0 end, e.n
		from api_key a left join record r on r.id = a.owner_id left join k_user u on u.id = a.owner_id cross join access_epoch e
		where `+cond, args...), &s.name, &s.email, &s.version, &s.usable, &s.epoch)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, s, refused()
	}
	if err != nil {
		return nil, s, err
	}
	if !s.usable || key.over(time.UnixMilli(tx.Now)) {
		return nil, s, refused()
	}
	return key, s, nil
}

// state is what else one statement tells of a key's owner and of the rights.
type state struct {
	name, email    string
	version, epoch int64
	usable         bool
}

// from tells whether the key may be used from an address.
func (k *Key) from(addr netip.Addr) bool {
	if len(k.Networks) == 0 {
		return true
	}
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(k.Networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// over tells whether the key has expired.
func (k *Key) over(now time.Time) bool { return k.Expires != 0 && now.UnixMilli() >= k.Expires }

// callerOf gives who the key acts as. Rights of owners come from memory while
// the epoch of the rights stays the same.
func (k *Keys) callerOf(tx *gate.Tx, key *Key, s state) (*access.Caller, error) {
	c := &access.Caller{User: key.ID, Name: key.Name, Role: key.Role, AllOrgs: true, Epoch: s.epoch}
	if key.Owner != 0 {
		owner, err := k.owner(tx, key, s)
		if err != nil {
			return nil, err
		}
		c = owner
		c.Name, c.Email = s.name, s.email
		if key.Role != "" && key.Role.Rank() > c.Role.Rank() {
			c.Role = key.Role
		}
	}
	if key.Custom != 0 {
		by, err := access.CustomRole(tx.SQL(), key.Custom)
		if err != nil {
			return nil, err
		}
		c = c.Narrowed(by)
	}
	c.Tenant, c.Via, c.Session = tx.Tenant.Name, "api key", key.ID.String()
	c.Key, c.Scope = key.ID, access.Scope{ReadOnly: key.ReadOnly, NoPasswords: !key.Passwords, Orgs: key.Orgs, NoPersonal: !key.personal(), Provisions: key.Provisions}
	if key.filed {
		c.Scope.Narrow = access.Narrow{Kinds: []string{filed.Password, filed.Folder}, Args: []any{int64(key.ID)},
			IDs: filed.Within(`select folder_id as id from api_key_folder where key_id = ?`)}
	}
	c.OneTime = false // a key reveals by its own scope, whatever password its owner has
	c.AuthLevel = 1
	if key.Passwords {
		c.AuthLevel = 2
	}
	return c, nil
}

func (k *Keys) owner(tx *gate.Tx, key *Key, s state) (*access.Caller, error) {
	if c := k.cache.get(tx.Tenant.Name, key.ID, s); c != nil {
		return c, nil
	}
	c, err := access.Load(tx.SQL(), key.Owner)
	if err != nil {
		return nil, err
	}
	k.cache.put(tx.Tenant.Name, key.ID, s, c)
	return c, nil
}

// touch notes when and from where a key was used.
func (k *Keys) touch(ctx context.Context, c *access.Caller, key id.ID) {
	from := ""
	if c.Addr.IsValid() {
		from = c.Addr.Unmap().String()
	}
	err := k.Gate.Change(ctx, c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		_, err := tx.Exec(`update api_key set used_at = ?, used_ip = ? where id = ?`, tx.Now, from, int64(key))
		return err
	})
	if err != nil {
		k.Gate.Log.WarnContext(ctx, "the use of an API key could not be noted", "tenant", c.Tenant, "error", err)
	}
}

func (k *Keys) now() time.Time {
	if k.Gate.Now == nil {
		return time.Now()
	}
	return k.Gate.Now()
}

const maxCache = 10_000

// cache remembers the rights of owners and when uses were noted. Rights are
// used only while the epoch and the owner's version, which each resolving reads,
// are the same.
//
// What a key of a tenant stands for as a whole is used only in the edition of its
// database that it was read in. Whoever changes a key calls NewEdition, as core/access does
// for rights and core/record for users; a text before the present one is never remembered.
type cache struct {
	mu      sync.Mutex
	entries map[place]*entry
	keys    map[[sha256.Size]byte]resolved // by the digest of a key's text
}

type resolved struct {
	edition uint64
	key     *Key
	caller  access.Caller
}

func (c *cache) found(sum [sha256.Size]byte, edition uint64) (*Key, *access.Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.keys[sum]
	if !ok || r.edition != edition {
		return nil, nil
	}
	return r.key, &r.caller
}

func (c *cache) keep(sum [sha256.Size]byte, edition uint64, key *Key, caller *access.Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= maxCache {
		c.keys = map[[sha256.Size]byte]resolved{}
	}
	c.keys[sum] = resolved{edition, key, *caller}
}

type place struct {
	tenant string
	key    id.ID
}

type entry struct {
	caller         *access.Caller
	version, epoch int64
	touched        int64
}

func (c *cache) at(p place) *entry {
	if c.entries == nil {
		c.entries = map[place]*entry{}
	}
	if e := c.entries[p]; e != nil {
		return e
	}
	for old := range c.entries { // any: what is in use comes back with one more statement
		if len(c.entries) < maxCache {
			break
		}
		delete(c.entries, old)
	}
	e := &entry{}
	c.entries[p] = e
	return e
}

func (c *cache) get(tenant string, key id.ID, s state) *access.Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.at(place{tenant, key})
	if e.caller == nil || e.version != s.version || e.epoch != s.epoch {
		return nil
	}
	out := *e.caller
	return &out
}

func (c *cache) put(tenant string, key id.ID, s state, caller *access.Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.at(place{tenant, key})
	kept := *caller
	e.caller, e.version, e.epoch = &kept, s.version, s.epoch
}

// due tells whether a use is to be noted: a minute after the last one.
func (c *cache) due(tenant string, k *Key, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.at(place{tenant, k.ID})
	if now.UnixMilli()-max(k.Used, e.touched) < time.Minute.Milliseconds() {
		return false
	}
	e.touched = now.UnixMilli()
	return true
}
