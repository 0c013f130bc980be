//go:build !race

package harness

// raceEnabled says that the tests, and so the command they build, run with the race detector.
const raceEnabled = false
