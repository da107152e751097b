"""What Schemathesis needs to know of Sluice beyond its documents."""

import random

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/yaml")
def send_text(ctx, value):
    """Lines of JSON and policy documents are texts already."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Each request comes from another address: the limits of one are not what is looked at."""
    case.headers["X-Forwarded-For"] = f"198.51.{random.randrange(256)}.{random.randrange(256)}"
