// Calls that fail, made with net/http: `failing BASE DEAD`.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

func call(method, url string, body []byte, timeout time.Duration) {
	client := &http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true}}
	request, _ := http.NewRequest(method, url, bytes.NewReader(body))
	answer, err := client.Do(request)
	if err != nil {
		fmt.Println(url, err)
		return
	}
	_, err = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	fmt.Println(url, answer.StatusCode, err)
}

func main() {
	base, dead := os.Args[1], os.Args[2]
	for _, path := range []string{"close", "reset", "half"} {
		call("GET", base+"/"+path, nil, 10*time.Second)
	}
	call("POST", base+"/early", bytes.Repeat([]byte("u"), 4_000_000), 10*time.Second)
	call("GET", base+"/never", nil, 300*time.Millisecond)
	call("GET", dead+"/dead", nil, 10*time.Second)
}
