// A client that reads the whole response before its Write has returned, then exits: `unreturned ADDRESS CA PATH`.
// Here the socket below TLS delays Write; on a busy machine the scheduler does.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
)

// After its first write with `hold`, Write does not return.
type heldConn struct {
	net.Conn
	hold bool
}

func (held *heldConn) Write(bytes []byte) (int, error) {
	count, err := held.Conn.Write(bytes)
	if held.hold {
		select {}
	}
	return count, err
}

func main() {
	pem, err := os.ReadFile(os.Args[2])
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	socket, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	held := &heldConn{Conn: socket}
	client := tls.Client(held, &tls.Config{RootCAs: pool, ServerName: "localhost"})
	if err := client.Handshake(); err != nil {
		panic(err)
	}
	held.hold = true
	go fmt.Fprintf(client, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", os.Args[3])
	answer, _ := io.ReadAll(client)
	fmt.Println(len(answer))
}
