// Package attachment holds files that belong to records: what people attach,
// and the images inside documents.
//
// Always true: a file is seen, added and removed by whoever may see or change
// its record, and by nobody else; its content never changes; a blob without a
// row is listed as loose before it is written and until it is removed, so that
// a crash leaves nothing unreachable; names are cleaned and the type is found
// in the content, whatever was claimed.
package attachment

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"slices"

	"strongroom/internal/base/blob"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Role says what a file is for its record.
type Role string

// The roles.
const (
	Attached Role = ""      // listed beside the record
	Image    Role = "image" // inside a document or a gallery, named by its HTML
)

// File is what is known of a file.
type File struct {
	ID       id.ID
	Record   id.ID
	Role     Role
	Name     string // for people, may be changed
	FileName string // as it came, cleaned
	Type     string // media type, found in the content
	Size     int64  // bytes
	Created  int64  // Unix milliseconds
	Updated  int64
	By       id.ID // who added it

	blob string
}

// Store works with files. Fill Gate; it then is safe for concurrent use.
type Store struct {
	Gate *gate.Gate
	Max  int64 // most bytes of one file; 0 is DefaultMax
}

// DefaultMax is how big a file may be where nothing else is said, in bytes.
const DefaultMax = 300 << 20

// Feature is the tables of files. Purging a record removes its files.
func Feature() record.Feature {
	return record.Feature{Name: "attachment", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists attachment (id id primary key, record_id int not null, role text not null default '', name text not null, file_name text not null,
		type text not null, size int not null, blob text not null, sum text not null, created_at int not null, updated_at int not null, created_by int not null)`,
	`create index if not exists attachment_record on attachment (record_id, role, id)`,
	`create table if not exists attachment_loose (blob text primary key, since int not null)`,
	`create table if not exists attachment_held (user_id int not null, mark text not null, n int not null, blob text not null, name text not null, type text not null, size int not null, sum text not null, at int not null, primary key (user_id, mark, n))`,
}

// Add attaches the content of r to a record. Fault kinds: NotFound and Denied as
// for changing the record, Invalid when it is too big or empty of name.
func (s *Store) Add(ctx context.Context, c *access.Caller, rec id.ID, name string, r io.Reader) (*File, error) {
	return s.add(ctx, c, rec, Attached, name, r)
}

// AddImage keeps an image for a document or a gallery. Invalid when the content
// is no image that browsers show.
func (s *Store) AddImage(ctx context.Context, c *access.Caller, rec id.ID, name string, r io.Reader) (*File, error) {
	return s.add(ctx, c, rec, Image, name, r)
}

// AddTo attaches a file to a field of a record, see record.Files: the role is the
// field's name.
func (s *Store) AddTo(ctx context.Context, c *access.Caller, rec id.ID, role Role, name string, r io.Reader) (*File, error) {
	return s.add(ctx, c, rec, role, name, r)
}

func (s *Store) add(ctx context.Context, c *access.Caller, rec id.ID, role Role, name string, r io.Reader) (*File, error) {
	edit := gate.Thing{ID: rec}
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) error { // refuse before anything is written
		_, err := tx.Allow(access.Edit, edit)
		return err
	})
	if err != nil {
		return nil, err
	}
	content, err := s.write(ctx, c, access.Edit, edit, name, r)
	if err != nil {
		return nil, err
	}
	var f *File
	err = s.Gate.Change(ctx, c, access.Edit, edit, func(tx *gate.Tx) error {
		f, err = Attach(tx, rec, role, content)
		return err
	})
	if err != nil {
		s.drop(ctx, c, content.ref.ID)
		return nil, err
	}
	return f, nil
}

// Content is a file that is written and belongs to no record yet.
type Content struct {
	Name string // cleaned
	Type string
	ref  blob.Ref
}

// Size is the length of the content in bytes.
func (c *Content) Size() int64 { return c.ref.Size }

// Write keeps the content of r for a caller who may import. Attach gives it to a
// record; what is not attached within a day is removed.
func (s *Store) Write(ctx context.Context, c *access.Caller, name string, r io.Reader) (*Content, error) {
	return s.write(ctx, c, access.Import, gate.Thing{}, name, r)
}

// WriteFor is Write for a caller who may do something to a thing, such as create
// or change the record that the content is for.
func (s *Store) WriteFor(ctx context.Context, c *access.Caller, action access.Action, thing gate.Thing, name string, r io.Reader) (*Content, error) {
	return s.write(ctx, c, action, thing, name, r)
}

func (s *Store) write(ctx context.Context, c *access.Caller, action access.Action, thing gate.Thing, name string, r io.Reader) (*Content, error) {
	t, err := s.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	defer t.Release()
	w, err := t.Blobs.Create(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	err = s.Gate.Change(ctx, c, action, thing, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry()) // what is recorded is the attaching
		_, err := tx.Exec(`insert into attachment_loose (blob, since) values (?, ?)`, w.ID(), tx.Now)
		return err
	})
	if err != nil {
		return nil, err
	}
	content, err := s.copy(w, name, r)
	if err != nil {
		s.drop(ctx, c, w.ID())
		return nil, err
	}
	return content, nil
}

// copy streams r into w, finding its type on the way.
func (s *Store) copy(w *blob.Writer, name string, r io.Reader) (*Content, error) {
	limit := s.Max
	if limit == 0 {
		limit = DefaultMax
	}
	head := make([]byte, sniff)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, unread(err)
	}
	if _, err := w.Write(head[:n]); err != nil {
		return nil, err
	}
	more, err := io.Copy(w, io.LimitReader(r, limit-int64(n)+1))
	if err != nil {
		return nil, unread(err)
	}
	if int64(n)+more > limit {
		return nil, fault.Field("attachment", "The file is bigger than %d MiB.", max(1, limit>>20)).WithHint("Make it smaller, or ask your administrator to allow bigger files.")
	}
	c := &Content{Name: CleanName(name), Type: TypeOf(head[:n], name)}
	c.ref, err = w.Commit()
	return c, err
}

// unread keeps a failure of the store as it is and calls the others a broken
// upload.
func unread(err error) error {
	if _, known := errors.AsType[*fault.Error](err); known {
		return err
	}
	return fault.Wrap(err, fault.Invalid, "The file did not arrive completely.").WithHint("Send it again.")
}

// Attach gives written content to a record, inside a change. It decides and
// records that the caller changes the record.
func Attach(tx *gate.Tx, rec id.ID, role Role, c *Content) (*File, error) {
	entry, err := tx.Allow(access.Edit, gate.Thing{ID: rec})
	if err != nil {
		return nil, err
	}
	if role == Image && !Viewable(c.Type) {
		return nil, fault.Field("image", "This is not an image that browsers show.").WithHint("Use PNG, JPEG, GIF or WebP.")
	}
	f := &File{Record: rec, Role: role, Name: c.Name, FileName: c.Name, Type: c.Type, Size: c.ref.Size, Created: tx.Now, Updated: tx.Now, By: tx.Caller.User, blob: c.ref.ID}
	if f.ID, err = tx.NewID(); err != nil {
		return nil, err
	}
	_, err = tx.Exec(`insert into attachment (id, record_id, role, name, file_name, type, size, blob, sum, created_at, updated_at, created_by)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, int64(f.ID), int64(rec), string(role), f.Name, f.FileName, f.Type, f.Size, f.blob, c.ref.SHA256, f.Created, f.Updated, int64(f.By))
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(`delete from attachment_loose where blob = ?`, f.blob); err != nil {
		return nil, err
	}
	entry.Detail.Text = join(entry.Detail.Text, "added the file "+f.Name)
	return f, nil
}

