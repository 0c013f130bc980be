//go:build !race

package instruments

const raceEnabled = false
