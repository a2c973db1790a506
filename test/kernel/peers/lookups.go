// Looks names up by Go's own resolver and calls their server.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	net.DefaultResolver = &net.Resolver{PreferGo: true}
	for _, name := range os.Args[1:] {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		request, err := http.NewRequestWithContext(ctx, "GET", "http://"+name+"/", nil)
		if err != nil {
			panic(err)
		}
		response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		if err == nil {
			response.Body.Close()
		}
		fmt.Println(name, err == nil)
		cancel()
	}
}
