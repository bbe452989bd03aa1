package ways

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/feature/identity/way"
	"strongroom/internal/surface/webui/shell"
)

// keys adds the key pairs of a way, for a sort of way that has some, and what can be
// done with them next.
func (v *visit) keys(x *way.Way, data *view) {
	k := v.Ways.Kind(x.Kind)
	if k == nil || k.Pair == nil {
		return
	}
	card := &ui.Section{Title: "Keys of this side"}
	if len(x.Pairs) == 0 {
		card.Note, card.Text = true, "This way in has no key pair. What it sends is not signed: a provider that wants signed requests refuses them, nothing can be encrypted to this side, and signing out does not reach the other one. Make a key pair below, and have the provider read the metadata anew."
	}
	for i, p := range x.Pairs {
		item := ui.Item{Title: "Made on " + shell.When(p.Made).UTC().Format("2 January 2006, 15:04") + " UTC", Icon: "key", Sub: "Published beside it; what is encrypted to it is opened.", Pill: &ui.Pill{Text: "Second"}}
		if i == 0 {
			item.Sub, item.Pill = "Signs what is sent; what is encrypted to it is opened.", &ui.Pill{Text: "In use", Tone: "ok"}
		}
		card.Items = append(card.Items, item)
	}
	data.Cards = append(data.Cards, card)
	f := ui.Form{ID: "keys", Action: address(x) + "/keys", Submit: "Do it", Fields: []ui.Field{{Type: "heading", Label: "Change the keys"}, {Name: "do", Label: "Step", Type: "select", Required: true,
		Hint: "Make a second pair; wait until the other side has read the metadata anew; use the second one; remove the old one some days later."}}}
	step := func(value, label string) {
		f.Fields[1].Options = append(f.Fields[1].Options, ui.Option{Value: value, Label: label})
	}
	switch len(x.Pairs) {
	case 0:
		step("make", "Make a key pair")
	case 1:
		step("make", "Make a second key pair and publish it")
	default:
		f.Hidden = []ui.Hidden{{Name: "pair", Value: x.Pairs[1].Name}}
		step("use", "Use the second key pair from now on")
		step("remove", "Remove the second key pair")
	}
	data.Forms = append(data.Forms, f)
}

func (v *visit) setKeys() error {
	x, sealed, err := v.way()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	ctx, said := v.R.Context(), ""
	switch f.Text("do") {
	case "make":
		said, err = "A key pair is made and published.", v.Ways.AddPair(ctx, v.Caller, x.ID)
	case "use":
		said, err = "The other key pair is used from now on.", v.Ways.UsePair(ctx, v.Caller, x.ID, f.Text("pair"))
	case "remove":
		said, err = "The key pair is removed.", v.Ways.DropPair(ctx, v.Caller, x.ID, f.Text("pair"))
	default:
		err = fault.Field("do", "Choose a step.")
	}
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return v.page(x, sealed, nil, err)
	}
	if err != nil {
		return err
	}
	return v.Done(address(x), "%s", said)
}
