package instruments

// ProfileResult says what became of a request for a profile.
type ProfileResult string

// The results of requests for profiles.
const (
	ProfileServed  ProfileResult = "served"
	ProfileBusy    ProfileResult = "busy"    // another one was being taken: 409
	ProfileRefused ProfileResult = "refused" // the request asked for what is not allowed: 400
	ProfileFailed  ProfileResult = "failed"  // it could not be taken or handed over
)

// Profile is the label set of telltale_profiles_total.
type Profile struct {
	Profile string        `label:"profile"` // one of the profiler's fixed names, such as "heap"; never what the request said
	Result  ProfileResult `label:"result"`
}

// Profiles is counted by the agent's profiling endpoints.
var Profiles = counterBy[Profile](Spec{
	Name:      "telltale_profiles_total",
	Unit:      "{profile}",
	Help:      "Requests for profiles and traces, by profile and by what became of them.",
	When:      "A request below /debug/pprof/ for a profile or trace has been answered.",
	Recorder:  "agent",
	Component: selfComponent,
})
