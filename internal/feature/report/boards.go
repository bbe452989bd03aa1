package report

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"html"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/paper"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Tile is one report on a dashboard: a built-in one by its name, asked for the period of the
// dashboard, or a question as it was when it was chosen.
type Tile struct {
	Title    string `json:"title,omitempty"`    // of a question
	Standard string `json:"standard,omitempty"` // the name of a built-in report of Kind
	Ask
}

// Board is a dashboard that somebody keeps under a name.
type Board struct {
	ID    id.ID
	Owner id.ID // who keeps it and changes it
	Name  string
	Days  int // the period of its built-in reports, as that of Ask
	Tiles []Tile
	With  []id.ID       // users and groups who see it too; each is answered by her own rights
	Roles []access.Role // everybody with one of them does
}

// Bounds of dashboards.
const (
	MaxTiles  = 12
	maxBoards = 50
)

var boardSchema = []string{
	`create table if not exists report_board (id id primary key, owner_id int not null, name text not null, days int not null, setup json not null, created_at int not null, updated_at int not null)`,
	`create index if not exists report_board_owner on report_board (owner_id, id)`,
	`create table if not exists report_board_with (board_id int not null, who_id int not null, primary key (board_id, who_id))`,
	`create index if not exists report_board_with_who on report_board_with (who_id)`,
	`create table if not exists report_board_role (board_id int not null, role text not null, primary key (board_id, role))`,
}

// seenBoard is the condition that a caller sees the dashboard p. Customers see none.
func seenBoard(c *access.Caller) (string, []any) {
	if c.Customer() {
		return `1 = 0`, nil
	}
	who := append([]id.ID{c.User}, c.Groups...)
	return `(p.owner_id = ? and p.owner_id <> 0 or exists (select 1 from report_board_role r where r.board_id = p.id and r.role = ?)
		or exists (select 1 from report_board_with w where w.board_id = p.id and w.who_id <> 0 and w.who_id in (` + access.Marks(len(who)) + `)))`,
		append([]any{int64(c.User), string(c.Role)}, access.Args(who)...)
}

// Boards gives the dashboards that the caller sees, her own first, each by name.
func Boards(tx *gate.Tx) ([]*Board, error) {
	cond, args := seenBoard(tx.Caller)
	return boards(tx, cond+` order by case when p.owner_id = ? then 0 else 1 end, p.name, p.id limit 200`, append(args, int64(tx.Caller.User))...)
}

