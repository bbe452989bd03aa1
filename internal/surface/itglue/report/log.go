package report

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/surface/itglue/value"
)

// Limits of the log in this protocol; the whole of it is read by other means.
const (
	logPages = 5
	logDays  = 30
)

// Log lists a page of the audit log, and how many entries there are. Invalid for
// what lies too far back.
func (a *Ask) Log(tx *gate.Tx) (items [][]byte, total int64, err error) {
	number, size := a.Query.Page()
	if number > logPages {
		return nil, 0, fault.New(fault.Invalid, "Only the first %d pages of the log can be read here.", logPages).WithHint("Narrow filter[created_at].")
	}
	from, to, err := a.logTimes()
	if err != nil {
		return nil, 0, err
	}
	oldestFirst := len(a.Query.Sort) > 0 && a.Query.Sort[0].Name == "created_at" && !a.Query.Sort[0].Desc
	name, err := logNames(tx)
	if err != nil {
		return nil, 0, err
	}
	list, total, err := tx.ActivityPage(gate.Page{From: from, To: to, Number: number, Size: size, Pages: logPages, Oldest: oldestFirst})
	for _, e := range list {
		items = append(items, logItem(e, name(e.Seq)))
	}
	return items, total, err
}

// logNames gives the ids of entries. They are their numbers in the log, counted
// from 1, for who sees all of it. Between the numbers of others would lie what
// they do not see: their ids say nothing.
func logNames(tx *gate.Tx) (func(seq int64) string, error) {
	if tx.Caller.Everything() {
		return func(seq int64) string { return strconv.FormatInt(seq+1, 10) }, nil
	}
	key, err := envelope.Derive(tx.Tenant.Keys.Index, "strongroom/itglue/log/1")
	if err != nil {
		return nil, err
	}
	return func(seq int64) string {
		h := hmac.New(sha256.New, key)
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(seq)))               // #nosec G115 -- a number of the log is not negative
		return strconv.FormatUint(binary.BigEndian.Uint64(h.Sum(nil))>>11, 10) // 53 bits: every program can hold it
	}, nil
}

// logTimes reads filter[created_at], which may reach back so many days.
func (a *Ask) logTimes() (from, to int64, err error) {
	now := a.Now
	oldest := now.Add(-logDays * 24 * time.Hour).UnixMilli()
	from, to = oldest, now.UnixMilli()
	f, ok := a.Query.Filter("created_at")
	if !ok {
		return from, to, nil
	}
	parts, _ := jsonapi.Split(f.Raw)
	if len(parts) == 1 {
		parts = append(parts, parts[0])
	}
	for i, p := range parts[:min(2, len(parts))] {
		if p == "*" {
			continue
		}
		begin, end, ok := jsonapi.Moment(p)
		switch {
		case !ok:
			return 0, 0, fault.New(fault.Invalid, "filter[created_at] is start,end in UTC, with * for an open end.")
		case i == 0:
			from = begin.UnixMilli()
		default:
			to = end.UnixMilli()
		}
	}
	if from < oldest-(24*time.Hour).Milliseconds() {
		return 0, 0, fault.New(fault.Invalid, "filter[created_at] can reach back %d days at most.", logDays)
	}
	return from, to, nil
}

func logItem(e *audit.Entry, name string) []byte {
	b := jsonapi.StartItem(name, "logs")
	b = append(jsonapi.Attr(b, "account-id"), "null"...)
	b = value.Text(jsonapi.Attr(b, "action"), e.Action)
	b = jsonapi.AppendTime(jsonapi.Attr(b, "created-at"), e.Time)
	b = value.Text(jsonapi.Attr(b, "ip-address"), e.Detail.Address)
	for _, n := range []string{"ip-city", "ip-country", "ip-region"} {
		b = append(jsonapi.Attr(b, n), "null"...)
	}
	b = value.Plain(jsonapi.Attr(b, "level"), int64(e.Level))
	b = value.Plain(jsonapi.Attr(b, "organization-id"), e.Org)
	b = value.Plain(jsonapi.Attr(b, "resource-id"), e.Object)
	b = value.Text(jsonapi.Attr(b, "resource-name"), e.Detail.Name)
	b = value.Text(jsonapi.Attr(b, "resource-type"), e.Kind)
	b = append(jsonapi.Attr(b, "user-agent"), "null"...)
	b = value.Plain(jsonapi.Attr(b, "user-id"), e.Actor)
	b = value.Text(jsonapi.Attr(b, "user-name"), e.Detail.Actor)
	b = value.Text(jsonapi.Attr(b, "result"), e.Result)
	b = value.Text(jsonapi.Attr(b, "reason"), e.Detail.Reason)
	b = value.Text(jsonapi.Attr(b, "detail"), strings.TrimSpace(strings.Join(e.Detail.Fields, ", ")+" "+e.Detail.Text))
	return jsonapi.EndItem(b)
}
