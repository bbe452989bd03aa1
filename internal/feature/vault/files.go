package vault

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"time"

	"strongroom/internal/base/blob"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// The limits of the files of one vault.
const (
	MostFile  = hostproof.MostFileSize + 2*hostproof.MostFileSize/7 // sealed, with what hides its size
	mostBytes = 2 << 30
	mostFiles = 2_000
	keepLoose = 24 * time.Hour
)

var fileSchema = []string{
	`create table if not exists vault_file (vault_id int not null, file int not null, item int not null, size int not null, blob text not null, author int not null, at int not null, primary key (vault_id, file))`,
	`create table if not exists vault_loose (blob text primary key, since int not null)`,
}

// loosen lists the files that a condition names as belonging to nothing, and forgets
// them. Sweep removes their content.
func loosen(tx *gate.Tx, where string, args ...any) error {
	if _, err := tx.Exec(`insert into vault_loose (blob, since) select blob, 0 from vault_file where `+where+` on conflict (blob) do nothing`, args...); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from vault_file where `+where, args...)
	return err
}

// Attachment says that a file that was sent before belongs to an item.
type Attachment struct {
	Item int64 `json:"item"`
	File int64 `json:"file"`
}

// Send keeps the sealed bytes of a file under a number that the client drew. It
// belongs to an item with the write that says so, and is forgotten when none does
// within a day. Conflict when the number is in use.
func (s *Vaults) Send(ctx context.Context, c *access.Caller, vault id.ID, file int64, r io.Reader) error {
	if file <= 0 || file >= 1<<48 {
		return fault.New(fault.Invalid, "This is no number of a file.")
	}
	t, err := s.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return err
	}
	defer t.Release()
	w, err := t.Blobs.Create(ctx)
	if err != nil {
		return err
	}
	defer w.Abort()
	err = s.change(ctx, c, "vault.file", vault, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry()) // what is recorded is that it arrived
		if err := room(tx, vault, file); err != nil {
			return err
		}
		_, err := tx.Exec(`insert into vault_loose (blob, since) values (?, ?)`, w.ID(), tx.Now)
		return err
	})
	if err != nil {
		return err
	}
	n, err := io.Copy(w, io.LimitReader(r, MostFile+1))
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The file did not arrive completely.").WithHint("Send it again.")
	}
	if n > MostFile {
		return fault.New(fault.Invalid, "A file in a vault has at most %d MiB.", hostproof.MostFileSize>>20)
	}
	ref, err := w.Commit()
	if err != nil {
		return err
	}
	return s.change(ctx, c, "vault.file", vault, func(tx *gate.Tx) error {
		if err := room(tx, vault, file); err != nil {
			return err
		}
		if _, err := tx.Exec(`delete from vault_loose where blob = ?`, ref.ID); err != nil {
			return err
		}
		_, err := tx.Exec(`insert into vault_file (vault_id, file, item, size, blob, author, at) values (?, ?, 0, ?, ?, ?, ?)`, int64(vault), file, ref.Size, ref.ID, int64(tx.Caller.User), tx.Now)
		return err
	})
}

// room tells whether the caller may put one more file into a vault, under this number.
func room(tx *gate.Tx, vault id.ID, file int64) error {
	st, err := standingOf(tx, vault)
	if err != nil {
		return err
	}
	if st.role < hostproof.Writer || st.counter == 0 {
		return fault.New(fault.Denied, "You may read this vault and not write in it.").WithHint("Ask its owner.")
	}
	var taken, n, bytes int64
	if err := tx.QueryRow(`select coalesce(sum(case when file = ? then 1 else 0 end), 0), count(*), coalesce(sum(size), 0) from vault_file where vault_id = ?`, file, int64(vault)).Scan(&taken, &n, &bytes); err != nil {
		return err
	}
	switch {
	case taken > 0:
		return outdated()
	case n >= mostFiles || bytes >= mostBytes:
		return fault.New(fault.Invalid, "The files of one vault are at most %d, with %d GiB together.", mostFiles, mostBytes>>30).WithHint("Delete some, or make another vault.")
	}
	return nil
}

// Fetch gives the sealed bytes of a file of a vault that the caller has a grant for.
// Close them. Each fetch is recorded.
func (s *Vaults) Fetch(ctx context.Context, c *access.Caller, vault id.ID, file int64) (*blob.Object, error) {
	var name string
	err := s.change(ctx, c, "vault.read", vault, func(tx *gate.Tx) error {
		st, err := standingOf(tx, vault)
		if err != nil {
			return err
		}
		if st.grant == nil {
			return gate.Missing()
		}
		tx.Entry().Detail.Text = "a file"
		var to string
		err = tx.QueryRow(`select f.blob, i.audience from vault_file f join vault_item i on i.vault_id = f.vault_id and i.item = f.item where f.vault_id = ? and f.file = ?`, int64(vault), file).Scan(&name, &to)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !isFor(to, c.User) {
			return gate.Missing()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	t, err := s.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	defer t.Release()
	return t.Blobs.Open(ctx, name)
}

// files changes which files there are, within a write whose items are applied.
func (p *pending) files(w Write) error {
	for _, a := range w.Attach {
		if _, ok := p.kept[a.Item]; !ok || a.Item == 0 {
			return outdated()
		}
		if err := seen(p.tx, p.vault, a.Item); err != nil {
			return err
		}
		n, err := p.tx.Exec(`update vault_file set item = ? where vault_id = ? and file = ? and item = 0 and author = ?`, a.Item, int64(p.vault), a.File, int64(p.tx.Caller.User))
		if err != nil {
			return err
		}
		if n != 1 {
			return fault.New(fault.Conflict, "A file of this item did not arrive, or was there already.").WithHint("Send it again.")
		}
	}
	for _, f := range w.Detach {
		if err := p.seenFile(f); err != nil {
			return err
		}
		if err := loosen(p.tx, `vault_id = ? and file = ? and item <> 0`, int64(p.vault), f); err != nil {
			return err
		}
	}
	return nil
}

// seenFile is seen for the item that a file belongs to.
func (p *pending) seenFile(file int64) error {
	var item int64
	err := p.tx.QueryRow(`select item from vault_file where vault_id = ? and file = ?`, int64(p.vault), file).Scan(&item)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return seen(p.tx, p.vault, item)
}

// Sweep removes the content of files that belong to nothing: at once what was
// deleted, after a day what was sent and not used. A job calls it.
func (s *Vaults) Sweep(ctx context.Context, tenant string) error {
	return s.Gate.Change(ctx, access.System(tenant, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		old := tx.Now - keepLoose.Milliseconds()
		if err := loosen(tx, `item = 0 and at < ?`, old); err != nil {
			return err
		}
		list, err := looseBlobs(tx, old)
		if err != nil {
			return err
		}
		for _, b := range list {
			if err := tx.Tenant.Blobs.Remove(ctx, b); err != nil {
				return err
			}
			if _, err := tx.Exec(`delete from vault_loose where blob = ?`, b); err != nil {
				return err
			}
		}
		return nil
	})
}

func looseBlobs(tx *gate.Tx, before int64) (out []string, err error) {
	rows, err := tx.Query(`select blob from vault_loose where since < ? order by since, blob limit 500`, before)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var b string
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}
