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

	"golang.org/x/sys/unix"

	"strongroom/internal/base/sqldb"
)

// Limit is how often a second something can be done, and what one time takes of
// the processor, in milliseconds. The second figure says something also where
// other programs take a part of the machine.
type Limit struct {
	PerSecond float64 `json:"per_second"`
	CPU       float64 `json:"cpu_ms"`
}

// Limits are what the machine allows with nothing of ours around it.
type Limits struct {
	RSA2048 Limit `json:"rsa_2048_decryptions"` // private operations, OAEP with SHA-256, by all clients
	Sync    Limit `json:"fsync"`                // appends of 4 KiB by one client, each made durable
	Commit1 Limit `json:"commit_one_client"`    // transactions of one small insert into encrypted SQLite, each durable alone
	Commits Limit `json:"commit_clients"`       // the same by all clients, who share commits
	Inserts Limit `json:"insert_statements"`    // inserts inside one transaction
	Lookups Limit `json:"select_statements"`    // reads of one row by its key by all clients, each in a snapshot of its own
	HTTP    Limit `json:"http_answers"`         // answers of 50 KiB over loopback by Go's own server, client and server in one process
}

// rate runs a task and gives what it came to.
type rate func(Task) (Limit, error)

func rated(ctx context.Context, p Plan) rate {
	return func(t Task) (Limit, error) {
		var before, after float64
		r, err := Run(ctx, p, Hooks{Begin: func() { before = ownCPU() }, End: func() { after = ownCPU() }}, t)
		if err == nil && r.Errors > 0 {
			err = errors.New(r.Problem)
		}
		if err != nil {
			return Limit{}, err
		}
		return Limit{PerSecond: r.PerSecond, CPU: (after - before) / float64(max(1, r.Done))}, nil
	}
}

// ownCPU is the processor time of this process so far, in milliseconds.
func ownCPU() float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

// Bare measures the limits in dir, each for d.
func Bare(ctx context.Context, dir string, clients int, d time.Duration) (_ *Limits, err error) {
	if dir, err = os.MkdirTemp(dir, "bare-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	l := new(Limits)
	all, one := rated(ctx, Plan{Clients: clients, Warm: d / 5, For: d}), rated(ctx, Plan{Clients: 1, Warm: d / 5, For: d})
	decrypt, err := bareRSA()
	if err != nil {
		return nil, err
	}
	if l.RSA2048, err = all(decrypt); err != nil {
		return nil, err
	}
	if l.Sync, err = bareSync(dir, one); err != nil {
		return nil, err
	}
	if err := bareSQLite(ctx, dir, l, one, all); err != nil {
		return nil, err
	}
	l.HTTP, err = bareHTTP(all)
	return l, err
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

func bareSync(dir string, one rate) (_ Limit, err error) {
	f, err := os.OpenFile(filepath.Join(dir, "sync"), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600) // #nosec G304 -- our own folder
	if err != nil {
		return Limit{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	page := make([]byte, 4096)
	return one(func(context.Context, int, *mathrand.Rand) error {
		if _, err := f.Write(page); err != nil {
			return err
		}
		return f.Sync()
	})
}

const bareRows = 20_000

func bareSQLite(ctx context.Context, dir string, l *Limits, one, all rate) (err error) {
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
		start, cpu := time.Now(), ownCPU()
		for range bareRows {
			if err := insert(tx); err != nil {
				return err
			}
		}
		l.Inserts = Limit{PerSecond: bareRows / time.Since(start).Seconds(), CPU: (ownCPU() - cpu) / bareRows}
		return nil
	})
	if err != nil {
		return err
	}
	commit := func(ctx context.Context, _ int, _ *mathrand.Rand) error { return db.Change(ctx, insert) }
	if l.Commit1, err = one(commit); err != nil {
		return err
	}
	if l.Commits, err = all(commit); err != nil {
		return err
	}
	l.Lookups, err = all(func(ctx context.Context, _ int, r *mathrand.Rand) error {
		return db.View(ctx, func(tx *sqldb.Tx) error {
			var s string
			return tx.QueryRow("select s from e where id = ?", 1+r.Int64N(bareRows)).Scan(&s)
		})
	})
	return err
}

func bareHTTP(all rate) (_ Limit, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return Limit{}, err
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
	return all(func(ctx context.Context, _ int, _ *mathrand.Rand) error {
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
	})
}