// Copy gives another record the files that are attached to one, inside a change that may
// change it. Both name the same content, which stays as long as one of them does.
func Copy(tx *gate.Tx, from, to id.ID) (int, error) {
	files, err := List(tx, from, Attached)
	if err != nil || len(files) == 0 {
		return 0, err
	}
	entry, err := tx.Allow(access.Edit, gate.Thing{ID: to})
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		n, err := tx.NewID()
		if err != nil {
			return 0, err
		}
		if _, err := tx.Exec(`insert into attachment (id, record_id, role, name, file_name, type, size, blob, sum, created_at, updated_at, created_by)
			select ?, ?, role, name, file_name, type, size, blob, sum, ?, ?, ? from attachment a where a.id = ?`, int64(n), int64(to), tx.Now, tx.Now, int64(tx.Caller.User), int64(f.ID)); err != nil {
			return 0, err
		}
		entry.Detail.Text = join(entry.Detail.Text, "added the file "+f.Name)
	}
	return len(files), nil
}

func join(have, more string) string {
	if have == "" {
		return more
	}
	return have + ", " + more
}

const columns = `select a.id, a.record_id, a.role, a.name, a.file_name, a.type, a.size, a.created_at, a.updated_at, a.created_by, a.blob from attachment a`

func scan(row interface{ Scan(...any) error }) (*File, error) {
	var f File
	var fid, rec, by int64
	var role string
	err := row.Scan(&fid, &rec, &role, &f.Name, &f.FileName, &f.Type, &f.Size, &f.Created, &f.Updated, &by, &f.blob)
	f.ID, f.Record, f.By, f.Role = id.ID(fid), id.ID(rec), id.ID(by), Role(role)
	return &f, err
}

