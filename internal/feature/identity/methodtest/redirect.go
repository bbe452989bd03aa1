package methodtest

import (
	"context"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
)

// Journey is a way that leads to another site and back, and two people there.
type Journey struct {
	Way      method.Redirect
	Callback string
	// Go follows the address that the way gave, as the browser of one of two people
	// does, and gives the query that the other site sends it back with.
	Go func(t *testing.T, to method.Away, other bool) url.Values
}

// RunRedirect checks a method of that kind.
func RunRedirect(t *testing.T, j Journey) {
	t.Run("a journey says who it is", func(t *testing.T) { j.right(t) })
	t.Run("each journey is its own", func(t *testing.T) { j.apart(t) })
	t.Run("anything else is refused", func(t *testing.T) { j.refused(t) })
	t.Run("a request that is over gets no claim", func(t *testing.T) {
		trip, q := j.travel(t, false)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if c, err := j.Way.Return(ctx, trip, q); err == nil || !reflect.ValueOf(c).IsZero() {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func (j Journey) travel(t *testing.T, other bool) (method.Trip, url.Values) {
	t.Helper()
	to, state, err := j.Way.Start(t.Context(), j.Callback)
	if err != nil {
		t.Fatal(err)
	}
	return method.Trip{Callback: j.Callback, State: state}, j.Go(t, to, other)
}

func (j Journey) right(t *testing.T) {
	trip, q := j.travel(t, false)
	a, err := j.Way.Return(t.Context(), trip, q)
	if err != nil {
		t.Fatal(err)
	}
	if a.Subject == "" || a.User != 0 || a.Level < 1 || a.Once == "" || a.Until == 0 || a.OneTime {
		t.Errorf("the claim is not one of a redirect: %+v", a)
	}
	trip, q = j.travel(t, true)
	b, err := j.Way.Return(t.Context(), trip, q)
	if err != nil {
		t.Fatal(err)
	}
	if a.Subject == b.Subject || a.Once == b.Once {
		t.Errorf("two people are the same: %+v, %+v", a, b)
	}
	trip, q = j.travel(t, false)
	if again, err := j.Way.Return(t.Context(), trip, q); err != nil || again.Subject != a.Subject || again.Once == a.Once {
		t.Errorf("the same person again: %+v, %v", again, err)
	}
}

func (j Journey) apart(t *testing.T) {
	to, state, err := j.Way.Start(t.Context(), j.Callback)
	if err != nil {
		t.Fatal(err)
	}
	again, next, err := j.Way.Start(t.Context(), j.Callback)
	if err != nil || reflect.DeepEqual(to, again) || string(state) == string(next) {
		t.Errorf("two journeys begin alike: %v", err)
	}
	_, q := j.travel(t, false)
	if c, err := j.Way.Return(t.Context(), method.Trip{Callback: j.Callback, State: state}, q); !fault.Is(err, fault.Unauthorized) || !reflect.ValueOf(c).IsZero() {
		t.Errorf("an answer to another journey: %+v, %v", c, err)
	}
}

func (j Journey) refused(t *testing.T) {
	trip, q := j.travel(t, false)
	for name, x := range map[string]func() (method.Trip, url.Values){
		"no state":        func() (method.Trip, url.Values) { return method.Trip{Callback: j.Callback}, q },
		"no journey":      func() (method.Trip, url.Values) { return method.Trip{Callback: j.Callback, State: []byte("{}")}, q },
		"an empty answer": func() (method.Trip, url.Values) { return trip, url.Values{} },
		"an error": func() (method.Trip, url.Values) {
			return trip, url.Values{"error": {"access_denied"}, "state": q["state"], "iss": q["iss"]}
		},
		"a long answer": func() (method.Trip, url.Values) {
			out := url.Values{}
			for k := range q {
				out.Set(k, strings.Repeat("x", 1<<20))
			}
			return trip, out
		},
	} {
		back, query := x()
		if c, err := j.Way.Return(t.Context(), back, query); !fault.Is(err, fault.Unauthorized) || !reflect.ValueOf(c).IsZero() {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}
