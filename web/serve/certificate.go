package serve

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// selfSignedLife is how long a certificate of our own lasts; selfSignedRenew is how long before its end it is made anew.
const (
	selfSignedLife  = 825 * 24 * time.Hour
	selfSignedRenew = 30 * 24 * time.Hour
	recheck         = time.Minute // how often the files are looked at
)

// FileTLS serves the certificate (with its chain) and key of two PEM files, and takes up new ones within a minute of their being replaced.
// A new pair that cannot be read leaves the old one in use.
func FileTLS(certFile, keyFile string) (*tls.Config, error) {
	p := &pair{certFile: certFile, keyFile: keyFile}
	if err := p.load(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: p.get}, nil
}

// SelfSignedTLS serves a certificate of our own for hosts (names and addresses), kept in dir and made when it is missing or near its end.
// Clients of the original platform rarely verify (spec/privatenumber.md §0).
func SelfSignedTLS(dir string, hosts []string) (*tls.Config, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("directory for the certificate: %w", err)
	}
	certFile, keyFile := filepath.Join(dir, "self-signed.crt"), filepath.Join(dir, "self-signed.key")
	if !goodUntil(certFile, keyFile, hosts, time.Now().Add(selfSignedRenew)) {
		if err := makeSelfSigned(certFile, keyFile, hosts); err != nil {
			return nil, err
		}
	}
	return FileTLS(certFile, keyFile)
}

type pair struct {
	certFile, keyFile string

	mu      sync.Mutex
	cert    *tls.Certificate
	written time.Time // of the newer file
	looked  time.Time
}

func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	stale := time.Since(p.looked) >= recheck
	p.mu.Unlock()
	if stale {
		_ = p.load() // the pair in use stays; doctor reports a broken file
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cert, nil
}

func (p *pair) load() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looked = time.Now()
	var newest time.Time
	for _, f := range []string{p.certFile, p.keyFile} {
		st, err := os.Stat(f)
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		if st.ModTime().After(newest) {
			newest = st.ModTime()
		}
	}
	if p.cert != nil && newest.Equal(p.written) {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", p.certFile, p.keyFile, err)
	}
	p.cert, p.written = &cert, newest
	return nil
}

func goodUntil(certFile, keyFile string, hosts []string, at time.Time) bool {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return false
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil || at.After(cert.NotAfter) {
		return false
	}
	for _, h := range hosts {
		if cert.VerifyHostname(h) != nil {
			return false
		}
	}
	return true
}

func makeSelfSigned(certFile, keyFile string, hosts []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return fmt.Errorf("make a serial number: %w", err)
	}
	now := time.Now()
	cert := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "Maskline", Organization: []string{"Maskline, self-signed"}},
		NotBefore:    now.Add(-time.Hour), NotAfter: now.Add(selfSignedLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			cert.IPAddresses = append(cert.IPAddresses, ip)
		} else {
			cert.DNSNames = append(cert.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode the key: %w", err)
	}
	return errors.Join(
		writePEM(keyFile, "PRIVATE KEY", keyDER, 0o600),
		writePEM(certFile, "CERTIFICATE", der, 0o600),
	)
}

// writePEM replaces the file in one step, so that nobody reads half of it.
func writePEM(file, kind string, der []byte, mode fs.FileMode) error {
	tmp := file + ".new"
	if err := os.WriteFile(tmp, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := os.Rename(tmp, file); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
