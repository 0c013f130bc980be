package main

import (
	"fmt"
	"io"
	"slices"
)

// row is one line of the table.
type row struct {
	what       string
	ours, peer string // with unit
	peerName   string
	ratios     []float64
	bound      string
	verdict    verdict
}

type verdict string

const (
	held    verdict = "held"
	equal   verdict = "held within the noise"
	notHeld verdict = "**not held**"
	forShow verdict = "–"
)

// resolution is how far apart two measurements of the same thing come out.
const resolution = 0.02

// judgeRatios compares the median with the bound. Where it lies above, but by
// less than can be told apart, or the lower quartile does not, nobody knows.
func judgeRatios(ratios []float64, atMost float64) verdict {
	sorted := slices.Sorted(slices.Values(ratios))
	switch {
	case median(ratios) <= atMost:
		return held
	case sorted[len(sorted)/4] <= atMost, median(ratios) <= atMost*(1+resolution):
		return equal
	}
	return notHeld
}

func judge(ok bool) verdict {
	if ok {
		return held
	}
	return notHeld
}

func writeHead(w io.Writer) {
	fmt.Fprintln(w, "| what | ours | peer | | ratio | bound | |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
}

func (r row) write(w io.Writer) {
	ratio := "–"
	if len(r.ratios) > 0 {
		ratio = fmt.Sprintf("%.2f (%.2f–%.2f)", median(r.ratios), slices.Min(r.ratios), slices.Max(r.ratios))
	}
	fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s |\n", r.what, r.ours, r.peer, r.peerName, ratio, r.bound, r.verdict)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
