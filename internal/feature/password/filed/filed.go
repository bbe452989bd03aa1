// Package filed tells where passwords and their folders lie.
//
// Always true: it reads and decides nothing; whoever asks has been allowed to see
// the password or folder, and learns only ids.
package filed

import (
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// deepest is how many folders above are looked at: more than may lie above each other.
const deepest = 64

// The kinds of what lies in folders, and of the folders.
const (
	Password = "password"
	Folder   = "password_folder"
)

// Above gives the folders that a password or folder lies in, the nearest first.
// What is of another kind lies in none.
func Above(tx *gate.Tx, kind string, rec id.ID) ([]id.ID, error) {
	start := map[string]string{
		Password: `select k.password_folder_id, 1 from k_password k where k.id = ? and k.password_folder_id is not null`,
		Folder:   `select k.parent_id, 1 from k_password_folder k where k.id = ? and k.parent_id is not null`,
	}[kind]
	if start == "" {
		return nil, nil
	}
	return tx.IDs(`with recursive up (id, depth) as (`+start+` union all
		select f.parent_id, up.depth + 1 from k_password_folder f join up on f.id = up.id where f.parent_id is not null and up.depth <= ?)
		select id from up order by depth`, int64(rec), deepest)
}

// Parents gives, of each folder that lies in another, that one: for who looks at many
// passwords at once, where Above would be asked for each.
func Parents(tx *gate.Tx) (map[id.ID]id.ID, error) {
	rows, err := tx.Query(`select id, parent_id from k_password_folder where parent_id is not null`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[id.ID]id.ID{}
	for rows.Next() {
		var folder, parent int64
		if err := rows.Scan(&folder, &parent); err != nil {
			return nil, err
		}
		out[id.ID(folder)] = id.ID(parent)
	}
	return out, rows.Err()
}

// Within gives the query for the ids of the folders that a query gives, and of all
// folders and passwords that lie in them and below. Its arguments are those of the other.
func Within(folders string) string {
	return `with recursive down (id, depth) as (select f.id, 1 from (` + folders + `) f union all
		select k.id, down.depth + 1 from down join k_password_folder k on k.parent_id = down.id where down.depth <= 64)
		select id from down union select k.id from down join k_password k on k.password_folder_id = down.id`
}

// Below gives the passwords and folders that lie directly in a folder.
func Below(tx *gate.Tx, folder id.ID) ([]id.ID, error) {
	return tx.IDs(`select id from k_password where password_folder_id = ? union all select id from k_password_folder where parent_id = ?`, int64(folder), int64(folder))
}
