// Package report tells the matrix what a client dispatched: one JSON line each.
package report

import (
	"encoding/json"
	"os"
)

type message struct {
	Event string `json:"event"`
	ID    string `json:"id"`
	Data  string `json:"data"`
}

// Message reports a message that a client has dispatched.
func Message(event, id, data string) {
	if event == "" {
		event = "message"
	}
	print(message{event, id, data})
}

// End reports a body that ended as if nothing was missing.
func End() {
	print(map[string]bool{"ended": true})
}

// Failure reports why a client went away.
func Failure(err error) {
	print(map[string]string{"failed": err.Error()})
}

func print(line any) {
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		os.Exit(1)
	}
}
