"""Prints events as they come, and goes on where it was after every break.

Usage: SLUICE_TOKEN=… python3 consume.py http://localhost:8080 'issues.*' [events]
It ends after that many events; without a number it never does.
"""

import os
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


def frames(response):
    """The frames of an event stream: the fields of each block with data."""
    fields = {}
    for raw in response:
        line = raw.decode("utf-8").rstrip("\r\n")
        if line == "":
            if "data" in fields:
                yield fields
            fields = {}
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data" and "data" in fields:
            value = fields["data"] + "\n" + value
        if name:  # A line that begins with a colon is a comment.
            fields[name] = value


def follow(base, topic, token):
    """The events under a topic pattern, each with its id. Raises PermissionError where the token is refused for good."""
    last_id, wait_ms = None, 1000
    url = f"{base}/v1/stream?{urllib.parse.urlencode({'topic': topic})}"
    while True:
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        try:
            # At least one frame comes every 15 seconds: 35 without any is a dead connection.
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=35) as response:
                for frame in frames(response):
                    last_id = frame.get("id", last_id)
                    wait_ms = int(frame.get("retry", wait_ms))
                    event = frame.get("event", "message")
                    if event in ("gap", "reset"):
                        print(f"events may be missing: fetch what you show anew ({event})", file=sys.stderr)
                    elif event == "message":
                        yield last_id, frame["data"]
        except urllib.error.HTTPError as refusal:
            if refusal.code not in (429, 503):
                raise PermissionError(refusal.read().decode()) from refusal
            wait_ms = 1000 * int(refusal.headers.get("Retry-After", "1"))
        except OSError as broken:
            print(f"the stream broke off: {broken}", file=sys.stderr)
        time.sleep(wait_ms / 1000 * random.uniform(1, 1.5))


if __name__ == "__main__":
    base, topic, *limit = sys.argv[1:]
    for count, (id, data) in enumerate(follow(base, topic, os.environ["SLUICE_TOKEN"]), start=1):
        print(id, data, flush=True)
        if limit and count == int(limit[0]):
            break
