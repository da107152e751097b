"""What Schemathesis needs to know of Sluice beyond its documents."""

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/yaml")
def send_text(ctx, value):
    """Lines of JSON and policy documents are texts already."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
