// Package prometheus tests telltale against the scrape manager, the storage and the query engine of the Prometheus
// server, all in this process, configured by the YAML an operator would write.
package prometheus
