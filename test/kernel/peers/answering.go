// Like answering.mjs, with net/http.
package main

import (
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
)

func handle(w http.ResponseWriter, r *http.Request) {
	switch path.Base(r.URL.Path) {
	case "whole":
		io.WriteString(w, "ok")
	case "early":
		w.Header().Set("Connection", "close")
		w.WriteHeader(413)
		io.WriteString(w, "big")
	case "cut":
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "part")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	default:
		if err := os.WriteFile(path.Join(os.Args[2], strings.ReplaceAll(r.URL.Path[1:], "/", "-")), nil, 0o600); err != nil {
			panic(err)
		}
		time.Sleep(2 * time.Second)
		w.WriteHeader(500)
		io.WriteString(w, "error")
	}
}

func main() {
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(handle)))
}
