// Command bench measures telltale side by side with what else could be used in
// its place, and prints the ratios. Pairs are measured interleaved, A B A B …,
// and the median of the rounds' ratios is shown: on a machine that is shared,
// times alone say little. What it would take to be faster stands below the table.
//
//	cd bench && go run .
//
// It ends with status 0 unless measuring failed: whether a bound holds is for
// the reader of the table, who knows the machine.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// effort says how much time goes into the numbers.
type effort struct {
	rounds int           // pairs of measurements for each ratio
	each   time.Duration // about how long one measurement takes
	starts int           // starts of each command
	rest   time.Duration // how long a command runs before its memory is read
	series []int         // sizes of the scrapes
}

func main() {
	var e effort
	flag.IntVar(&e.rounds, "rounds", 15, "pairs of measurements for each ratio")
	flag.DurationVar(&e.each, "each", 30*time.Millisecond, "about how long one measurement takes")
	flag.IntVar(&e.starts, "starts", 9, "starts of each command")
	flag.DurationVar(&e.rest, "rest", 5*time.Second, "how long a command runs before its memory is read")
	only := flag.String("sections", "record,heartbeat,scrape,command,aim", "what to measure")
	flag.Parse()
	e.series = []int{1_000, 10_000, 100_000}

	if err := run(os.Stdout, e, strings.Split(*only, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// sections measure a part of the table each.
var sections = map[string]func(effort) ([]row, error){
	"record":    recordRows,
	"heartbeat": heartbeatRows,
	"scrape":    scrapeRows,
	"command":   commandRows,
	"aim":       aimRows,
}

func run(w io.Writer, e effort, names []string) error {
	fmt.Fprintf(w, "%s %s/%s, %d processors; %d rounds, ratio as median (least–most)\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), e.rounds)
	writeHead(w)
	for _, name := range names {
		section, ok := sections[name]
		if !ok {
			return fmt.Errorf("section %q is not known: use record, heartbeat, scrape, command or aim", name)
		}
		rows, err := section(e)
		if err != nil {
			return err
		}
		for _, r := range rows {
			r.write(w)
		}
	}
	for _, name := range names {
		if text, ok := outlook[name]; ok {
			fmt.Fprintf(w, "\n%s", text)
		}
	}
	return nil
}
