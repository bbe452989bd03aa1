package load

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"strongroom/internal/base/sqldb"
)

// Limits are what the machine allows with nothing of ours around it, by the same
// number of clients. Everything is per second.
type Limits struct {
	RSA2048 float64 `json:"rsa_2048_decryptions"` // private operations, OAEP with SHA-256
	Sync    float64 `json:"fsync_one_client"`     // appends of 4 KiB, each made durable
	Commit1 float64 `json:"commit_one_client"`    // transactions of one small insert into encrypted SQLite, each durable alone
	Commits float64 `json:"commit_clients"`       // the same by all clients, which share commits
	Inserts float64 `json:"insert_statements"`    // inserts inside one transaction
	Lookups float64 `json:"select_statements"`    // reads of one row by its key, each in a snapshot of its own
	HTTP    float64 `json:"http_answers"`         // answers of 50 KiB over loopback by Go's own server, client and server in one process
}

// Bare measures the limits in dir, each for d.
func Bare(ctx context.Context, dir string, clients int, d time.Duration) (_ *Limits, err error) {
	if dir, err = os.MkdirTemp(dir, "bare-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	l := new(Limits)
	p := Plan{Clients: clients, Warm: d / 5, For: d}
	one := Plan{Clients: 1, Warm: d / 5, For: d}
	rate := func(p Plan, t Task) float64 {
		r, err := Run(ctx, p, Hooks{}, t)
		if err != nil || r.Errors > 0 {
			return 0
		}
		return r.PerSecond
	}
	decrypt, err := bareRSA()
	if err != nil {
		return nil, err
	}
	l.RSA2048 = rate(p, decrypt)
	if l.Sync, err = bareSync(dir, func(t Task) float64 { return rate(one, t) }); err != nil {
		return nil, err
	}
	if err := bareSQLite(ctx, dir, l, func(t Task) float64 { return rate(one, t) }, func(t Task) float64 { return rate(p, t) }); err != nil {
		return nil, err
	}
	if l.HTTP, err = bareHTTP(func(t Task) float64 { return rate(p, t) }); err != nil {
		return nil, err
	}
	return l, ctx.Err()
}

func bareRSA() (Task, error) {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &k.PublicKey, make([]byte, 32), nil)
	if err != nil {
		return nil, err
	}
	return func(context.Context, int, *mathrand.Rand) error {
		_, err := rsa.DecryptOAEP(sha256.New(), nil, k, sealed, nil)
		return err
	}, nil
}

func bareSync(dir string, rate func(Task) float64) (_ float64, err error) {
	f, err := os.OpenFile(filepath.Join(dir, "sync"), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600) // #nosec G304 -- our own folder
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	page := make([]byte, 4096)
	return rate(func(context.Context, int, *mathrand.Rand) error {
		if _, err := f.Write(page); err != nil {
			return err
		}
		return f.Sync()
	}), nil
}

const bareRows = 20_000

func bareSQLite(ctx context.Context, dir string, l *Limits, one, all func(Task) float64) (err error) {
	db, err := sqldb.OpenSQLite(ctx, sqldb.SQLiteOptions{Path: filepath.Join(dir, "bare.db"), Key: func() ([]byte, error) { return make([]byte, 32), nil }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var next atomic.Int64
	insert := func(tx *sqldb.Tx) error {
		_, err := tx.Exec("insert into e (id, s) values (?, ?)", next.Add(1), "the text of a row that is neither long nor short")
		return err
	}
	err = db.Change(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec("create table e (id integer primary key, s text)"); err != nil {
			return err
		}
		start := time.Now()
		for range bareRows {
			if err := insert(tx); err != nil {
				return err
			}
		}
		l.Inserts = bareRows / time.Since(start).Seconds()
		return nil
	})
	if err != nil {
		return err
	}
	commit := func(ctx context.Context, _ int, _ *mathrand.Rand) error { return db.Change(ctx, insert) }
	l.Commit1, l.Commits = one(commit), all(commit)
	l.Lookups = all(func(ctx context.Context, _ int, r *mathrand.Rand) error {
		return db.View(ctx, func(tx *sqldb.Tx) error {
			var s string
			return tx.QueryRow("select s from e where id = ?", 1+r.Int64N(bareRows)).Scan(&s)
		})
	})
	return nil
}

func bareHTTP(rate func(Task) float64) (_ float64, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	body := make([]byte, 50<<10)
	s := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(body) // the client counts what does not arrive
	})}
	go func() { _ = s.Serve(l) }() // ends with Close
	defer func() { err = errors.Join(err, s.Close()) }()
	c := newHTTP()
	defer c.CloseIdleConnections()
	url := "http://" + l.Addr().String() + "/"
	return rate(func(ctx context.Context, _ int, _ *mathrand.Rand) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := c.Do(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		n, err := io.Copy(io.Discard, resp.Body)
		if err == nil && n != int64(len(body)) {
			err = fmt.Errorf("%d bytes arrived", n)
		}
		return err
	}), nil
}
