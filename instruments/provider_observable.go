package instruments

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// The instruments of a guardedMeter that are read at collection. Their
// callbacks are not given to the SDK but registered through the guard.

func (m *guardedMeter) Int64ObservableCounter(name string, options ...metric.Int64ObservableCounterOption) (metric.Int64ObservableCounter, error) {
	config := metric.NewInt64ObservableCounterConfig(options...)
	description, err := m.admit(name, identity{kind: KindCounter, unit: config.Unit(), integer: true}, config.Description())
	if err != nil {
		return noop.Int64ObservableCounter{}, err
	}
	instrument, err := m.Meter.Int64ObservableCounter(name, metric.WithUnit(config.Unit()), metric.WithDescription(description))
	return instrument, errors.Join(err, guardInt64(m, instrument, config.Callbacks()))
}

func (m *guardedMeter) Int64ObservableUpDownCounter(name string, options ...metric.Int64ObservableUpDownCounterOption) (metric.Int64ObservableUpDownCounter, error) {
	config := metric.NewInt64ObservableUpDownCounterConfig(options...)
	description, err := m.admit(name, identity{kind: KindGauge, unit: config.Unit(), upDown: true, integer: true}, config.Description())
	if err != nil {
		return noop.Int64ObservableUpDownCounter{}, err
	}
	instrument, err := m.Meter.Int64ObservableUpDownCounter(name, metric.WithUnit(config.Unit()), metric.WithDescription(description))
	return instrument, errors.Join(err, guardInt64(m, instrument, config.Callbacks()))
}

func (m *guardedMeter) Int64ObservableGauge(name string, options ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	config := metric.NewInt64ObservableGaugeConfig(options...)
	description, err := m.admit(name, identity{kind: KindGauge, unit: config.Unit(), integer: true}, config.Description())
	if err != nil {
		return noop.Int64ObservableGauge{}, err
	}
	instrument, err := m.Meter.Int64ObservableGauge(name, metric.WithUnit(config.Unit()), metric.WithDescription(description))
	return instrument, errors.Join(err, guardInt64(m, instrument, config.Callbacks()))
}

func (m *guardedMeter) Float64ObservableCounter(name string, options ...metric.Float64ObservableCounterOption) (metric.Float64ObservableCounter, error) {
	config := metric.NewFloat64ObservableCounterConfig(options...)
	description, err := m.admit(name, identity{kind: KindCounter, unit: config.Unit()}, config.Description())
	if err != nil {
		return noop.Float64ObservableCounter{}, err
	}
	instrument, err := m.Meter.Float64ObservableCounter(name, metric.WithUnit(config.Unit()), metric.WithDescription(description))
	return instrument, errors.Join(err, guardFloat64(m, instrument, config.Callbacks()))
}

func (m *guardedMeter) Float64ObservableUpDownCounter(name string, options ...metric.Float64ObservableUpDownCounterOption) (metric.Float64ObservableUpDownCounter, error) {
	config := metric.NewFloat64ObservableUpDownCounterConfig(options...)
	description, err := m.admit(name, identity{kind: KindGauge, unit: config.Unit(), upDown: true}, config.Description())
	if err != nil {
		return noop.Float64ObservableUpDownCounter{}, err
	}
	instrument, err := m.Meter.Float64ObservableUpDownCounter(name, metric.WithUnit(config.Unit()), metric.WithDescription(description))
	return instrument, errors.Join(err, guardFloat64(m, instrument, config.Callbacks()))
}

func (m *guardedMeter) Float64ObservableGauge(name string, options ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	config := metric.NewFloat64ObservableGaugeConfig(options...)
	description, err := m.admit(name, identity{kind: KindGauge, unit: config.Unit()}, config.Description())
	if err != nil {
		return noop.Float64ObservableGauge{}, err
	}
	instrument, err := m.Meter.Float64ObservableGauge(name, metric.WithUnit(config.Unit()), metric.WithDescription(description))
	return instrument, errors.Join(err, guardFloat64(m, instrument, config.Callbacks()))
}

func guardInt64(m *guardedMeter, instrument metric.Int64Observable, callbacks []metric.Int64Callback) error {
	var errs []error
	for _, f := range callbacks {
		_, err := m.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
			return f(ctx, int64Observer{instrument: instrument, observer: o})
		}, instrument)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func guardFloat64(m *guardedMeter, instrument metric.Float64Observable, callbacks []metric.Float64Callback) error {
	var errs []error
	for _, f := range callbacks {
		_, err := m.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
			return f(ctx, float64Observer{instrument: instrument, observer: o})
		}, instrument)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
