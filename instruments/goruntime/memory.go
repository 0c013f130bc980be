package goruntime

import (
	"runtime/metrics"

	"github.com/telltale-agent/telltale/instruments"
)

// The keys of runtime/metrics that the sums are made of.
const (
	allocatedBytes   = "/gc/heap/allocs:bytes"
	allocatedObjects = "/gc/heap/allocs:objects"
	freedObjects     = "/gc/heap/frees:objects"
	tinyObjects      = "/gc/heap/tiny/allocs:objects" // left out of both of the above
	liveObjects      = "/gc/heap/objects:objects"
	heapGoal         = "/gc/heap/goal:bytes"

	totalBytes       = "/memory/classes/total:bytes"
	heapObjects      = "/memory/classes/heap/objects:bytes"
	heapUnused       = "/memory/classes/heap/unused:bytes"
	heapFree         = "/memory/classes/heap/free:bytes"
	heapReleased     = "/memory/classes/heap/released:bytes"
	heapStacks       = "/memory/classes/heap/stacks:bytes"
	osStacks         = "/memory/classes/os-stacks:bytes"
	mspanInuse       = "/memory/classes/metadata/mspan/inuse:bytes"
	mspanFree        = "/memory/classes/metadata/mspan/free:bytes"
	mcacheInuse      = "/memory/classes/metadata/mcache/inuse:bytes"
	mcacheFree       = "/memory/classes/metadata/mcache/free:bytes"
	metadataOther    = "/memory/classes/metadata/other:bytes"
	profilingBuckets = "/memory/classes/profiling/buckets:bytes"
	otherBytes       = "/memory/classes/other:bytes"

	gcCPU      = "/cpu/classes/gc/total:cpu-seconds"
	gcIdleCPU  = "/cpu/classes/gc/mark/idle:cpu-seconds" // otherwise unused CPU time; MemStats leaves it out
	overallCPU = "/cpu/classes/total:cpu-seconds"
)

// target is a declared counter or gauge without labels.
type target interface {
	Observe(o *instruments.Observation, v float64)
}

// sums says which keys add up to which metric.
var sums = []struct {
	target target
	keys   []string
}{
	{instruments.GoAllocatedBytes, []string{allocatedBytes}},
	{instruments.GoMallocs, []string{allocatedObjects, tinyObjects}},
	{instruments.GoFrees, []string{freedObjects, tinyObjects}},
	{instruments.GoHeapObjects, []string{liveObjects}},
	{instruments.GoNextGCBytes, []string{heapGoal}},

	{instruments.GoSysBytes, []string{totalBytes}},
	{instruments.GoAllocBytes, []string{heapObjects}},
	{instruments.GoHeapAllocBytes, []string{heapObjects}},
	{instruments.GoHeapSysBytes, []string{heapObjects, heapUnused, heapReleased, heapFree}},
	{instruments.GoHeapIdleBytes, []string{heapReleased, heapFree}},
	{instruments.GoHeapInuseBytes, []string{heapObjects, heapUnused}},
	{instruments.GoHeapReleasedBytes, []string{heapReleased}},

	{instruments.GoStackInuseBytes, []string{heapStacks}},
	{instruments.GoStackSysBytes, []string{heapStacks, osStacks}},
	{instruments.GoMSpanInuseBytes, []string{mspanInuse}},
	{instruments.GoMSpanSysBytes, []string{mspanInuse, mspanFree}},
	{instruments.GoMCacheInuseBytes, []string{mcacheInuse}},
	{instruments.GoMCacheSysBytes, []string{mcacheInuse, mcacheFree}},
	{instruments.GoGCSysBytes, []string{metadataOther}},
	{instruments.GoBuckHashSysBytes, []string{profilingBuckets}},
	{instruments.GoOtherSysBytes, []string{otherBytes}},
}

// memory is one reading of runtime/metrics: every key once, in samples that
// are reused.
type memory struct {
	samples    []metrics.Sample
	sums       []resolvedSum
	gc         *metrics.Sample
	gcIdle     *metrics.Sample
	overallCPU *metrics.Sample
}

type resolvedSum struct {
	target target
	terms  []*metrics.Sample
}

func newMemory() memory {
	positions := make(map[string]int)
	var m memory
	position := func(key string) int {
		i, ok := positions[key]
		if !ok {
			i = len(m.samples)
			positions[key] = i
			m.samples = append(m.samples, metrics.Sample{Name: key})
		}
		return i
	}
	for _, sum := range sums {
		for _, key := range sum.keys {
			position(key)
		}
	}
	for _, key := range []string{gcCPU, gcIdleCPU, overallCPU} {
		position(key)
	}
	// The slice has its final place now, so that its elements can be pointed to.
	at := func(key string) *metrics.Sample { return &m.samples[positions[key]] }
	for _, sum := range sums {
		resolved := resolvedSum{target: sum.target}
		for _, key := range sum.keys {
			resolved.terms = append(resolved.terms, at(key))
		}
		m.sums = append(m.sums, resolved)
	}
	m.gc, m.gcIdle, m.overallCPU = at(gcCPU), at(gcIdleCPU), at(overallCPU)
	return m
}

func (m *memory) observe(o *instruments.Observation) {
	metrics.Read(m.samples)
	for _, sum := range m.sums {
		if v, ok := sum.value(); ok {
			sum.target.Observe(o, v)
		}
	}
	if v, ok := m.gcCPUFraction(); ok {
		instruments.GoGCCPUFraction.Observe(o, v)
	}
}

// value reports false where this version of Go lacks a key.
func (s resolvedSum) value() (float64, bool) {
	var total uint64
	for _, term := range s.terms {
		if term.Value.Kind() != metrics.KindUint64 {
			return 0, false
		}
		total += term.Value.Uint64()
	}
	return float64(total), true
}

// gcCPUFraction reports false where this version of Go lacks a key.
func (m *memory) gcCPUFraction() (float64, bool) {
	for _, s := range []*metrics.Sample{m.gc, m.gcIdle, m.overallCPU} {
		if s.Value.Kind() != metrics.KindFloat64 {
			return 0, false
		}
	}
	return fraction(m.gc.Value.Float64(), m.gcIdle.Value.Float64(), m.overallCPU.Value.Float64()), true
}

// fraction is 0 before the first garbage collection, when the runtime has not
// yet added up any CPU time.
func fraction(gc, gcIdle, overall float64) float64 {
	if overall <= 0 {
		return 0
	}
	return (gc - gcIdle) / overall
}
