// tmaxmax/go-sse. It comes back by itself, after the time the server asks for.
package main

import (
	"net/http"
	"os"
	"time"

	"github.com/tmaxmax/go-sse"
	"sluice.test/clients/report"
)

func main() {
	request, err := http.NewRequest(http.MethodGet, os.Getenv("STREAM_URL"), nil)
	if err != nil {
		report.Failure(err)
		os.Exit(1)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("STREAM_TOKEN"))
	client := sse.Client{OnRetry: func(err error, _ time.Duration) { report.Failure(err) }}
	connection := client.NewConnection(request)
	// Longer events than this end the connection; the library's own limit is 64 KB.
	connection.Buffer(nil, 2<<20)
	connection.SubscribeToAll(func(event sse.Event) { report.Message(event.Type, event.LastEventID, event.Data) })
	report.Failure(connection.Connect())
	os.Exit(1)
}
