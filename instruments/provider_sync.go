package instruments

import (
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// The instruments of a guardedMeter that are recorded where things happen. Each
// is the SDK's own, or, where the name is refused, one that does nothing.

func (m *guardedMeter) Int64Counter(name string, options ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	config := metric.NewInt64CounterConfig(options...)
	description, err := m.admit(name, identity{kind: KindCounter, unit: config.Unit(), integer: true}, config.Description())
	if err != nil {
		return noop.Int64Counter{}, err
	}
	return m.Meter.Int64Counter(name, append(options[:len(options):len(options)], metric.WithDescription(description))...)
}

func (m *guardedMeter) Int64UpDownCounter(name string, options ...metric.Int64UpDownCounterOption) (metric.Int64UpDownCounter, error) {
	config := metric.NewInt64UpDownCounterConfig(options...)
	description, err := m.admit(name, identity{kind: KindGauge, unit: config.Unit(), upDown: true, integer: true}, config.Description())
	if err != nil {
		return noop.Int64UpDownCounter{}, err
	}
	return m.Meter.Int64UpDownCounter(name, append(options[:len(options):len(options)], metric.WithDescription(description))...)
}

func (m *guardedMeter) Int64Histogram(name string, options ...metric.Int64HistogramOption) (metric.Int64Histogram, error) {
	config := metric.NewInt64HistogramConfig(options...)
	description, err := m.admit(name, identity{kind: KindHistogram, unit: config.Unit(), integer: true}, config.Description())
	if err != nil {
		return noop.Int64Histogram{}, err
	}
	return m.Meter.Int64Histogram(name, append(options[:len(options):len(options)], metric.WithDescription(description))...)
}

func (m *guardedMeter) Int64Gauge(name string, options ...metric.Int64GaugeOption) (metric.Int64Gauge, error) {
	config := metric.NewInt64GaugeConfig(options...)
	description, err := m.admit(name, identity{kind: KindGauge, unit: config.Unit(), integer: true}, config.Description())
	if err != nil {
		return noop.Int64Gauge{}, err
	}
	return m.Meter.Int64Gauge(name, append(options[:len(options):len(options)], metric.WithDescription(description))...)
}

func (m *guardedMeter) Float64Counter(name string, options ...metric.Float64CounterOption) (metric.Float64Counter, error) {
	config := metric.NewFloat64CounterConfig(options...)
	description, err := m.admit(name, identity{kind: KindCounter, unit: config.Unit()}, config.Description())
	if err != nil {
		return noop.Float64Counter{}, err
	}
	return m.Meter.Float64Counter(name, append(options[:len(options):len(options)], metric.WithDescription(description))...)
}

func (m *guardedMeter) Float64UpDownCounter(name string, options ...metric.Float64UpDownCounterOption) (metric.Float64UpDownCounter, error) {
	config := metric.NewFloat64UpDownCounterConfig(options...)
	description, err := m.admit(name, identity{kind: KindGauge, unit: config.Unit(), upDown: true}, config.Description())
	if err != nil {
		return noop.Float64UpDownCounter{}, err
	}
	return m.Meter.Float64UpDownCounter(name, append(options[:len(options):len(options)], metric.WithDescription(description))...)
}

func (m *guardedMeter) Float64Histogram(name string, options ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	config := metric.NewFloat64HistogramConfig(options...)
	description, err := m.admit(name, identity{kind: KindHistogram, unit: config.Unit()}, config.Description())
	if err != nil {
		return noop.Float64Histogram{}, err
	}
	return m.Meter.Float64Histogram(name, append(options[:len(options):len(options)], metric.WithDescription(description))...)
}

func (m *guardedMeter) Float64Gauge(name string, options ...metric.Float64GaugeOption) (metric.Float64Gauge, error) {
	config := metric.NewFloat64GaugeConfig(options...)
	description, err := m.admit(name, identity{kind: KindGauge, unit: config.Unit()}, config.Description())
	if err != nil {
		return noop.Float64Gauge{}, err
	}
	return m.Meter.Float64Gauge(name, append(options[:len(options):len(options)], metric.WithDescription(description))...)
}
