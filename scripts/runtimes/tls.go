// A client and a server with Go's net/http over TLS, for tests.
//
//	tls serve CERTIFICATE KEY      listens on 127.0.0.1, prints its port; answers "PATH HASH" of what it got
//	tls get CA URL...              prints the answers, all over connections that are kept alive
package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) < 4 {
		log.Fatal("tls serve CERTIFICATE KEY | tls get CA URL...")
	}
	switch os.Args[1] {
	case "serve":
		serve(os.Args[2], os.Args[3])
	case "get":
		get(os.Args[2], os.Args[3:])
	}
}

func serve(certificate, key string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	handler := http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		fmt.Fprintf(response, "%s %x", request.URL.Path, sha256.Sum256(body))
	})
	// HTTP/1.1 only.
	server := &http.Server{Handler: handler, TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	log.Fatal(server.ServeTLS(listener, certificate, key))
}

func get(authority string, urls []string) {
	pem, err := os.ReadFile(authority)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	for _, url := range urls {
		response, err := client.Post(url, "text/plain", bytes.NewReader([]byte(url)))
		if err != nil {
			log.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		fmt.Println(string(body))
	}
}
