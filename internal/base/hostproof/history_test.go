package hostproof_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"strongroom/internal/base/hostproof"
)

// TestHistory: what is replaced is kept, newest first, within bounds.
func TestHistory(t *testing.T) {
	c := hostproof.Content{"title": "Router", "password": "0", "notes": "n"}
	if same := c.Following(c, 1); same["history"] != "" {
		t.Errorf("nothing was replaced, and kept is %s", same["history"])
	}
	for i := range 30 {
		next := hostproof.Content{"title": "Router", "password": fmt.Sprint(i + 1), "notes": "n", "history": "not this"}
		c = next.Following(c, int64(100+i))
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(c["history"]), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 20 || list[0]["password"] != "29" || list[0]["at"] != 129.0 || list[19]["password"] != "10" || len(list[0]) != 2 {
		t.Errorf("the history is %v", list)
	}
	long := hostproof.Content{"title": "Router", "password": "x", "notes": strings.Repeat("n", 20_000)}
	c = hostproof.Content{"title": "Router", "password": "y", "notes": strings.Repeat("m", 20_000)}.Following(long, 1)
	c = hostproof.Content{"title": "Router", "password": "z", "notes": strings.Repeat("o", 20_000)}.Following(c, 2)
	if b, err := c.Encode(); err != nil || len(b) > 48<<10 || !strings.Contains(c["history"], `"y"`) || strings.Contains(c["history"], `"x"`) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	c = hostproof.Content{"password": "b"}.Following(hostproof.Content{"password": "a", "history": "{broken"}, 3)
	if c["history"] != `[{"at":3,"password":"a"}]` {
		t.Errorf("after what is no history: %s", c["history"])
	}
}
