package sqldb_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/sqldb"
)

// TestWriterProcess is the child of TestKill: it writes until it is killed and
// tells each number that was acknowledged.
func TestWriterProcess(t *testing.T) {
	path := os.Getenv("SQLDB_TEST_WRITER")
	if path == "" {
		t.Skip("only a child of TestKill")
	}
	db := lite(t, path)
	who := os.Getpid()
	for lane := range 4 {
		go func() {
			for n := lane; ; n += 4 {
				err := db.Change(context.Background(), func(tx *sqldb.Tx) error {
					for half := range 2 {
						if _, err := tx.Exec("insert into e (who, n, half, s) values (?, ?, ?, ?)", who, n, half, strings.Repeat("x", 300)); err != nil {
							return err
						}
					}
					_, err := tx.Exec("update e set s = s || 'y' where id = ?", n%50)
					return err
				})
				if err != nil {
					fmt.Println("failed", err)
					return
				}
				fmt.Println("acked", who, n)
			}
		}()
	}
	<-t.Context().Done()
}

// Two processes write and are killed, several times; nothing that was
// acknowledged is lost, nothing is there by half.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := lite(t, path)
	change(t, db, "create table e (id integer primary key, who integer, n integer, half integer, s text)")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var acked []ack
	for range 5 {
		acked = append(acked, writeAndKill(t, path)...)
		db = lite(t, path)
		sound(t, db)
		if n := number(t, db, "select count(*) from (select who, n from e group by who, n having count(*) <> 2)"); n != 0 {
			t.Errorf("%d changes are there by half", n)
		}
		kept := allKept(t, db)
		for _, a := range acked {
			if !kept[a] {
				t.Errorf("%v was acknowledged and is lost", a)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d acknowledged changes", len(acked))
}

// ack is a change that a writer process was told to be durable.
type ack struct{ who, n int }

// writeAndKill lets two processes write until 300 changes were acknowledged,
// kills them and gives all that were.
func writeAndKill(t *testing.T, path string) (acked []ack) {
	t.Helper()
	found, ended := make(chan ack, 1000), make(chan error, 2)
	var children []*exec.Cmd
	for range 2 {
		c := exec.Command(os.Args[0], "-test.run=^TestWriterProcess$")
		c.Env = append(os.Environ(), "SQLDB_TEST_WRITER="+path)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, c)
		go func() { ended <- listen(t, out, found) }()
	}
	for stop := time.After(20 * time.Second); len(acked) < 300 && !t.Failed(); {
		select {
		case a := <-found:
			acked = append(acked, a)
		case <-stop:
			t.Error("the writers are slow")
		}
	}
	for _, c := range children {
		if err := c.Process.Kill(); err != nil {
			t.Error(err)
		}
	}
	for open := 2; open > 0 || len(found) > 0; {
		select {
		case a := <-found:
			acked = append(acked, a)
		case err := <-ended:
			open--
			if err != nil {
				t.Error(err)
			}
		}
	}
	for _, c := range children {
		_ = c.Wait() // it was killed
	}
	return acked
}

// listen passes on what a writer process tells.
func listen(t *testing.T, out io.Reader, found chan<- ack) error {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var a ack
		if n, _ := fmt.Sscanf(lines.Text(), "acked %d %d", &a.who, &a.n); n == 2 {
			found <- a
		} else {
			t.Error(lines.Text())
		}
	}
	return lines.Err()
}

func allKept(t *testing.T, db *sqldb.DB) map[ack]bool {
	t.Helper()
	kept := map[ack]bool{}
	err := db.View(t.Context(), func(tx *sqldb.Tx) error {
		rows, err := tx.Query("select distinct who, n from e")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a ack
			if err := rows.Scan(&a.who, &a.n); err != nil {
				return err
			}
			kept[a] = true
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}
