// Package queue is the mails that wait to be sent, for those who write them.
//
// Always true: a mail is written with what it tells, in one transaction; it sends nothing.
package queue

import (
	"encoding/json"
	"net/mail"

	post "strongroom/internal/base/mail"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// The states of a mail.
const (
	Waiting = "waiting"
	Sending = "sending" // being handed over; after a crash it is tried again
	Sent    = "sent"    // the relay has taken it
	Failed  = "failed"  // it was refused for good, or for too long
	Back    = "back"    // it was taken, and came back later
)

// Letter is a mail to be sent.
type Letter struct {
	User      id.ID // who gets it, when that is a user
	To        mail.Address
	Subject   string
	Text      string
	HTML      string    // may be empty
	Message   string    // its message id; one of the outbox's own when empty
	Head      post.Head // what its header says
	Via       id.ID     // the way that it goes; 0 is the operator's relay
	About     id.ID     // the record that it is of; then it is known as long as that what became of it
	Part      id.ID     // what of it, such as an entry
	Files     []id.ID   // attachments
	Automatic bool      // nobody wrote it
	What      string    // what sort of mail it is, in the words of who writes it
}

// Write puts a mail into the queue, with what it tells. It is sent within a minute once tx
// is durable: Run sees to that.
func Write(tx *gate.Tx, l Letter) error {
	mid, err := tx.NewID()
	if err != nil {
		return err
	}
	var head, files []byte
	if l.Via != 0 {
		if head, err = json.Marshal(l.Head); err != nil {
			return err
		}
	}
	if len(l.Files) > 0 {
		if files, err = json.Marshal(l.Files); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`insert into mail (id, user_id, address, name, subject, body, html, state, at, created_at, message_id, head, files, via, about_id, part_id, automatic, what) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(mid), int64(l.User), l.To.Address, l.To.Name, l.Subject, l.Text, l.HTML, Waiting, tx.Now, tx.Now, l.Message, string(head), string(files), int64(l.Via), int64(l.About), int64(l.Part), l.Automatic, l.What)
	return err
}

// Of lists the mails of a record, the oldest first. Who may see the record may see them.
func Of(tx *gate.Tx, about id.ID) ([]Mail, error) {
	return Read(tx, `where about_id = ? order by id`, int64(about))
}

// Returned notes that a mail came back: it did not arrive at an address; at any when that
// is empty.
func Returned(tx *gate.Tx, message, address, why string) error {
	_, err := tx.Exec(`update mail set state = ?, error = ?, body = '', html = '' where message_id = ? and (address = ? or ? = '')`, Back, why, message, address, address)
	return err
}

// Lately counts the mails that nobody wrote to an address since a time.
func Lately(tx *gate.Tx, address string, since int64) (n int, err error) {
	err = tx.QueryRow(`select count(*) from mail where automatic = 1 and address = ? and created_at > ?`, address, since).Scan(&n)
	return n, err
}

// Enclose hangs files on the mails of a part that wait.
func Enclose(tx *gate.Tx, part id.ID, files []id.ID) error {
	text, err := json.Marshal(files)
	if err != nil || len(files) == 0 {
		return err
	}
	_, err = tx.Exec(`update mail set files = ? where part_id = ? and about_id <> 0 and state = ?`, string(text), int64(part), Waiting)
	return err
}

// Mail is how a mail stands.
type Mail struct {
	ID        id.ID
	Address   string
	Subject   string
	State     string
	Attempts  int
	Next      int64 // when it is tried again, Unix milliseconds
	Error     string
	Created   int64
	Ended     int64
	Part      id.ID // as in Letter
	Message   string
	Automatic bool
	What      string
}

// Read lists the mails that a condition names.
func Read(tx *gate.Tx, which string, args ...any) ([]Mail, error) {
	rows, err := tx.Query(`select id, address, subject, state, attempts, at, error, created_at, ended_at, part_id, message_id, automatic, what from mail `+which, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Mail
	for rows.Next() {
		var m Mail
		var n, part int64
		if err := rows.Scan(&n, &m.Address, &m.Subject, &m.State, &m.Attempts, &m.Next, &m.Error, &m.Created, &m.Ended, &part, &m.Message, &m.Automatic, &m.What); err != nil {
			return nil, err
		}
		m.ID, m.Part = id.ID(n), id.ID(part)
		out = append(out, m)
	}
	return out, rows.Err()
}
