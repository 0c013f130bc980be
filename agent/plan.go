package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/telltale-agent/telltale/agent/internal/configfile"
	"github.com/telltale-agent/telltale/agent/internal/probe"
	"github.com/telltale-agent/telltale/exporters"
	"github.com/telltale-agent/telltale/health"
)

// ErrNothingToDo is returned by a [Standalone] Start that would neither serve
// nor push.
var ErrNothingToDo = errors.New("nothing to do: give an address to serve diagnostics on (--diag-addr HOST:PORT) or a collector to push to (--otlp URL)")

// plan is what an agent is going to be, with every source of configuration
// taken together and checked. Making one opens nothing.
type plan struct {
	Config
	settings
	resource *resource.Resource
	noFile   bool // there are faults in the configuration file
	disabled bool // pushing, by OTEL_SDK_DISABLED
	targets  []exporters.Target
	checks   []check
}

// check is a component to watch.
type check struct {
	name  string
	probe probe.Check
}

// newPlan reports every fault that can be found without opening anything.
func newPlan(config Config, options []Option) (*plan, error) {
	p := &plan{Config: config.withDefaults(), settings: newSettings(options)}
	file, err := p.loadFile()
	p.noFile = err != nil
	err = errors.Join(
		err,
		p.validate(),
		p.planChecks(),
		p.checkComponents(),
		p.planTargets(file),
		p.planResource(file),
	)
	if err != nil {
		return nil, errors.Join(err, p.closeChecks())
	}
	if p.standalone && p.DiagAddr == "" && len(p.targets) == 0 {
		return nil, errors.Join(p.nothingToDo(), p.closeChecks())
	}
	return p, nil
}

func (p *plan) nothingToDo() error {
	if p.disabled {
		return fmt.Errorf("%w; OTEL_SDK_DISABLED is true, so that nothing is pushed to any collector", ErrNothingToDo)
	}
	return ErrNothingToDo
}

// loadFile never returns nil: what cannot be read says nothing.
func (p *plan) loadFile() (*configfile.File, error) {
	if p.ConfigFile == "" {
		return &configfile.File{}, nil
	}
	file, err := configfile.Load(p.ConfigFile, p.getenv)
	if err != nil {
		return &configfile.File{}, err
	}
	return file, nil
}

func (p *plan) planChecks() error {
	var errs []error
	for _, w := range p.Watch {
		c, err := probe.Parse(w.URL)
		if err != nil {
			errs = append(errs, fmt.Errorf("component %q: %w", w.Name, err))
			continue
		}
		p.checks = append(p.checks, check{name: w.Name, probe: c})
	}
	return errors.Join(errs...)
}

// checkComponents declares the components where nobody sees it, to find names that
// cannot be declared together with all other faults.
func (p *plan) checkComponents() error {
	unseen := &Agent{plan: p, health: health.New(health.WithLogger(slog.New(slog.DiscardHandler)))}
	defer unseen.health.Close()
	return unseen.declareComponents(context.Background())
}

func (p *plan) closeChecks() error {
	var errs []error
	for _, c := range p.checks {
		errs = append(errs, c.probe.Close())
	}
	return errors.Join(errs...)
}

// planTargets finds the collectors: those of the configuration struct, else
// those of the environment, else those of the file.
func (p *plan) planTargets(file *configfile.File) error {
	disabled, disabledErr := exporters.Disabled(p.getenv)
	p.disabled = disabled
	if disabled {
		return nil
	}
	targets, err := p.findTargets(file)
	p.targets = targets
	return errors.Join(disabledErr, err, exporters.ValidateTargetsUnder(p.getenv, targets))
}

func (p *plan) findTargets(file *configfile.File) ([]exporters.Target, error) {
	given := p.OTLP
	layer := exporters.Target.WithEnv
	if len(given) == 0 {
		fromEnv, err := exporters.TargetsFromEnv(p.getenv)
		if err != nil {
			return nil, err
		}
		given = fromEnv
	}
	if len(given) == 0 && p.noFile { // what is wrong in the environment does not wait for the file
		_, err := exporters.Target{}.UnderEnv(p.getenv)
		return nil, err
	}
	if len(given) == 0 && exporters.FileTargetsWanted(p.getenv) {
		given = file.Targets
		layer = exporters.Target.UnderEnv
	}
	targets := make([]exporters.Target, 0, len(given))
	var faults error // of the environment, the same for all of them
	for _, t := range given {
		if len(p.OTLP) > 0 { // an interval of its own wins
			t.Interval = or(t.Interval, p.PushInterval)
		}
		t, faults = layer(t, p.getenv)
		if len(p.OTLP) == 0 {
			t.Interval = or(p.PushInterval, t.Interval)
		}
		targets = append(targets, t)
	}
	return targets, faults
}

func (p *plan) planResource(file *configfile.File) (err error) {
	attributes := make(map[string]string)
	for key, value := range file.ResourceAttributes {
		attributes[key] = value
	}
	for key, value := range p.Resource {
		attributes[key] = value
	}
	p.resource, err = exporters.Resource(exporters.ResourceLayers{
		ServiceName: p.ServiceName,
		Getenv:      p.getenv,
		File:        attributes,
		Version:     p.Build.Version,
	})
	return err
}
