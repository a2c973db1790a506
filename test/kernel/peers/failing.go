// Calls that fail, made with net/http: `failing (METHOD URL MILLISECONDS BYTES)...`, as failing.py makes them.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"strconv"
	"strings"
	"time"
)

var client = &http.Client{Transport: &http.Transport{}}
var trusting = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}

func call(method, url string, milliseconds, size int) {
	by := client
	if strings.Contains(url, "+any") {
		by, url = trusting, strings.Replace(url, "+any", "", 1)
	}
	limited := context.Background()
	if milliseconds > 0 {
		var cancel func()
		limited, cancel = context.WithCancel(limited)
		defer cancel()
		limit := time.Duration(milliseconds) * time.Millisecond
		timer := time.AfterFunc(time.Hour, cancel)
		limited = httptrace.WithClientTrace(limited, &httptrace.ClientTrace{
			ConnectStart: func(_, _ string) { timer.Reset(limit) },
			WroteRequest: func(httptrace.WroteRequestInfo) { timer.Reset(limit) },
		})
	}
	var body io.Reader
	if size > 0 {
		body = bytes.NewReader(bytes.Repeat([]byte("u"), size))
	}
	request, _ := http.NewRequestWithContext(limited, method, url, body)
	answer, err := by.Do(request)
	if err == nil {
		_, err = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		fmt.Println(url, answer.StatusCode, err)
		return
	}
	fmt.Println(url, err)
}

func main() {
	for words := os.Args[1:]; len(words) >= 4; words = words[4:] {
		milliseconds, _ := strconv.Atoi(words[2])
		size, _ := strconv.Atoi(words[3])
		call(words[0], words[1], milliseconds, size)
	}
}
