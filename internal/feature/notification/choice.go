package notification

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// The channels: the list in the app, and mail.
const (
	InApp  = "app"
	ByMail = "mail"
)

// channels lists them.
func channels() []string { return []string{InApp, ByMail} }

// Choice says that a person wants to be told of a topic by a channel, or not.
type Choice struct {
	Topic, Channel string
	Wanted         bool
}

// usual is what somebody wants who has not chosen.
func usual(t Topic, channel string, admin bool) bool {
	return (admin || !t.Admin) && (channel == InApp || channel == ByMail && t.Mail)
}

// Choices gives what the caller wants: of every topic and channel.
func Choices(tx *gate.Tx) ([]Choice, error) {
	chosen := map[[2]string]bool{}
	rows, err := tx.Query(`select topic, channel, wanted from notification_choice where user_id = ?`, int64(tx.Caller.User))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var topic, channel string
		var wanted bool
		if err := rows.Scan(&topic, &channel, &wanted); err != nil {
			return nil, err
		}
		chosen[[2]string{topic, channel}] = wanted
	}
	var out []Choice
	for _, t := range Topics() {
		for _, ch := range channels() {
			wanted, ok := chosen[[2]string{t.Name, ch}]
			if !ok {
				wanted = usual(t, ch, tx.Caller.Role == access.Administrator)
			}
			out = append(out, Choice{t.Name, ch, wanted})
		}
	}
	return out, rows.Err()
}

// Choose keeps what the caller wants. Invalid for a topic or channel that there
// is not.
func Choose(tx *gate.Tx, list ...Choice) error {
	if tx.Caller.User == 0 {
		return fault.New(fault.Denied, "Only people are told of things.")
	}
	for _, c := range list {
		if _, ok := TopicOf(c.Topic); !ok || c.Channel != InApp && c.Channel != ByMail {
			return fault.New(fault.Invalid, "There is no such topic or channel.")
		}
		_, err := tx.Exec(`insert into notification_choice (user_id, topic, channel, wanted) values (?, ?, ?, ?)
			on conflict (user_id, topic, channel) do update set wanted = excluded.wanted`, int64(tx.Caller.User), c.Topic, c.Channel, c.Wanted)
		if err != nil {
			return err
		}
	}
	return nil
}

// choices gives what each of some people wants of a topic, with one statement.
func choices(tx *gate.Tx, topic string, people []id.ID) (func(id.ID) map[string]bool, error) {
	t, _ := TopicOf(topic)
	chosen := map[id.ID]map[string]bool{}
	rows, err := tx.Query(`select user_id, channel, wanted from notification_choice where topic = ? and user_id in (`+access.Marks(len(people))+`)`,
		append([]any{topic}, access.Args(people)...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var u int64
		var channel string
		var wanted bool
		if err := rows.Scan(&u, &channel, &wanted); err != nil {
			return nil, err
		}
		if chosen[id.ID(u)] == nil {
			chosen[id.ID(u)] = map[string]bool{}
		}
		chosen[id.ID(u)][channel] = wanted
	}
	return func(u id.ID) map[string]bool {
		out := map[string]bool{}
		for _, ch := range channels() {
			wanted, ok := chosen[u][ch]
			out[ch] = wanted || !ok && usual(t, ch, true) // whom such a topic is for, who tells it says
		}
		return out
	}, rows.Err()
}
