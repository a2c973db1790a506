// Client and server with Go's own TLS: peer client PORT FOLDER VERSION [mtls], peer server FOLDER VERSION [deep],
// peer interleaved PORT FOLDER; see ../plan.ts.
package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(name string) []byte {
	content, err := os.ReadFile(name)
	check(err)
	return content
}

func exactly(version string) uint16 {
	if version == "1.2" {
		return tls.VersionTLS12
	}
	return tls.VersionTLS13
}

func clientConfig(folder, version string, mtls bool) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(read(folder + "/ca.pem"))
	config := &tls.Config{RootCAs: pool, MinVersion: exactly(version), MaxVersion: exactly(version)}
	if mtls {
		certificate, err := tls.LoadX509KeyPair(folder+"/client.pem", folder+"/client.key")
		check(err)
		config.Certificates = []tls.Certificate{certificate}
	}
	return config
}

// Without a length, so that net/http sends chunks.
type unsized struct{ io.Reader }

func call(client *http.Client, port, method, path, id, framing, file string) (int, []byte) {
	var body io.Reader
	if file != "-" {
		body = bytes.NewReader(read(file))
		if framing == "chunked" {
			body = unsized{body}
		}
	}
	request, err := http.NewRequest(method, "https://localhost:"+port+path, body)
	check(err)
	request.Header.Set("X-Trace-Id", id)
	request.Header.Set("Accept-Encoding", "identity")
	response, err := client.Do(request)
	check(err)
	content, err := io.ReadAll(response.Body)
	check(err)
	response.Body.Close()
	return response.StatusCode, content
}

func runClient(port, folder, version string, mtls bool) {
	transport := &http.Transport{TLSClientConfig: clientConfig(folder, version, mtls), MaxConnsPerHost: 1}
	client := &http.Client{Transport: transport}
	fmt.Println("pid", os.Getpid())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		word := strings.Fields(lines.Text())
		status, content := call(client, port, word[0], word[1], word[2], word[3], word[4])
		digest := sha256.Sum256(content)
		fmt.Println("done", status, len(content), hex.EncodeToString(digest[:]))
	}
	transport.CloseIdleConnections()
}

// Uses up stack, so that it is copied to a larger place while calls are under way, and made smaller after it.
func descend(depth int, write func([]byte)) int {
	var filler [512]byte
	filler[depth%512] = byte(depth)
	if depth == 0 {
		write(filler[:0])
		return int(filler[0])
	}
	sum := descend(depth-1, write) + int(filler[depth%512])
	if depth%64 == 0 {
		runtime.GC()
	}
	return sum
}

func runServer(folder, version string, deep bool) {
	handler := http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		received, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		digest := sha256.Sum256(received)
		size, _ := strconv.Atoi(request.Header.Get("X-Size"))
		status, _ := strconv.Atoi(request.Header.Get("X-Status"))
		token := make([]byte, 8)
		rand.Read(token)
		body := make([]byte, size)
		rand.Read(body)
		response.Header().Set("X-Answer", hex.EncodeToString(token))
		response.Header().Set("X-Received", hex.EncodeToString(digest[:]))
		chunked := request.Header.Get("X-Framing") == "chunked"
		if !chunked {
			response.Header().Set("Content-Length", strconv.Itoa(size))
		}
		response.WriteHeader(status)
		send := func() {
			for at := 0; at < len(body); at += 9000 {
				end := at + 9000
				if end > len(body) {
					end = len(body)
				}
				response.Write(body[at:end])
				if chunked {
					response.(http.Flusher).Flush()
				}
			}
		}
		if deep {
			descend(200, func([]byte) { send() })
		} else {
			send()
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	server := &http.Server{Handler: handler, TLSConfig: &tls.Config{
		MinVersion: exactly(version), MaxVersion: exactly(version), NextProtos: []string{"http/1.1"},
	}, TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	go server.ServeTLS(listener, folder+"/cert.pem", folder+"/key.pem")
	fmt.Println("ready", listener.Addr().(*net.TCPAddr).Port, os.Getpid())
	io.Copy(io.Discard, os.Stdin)
}

// Many connections on one thread at a time: for each line its own connection, all in turn.
func runInterleaved(port, folder string) {
	runtime.GOMAXPROCS(1)
	fmt.Println("pid", os.Getpid())
	var group sync.WaitGroup
	var printing sync.Mutex
	gate := make(chan struct{})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() && lines.Text() != "" {
		rounds := strings.Split(lines.Text(), "\t")
		group.Add(1)
		go func() {
			defer group.Done()
			config := clientConfig(folder, "1.3", false)
			config.ServerName = "localhost"
			connection, err := tls.Dial("tcp", "127.0.0.1:"+port, config)
			check(err)
			local := connection.LocalAddr().(*net.TCPAddr).Port
			<-gate
			reader := bufio.NewReader(connection)
			for _, round := range rounds {
				word := strings.Fields(round)
				body := read(word[4])
				head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost:%s\r\nX-Trace-Id: %s\r\nContent-Length: %d\r\n\r\n",
					word[0], word[1], port, word[2], len(body))
				_, err := connection.Write([]byte(head))
				check(err)
				for at := 0; at < len(body); at += 500 {
					end := at + 500
					if end > len(body) {
						end = len(body)
					}
					runtime.Gosched()
					_, err := connection.Write(body[at:end])
					check(err)
				}
				response, err := http.ReadResponse(reader, nil)
				check(err)
				content, err := io.ReadAll(response.Body)
				check(err)
				digest := sha256.Sum256(content)
				printing.Lock()
				fmt.Println("on", word[2], local, response.StatusCode, len(content), hex.EncodeToString(digest[:]))
				printing.Unlock()
			}
			connection.Close()
		}()
	}
	close(gate)
	group.Wait()
	fmt.Println("end")
}

func main() {
	arguments := append(os.Args[1:], "", "", "", "", "")
	switch arguments[0] {
	case "client":
		runClient(arguments[1], arguments[2], arguments[3], arguments[4] == "mtls")
	case "server":
		runServer(arguments[1], arguments[2], arguments[3] == "deep")
	case "interleaved":
		runInterleaved(arguments[1], arguments[2])
	default:
		os.Exit(2)
	}
}
