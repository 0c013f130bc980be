package exporters

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/telltale-agent/telltale/instruments"
)

// verbatim keeps the encoder from escaping names, whatever the scraper or the
// process's default asks for: every name is one that all parsers understand.
const verbatim = "; escaping=allow-utf-8"

// scrapeFormats are offered in this order. OpenMetrics is not among them: it
// would rename and retype documented metrics.
var scrapeFormats = []expfmt.Format{
	expfmt.NewFormat(expfmt.TypeTextPlain),
	expfmt.NewFormat(expfmt.TypeProtoDelim),
}

// negotiateFormat picks the format that the scraper likes best. Who accepts
// none of them gets the text format.
func negotiateFormat(header http.Header) expfmt.Format {
	if len(header.Values("Accept")) > 1 {
		header = http.Header{"Accept": {strings.Join(header.Values("Accept"), ",")}}
	}
	if expfmt.NegotiateAccept(header, scrapeFormats...).FormatType() == expfmt.TypeProtoDelim {
		return scrapeFormats[1]
	}
	return scrapeFormats[0]
}

// acceptsGzip reports whether the scraper asks for gzip by name or by a
// wildcard, with a weight above zero.
func acceptsGzip(header http.Header) bool {
	wildcard := 0.0
	for item := range strings.SplitSeq(strings.Join(header.Values("Accept-Encoding"), ","), ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		switch weight := codingWeight(parameters); strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return weight > 0
		case "*":
			wildcard = weight
		}
	}
	return wildcard > 0
}

func codingWeight(parameters string) float64 {
	name, value, ok := strings.Cut(strings.TrimSpace(parameters), "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 1
	}
	weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return 0
	}
	return weight
}

// gzipWriters are kept: a writer takes about a megabyte.
var gzipWriters = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	return w
}}

// encode writes the families. One that cannot be encoded is left out.
func encode(body *bytes.Buffer, families []*dto.MetricFamily, format expfmt.Format, compress bool, lost *losses) {
	if !compress {
		encodeTo(body, families, format, lost)
		return
	}
	w := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(w)
	w.Reset(body)
	encodeTo(w, families, format, lost)
	_ = w.Close() // a bytes.Buffer takes everything
}

func encodeTo(w io.Writer, families []*dto.MetricFamily, format expfmt.Format, lost *losses) {
	encoder := expfmt.NewEncoder(w, format+verbatim)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			lost.addMany(instruments.LossOther, err.Error(), len(family.Metric))
		}
	}
}

// selectFamilies gives the families with the wanted names, or all of them.
func selectFamilies(families []*dto.MetricFamily, wanted []string) []*dto.MetricFamily {
	if len(wanted) == 0 {
		return families
	}
	var selected []*dto.MetricFamily
	for _, family := range families {
		if slices.Contains(wanted, family.GetName()) {
			selected = append(selected, family)
		}
	}
	return selected
}
