package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/telltale-agent/telltale/instruments"
)

// bucketList is a list of bounds with the histograms that share it.
type bucketList struct {
	bounds  []float64
	metrics []string
}

// bucketLists are the different lists, in order of first use. The page calls
// them by letters.
type bucketLists []bucketList

func collectBuckets(all []instruments.Declaration) bucketLists {
	var lists bucketLists
	for _, d := range all {
		if len(d.Buckets) == 0 {
			continue
		}
		i := lists.index(d.Buckets)
		if i < 0 {
			i, lists = len(lists), append(lists, bucketList{bounds: d.Buckets})
		}
		lists[i].metrics = append(lists[i].metrics, d.Name)
	}
	return lists
}

func (l bucketLists) index(bounds []float64) int {
	return slices.IndexFunc(l, func(b bucketList) bool { return slices.Equal(b.bounds, bounds) })
}

func (l bucketLists) letter(bounds []float64) string { return string(rune('A' + l.index(bounds))) }

func (l bucketLists) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## Buckets\n\n%s\n| | Upper bounds, in the unit of the metric | Used by |\n|---|---|---|\n", bucketsIntro)
	for _, list := range l {
		fmt.Fprintf(b, "| **%s** | %s | %s |\n", l.letter(list.bounds), numbers(list.bounds), names(list.metrics))
	}
}

func numbers(bounds []float64) string {
	list := make([]string, len(bounds))
	for i, bound := range bounds {
		list[i] = strconv.FormatFloat(bound, 'g', -1, 64)
	}
	return strings.Join(list, ", ")
}

func names(metrics []string) string {
	list := make([]string, len(metrics))
	for i, name := range metrics {
		list[i] = code(name)
	}
	return strings.Join(list, ", ")
}
