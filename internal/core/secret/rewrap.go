package secret

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/keys"
)

// floorSchema is the table of the first generation of the tenant's key pair that
// a version may be sealed to, four bytes, big-endian; it has a row once an older
// one was retired.
const floorSchema = `create table if not exists secret_floor (one int primary key check (one = 1), generation bytes not null)`

// at16 gives the number that two bytes of a column are, from a place counted from 1.
func at16(d sqldb.Dialect, column, place string) string {
	if d == sqldb.Postgres {
		return fmt.Sprintf(`(get_byte(%[1]s, %[2]s - 1) * 256 + get_byte(%[1]s, %[2]s))`, column, place)
	}
	var sum []string
	for i, weight := range []int{4096, 256, 16, 1} { // SQLite has no other way from bytes to a number
		sum = append(sum, fmt.Sprintf(`%d * (instr('0123456789ABCDEF', substr(hex(substr(%s, %s, 2)), %d, 1)) - 1)`, weight, column, place, i+1))
	}
	return `(` + strings.Join(sum, " + ") + `)`
}

// places are the members of an envelope with one recipient, as SQL; see
// doc/formats/envelope.md. The header's length tells where the recipient is, and
// the wrapped key's length where the content begins.
type places struct{ header, one, generation, content string }

func placesOf(d sqldb.Dialect, column string) places {
	h := at16(d, column, "5")
	from := func(skip int) string { return fmt.Sprintf("%s + %d", h, skip) }
	return places{
		header:     `substr(` + column + `, 1, ` + from(6) + `)`, // with magic and length
		one:        `substr(` + column + `, ` + from(7) + `, 1)`,
		generation: `substr(` + column + `, ` + from(26) + `, 4)`,
		content:    `substr(` + column + `, ` + from(32) + ` + ` + at16(d, column, from(30)) + `)`,
	}
}

func oneByte(d sqldb.Dialect) string {
	if d == sqldb.Postgres {
		return `'\x01'::bytea`
	}
	return `x'01'`
}

// rewrapped is the condition under which a version may be changed: nothing but the
// recipient of its envelope is another one, and that is of a later generation.
func rewrapped(d sqldb.Dialect) string {
	was, is := placesOf(d, "old.sealed"), placesOf(d, "new.sealed")
	same := []string{
		was.header + ` = ` + is.header, was.content + ` = ` + is.content,
		was.one + ` = ` + oneByte(d), is.one + ` = ` + oneByte(d),
		was.generation + ` < ` + is.generation,
	}
	for _, c := range strings.Fields("id kind org object field version header_hash previous_hash empty time author note restores") {
		same = append(same, `new.`+c+` = old.`+c)
	}
	return strings.Join(same, " and ")
}

// below is the condition under which a new version is refused: it is sealed to a
// key pair that was retired.
func below(d sqldb.Dialect) string {
	return `exists (select 1 from secret_floor f where f.generation > ` + placesOf(d, "new.sealed").generation + `)`
}

func generationBytes(g uint32) []byte { return binary.BigEndian.AppendUint32(nil, g) }

// Wrapped counts the versions that are sealed to each generation of the tenant's
// key pair. It reads the envelopes themselves: no column beside them could say
// something else. The caller has been allowed to administer the tenant in tx.
func Wrapped(tx *gate.Tx) (map[uint32]int64, error) {
	g := placesOf(tx.Dialect(), "sealed").generation
	rows, err := tx.Query(`select ` + g + `, count(*) from secret_version group by 1`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[uint32]int64{}
	for rows.Next() {
		var b []byte
		var n int64
		if err := rows.Scan(&b, &n); err != nil {
			return nil, err
		}
		if len(b) != 4 {
			return nil, fault.New(fault.Internal, "The database holds %d secrets whose envelopes cannot be read.", n).WithHint("Restore it from a backup.")
		}
		out[binary.BigEndian.Uint32(b)] = n
	}
	return out, rows.Err()
}

// Behind tells how many versions after the one with that id are sealed to a
// generation before first. The caller has been allowed to administer the tenant in
// tx.
func Behind(tx *gate.Tx, first uint32, after id.ID) (n int64, err error) {
	g := placesOf(tx.Dialect(), "sealed").generation
	err = tx.QueryRow(`select count(*) from secret_version where id > ? and `+g+` < ?`, int64(after), generationBytes(first)).Scan(&n)
	return n, err
}

// Rewrapper has the data keys of versions wrapped to the tenant's newest key pair.
type Rewrapper struct {
	Gate *gate.Gate
	Keys *keys.Client
}

// together is how many versions are wrapped anew in one call and one transaction:
// few enough that those who reveal and write meanwhile hardly wait.
const together = 64

// version is what is read of one for wrapping it anew.
type version struct {
	id       id.ID
	stored   stored
	envelope *envelope.Envelope
}

// Left is a version whose data key could not be wrapped anew.
type Left struct {
	Version id.ID  `json:"version"`
	Why     string `json:"why"`
}

// Step wraps up to 64 versions anew, those with the lowest ids above after that
// are sealed to a generation before first, and gives how many it looked at. cite is
// the durable entry of the rotation. What was changed meanwhile by somebody else is
// left as it is. A version that cannot be opened is left as it is, too; the others
// go on. save is told, in the transaction of the change, the last id that was looked
// at, how many versions were changed, and which were not.
func (r *Rewrapper) Step(ctx context.Context, c *access.Caller, cite *audit.Entry, first uint32, after id.ID, save func(tx *gate.Tx, last id.ID, done int64, left []Left) error) (int, error) {
	b, err := r.next(ctx, c, first, after)
	n := len(b.list) + len(b.left)
	if err != nil || n == 0 {
		return 0, err
	}
	b.cite = cite
	recipients, err := r.ask(ctx, c, b, b.list)
	if err != nil && !passing(err) { // one of them is damaged: which?
		recipients, err = r.askEach(ctx, c, b)
	}
	if err != nil {
		return 0, err
	}
	return n, r.replace(ctx, c, b.list, recipients, func(tx *gate.Tx, done int64) error { return save(tx, b.last, done, b.left) })
}

// step is what one step is about.
type step struct {
	list []version
	left []Left
	last id.ID
	now  int64
	cite *audit.Entry
}

// askEach asks for each by itself, and moves what is refused to those left.
func (r *Rewrapper) askEach(ctx context.Context, c *access.Caller, b *step) ([]envelope.Recipient, error) {
	var good []version
	var out []envelope.Recipient
	for _, v := range b.list {
		got, err := r.ask(ctx, c, b, []version{v})
		switch {
		case err == nil:
			good, out = append(good, v), append(out, got...)
		case passing(err):
			return nil, err
		default:
			b.left = append(b.left, Left{v.id, fault.Say(err).Text})
		}
	}
	b.list = good
	return out, nil
}

// passing tells whether an error says something of the key service, and not of the
// version.
func passing(err error) bool {
	return errors.Is(err, context.Canceled) || fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Throttled)
}

