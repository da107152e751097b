"""Publishes one event, and answers once it is stored.

Usage: SLUICE_TOKEN=… python3 publish.py http://localhost:8083 issues.opened Hello-World '{"title":"from Python"}'
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid


def publish(base, token, event):
    """Sends the event until it is stored: with an id of its own it is stored once, however often it is sent."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for attempt in range(8):
        request = urllib.request.Request(f"{base}/v1/events", json.dumps(event).encode(), headers)
        wait = 2**attempt / 10
        try:
            with urllib.request.urlopen(request, timeout=15) as response:
                return json.load(response)
        except urllib.error.HTTPError as refusal:
            if refusal.code not in (429, 503):
                raise SystemExit(refusal.read().decode()) from refusal
            wait = float(refusal.headers.get("Retry-After", wait))
        except OSError as broken:
            print(f"no answer: {broken}", file=sys.stderr)
        time.sleep(wait)
    raise SystemExit("the event may not be stored: send it again with the same id")


if __name__ == "__main__":
    base, type, key, data = sys.argv[1:]
    event = {"id": str(uuid.uuid4()), "type": type, "key": key, "data": json.loads(data)}
    print(json.dumps(publish(base, os.environ["SLUICE_TOKEN"], event)))
