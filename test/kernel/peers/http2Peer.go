// HTTP/2 by Go's net/http, over TLS: `server PORT ROOT KEY CERTIFICATE` answers a GET with the file and echoes the body
// of a POST; `client UPLOAD URL…` requests all URLs at once, and posts the file UPLOAD to those with /up in their path.
package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(port, root, key, certificate string) {
	handler := http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		received, err := io.ReadAll(request.Body)
		check(err)
		if request.Method == "POST" {
			response.Write(received)
			return
		}
		content, err := os.ReadFile(root + request.URL.Path)
		if err != nil {
			response.WriteHeader(404)
		}
		response.Write(content)
	})
	check(http.ListenAndServeTLS("127.0.0.1:"+port, certificate, key, handler))
}

func ask(client *http.Client, url string, upload []byte) {
	method, body := "GET", []byte(nil)
	if strings.Contains(url, "/up") {
		method, body = "POST", upload
	}
	request, err := http.NewRequest(method, url, bytes.NewReader(body))
	check(err)
	response, err := client.Do(request)
	check(err)
	if response.ProtoMajor != 2 {
		fmt.Fprintln(os.Stderr, "not HTTP/2:", response.Proto)
	}
	_, err = io.Copy(io.Discard, response.Body)
	check(err)
	response.Body.Close()
}

func main() {
	if os.Args[1] == "server" {
		serve(os.Args[2], os.Args[3], os.Args[4], os.Args[5])
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: true,
		MaxConnsPerHost:   1,
	}
	client := &http.Client{Transport: transport}
	upload, err := os.ReadFile(os.Args[2])
	check(err)
	var group sync.WaitGroup
	for _, url := range os.Args[3:] {
		group.Add(1)
		go func(url string) {
			defer group.Done()
			ask(client, url, upload)
		}(url)
	}
	group.Wait()
	transport.CloseIdleConnections()
}
