package portal

import (
	"strings"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	desk "strongroom/internal/feature/portal"
)

// device is a line of the page of devices.
type device struct {
	Name, Text, Href string
}

type devicesView struct {
	frame
	List []device
}

// words say what a device is, as far as it is known.
func words(d desk.Device) string {
	var out []string
	for _, x := range [...]struct{ before, text string }{{"", d.Type}, {"Serial number ", d.Serial}, {"Tag ", d.Tag}} {
		if x.text != "" {
			out = append(out, x.before+x.text)
		}
	}
	return strings.Join(out, " · ")
}

func (v *visit) devices() error {
	p, f, err := v.page("My devices")
	if err != nil {
		return err
	}
	d := devicesView{frame: f}
	err = v.View(func(tx *gate.Tx) error {
		list, err := v.Portal.Devices(tx)
		for _, x := range list {
			d.List = append(d.List, device{x.Name, words(x), "/portal/report?device=" + x.ID.String()})
		}
		return err
	})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("portal-devices", p)
}

// deviceField asks which of her devices a report is about; nil where she has none.
func (v *visit) deviceField(chosen string) (*ui.Field, error) {
	f := &ui.Field{Name: "device", Label: "Which device?", Type: "select", Value: chosen, Hint: "Leave it empty when it is about none of yours."}
	err := v.View(func(tx *gate.Tx) error {
		list, err := v.Portal.Devices(tx)
		for _, x := range list {
			label := x.Name
			if x.Type != "" {
				label += ", " + x.Type
			}
			f.Options = append(f.Options, ui.Option{Value: x.ID.String(), Label: label, Selected: chosen == x.ID.String()})
		}
		return err
	})
	if err != nil || len(f.Options) == 0 {
		return nil, err
	}
	return f, nil
}
