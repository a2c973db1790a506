// Serves the files of a folder as net/http does: the head by write, the file by sendfile.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("{\"port\":%d,\"pid\":%d}\n", listener.Addr().(*net.TCPAddr).Port, os.Getpid())
	panic(http.Serve(listener, http.FileServer(http.Dir(os.Args[1]))))
}
