"""httpx and httpx-sse. Neither comes back by itself: the loop does."""

import os
import time

import httpx
from httpx_sse import connect_sse
from report import report, report_end

url, token = os.environ["STREAM_URL"], os.environ["STREAM_TOKEN"]
last_id, retry_ms = "", 1000
while True:
    headers = {"Authorization": f"Bearer {token}"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    try:
        # By default httpx gives up after 5 s of silence; the stream is silent for up to 15 s.
        timeout = httpx.Timeout(5, read=30)
        with httpx.Client(timeout=timeout) as client, connect_sse(client, "GET", url, headers=headers) as source:
            source.response.raise_for_status()
            for message in source.iter_sse():
                last_id = message.id or last_id
                retry_ms = message.retry or retry_ms
                report(message.event, message.id, message.data)
        report_end()
    except httpx.TransportError:
        pass
    time.sleep(retry_ms / 1000)
