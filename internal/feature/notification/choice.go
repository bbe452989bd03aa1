package notification

import (
	"slices"

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

// channels lists them, and behind them those that somebody has opened for herself.
func channels(own []string) []string { return append([]string{InApp, ByMail}, own...) }

// Choice says that a person wants to be told of a topic by a channel, or not.
type Choice struct {
	Topic, Channel string
	Wanted         bool
}

// usual is what somebody wants who has not chosen.
func usual(t Topic, channel string, admin bool) bool {
	return (admin || !t.Admin) && (channel == InApp || t.Mail)
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
	if err := rows.Err(); err != nil {
		return nil, err
	}
	own, err := opened(tx, tx.Caller.User)
	if err != nil {
		return nil, err
	}
	var out []Choice
	for _, t := range Topics() {
		for _, ch := range channels(own[tx.Caller.User]) {
			wanted, ok := chosen[[2]string{t.Name, ch}]
			if !ok {
				wanted = usual(t, ch, tx.Caller.Role == access.Administrator)
			}
			out = append(out, Choice{t.Name, ch, wanted})
		}
	}
	return out, nil
}

// Choose keeps what the caller wants. Invalid for a topic or channel that there
// is not.
func Choose(tx *gate.Tx, list ...Choice) error {
	if tx.Caller.User == 0 {
		return fault.New(fault.Denied, "Only people are told of things.")
	}
	own, err := opened(tx, tx.Caller.User)
	if err != nil {
		return err
	}
	for _, c := range list {
		if _, ok := TopicOf(c.Topic); !ok || !slices.Contains(channels(own[tx.Caller.User]), c.Channel) {
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
	if err := rows.Err(); err != nil {
		return nil, err
	}
	own, err := opened(tx, people...)
	return func(u id.ID) map[string]bool {
		out := map[string]bool{}
		for _, ch := range channels(own[u]) {
			wanted, ok := chosen[u][ch]
			out[ch] = wanted || !ok && usual(t, ch, true) // whom such a topic is for, who tells it says
		}
		return out
	}, err
}
