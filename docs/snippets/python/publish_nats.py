"""Publishes one event on the bus, and answers once it is stored. It needs the package nats-py.

Usage: NATS_USER=demo NATS_PASSWORD=… python3 publish_nats.py nats://localhost:4222 demo issues.opened.Hello-World '{"title":"x"}'
"""

import asyncio
import os
import sys
import uuid

import nats


async def publish(server, user, password, tenant, topic, payload):
    """Sends the event until it is stored: the bus stores one of those with the same id within two minutes."""
    # A tenant's producers may listen to nothing but their own inboxes.
    inbox = f"_INBOX.{user}".encode()
    client = await nats.connect(server, user=user, password=password, inbox_prefix=inbox, max_reconnect_attempts=5)
    headers = {"Nats-Msg-Id": str(uuid.uuid4())}
    try:
        for attempt in range(8):
            try:
                stored = await client.jetstream().publish(f"events.{tenant}.{topic}", payload, headers=headers, timeout=5)
                return stored.seq
            except (nats.errors.TimeoutError, nats.js.errors.ServiceUnavailableError):
                await asyncio.sleep(2**attempt / 10)
        raise SystemExit("the event may not be stored: send it again with the same id")
    finally:
        await client.close()


if __name__ == "__main__":
    server, tenant, topic, payload = sys.argv[1:]
    user, password = os.environ["NATS_USER"], os.environ["NATS_PASSWORD"]
    print(asyncio.run(publish(server, user, password, tenant, topic, payload.encode())))
