package record

// InOrder lists all kinds so that each comes after those that its fields refer
// to, as far as they do not refer to each other in a circle; otherwise in the
// order of their declaration. Whoever copies records in this order finds what
// they refer to.
func (g *Registry) InOrder() []*Kind {
	out := make([]*Kind, 0, len(g.kinds))
	met := map[*Kind]bool{}
	var add func(k *Kind)
	add = func(k *Kind) {
		if met[k] {
			return
		}
		met[k] = true
		for i := range k.Fields {
			if f := &k.Fields[i]; f.Type == Ref {
				add(g.byName[f.Ref])
			}
		}
		out = append(out, k)
	}
	for _, k := range g.kinds {
		add(k)
	}
	return out
}

// Above is the Ref field by which records of the kind stand below each other,
// such as folders; nil for a kind without one.
func (k *Kind) Above() *Field {
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Type == Ref && f.Ref == k.Name {
			return f
		}
	}
	return nil
}

// Documented lists, in the same order, the kinds of what customers document: of
// organizations and of their parts, and the designs of variants.
func (g *Registry) Documented() []*Kind {
	var out []*Kind
	met := map[string]bool{}
	add := func(k *Kind) {
		if k != nil && !met[k.Name] {
			met[k.Name] = true
			out = append(out, k)
		}
	}
	for _, k := range g.InOrder() {
		if k.Admin || k.Scope != OfOrganization && k.Scope != OfParent {
			continue
		}
		if v := k.Variants; v != nil {
			add(g.byName[k.Field(v.By).Ref])
			add(g.byName[v.Parts])
		}
		add(k)
	}
	return out
}
