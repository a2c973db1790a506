// Calls by Go's net/http. Each path ends with the number of the line that made the call. Prints how many there were.
// With an argument it waits for a line of input first.
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.test/golines/shop"
)

var calls int32

type header struct{ next http.RoundTripper }

func (h header) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("X-Header", "1")
	return h.next.RoundTrip(request)
}

type counted struct{ net.Conn }

type closer struct {
	client *http.Client
	url    string
}

func (c closer) Close() { shop.Done(c.client.Get(shop.At(c.url))) }

func answer(w http.ResponseWriter, r *http.Request) {
	atomic.AddInt32(&calls, 1)
	if rest := strings.TrimPrefix(r.URL.Path, "/moved"); rest != r.URL.Path {
		http.Redirect(w, r, "/landed"+rest, http.StatusFound)
		return
	}
	fmt.Fprint(w, "a lamp")
}

func deep(depth int, client *http.Client, url string) {
	if depth > 0 {
		deep(depth-1, client, url)
		return
	}
	shop.Done(client.Get(shop.At(url)))
}

// Of one kind of connection.
func all(base string, client *http.Client) {
	shop.Done(client.Get(shop.At(base + "/get")))
	shop.Done(client.Head(shop.At(base + "/head")))
	shop.Done(client.Post(shop.At(base+"/post"), "text/plain", strings.NewReader("a body")))
	shop.Done(client.PostForm(shop.At(base+"/form"), url.Values{"a": {"b"}}))
	request, _ := http.NewRequest(http.MethodPut, shop.At(base+"/put"), nil); shop.Done(client.Do(request))
	timed := *client
	timed.Timeout = time.Minute
	shop.Done(timed.Get(shop.At(base + "/timeout")))
	shop.Done(client.Get(shop.At(base + "/moved")))
	limited, cancel := context.WithTimeout(context.Background(), time.Minute)
	request, _ = http.NewRequestWithContext(limited, "DELETE", shop.At(base+"/context"), nil); shop.Done(client.Do(request))
	cancel()
	request, _ = http.NewRequest("", shop.At(base+"/transport"), nil); shop.Done(client.Transport.RoundTrip(request))
	wrapped := &http.Client{Transport: header{client.Transport}}
	shop.Done(wrapped.Get(shop.At(base + "/wrapped")))
	shop.Done(shop.Small(client, base+"/small"))
	shop.Getter(shop.Store{Client: client}).Get(base + "/interface")
	shop.Generic(client, base+"/generic", 1)
	shop.Generic(client, base+"/generic", "text")
	get := client.Get
	shop.Done(get(shop.At(base + "/value")))
	var once sync.Once
	once.Do(func() { shop.Done(client.Get(shop.At(base + "/once"))) })
	func() {
		defer closer{client, base + "/defer"}.Close()
	}()
	deep(60, client, base+"/deep")

	var group sync.WaitGroup
	for range make([]int, 8) {
		group.Add(4)
		go func() { defer group.Done(); shop.Done(client.Get(shop.At(base + "/concurrent"))) }()
		go func() { defer group.Done(); shop.Done(client.Get(shop.At(base + "/concurrent"))) }()
		go func() {
			defer group.Done()
			shop.Done(client.Get(shop.At(base + "/concurrent")))
		}()
		go func() {
			defer group.Done()
			shop.Done(client.Post(shop.At(base+"/concurrent"), "text/plain", strings.NewReader("a body")))
		}()
	}
	group.Wait()
}

func main() {
	if len(os.Args) > 1 {
		fmt.Println("ready")
		fmt.Scanln()
	}
	plain := httptest.NewServer(http.HandlerFunc(answer))
	shop.Done(http.Get(shop.At(plain.URL + "/package")))
	shop.Lamp(plain.URL + "/variable")
	all(plain.URL, &http.Client{Transport: &http.Transport{}})

	encrypted := httptest.NewTLSServer(http.HandlerFunc(answer))
	trust := encrypted.Client().Transport.(*http.Transport).TLSClientConfig
	all(encrypted.URL, &http.Client{Transport: &http.Transport{
		TLSClientConfig: trust.Clone(), TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}})

	second := httptest.NewUnstartedServer(http.HandlerFunc(answer))
	second.EnableHTTP2 = true
	second.StartTLS()
	all(second.URL, second.Client())

	dialer := &net.Dialer{}
	all(plain.URL, &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			connection, err := dialer.DialContext(ctx, network, address)
			return &counted{connection}, err
		}}})

	folder, _ := os.MkdirTemp("", "golines")
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "socket")
	listener, err := net.Listen("unix", path)
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, http.HandlerFunc(answer))
	all("http://unix.test", &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dialer.DialContext(ctx, "unix", path) }}})
	fmt.Println(calls)
}
