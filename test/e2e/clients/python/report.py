"""What a client tells the matrix: one JSON line for each message it dispatches, and one for each end it takes for orderly."""

import json


def report(event, id, data):
    print(json.dumps({"event": event, "id": id, "data": data}), flush=True)


def report_end():
    print(json.dumps({"ended": True}), flush=True)
