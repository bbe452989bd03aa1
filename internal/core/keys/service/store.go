package service

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
)

const schema = `
create table if not exists store (
	id int not null constraint store_pk primary key,
	mark bytes not null, -- tells whether a root is the one the store was made with
	stale int not null default 0 -- 1: keys were destroyed and the file is not rewritten yet
);
create table if not exists tenant (
	name text not null constraint tenant_pk primary key,
	generation int not null,  -- of the present key pair
	created int not null,
	shredded int not null default 0, -- when its keys were destroyed, or 0
	signed_size int not null default 0, -- of the last signed checkpoint
	signed_root bytes
);
create table if not exists shred_key (
	tenant text not null constraint shred_key_pk primary key,
	sealed bytes not null -- by the root
);
create table if not exists secret (
	tenant text not null,
	kind text not null,
	generation int not null,
	sealed bytes not null, -- by the tenant's shred key
	public bytes not null,
	created int not null,
	retired int not null default 0, -- when sealed was emptied, or 0
	constraint secret_pk primary key (tenant, kind, generation)
)`

func (v *vault) openStore(ctx context.Context) error {
	path := filepath.Join(v.o.Dir, storeFile)
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(err, fault.Unavailable, "The folder of the key service cannot be written.").WithHint("Check the rights on it.")
	}
	db, err := openDatabase(ctx, path, v.root.store)
	if err != nil {
		return err
	}
	v.store = db
	return db.Change(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(tx.Dialect().DDL(schema)); err != nil {
			return err
		}
		if err := addRetired(tx); err != nil {
			return err
		}
		var mark []byte
		err := tx.QueryRow(`select mark from store where id = 1`).Scan(&mark)
		if errors.Is(err, sql.ErrNoRows) {
			_, err = tx.Exec(`insert into store (id, mark) values (1, ?)`, v.root.check[:])
			return err
		}
		if err == nil && subtle.ConstantTimeCompare(mark, v.root.check[:]) != 1 {
			return wrongRoot()
		}
		return err
	})
}

// addRetired brings a store from before key pairs were retired up to date.
func addRetired(tx *sqldb.Tx) error {
	have, err := tx.Columns("secret")
	if err != nil || have["retired"] {
		return err
	}
	_, err = tx.Exec(tx.Dialect().DDL(`alter table secret add column retired int not null default 0`))
	return err
}

// openDatabase opens one of the service's two files; a file that does not open
// with the key means another root.
func openDatabase(ctx context.Context, path string, key []byte) (*sqldb.DB, error) {
	db, err := sqldb.OpenSQLite(ctx, sqldb.SQLiteOptions{
		Path: path,
		Key:  func() ([]byte, error) { return append([]byte(nil), key...), nil },
	})
	if fault.Is(err, fault.Invalid) {
		return nil, fault.Wrap(err, fault.Invalid, "This is not the root key of this key store.").
			WithHint("Give the root key that was printed when the store was made.")
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The key store cannot be opened.").WithHint("Check the folder of the key service and the space on its disk.")
	}
	return db, nil
}

// rewrite replaces the store's file by a copy that holds only what is there
// now, so that destroyed rows are in no free page and no journal.
func (v *vault) rewrite(ctx context.Context) error {
	path := filepath.Join(v.o.Dir, storeFile)
	if err := v.store.BackupTo(ctx, path+".new"); err != nil {
		return err
	}
	if err := syncPath(path + ".new"); err != nil {
		return err
	}
	if err := v.store.Close(); err != nil {
		return err
	}
	v.store = nil
	if _, err := os.Stat(path + "-wal"); err == nil { // somebody else reads the file: leave it
		os.Remove(path + ".new")
		v.o.Log.Warn("the key store was not rewritten because another process has it open")
		return v.openStore(ctx)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	if err := syncPath(v.o.Dir); err != nil {
		return err
	}
	if err := v.openStore(ctx); err != nil {
		return err
	}
	return v.store.Change(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`update store set stale = 0`)
		return err
	})
}

// syncPath makes a file or a folder's entries durable.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
