package itglue

import (
	"net/http"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/surface/itglue/report"
)

// asking reads what a request asks of what is no record.
func (c *call) asking() (*report.Ask, error) {
	a := &report.Ask{Records: c.Records, Query: c.query, Now: c.now(), URL: c.address}
	if c.r.PathValue("parent") == "" {
		return a, nil
	}
	org, err := c.id("parent")
	a.Org = org
	return a, err
}

// reported answers with a page of what is no record.
func reported(list func(*report.Ask, *gate.Tx) ([][]byte, int64, error)) func(*call) error {
	return func(c *call) error {
		a, err := c.asking()
		if err != nil {
			return err
		}
		var items [][]byte
		var total int64
		err = c.view(func(tx *gate.Tx) error {
			items, total, err = list(a, tx)
			return err
		})
		if err != nil {
			return err
		}
		return c.answerPage(items, total)
	}
}

func showExpiration(c *call) error {
	var eid id.ID
	a, err := c.asking()
	if err == nil {
		eid, err = c.id("id")
	}
	if err != nil {
		return err
	}
	var out []byte
	err = c.view(func(tx *gate.Tx) error {
		out, err = a.Expiration(tx, eid)
		return err
	})
	if err != nil {
		return err
	}
	return c.answerItems(http.StatusOK, [][]byte{out}, false)
}
