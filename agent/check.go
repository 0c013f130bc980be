package agent

import (
	"errors"
	"log/slog"

	"github.com/telltale-agent/telltale/exporters"
)

// Check reports every fault that can be seen in c alone, one a line: values out
// of range, URLs that cannot be understood, components declared twice. It looks
// neither at the environment nor at the configuration file, and opens nothing;
// Start reports the same faults and those. A command can tell with it what its
// user wrote wrong from what is wrong with the place that it runs in.
func (c Config) Check() error {
	p := &plan{Config: c.withDefaults(), settings: settings{logger: slog.New(slog.DiscardHandler)}}
	return errors.Join(
		p.validate(),
		p.planChecks(),
		p.checkComponents(),
		exporters.ValidateTargets(p.OTLP),
		p.closeChecks(),
	)
}
