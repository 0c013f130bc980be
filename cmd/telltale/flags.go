package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/telltale-agent/telltale/agent"
)

// startFlags are the flags of telltale start as they were written. They are read
// after all have been taken in, so that every fault is reported and not only
// the first.
type startFlags struct {
	diagAddr     string
	debug        bool
	configFile   string
	components   []string
	heartbeat    string
	otlp         []string
	pushInterval string
	serviceName  string
}

// define makes the flags, in the groups and the order of the help.
func (f *startFlags) define() []flagGroup {
	serving := newFlagGroup("Serving")
	serving.flags.StringVar(&f.diagAddr, "diag-addr", "", "serve the endpoints on `HOST:PORT`; port 0 picks one, and the log says which")
	serving.flags.BoolVarP(&f.debug, "debug", "d", false, "log more, and serve the profiles under /debug/pprof/")

	watching := newFlagGroup("Watching")
	watching.flags.StringArrayVar(&f.components, "component", nil,
		"watch a component (repeatable), `NAME=URL` with a URL of the form tcp://host:port, http(s)://host:port/path or grpc(s)://host:port[/service]")
	watching.flags.StringVar(&f.heartbeat, "heartbeat", "", "time between two checks of a component, a `DURATION` such as 500ms or 1m; default 5s")

	pushing := newFlagGroup("Pushing")
	pushing.flags.StringArrayVar(&f.otlp, "otlp", nil,
		"push the metrics to a collector (repeatable), a `URL` of the form http(s)://host:4318 or grpc(s)://host:4317")
	pushing.flags.StringVar(&f.pushInterval, "push-interval", "", "time between two pushes, a `DURATION`; default 60s")
	pushing.flags.StringVar(&f.serviceName, "service-name", "", "`NAME` to push under (service.name); default telltale")

	general := newFlagGroup("General")
	general.flags.StringVarP(&f.configFile, "config", "c", "", "configuration `FILE`, see otel-config.yaml")
	general.flags.BoolP("help", "h", false, "show this help")
	return []flagGroup{serving, watching, pushing, general}
}

// config is what the flags say about the agent. The error has one line for each
// fault.
func (f *startFlags) config(set *pflag.FlagSet, getenv func(string) string) (agent.Config, error) {
	c := agent.Config{
		DiagAddr:    f.diagAddr,
		Debug:       f.debug,
		ServiceName: f.serviceName,
		ConfigFile:  f.configFile,
	}
	c.Build.Version, c.Build.GitRef = version, gitRef
	if c.ConfigFile == "" {
		c.ConfigFile = getenv("OTEL_CONFIG_FILE")
	}
	faults := []error{emptyFlags(set)}
	keep := func(err error) { faults = append(faults, err) }
	var err error
	c.Watch, err = parseComponents(f.components)
	keep(err)
	c.Heartbeat, err = parseDuration(set.Lookup("heartbeat"))
	keep(err)
	c.OTLP, err = parseTargets(f.otlp)
	keep(err)
	c.PushInterval, err = parseDuration(set.Lookup("push-interval"))
	keep(err)
	keep(c.Check())
	return c, errors.Join(faults...)
}

// emptyFlags refuses flags that were given without a value, as a shell does
// with a variable that is not set: ignoring them would start another agent than
// the one that was meant.
func emptyFlags(set *pflag.FlagSet) error {
	var faults []error
	set.Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" {
			placeholder, _ := pflag.UnquoteUsage(f)
			faults = append(faults, fmt.Errorf("--%s is empty: give a %s, or leave the flag out", f.Name, placeholder))
		}
	})
	return errors.Join(faults...)
}

// parseComponents splits at the first equals sign, since URLs may contain some. A
// URL alone may, too: what stands before it is no name then.
func parseComponents(given []string) ([]agent.Watch, error) {
	var (
		list   []agent.Watch
		faults []error
	)
	for _, s := range given {
		name, url, found := strings.Cut(s, "=")
		if !found || name == "" || url == "" || strings.Contains(name, "://") {
			faults = append(faults, fmt.Errorf("--component %s: use NAME=URL, such as etcd=http://127.0.0.1:2379/health", shown(s)))
			continue
		}
		list = append(list, agent.Watch{Name: name, URL: url})
	}
	return list, errors.Join(faults...)
}

// shown is text for an error. What may contain a password is left out.
func shown(s string) string {
	if strings.Contains(s, "@") {
		return "with a user name in it"
	}
	if address, _, found := strings.Cut(s, "?"); found {
		s = address + "?..."
	}
	return strconv.Quote(s)
}

func parseTargets(given []string) ([]agent.Target, error) {
	var (
		list   []agent.Target
		faults []error
	)
	for _, url := range given {
		t := agent.Target{URL: url}
		for _, fault := range t.Faults() {
			faults = append(faults, fmt.Errorf("--otlp %q: %s", fault.Value, fault.Reason()))
		}
		list = append(list, t)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return list, nil
}

// parseDuration is 0 for a flag that was not given, and never otherwise.
func parseDuration(f *pflag.Flag) (time.Duration, error) {
	text := f.Value.String()
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("--%s %q: use a number with a unit, such as 500ms, 5s or 1m", f.Name, text)
	}
	if d <= 0 {
		return 0, fmt.Errorf("--%s %s: use a duration above zero", f.Name, text)
	}
	return d, nil
}
