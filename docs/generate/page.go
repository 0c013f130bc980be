package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/telltale-agent/telltale/instruments"
)

// ownComponent is what the agent's declarations about itself name as component.
const ownComponent = "Telltale"

// part is one of the three lists that the page consists of.
type part struct {
	title, intro string
	holds        func(instruments.Declaration) bool
}

var parts = []part{
	{
		title: "Documented metrics",
		intro: documentedIntro,
		holds: func(d instruments.Declaration) bool { return d.SemConv == "" && d.Component != ownComponent },
	},
	{
		title: "Telltale's own metrics",
		intro: ownIntro,
		holds: func(d instruments.Declaration) bool { return d.Component == ownComponent },
	},
	{
		title: "Semantic-convention runtime metrics",
		intro: semconvIntro,
		holds: func(d instruments.Declaration) bool { return d.SemConv != "" },
	},
}

// metricsPage is the whole page.
func metricsPage(all []instruments.Declaration) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, pageIntro, len(all))
	buckets := collectBuckets(all)
	for _, p := range parts {
		rows := slices.DeleteFunc(slices.Clone(all), func(d instruments.Declaration) bool { return !p.holds(d) })
		fmt.Fprintf(&b, "\n## %s\n\n%s", p.title, p.intro)
		p.writeTables(&b, rows, buckets)
	}
	buckets.write(&b)
	return b.Bytes()
}

// writeTables writes a table for each component, or one table if there is only
// one component.
func (p part) writeTables(b *bytes.Buffer, rows []instruments.Declaration, buckets bucketLists) {
	components := byComponent(rows)
	for _, c := range components {
		if len(components) > 1 {
			fmt.Fprintf(b, "\n### %s\n", c.name)
		}
		writeTable(b, c.rows, buckets)
	}
}

// component is what one part of the system is measured by.
type component struct {
	name string
	rows []instruments.Declaration
}

// byComponent sorts the components by name and keeps the order of declaration
// within each.
func byComponent(rows []instruments.Declaration) []component {
	var list []component
	for _, d := range rows {
		i := slices.IndexFunc(list, func(c component) bool { return c.name == d.Component })
		if i < 0 {
			i, list = len(list), append(list, component{name: d.Component})
		}
		list[i].rows = append(list[i].rows, d)
	}
	slices.SortFunc(list, func(a, b component) int {
		return cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name))
	})
	return list
}

func writeTable(b *bytes.Buffer, rows []instruments.Declaration, buckets bucketLists) {
	labelled := slices.ContainsFunc(rows, func(d instruments.Declaration) bool { return len(d.Labels) > 0 })
	columns := []string{"Metric", "Kind", "Unit"}
	if labelled {
		columns = append(columns, "Labels")
	}
	columns = append(columns, "Meaning", "Recorded", "By")
	fmt.Fprintf(b, "\n| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, d := range rows {
		cells := []string{nameCell(d), kindCell(d, buckets), unitCell(d.Unit)}
		if labelled {
			cells = append(cells, labelCell(d))
		}
		cells = append(cells, text(d.Help), text(d.When), recorderCell(d.Recorder))
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
}

func nameCell(d instruments.Declaration) string {
	if d.SemConv == "" {
		return code(d.Name)
	}
	return code(d.Name) + "<br>OTLP: " + code(d.SemConv)
}

func kindCell(d instruments.Declaration, buckets bucketLists) string {
	if len(d.Buckets) == 0 {
		return d.Kind.String()
	}
	return fmt.Sprintf("%s, [buckets %s](#buckets)", d.Kind, buckets.letter(d.Buckets))
}

func unitCell(unit string) string {
	if unit == "" {
		return ""
	}
	return code(unit)
}

// recorderCell links to the package that records a metric.
func recorderCell(path string) string {
	if path == "" {
		return ""
	}
	return "[" + code(path) + "](../" + path + "/)"
}

// labelCell names the labels, each with the values known beforehand.
func labelCell(d instruments.Declaration) string {
	var lines []string
	for i, label := range d.Labels {
		line := code(label)
		if values := knownValues(d, i); len(values) > 0 {
			line += ": " + strings.Join(values, ", ")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "<br>")
}

func knownValues(d instruments.Declaration, label int) []string {
	var values []string
	for _, set := range d.Known {
		if v := code(set[label]); !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values
}

func code(s string) string { return "`" + strings.ReplaceAll(s, "|", `\|`) + "`" }

// text makes s safe in the cell of a table.
func text(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "\n", " ").Replace(s)
}
