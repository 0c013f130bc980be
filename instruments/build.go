package instruments

// Build is the label set of teleport_build_info. It is constant for a binary.
type Build struct {
	Version   string `label:"version"`
	GitRef    string `label:"gitref"` // as git describe --long --tags prints it
	GoVersion string `label:"goversion"`
}

// BuildInfo is set by package buildinfo when an agent starts.
var BuildInfo = gaugeBy[Build](Spec{
	Name:      "teleport_build_info",
	Unit:      "1",
	Help:      "Always 1; the labels tell which build of the program is running.",
	When:      "The agent starts, from what the embedder says and what Go has put into the binary.",
	Recorder:  "instruments/buildinfo",
	Component: componentTeleport,
})
