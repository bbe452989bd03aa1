package checklist

import (
	"strconv"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
)

// tellAssignee tells the person whom a checklist or task is given to. What a job
// brings in was given to people elsewhere.
func tellAssignee(tx *gate.Tx, now, old *record.Record) error {
	to := now.Values.ID("assignee_id")
	if to == 0 || old != nil && old.Values.ID("assignee_id") == to || now.Values.Bool("completed") || tx.Caller.Via == "job" || tx.Caller.Via == "console" {
		return nil
	}
	words := "gave you the checklist"
	if now.Kind.Name == TaskKind {
		words = "gave you the task"
	}
	_, err := notification.Send(tx, notification.Notice{Topic: "assignment", To: []id.ID{to}, Record: now.ID,
		Text: []notification.Part{notification.Words(words), notification.Of(now.ID)}, Key: "assignment/" + now.ID.String() + "/" + strconv.FormatInt(now.Version, 10)})
	return err
}
