package main

import (
	"fmt"
	"math"
	"slices"
)

// seen is a series where and when it is looked at.
type seen struct {
	point
	exit    string // metrics or otlp
	present bool
	before  point   // the same series in the first scrape
	around  [2]self // the process just before and just after this was read
	scrapes float64 // of /metrics, this one left out
}

// want says what is wrong with a series, or nil.
type want func(seen) error

// is wants exactly this value of a counter or a gauge.
func is(value float64) want {
	return within(value, value)
}

// within wants a value of a counter or a gauge between two, both included.
func within(low, high float64) want {
	return func(s seen) error {
		if !s.present {
			return fmt.Errorf("is not there, want %v to %v", low, high)
		}
		if !(s.value >= low && s.value <= high) {
			return fmt.Errorf("got %v, want %v to %v", s.value, low, high)
		}
		return nil
	}
}

// times wants a histogram of that many durations, each of some length.
func times(n uint64) want {
	return func(s seen) error {
		var inBuckets uint64
		for _, count := range s.buckets {
			inBuckets += count
		}
		if !s.present || s.count != n || inBuckets != n {
			return fmt.Errorf("got %d durations, of which %d are in buckets, want %d", s.count, inBuckets, n)
		}
		if n > 0 != (s.sum > 0) {
			return fmt.Errorf("%d durations make %v seconds", n, s.sum)
		}
		return nil
	}
}

// sizes wants a histogram of exactly these values.
func sizes(values func() []float64, bounds ...float64) want {
	return func(s seen) error {
		var sum float64
		buckets := make([]uint64, len(bounds)+1)
		for _, v := range values() {
			sum += v
			i, _ := slices.BinarySearch(bounds, v) // bounds are upper and included
			buckets[i]++
		}
		if s.count != uint64(len(values())) || s.sum != sum || !slices.Equal(s.buckets, buckets) {
			return fmt.Errorf("got %d values, sum %v, buckets %v, want %d, %v, %v", s.count, s.sum, s.buckets, len(values()), sum, buckets)
		}
		return nil
	}
}

// gone wants no such series.
func gone(s seen) error {
	if s.present {
		return fmt.Errorf("is there, with %v", s.value)
	}
	return nil
}

// grown wants more than in the first scrape.
func grown(s seen) error {
	switch {
	case !s.present:
		return fmt.Errorf("is not there")
	case s.kind == "summary" && s.count > s.before.count && s.sum >= s.before.sum && s.sum > 0:
		return nil
	case s.kind != "summary" && s.value > s.before.value:
		return nil
	}
	return fmt.Errorf("got %v, which is not more than %v before", s.point, s.before)
}

// unchanged wants what was there in the first scrape, and more than nothing.
func unchanged(s seen) error {
	if !s.present || s.value != s.before.value || s.value <= 0 {
		return fmt.Errorf("got %v, want %v as before", s.value, s.before.value)
	}
	return nil
}

// positive wants a number above 0 that need not change.
func positive(s seen) error {
	if !s.present || !(s.value > 0) || math.IsInf(s.value, 1) {
		return fmt.Errorf("got %v, want a number above 0", s.value)
	}
	return nil
}

// row is what one series has to show while everything is going on, and after
// everything has ended. Nil is not looked at.
type row struct {
	metric, labels string
	busy, end      want
	why            string
	still          bool // it does not move, for the reason in why
}

// always is a row that is the same in both.
func always(metric, labels string, w want, why string) row {
	return row{metric: metric, labels: labels, busy: w, end: w, why: why}
}

// still is a row that cannot move.
func still(metric, labels string, w want, why string) row {
	return row{metric: metric, labels: labels, busy: w, end: w, why: why, still: true}
}
