package instruments

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
)

// restless keeps what a collection reads, and does not let it read two metrics
// without that something happens in between.
type restless struct {
	embedded.Observer
	read    map[metric.Observable]float64
	between func()
}

func (o *restless) ObserveFloat64(of metric.Float64Observable, v float64, _ ...metric.ObserveOption) {
	o.read[of] = v
	o.between()
}

func (*restless) ObserveInt64(metric.Int64Observable, int64, ...metric.ObserveOption) {}

// What records an event that counts as a part of others counts the whole first.
// A collection must read the part first, or it would find more of it than of
// the whole.
func TestNoCollectionHasMoreOfAPartThanOfTheWhole(t *testing.T) {
	for _, test := range []struct {
		part, whole *row
		record      func(*Registry)
	}{
		{AuditEventsFailed.row, AuditEvents.row, func(r *Registry) {
			AuditEvents.In(r).Inc()
			AuditEventsFailed.In(r).Inc()
		}},
		{ConnectToNodeFailures.row, ConnectToNodeAttempts.row, func(r *Registry) {
			ConnectToNodeAttempts.In(r).Inc()
			ConnectToNodeFailures.In(r).Inc()
		}},
		{CertificateMismatches.row, FailedLogins.row, func(r *Registry) {
			FailedLogins.In(r).Inc()
			CertificateMismatches.In(r).Inc()
		}},
		{CacheStaleEvents.row, CacheEvents.row, func(r *Registry) {
			CacheEvents.In(r).Add(1, Cache{"users"})
			CacheStaleEvents.In(r).Add(1, Cache{"users"})
		}},
		{AuthGenerateInFlight.row, AuthGenerateRequests.row, func(r *Registry) {
			AuthGenerateRequests.In(r).Inc()
			AuthGenerateInFlight.In(r).Inc()
		}},
	} {
		t.Run(test.part.Name, func(t *testing.T) {
			r := newRig(t).Registry
			test.record(r)
			o := &restless{read: map[metric.Observable]float64{}, between: func() { test.record(r) }}
			if err := r.collect(context.Background(), o); err != nil {
				t.Fatal(err)
			}
			part, whole := o.read[r.bound(test.part).core().observable], o.read[r.bound(test.whole).core().observable]
			if part == 0 || part > whole {
				t.Errorf("got %v of %v %s", part, whole, test.whole.Name)
			}
		})
	}
}