func (r *Rewrapper) next(ctx context.Context, c *access.Caller, first uint32, after id.ID) (*step, error) {
	b := &step{}
	err := r.Gate.View(ctx, c, func(tx *gate.Tx) error {
		b.now = tx.Now
		g := placesOf(tx.Dialect(), "sealed").generation
		rows, err := tx.Query(`select id, kind, org, object, field, version, header_hash, previous_hash, sealed, empty, time, author from secret_version
			where id > ? and `+g+` < ? order by id limit ?`, int64(after), generationBytes(first), together)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v version
			var n int64
			s := &v.stored
			if err := rows.Scan(&n, &s.kind, &s.org, &s.object, &s.field, &s.version, &s.header, &s.previous, &s.sealed, &s.empty, &s.time, &s.author); err != nil {
				return err
			}
			v.id, b.last = id.ID(n), id.ID(n)
			if v.envelope, err = s.open(tx.Tenant.ID); err != nil {
				b.left = append(b.left, Left{v.id, fault.Say(err).Text})
				continue
			}
			b.list = append(b.list, v)
		}
		return rows.Err()
	})
	return b, err
}

func (r *Rewrapper) ask(ctx context.Context, c *access.Caller, b *step, list []version) ([]envelope.Recipient, error) {
	if len(list) == 0 {
		return nil, nil
	}
	items := make([]keys.Item, len(list))
	for i, v := range list {
		items[i] = keys.Item{Header: v.envelope.HeaderBytes(), Recipient: v.envelope.Recipients()[0]}
	}
	t := Citing(c, list[0].envelope.Header().Tenant, b.cite, "keys.rewrap", b.now)
	return r.Keys.Rewrap(ctx, t, items)
}

// Citing is a bulk ticket of a tenant for an action that an entry of its audit log
// speaks of. now is Unix milliseconds.
func Citing(c *access.Caller, tenant string, e *audit.Entry, action string, now int64) keys.Ticket {
	o := opening{entry: e, tenant: tenant}
	t := o.ticket(c, true)
	t.Action, t.Time = action, now
	return t
}

// replace stores the new recipients, and in the same transaction what save does.
func (r *Rewrapper) replace(ctx context.Context, c *access.Caller, list []version, recipients []envelope.Recipient, save func(tx *gate.Tx, done int64) error) error {
	return r.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		var n int64
		for i, v := range list {
			sealed, err := v.envelope.WithRecipient(recipients[i])
			if err != nil {
				return err
			}
			k, err := tx.Exec(`update secret_version set sealed = ? where id = ? and sealed = ?`, sealed, int64(v.id), v.stored.sealed)
			if err != nil {
				return err
			}
			n += k
		}
		e := tx.Entry()
		e.Action = Rewrapped
		e.Detail.Text = fmt.Sprintf("%d versions of secrets", n)
		if n == 0 {
			tx.Withdraw(e)
		}
		return save(tx, n)
	})
}

// The actions of the audit entries of a rotation.
const (
	Rewrapped = "keys.rewrapped" // some versions; says how many
	Retired   = "keys.retired"   // generations; says which are the first that stay
)

// Close makes sure that nothing is sealed to a generation before first, nor will
// be: the database refuses it from here on. Conflict when something is. The caller
// has been allowed to administer the tenant in tx, which must write.
func Close(tx *gate.Tx, first uint32) error {
	n, err := Behind(tx, first, 0)
	if err != nil {
		return err
	}
	if n > 0 {
		return fault.New(fault.Conflict, "%d versions of secrets are still sealed to an older key pair, so none is retired.", n).
			WithHint("Let the rotation end first, or begin it again.")
	}
	_, err = tx.Exec(`insert into secret_floor (one, generation) values (1, ?)
		on conflict (one) do update set generation = excluded.generation where excluded.generation > secret_floor.generation`, generationBytes(first))
	return err
}
