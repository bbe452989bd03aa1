package app

import "runtime/metrics"

type gauge struct {
	name, help string
	value      any
}

// runtimeMetrics are what an operator watches of the process itself.
func runtimeMetrics() []gauge {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/sched/goroutines:goroutines"}}
	metrics.Read(s)
	return []gauge{
		{"strongroom_memory_bytes", "Memory that the process holds.", s[0].Value.Uint64() - s[1].Value.Uint64()},
		{"strongroom_goroutines", "Goroutines that exist.", s[2].Value.Uint64()},
	}
}
