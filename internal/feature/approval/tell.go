package approval

import (
	"fmt"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/password/demand"
)

// topic is what the notices are about.
const topic = "approval"

func key(r id.ID, what string) string { return "approval/" + r.String() + "/" + what }

// place is where a record's page says what was asked.
func place(what string) string {
	if what == Age {
		return "rotation"
	}
	return "approval"
}

// tellDeciders tells who may decide that somebody asks.
func tellDeciders(tx *gate.Tx, rid, rec id.ID, what string) error {
	people, err := demand.Deciders(tx)
	if err != nil {
		return err
	}
	words := "asks for your approval to see"
	if more := map[string]string{Lift: "lift the demand for approvals of", Share: "see without a check-out", Age: "change later than now"}[what]; more != "" {
		words = "asks for your approval to " + more
	}
	_, err = notification.Send(tx, notification.Notice{Topic: topic, To: people, Record: rec, Place: place(what),
		Text: []notification.Part{notification.Words(words), notification.Of(rec)}, Key: key(rid, "ask")})
	return err
}

// tellAsker tells who asked what was decided.
func tellAsker(tx *gate.Tx, r *Request, yes bool) error {
	words := "refused your asking for"
	if yes {
		if r.State != Granted {
			return nil // not all have said yes
		}
		words = fmt.Sprintf("approved for you, until %s UTC:", time.UnixMilli(r.Ends).UTC().Format("15:04"))
		if more := map[string]string{Lift: "approved that the demand for approvals is lifted of", Share: "approved that a check-out is not demanded any more of", Age: "approved another age for"}[r.What]; more != "" {
			words = more
		}
	}
	_, err := notification.Send(tx, notification.Notice{Topic: topic, To: []id.ID{r.User}, Record: r.Record, Place: place(r.What),
		Text: []notification.Part{notification.Words(words), notification.Of(r.Record)}, Key: key(r.ID, "decided")})
	return err
}

// tellEnded tells who asked that it was taken back.
func tellEnded(tx *gate.Tx, r *Request) error {
	_, err := notification.Send(tx, notification.Notice{Topic: topic, To: []id.ID{r.User}, Record: r.Record, Place: "approval",
		Text: []notification.Part{notification.Words("ended your approval for"), notification.Of(r.Record)}, Key: key(r.ID, "ended")})
	return err
}

// tellBroken tells all who could have decided that an administrator decided for
// herself.
func tellBroken(tx *gate.Tx, r *Request) error {
	people, err := demand.Deciders(tx)
	if err != nil {
		return err
	}
	_, err = notification.Send(tx, notification.Notice{Topic: topic, To: people, Record: r.Record, Place: "approval",
		Text: []notification.Part{notification.Words("approved for herself or himself:"), notification.Of(r.Record)}, Key: key(r.ID, "own")})
	return err
}

// tellSetting tells the other administrators that one may approve for oneself, or
// not any more.
func tellSetting(tx *gate.Tx, own bool) error {
	people, err := tx.IDs(`select user_id from access_principal where active = 1 and role = ? order by user_id`, string(access.Administrator))
	if err != nil {
		return err
	}
	words := "changed the settings: administrators may not approve for themselves any more."
	if own {
		words = "changed the settings: administrators may approve for themselves now."
	}
	_, err = notification.Send(tx, notification.Notice{Topic: topic, To: people, Href: "/approvals", Text: []notification.Part{notification.Words(words)}, Key: fmt.Sprintf("approval/settings/%d", tx.Now)})
	return err
}
