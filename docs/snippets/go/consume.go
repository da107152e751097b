// Prints events as they come, and goes on where it was after every break.
//
// Usage: SLUICE_TOKEN=… go run consume.go http://localhost:8080 'issues.*' [events]
// It ends after that many events; without a number it never does.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// A frame is one block of an event stream.
type frame struct {
	event, id, data string
	retryMs         int
}

// readFrames hands on each frame with data until the body ends or take answers false.
func readFrames(body io.Reader, take func(frame) bool) error {
	lines := bufio.NewReader(body)
	next, hasData := frame{}, false
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		line = strings.TrimRight(line, "\r\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if hasData && !take(next) {
				return nil
			}
			next, hasData = frame{}, false
		case name == "data" && hasData:
			next.data += "\n" + value
		case name == "data":
			next.data, hasData = value, true
		case name == "event":
			next.event = value
		case name == "id":
			next.id = value
		case name == "retry":
			next.retryMs, _ = strconv.Atoi(value)
		}
	}
}

var errRefused = errors.New("refused")

// follow hands on the data of each event, with its id, until take answers false or the token is refused for good.
func follow(base, topic, token string, take func(id, data string) bool) error {
	lastID, wait := "", time.Second
	// At least one frame comes every 15 seconds: the server's silence is looked for below, not by a deadline for the whole body.
	client := &http.Client{}
	for {
		request, err := http.NewRequest("GET", base+"/v1/stream?"+url.Values{"topic": {topic}}.Encode(), nil)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Accept", "text/event-stream")
		if lastID != "" {
			request.Header.Set("Last-Event-ID", lastID)
		}
		response, err := client.Do(request)
		if err == nil && response.StatusCode != http.StatusOK {
			problem, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode != 429 && response.StatusCode != 503 {
				return fmt.Errorf("%w: %s", errRefused, problem)
			}
			if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
				wait = time.Duration(seconds) * time.Second
			}
		} else if err == nil {
			isWanted := true
			silence := time.AfterFunc(35*time.Second, func() { response.Body.Close() })
			err = readFrames(response.Body, func(next frame) bool {
				silence.Reset(35 * time.Second)
				if next.id != "" {
					lastID = next.id
				}
				if next.retryMs > 0 {
					wait = time.Duration(next.retryMs) * time.Millisecond
				}
				switch next.event {
				case "":
					isWanted = take(lastID, next.data)
				case "gap", "reset":
					fmt.Fprintf(os.Stderr, "events may be missing: fetch what you show anew (%s)\n", next.event)
				}
				return isWanted
			})
			silence.Stop()
			response.Body.Close()
			if !isWanted {
				return nil
			}
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "the stream broke off:", err)
		}
		time.Sleep(wait + time.Duration(rand.Int63n(int64(wait/2)+1)))
	}
}

func main() {
	limit := -1
	if len(os.Args) > 3 {
		limit, _ = strconv.Atoi(os.Args[3])
	}
	err := follow(os.Args[1], os.Args[2], os.Getenv("SLUICE_TOKEN"), func(id, data string) bool {
		fmt.Println(id, data)
		limit--
		return limit != 0
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