// List gives the files of a record in one role, oldest first. NotFound when the
// caller may not see the record.
func List(tx *gate.Tx, rec id.ID, role Role) ([]*File, error) {
	return list(tx, rec, ` and a.role = ?`, string(role))
}

// All gives the files of a record in all roles, oldest first.
func All(tx *gate.Tx, rec id.ID) ([]*File, error) { return list(tx, rec, ``) }

// Of gives the files of those of the records that the caller may see, by record, oldest
// first.
func Of(tx *gate.Tx, recs ...id.ID) (map[id.ID][]*File, error) {
	out := map[id.ID][]*File{}
	for part := range slices.Chunk(recs, 500) {
		sees, who := tx.Visible("r")
		rows, err := tx.Query(columns+` join record r on r.id = a.record_id where a.record_id in (`+access.Marks(len(part))+`) and r.trashed_at is null and `+sees+` order by a.id`,
			append(access.Args(part), who...)...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			f, err := scan(rows)
			if err != nil {
				rows.Close()
				return nil, err
			}
			out[f.Record] = append(out[f.Record], f)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func list(tx *gate.Tx, rec id.ID, cond string, args ...any) ([]*File, error) {
	if _, err := tx.Allow(access.View, gate.Thing{ID: rec}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(columns+` where a.record_id = ?`+cond+` order by a.id`, append([]any{int64(rec)}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*File
	for rows.Next() {
		f, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

// Get gives one file. NotFound when there is none or the caller may not see its
// record.
func Get(tx *gate.Tx, file id.ID) (*File, error) {
	f, err := scan(tx.QueryRow(columns+` where a.id = ?`, int64(file)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, gate.Missing()
	}
	if err != nil {
		return nil, err
	}
	_, err = tx.Allow(access.View, gate.Thing{ID: f.Record})
	return f, err
}

// Rename changes the name that people see.
func Rename(tx *gate.Tx, file id.ID, name string) (*File, error) {
	f, entry, err := change(tx, file)
	if err != nil {
		return nil, err
	}
	name = CleanName(name)
	if name == f.Name {
		tx.Withdraw(entry)
		return f, nil
	}
	entry.Detail.Text = join(entry.Detail.Text, "renamed the file "+f.Name+" to "+name)
	f.Name, f.Updated = name, tx.Now
	_, err = tx.Exec(`update attachment set name = ?, updated_at = ? where id = ?`, f.Name, f.Updated, int64(f.ID))
	return f, err
}
