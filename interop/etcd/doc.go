// Package etcd tests telltale as the watcher of a real etcd, which is stopped and started again.
package etcd
