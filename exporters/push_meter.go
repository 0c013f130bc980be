package exporters

import (
	"time"

	"github.com/telltale-agent/telltale/instruments"
)

// pushMeter records what becomes of the exports to one endpoint. What an
// export does shows in the one that follows it. A nil pushMeter records
// nothing.
type pushMeter struct {
	endpoint    string
	successes   *instruments.CounterCell
	failures    *instruments.CounterCell
	reasons     *instruments.CounterCells[instruments.FailedPush]
	drops       *instruments.CounterCells[instruments.DroppedPoints]
	seconds     *instruments.HistogramCell
	lastSuccess *instruments.GaugeCell
	up          *instruments.GaugeCell
	altered     *instruments.CounterCells[instruments.LabelAlteration]
}

// newPushMeter makes the series of the endpoint, so that they show zero from
// the start.
func newPushMeter(reg *instruments.Registry, endpoint string) *pushMeter {
	exports := instruments.PushExports.In(reg)
	m := &pushMeter{
		endpoint:    endpoint,
		successes:   exports.At(instruments.PushOutcome{Endpoint: endpoint, Result: instruments.PushSuccess}),
		failures:    exports.At(instruments.PushOutcome{Endpoint: endpoint, Result: instruments.PushFailure}),
		reasons:     instruments.PushFailures.In(reg),
		drops:       instruments.PushPointsDropped.In(reg),
		seconds:     instruments.PushSeconds.In(reg).At(instruments.PushEndpoint{Endpoint: endpoint}),
		lastSuccess: instruments.PushLastSuccess.In(reg).At(instruments.PushEndpoint{Endpoint: endpoint}),
		up:          instruments.PushUp.In(reg).At(instruments.PushEndpoint{Endpoint: endpoint}),
		altered:     instruments.LabelValuesAltered.In(reg),
	}
	for _, reason := range []instruments.PushFailureReason{
		instruments.PushRefused, instruments.PushTimeout, instruments.PushThrottled, instruments.PushRejected,
		instruments.PushUnavailable, instruments.PushTLS, instruments.PushEncode, instruments.PushOther,
	} {
		m.reasons.At(instruments.FailedPush{Endpoint: endpoint, Reason: reason})
	}
	for _, reason := range []instruments.PushDropReason{
		instruments.PushDropRejected, instruments.PushDropInvalid, instruments.PushDropDuplicate,
	} {
		m.drops.At(instruments.DroppedPoints{Endpoint: endpoint, Reason: reason})
	}
	return m
}

// dropped counts points that were left out of an export that succeeded.
func (m *pushMeter) dropped(points map[instruments.PushDropReason]int64) {
	if m == nil {
		return
	}
	for reason, n := range points {
		m.drops.Add(float64(n), instruments.DroppedPoints{Endpoint: m.endpoint, Reason: reason})
	}
}

// cut counts points whose label values were shortened, by metric.
func (m *pushMeter) cut(points map[string]int) {
	if m == nil {
		return
	}
	for metric, n := range points {
		m.altered.Add(float64(n), instruments.LabelAlteration{Metric: metric, Reason: "too_long"})
	}
}

// exported records how an export ended.
func (m *pushMeter) exported(r exportResult, took time.Duration) {
	if m == nil {
		return
	}
	m.seconds.Record(took.Seconds())
	if r.err != nil {
		m.failures.Inc()
		m.reasons.Add(1, instruments.FailedPush{Endpoint: m.endpoint, Reason: r.reason})
		m.up.Set(0)
		return
	}
	m.successes.Inc()
	m.up.Set(1)
	m.lastSuccess.Set(float64(time.Now().UnixMilli()) / 1e3)
	if r.rejected > 0 {
		m.dropped(map[instruments.PushDropReason]int64{instruments.PushDropRejected: r.rejected})
	}
}
