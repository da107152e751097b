// r3labs/sse. It comes back by itself after an error, and not after an orderly end: the loop does.
package main

import (
	"os"
	"time"

	"github.com/r3labs/sse/v2"
	"gopkg.in/cenkalti/backoff.v1"
	"sluice.test/clients/report"
)

func main() {
	// Longer events than this end the connection; the library's own limit is 64 KB.
	client := sse.NewClient(os.Getenv("STREAM_URL"), sse.ClientMaxBufferSize(2<<20))
	client.Headers["Authorization"] = "Bearer " + os.Getenv("STREAM_TOKEN")
	client.ReconnectNotify = func(err error, _ time.Duration) { report.Failure(err) }
	for {
		// The library's own strategy gives up for good 15 minutes after the first connection.
		strategy := backoff.NewExponentialBackOff()
		strategy.MaxElapsedTime = 0
		client.ReconnectStrategy = strategy
		err := client.SubscribeRaw(func(message *sse.Event) {
			report.Message(string(message.Event), string(message.ID), string(message.Data))
		})
		if err != nil {
			report.Failure(err)
		} else {
			report.End()
		}
		time.Sleep(time.Second)
	}
}
