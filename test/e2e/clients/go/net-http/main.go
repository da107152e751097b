// net/http's default client, which asks for gzip by itself. It knows no event streams and does not come back: the loop does.
package main

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"sluice.test/clients/report"
)

type stream struct {
	lastID string
	retry  time.Duration
}

func main() {
	s := stream{retry: time.Second}
	for {
		if err := s.follow(os.Getenv("STREAM_URL"), os.Getenv("STREAM_TOKEN")); errors.Is(err, io.EOF) {
			report.End()
		} else {
			report.Failure(err)
		}
		time.Sleep(s.retry)
	}
}

// follow answers io.EOF where the body ended in order.
func (s *stream) follow(url, token string) error {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Authorization", "Bearer "+token)
	if s.lastID != "" {
		request.Header.Set("Last-Event-ID", s.lastID)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return s.read(bufio.NewReader(response.Body))
}

func (s *stream) read(body *bufio.Reader) error {
	event, data, id := "", []string{}, s.lastID
	for {
		line, err := body.ReadString('\n')
		if err != nil {
			return err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "\n":
			s.lastID = id
			if len(data) > 0 {
				report.Message(event, id, strings.Join(data, "\n"))
			}
			event, data = "", nil
		case field == "event":
			event = value
		case field == "data":
			data = append(data, value)
		case field == "id":
			id = value
		case field == "retry":
			if ms, err := strconv.Atoi(value); err == nil {
				s.retry = time.Duration(ms) * time.Millisecond
			}
		}
	}
}
