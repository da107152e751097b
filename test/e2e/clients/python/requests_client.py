"""requests and sseclient-py. Neither comes back by itself: the loop does."""

import os
import time

import requests
from report import report, report_end
from sseclient import SSEClient

url, token = os.environ["STREAM_URL"], os.environ["STREAM_TOKEN"]
last_id, retry_ms = "", 1000
while True:
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    try:
        # Without stream=True requests waits for the end of the body, which never comes.
        response = requests.get(url, headers=headers, stream=True, timeout=(5, 30))
        response.raise_for_status()
        for message in SSEClient(response).events():
            last_id = message.id or last_id
            retry_ms = int(message.retry or retry_ms)
            report(message.event, last_id, message.data)
        report_end()
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
        pass
    time.sleep(retry_ms / 1000)