// GetBoard gives one; NotFound for one that the caller does not see.
func GetBoard(tx *gate.Tx, board id.ID) (*Board, error) {
	cond, args := seenBoard(tx.Caller)
	list, err := boards(tx, cond+` and p.id = ?`, append(args, int64(board))...)
	if err == nil && len(list) == 0 {
		err = gate.Missing()
	}
	if err != nil {
		return nil, err
	}
	b := list[0]
	if b.Owner != tx.Caller.User {
		return b, nil
	}
	if b.With, err = tx.IDs(`select who_id from report_board_with where board_id = ? order by who_id`, int64(board)); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select role from report_board_role where board_id = ? order by role`, int64(board))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r access.Role
		if err := rows.Scan(&r); err != nil {
			return nil, err
		}
		b.Roles = append(b.Roles, r)
	}
	return b, rows.Err()
}

func boards(tx *gate.Tx, where string, args ...any) ([]*Board, error) {
	rows, err := tx.Query(`select p.id, p.owner_id, p.name, p.days, p.setup from report_board p where `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Board
	for rows.Next() {
		var n, owner int64
		var setup string
		b := &Board{}
		if err := rows.Scan(&n, &owner, &b.Name, &b.Days, &setup); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(setup), &b.Tiles); err != nil {
			return nil, err
		}
		b.ID, b.Owner = id.ID(n), id.ID(owner)
		out = append(out, b)
	}
	return out, rows.Err()
}

// SaveBoard keeps a new dashboard of the caller's, or one of hers that she changed. Invalid, with
// the field; NotFound for another's. Whoever shares one with roles may change the tenant's lists.
func SaveBoard(tx *gate.Tx, e *record.Engine, b *Board) error {
	if err := b.fit(tx, e); err != nil {
		return err
	}
	if len(b.Roles) > 0 {
		entry, err := tx.Allow(access.Configure, gate.Thing{})
		if err != nil {
			return err
		}
		entry.Detail.Text = "a dashboard for roles"
	}
	setup, err := json.Marshal(b.Tiles)
	if err != nil {
		return err
	}
	if b.ID == 0 {
		if b.ID, err = tx.NewID(); err != nil {
			return err
		}
		_, err = tx.Exec(`insert into report_board (id, owner_id, name, days, setup, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?)`,
			int64(b.ID), int64(tx.Caller.User), b.Name, b.Days, string(setup), tx.Now, tx.Now)
	} else if err = ownBoard(tx, b.ID); err == nil {
		_, err = tx.Exec(`update report_board set name = ?, days = ?, setup = ?, updated_at = ? where id = ?`, b.Name, b.Days, string(setup), tx.Now, int64(b.ID))
	}
	if err != nil {
		return err
	}
	for _, q := range [...]string{`delete from report_board_with where board_id = ?`, `delete from report_board_role where board_id = ?`} {
		if _, err := tx.Exec(q, int64(b.ID)); err != nil {
			return err
		}
	}
	for _, who := range b.With {
		if _, err := tx.Exec(`insert into report_board_with (board_id, who_id) values (?, ?)`, int64(b.ID), int64(who)); err != nil {
			return err
		}
	}
	for _, r := range b.Roles {
		if _, err := tx.Exec(`insert into report_board_role (board_id, role) values (?, ?)`, int64(b.ID), string(r)); err != nil {
			return err
		}
	}
	return nil
}

// fit completes a dashboard, and refuses one that cannot be kept.
func (b *Board) fit(tx *gate.Tx, e *record.Engine) error {
	if tx.Caller.User == 0 {
		return fault.New(fault.Denied, "Only people have dashboards of their own.")
	}
	b.Name = strings.Join(strings.Fields(b.Name), " ")
	slices.Sort(b.With)
	slices.Sort(b.Roles)
	b.With, b.Roles = slices.Compact(b.With), slices.Compact(b.Roles)
	switch {
	case b.Name == "":
		return fault.Field("name", "The name of the dashboard is missing.")
	case utf8.RuneCountInString(b.Name) > MaxName:
		return fault.Field("name", "A name has at most %d characters.", MaxName)
	case !slices.Contains(Periods(), b.Days):
		return fault.Field("days", "A period is of 7, 30, 90 or 365 days, or of all.")
	case len(b.Tiles) == 0:
		return fault.Field("tile1", "Choose at least one report.")
	case len(b.Tiles) > MaxTiles:
		return fault.Field("tile1", "A dashboard has %d reports at most.", MaxTiles)
	case len(b.With) > maxWith:
		return fault.Field("with", "A dashboard is shared with %d users and groups at most.", maxWith)
	}
	for _, r := range b.Roles {
		if !slices.Contains(access.Roles(), r) {
			return fault.Field("roles", "A dashboard is shared with roles of those who work here.")
		}
	}
	for i, t := range b.Tiles {
		ask, _, err := t.question(e.Kinds, tx.Now, b.Days)
		if err == nil {
			err = ask.Check(e.Kinds)
		}
		if err != nil {
			return fault.Field("tile"+strconv.Itoa(i+1), "%s", fault.Say(err).Text)
		}
	}
	if err := sharable(tx, e, b.With); err != nil {
		return err
	}
	var n int
	if err := tx.QueryRow(`select count(*) from report_board where owner_id = ? and id <> ?`, int64(tx.Caller.User), int64(b.ID)).Scan(&n); err != nil {
		return err
	}
	if n >= maxBoards {
		return fault.New(fault.Invalid, "You have %d dashboards already.", maxBoards).WithHint("Remove one first.")
	}
	return nil
}

// question is what a tile asks, and what exactly it tells.
func (t Tile) question(kinds *record.Registry, now int64, days int) (Ask, string, error) {
	if t.Standard == "" {
		return t.Ask, "", nil
	}
	for _, k := range Kinds(kinds) {
		if k.Name != t.Kind {
			continue
		}
		for _, x := range Standard(k, now, days, "") {
			if x.Name == t.Standard {
				return x.Ask, x.Text, nil
			}
		}
	}
	return Ask{}, "", fault.New(fault.Invalid, "There is no such report any more.")
}

// Part is a tile with its answer for one reader.
type Part struct {
	Title, Text string
	Answer      *Answer // nil where Wrong says why there is none
	Wrong       string
}

// Answered asks all tiles as the caller, in their order. What cannot be answered says why, and
// keeps none of the others.
func (b *Board) Answered(tx *gate.Tx, e *record.Engine) ([]Part, error) {
	var out []Part
	for _, t := range b.Tiles {
		p := Part{Title: t.Name(e.Kinds)}
		ask, text, err := t.question(e.Kinds, tx.Now, b.Days)
		if err == nil && !tx.Caller.Sees(ask.Kind) {
			err = fault.New(fault.Denied, "You see none of these.")
		}
		if err == nil {
			p.Text = text
			p.Answer, err = ask.Answered(tx, e)
		}
		if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Denied) {
			p.Wrong, err = fault.Say(err).Text, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Name is what a tile is called: by the kind too, where it is built in.
func (t Tile) Name(kinds *record.Registry) string {
	if t.Standard == "" {
		return t.Title
	}
	k := kinds.Kind(t.Kind)
	if k == nil {
		return t.Standard
	}
	for _, x := range Standard(k, 0, 0, "") {
		if x.Name == t.Standard {
			return k.Labels + ": " + strings.ToLower(x.Title[:1]) + x.Title[1:]
		}
	}
	return t.Standard
}

// Kinds are those of which the reports of a dashboard are.
func (b *Board) Kinds() (out []string) {
	for _, t := range b.Tiles {
		if !slices.Contains(out, t.Kind) {
			out = append(out, t.Kind)
		}
	}
	return out
}

// ownBoard tells whether a dashboard is the caller's; NotFound when not.
func ownBoard(tx *gate.Tx, board id.ID) error {
	var owner int64
	err := tx.QueryRow(`select owner_id from report_board where id = ?`, int64(board)).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (owner == 0 || id.ID(owner) != tx.Caller.User) {
		return gate.Missing()
	}
	return err
}

// RemoveBoard forgets a dashboard of the caller's. NotFound for another's.
func RemoveBoard(tx *gate.Tx, board id.ID) error {
	if err := ownBoard(tx, board); err != nil {
		return err
	}
	for _, q := range [...]string{`delete from report_mail where report_id = ?`, `delete from report_board_with where board_id = ?`, `delete from report_board_role where board_id = ?`, `delete from report_board where id = ?`} {
		if _, err := tx.Exec(q, int64(board)); err != nil {
			return err
		}
	}
	return nil
}

// Export asks for the right to let the numbers of a dashboard leave the house, of each of its
// kinds; how is what is recorded.
func (b *Board) Export(tx *gate.Tx, how string) error {
	for _, k := range b.Kinds() {
		entry, err := tx.Allow(access.Export, gate.Thing{Kind: k})
		if err != nil {
			return err
		}
		entry.Detail.Name, entry.Detail.Text = b.Name, how
	}
	return nil
}

// tables are the parts of a dashboard as HTML: nothing in it but text.
func tables(parts []Part, kinds *record.Registry) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("<h2>" + html.EscapeString(p.Title) + "</h2>")
		if p.Answer == nil {
			b.WriteString("<p>" + html.EscapeString(p.Wrong) + "</p>")
			continue
		}
		b.WriteString("<p>" + html.EscapeString(p.Answer.Ask.About(kinds.Kind(p.Answer.Ask.Kind))) + "</p>" + p.Answer.table())
	}
	return b.String()
}

// PrintBoard writes a dashboard as PDF: its title, for whom it was made, and its numbers.
func PrintBoard(ctx context.Context, out io.Writer, kinds *record.Registry, title string, parts []Part, lines []string, who string, made time.Time) error {
	b := &paper.Book{Title: title, Lines: lines, Author: who, Owner: who, Made: made.UTC()}
	b.HTML(0, tables(parts, kinds))
	_, err := b.Write(ctx, out)
	return err
}
