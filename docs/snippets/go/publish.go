// Publishes one event, and answers once it is stored.
//
// Usage: SLUICE_TOKEN=… go run publish.go http://localhost:8083 issues.opened Hello-World '{"title":"from Go"}'
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

type event struct {
	ID   string          `json:"id"`
	Type string          `json:"type"`
	Key  string          `json:"key,omitempty"`
	Data json.RawMessage `json:"data"`
}

// publish sends the event until it is stored: with an id of its own it is stored once, however often it is sent.
func publish(base, token string, sent event) (string, error) {
	body, err := json.Marshal(sent)
	if err != nil {
		return "", err
	}
	client := &http.Client{Timeout: 15 * time.Second}
	for wait := 100 * time.Millisecond; wait < time.Minute; wait *= 2 {
		request, err := http.NewRequest("POST", base+"/v1/events", bytes.NewReader(body))
		if err != nil {
			return "", err
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", "application/json")
		pause := wait
		if response, err := client.Do(request); err == nil {
			answer, _ := io.ReadAll(response.Body)
			response.Body.Close()
			switch response.StatusCode {
			case http.StatusOK:
				return string(answer), nil
			case http.StatusTooManyRequests, http.StatusServiceUnavailable:
				if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
					pause = time.Duration(seconds) * time.Second
				}
			default:
				return "", fmt.Errorf("refused: %s", answer)
			}
		}
		time.Sleep(pause)
	}
	return "", fmt.Errorf("the event may not be stored: send it again with the id %s", sent.ID)
}

func main() {
	sent := event{ID: rand.Text(), Type: os.Args[2], Key: os.Args[3], Data: json.RawMessage(os.Args[4])}
	answer, err := publish(os.Args[1], os.Getenv("SLUICE_TOKEN"), sent)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(answer)
}
