package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Folder is where an export has vaults: an emergency file for each person, called
// after her number, and the sealed files of items in files, called after vault and file.
const Folder = "strongroom/vaults/"

// Export adds everybody's vaults to an export of everything, sealed as they are. It
// gives nothing to people: what opens the keys of everybody else, if it is guessed, is
// for whoever has the database anyway. It tells of how many people there was something.
func (s *Vaults) Export(ctx context.Context, c *access.Caller, add func(name string) (io.Writer, error)) (people int, err error) {
	if c.User != 0 {
		return 0, nil
	}
	var users []id.ID
	err = s.Gate.Change(ctx, c, access.Export, gate.Thing{}, func(tx *gate.Tx) error {
		if users, err = tx.IDs(`select distinct user_id from vault_keyset where locked is not null order by user_id`); err != nil {
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind = "vault.export", "vault"
		e.Detail.Text = fmt.Sprintf("vaults of %d people, sealed", len(users))
		return nil
	})
	if err != nil {
		return 0, err
	}
	names := map[string]string{} // blobs of files by name of entry
	for _, user := range users {
		var f *File
		err := s.Gate.View(ctx, c, func(tx *gate.Tx) error {
			f, err = fileOf(tx, user)
			return err
		})
		if err != nil {
			return 0, err
		}
		w, err := add(Folder + user.String() + ".json")
		if err != nil {
			return 0, err
		}
		if err := json.NewEncoder(w).Encode(f); err != nil {
			return 0, err
		}
	}
	if err := s.Gate.View(ctx, c, func(tx *gate.Tx) error { return fileNames(tx, names) }); err != nil {
		return 0, err
	}
	return len(users), s.copyFiles(ctx, c.Tenant, names, add)
}

// fileOf is File for somebody, within one transaction.
func fileOf(tx *gate.Tx, user id.ID) (*File, error) {
	st := &State{Tenant: tx.Caller.Tenant, User: user, Vaults: []id.ID{}}
	_, statement, lock, err := keysetOf(tx, user)
	if err != nil {
		return nil, err
	}
	st.Statement, st.Lock = statement, lock
	if err := st.present(tx); err != nil {
		return nil, err
	}
	if err := st.past(tx); err != nil {
		return nil, err
	}
	out := &File{Format: FileFormat, State: st, Vaults: map[id.ID]*Contents{}}
	for _, n := range st.Vaults {
		c := &Contents{}
		var owner int64
		err := tx.QueryRow(`select v.owner_id, v.manifest, g.sealed from vault v join vault_grant g on g.vault_id = v.id where v.id = ? and g.user_id = ?`, int64(n), int64(user)).Scan(&owner, &c.Manifest, &c.Grant)
		if err != nil {
			return nil, err
		}
		c.Owner = id.ID(owner)
		if c.Members, err = members(tx, n); err != nil {
			return nil, err
		}
		if err := c.items(tx, n, user); err != nil {
			return nil, err
		}
		out.Vaults[n] = c
	}
	return out, nil
}

func fileNames(tx *gate.Tx, into map[string]string) error {
	rows, err := tx.Query(`select vault_id, file, blob from vault_file where item <> 0 order by vault_id, file`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var vault, file int64
		var blob string
		if err := rows.Scan(&vault, &file, &blob); err != nil {
			return err
		}
		into[fmt.Sprintf("%sfiles/%d-%d", Folder, vault, file)] = blob
	}
	return rows.Err()
}

// copyFiles copies sealed files, as the server keeps them for clients.
func (s *Vaults) copyFiles(ctx context.Context, tenant string, names map[string]string, add func(name string) (io.Writer, error)) error {
	t, err := s.Gate.House.Open(ctx, tenant)
	if err != nil {
		return err
	}
	defer t.Release()
	for name, blob := range names {
		o, err := t.Blobs.Open(ctx, blob)
		if err != nil {
			return err
		}
		w, err := add(name)
		if err == nil {
			_, err = io.Copy(w, o)
		}
		_ = o.Close() // it was read
		if err != nil {
			return err
		}
	}
	return nil
}
