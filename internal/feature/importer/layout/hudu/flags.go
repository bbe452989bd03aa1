package hudu

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/flag"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/problem"
)

// colours are those of Hudu's flags; what is light there is as the colour itself.
var colours = [][2]string{{"red", "red"}, {"blue", "blue"}, {"green", "green"}, {"yellow", "amber"}, {"orange", "amber"}, {"purple", "violet"}, {"pink", "pink"}}

// flagTypes become flags.
func (x *reading) flagTypes() error {
	x.Stage("Flags")
	return x.perhaps("flag_types", false, func(t thing) error {
		it := x.item(flag.Kind, "flag_types", t)
		it.Named("Flag")
		it.Values["colour"] = "grey"
		if i := slices.IndexFunc(colours, func(c [2]string) bool { return strings.Contains(strings.ToLower(t.text("color")), c[0]) }); i >= 0 {
			it.Values["colour"] = colours[i][1]
		}
		return x.Decide(it)
	})
}

// worn is a flag on its way to what bears it.
type worn struct {
	flag, on *importer.Known
	note     string
	line     int
}

// flags are put on what bears them. One that was taken off here and not in Hudu is put on
// again, as a relation is made again.
func (x *reading) flags() error {
	var list []worn
	lost := map[string]int{}
	err := x.perhaps("flags", false, func(t thing) error {
		w := worn{flag: x.Look.Table("flag_types")[t.text("flag_type_id")], on: x.end(t, "flagable"), note: t.text("description"), line: t.number("id")}
		if w.flag == nil || w.flag.Rec == 0 || w.on == nil {
			lost[t.text("flagable_type")]++
			return nil
		}
		list = append(list, w)
		return nil
	})
	for _, what := range keys(lost) {
		x.Problem("Hudu, flags", 0, problem.Warning, "Put them on by hand.", "%d of the flags of %s were left out: they, or what bears them, were not imported.", lost[what], what)
	}
	for len(list) > 0 && err == nil {
		part := list[:min(len(list), 200)]
		list = list[len(part):]
		err = x.wear(part)
	}
	return err
}

func (x *reading) wear(list []worn) error {
	for _, w := range list {
		if w.note != "" {
			x.Problem("Hudu, flags", w.line, problem.Info, "Write it where you need it.", "A flag has no text here. In Hudu it said: %s", importer.Short(w.note))
		}
	}
	if x.Dry {
		return nil
	}
	return x.Importer.Quietly(x.Ctx, x.Caller, func(tx *gate.Tx) error {
		for _, w := range list {
			err := tx.Try(func() error { return flag.Put(tx, w.on.Rec, w.flag.Rec) })
			if importer.RowFault(err) {
				x.Problem("Hudu, flags", w.line, problem.Warning, "Put it on by hand.", "A flag was left out: %s", fault.Say(err).Text)
				continue
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
