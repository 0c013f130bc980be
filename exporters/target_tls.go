package exporters

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
)

// tlsConfig reads the files of a validated target; nil for one without TLS.
func (t Target) tlsConfig() (*tls.Config, error) {
	if !t.secure() {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if faults := loadTLSFiles(t, cfg); len(faults) > 0 {
		faults[0].Endpoint = t.Endpoint()
		return nil, faults[0]
	}
	return cfg, nil
}

// loadTLSFiles reads and parses the files of t into cfg, which may be nil to
// check them only, and returns all faults.
func loadTLSFiles(t Target, cfg *tls.Config) []*FieldError {
	if cfg == nil {
		cfg = new(tls.Config)
	}
	var faults []*FieldError
	if t.CAFile != "" {
		if f := loadCA(t.CAFile, cfg); f != nil {
			faults = append(faults, f)
		}
	}
	return append(faults, loadPair(t, cfg)...)
}

func loadCA(file string, cfg *tls.Config) *FieldError {
	pem, err := readPEM(file)
	if err != nil {
		return unreadable("ca_file", file, err)
	}
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(pem) {
		return &FieldError{Field: "ca_file", Value: file, Allowed: "must hold at least one PEM certificate"}
	}
	return nil
}

func loadPair(t Target, cfg *tls.Config) []*FieldError {
	switch {
	case t.CertFile == "" && t.KeyFile == "":
		return nil
	case t.KeyFile == "":
		return []*FieldError{{Field: "key_file", Allowed: "must be given, since cert_file is"}}
	case t.CertFile == "":
		return []*FieldError{{Field: "cert_file", Allowed: "must be given, since key_file is"}}
	}
	cert, certErr := readPEM(t.CertFile)
	key, keyErr := readPEM(t.KeyFile)
	var faults []*FieldError
	if certErr != nil {
		faults = append(faults, unreadable("cert_file", t.CertFile, certErr))
	}
	if keyErr != nil {
		faults = append(faults, unreadable("key_file", t.KeyFile, keyErr))
	}
	if len(faults) > 0 {
		return faults
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return []*FieldError{{
			Field: "cert_file", Value: t.CertFile,
			Allowed: "must be a PEM certificate that matches the key in " + t.KeyFile, Err: err,
		}}
	}
	cfg.Certificates = []tls.Certificate{pair}
	return nil
}

// unreadable drops the path from err, which names it already.
func unreadable(field, file string, err error) *FieldError {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return &FieldError{Field: field, Value: file, Allowed: "must be a file that can be read", Err: err}
}

// readPEM reads a file of sensible size. Pipes and devices, which might block
// or never end, are refused.
func readPEM(file string) ([]byte, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > maxPEM:
		return nil, errors.New("it is larger than 16 MiB")
	}
	return os.ReadFile(file)
}

const maxPEM = 16 << 20
