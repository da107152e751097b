import { fail, type Finding, ok, warn } from "../shared/finding.ts";
import type { Observation, Read } from "./observe-stream.ts";
import { type Framing, readFraming } from "./read-framing.ts";

/** A server that says nothing for longer is cut off by proxies, most of which wait for 60 s, some for 30 s. */
const MAX_SILENCE_MS = 20_000;
const FIRST_BYTE_MS = 2_000;

/** What proxies collect until it is full. */
const BUFFER_BYTES = 4_096;

/** What an event stream that was listened to for `listenedMs` has and lacks. */
export function findingsOf(seen: Observation, listenedMs: number): Finding[] {
  const status = statusOf(seen);
  if (status.level === "fail") return [status];
  const framing = readFraming(seen.reads);
  return [
    status,
    typeOf(seen),
    cacheOf(seen),
    proxyOf(seen),
    encodingOf(seen),
    firstByteOf(seen),
    bufferingOf(seen),
    silenceOf(seen, listenedMs),
    ...(seen.reads.length === 0 ? [] : framingOf(framing)),
  ];
}

function statusOf({ status, httpVersion, headersMs }: Observation): Finding {
  const found = `${status} by HTTP/${httpVersion} after ${headersMs} ms`;
  if (status === 200) return ok("status", found);
  return fail(
    "status",
    found,
    "Browsers never come back from anything but 200: answer 200, and say what is wrong in the stream.",
  );
}

function typeOf({ headers }: Observation): Finding {
  const type = headers["content-type"] ?? "none";
  const [name = "", charset] = type.toLowerCase().split(/;\s*charset=/);
  if (name.trim() !== "text/event-stream") {
    return fail("type", type, "Browsers take nothing but Content-Type: text/event-stream.");
  }
  if (charset === undefined || /^"?utf-?8"?$/.test(charset)) return ok("type", type);
  return fail("type", type, "Event streams are UTF-8, whatever the charset says: leave it out.");
}

function cacheOf({ headers }: Observation): Finding {
  const control = headers["cache-control"] ?? "none";
  const lacks = [
    /no-store|no-cache|private/.test(control) ? "" : "no-store",
    /no-transform/.test(control) ? "" : "no-transform",
  ];
  const missing = lacks.filter((word) => word !== "");
  if (missing.length === 0) return ok("cache", control);
  const why = "a cache may keep the stream or give it to somebody else, and a proxy may compress it without flushing";
  return warn("cache", `Cache-Control: ${control}`, `Add ${missing.join(", ")}: without it ${why}.`);
}

function proxyOf({ headers }: Observation): Finding {
  const length = headers["content-length"];
  if (length !== undefined) {
    return fail(
      "length",
      `Content-Length: ${length}`,
      "A stream has no length: something has collected the whole of it.",
    );
  }
  if (headers["x-accel-buffering"] === "no") return ok("proxies", "X-Accel-Buffering: no");
  return warn(
    "proxies",
    "no X-Accel-Buffering",
    "Add X-Accel-Buffering: no, or switch buffering off: nginx collects bytes otherwise.",
  );
}

function encodingOf({ headers }: Observation): Finding {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return ok("encoding", "as it is, where the client asks for nothing else");
  return fail("encoding", encoding, "The client did not ask for it: honour Accept-Encoding.");
}

function firstByteOf({ headersMs, reads }: Observation): Finding {
  const [first] = reads;
  if (first === undefined) {
    return fail(
      "first byte",
      "none",
      "Nothing came: send a comment (:) or retry: at once, and see whether a proxy holds it back.",
    );
  }
  const ms = first.ms - headersMs;
  if (ms <= FIRST_BYTE_MS) return ok("first byte", `${ms} ms behind the headers`);
  return warn(
    "first byte",
    `${ms} ms behind the headers`,
    "Send a comment (:) or retry: at once, so that clients and proxies see that it works.",
  );
}

/** Whoever collects bytes passes them on in whole buffers, or all at once at the end. */
function bufferingOf({ reads, endedMs, headersMs }: Observation): Finding {
  const sizes = reads.map(({ bytes }) => bytes.length);
  const todo = "Something between here and the server collects bytes: switch its buffering off for this path.";
  const full = sizes.filter((size) => size >= BUFFER_BYTES && size % BUFFER_BYTES === 0).length;
  if (full > 0 && full >= sizes.length / 2) return fail("buffering", `bytes come ${BUFFER_BYTES} at a time`, todo);
  const [first] = reads;
  const atOnce =
    first !== undefined && endedMs !== undefined && endedMs - first.ms < 50 && first.ms - headersMs > FIRST_BYTE_MS;
  if (atOnce) return fail("buffering", "everything came at once, as the stream ended", todo);
  const cut = reads.slice(0, -1).filter(({ bytes }) => bytes.at(-1) !== 10 && bytes.at(-1) !== 13).length;
  return ok(
    "buffering",
    `${reads.length} reads${cut === 0 ? ", each of them whole lines" : `, ${cut} of them end within a line`}`,
  );
}

function silenceOf({ reads, headersMs, endedMs }: Observation, listenedMs: number): Finding {
  const end = endedMs ?? headersMs + listenedMs;
  const times = [headersMs, ...reads.map(({ ms }) => ms), end];
  const longest = Math.max(...times.slice(1).map((ms, place) => ms - (times[place] ?? 0)));
  const found = `at most ${(longest / 1_000).toFixed(1)} s of silence in ${((end - headersMs) / 1_000).toFixed(1)} s`;
  if (longest > MAX_SILENCE_MS) {
    return fail(
      "heartbeats",
      found,
      "Send a comment (:) every 15 s: proxies cut silent connections, and clients cannot tell them from dead ones.",
    );
  }
  if (endedMs === undefined && end - headersMs < MAX_SILENCE_MS) {
    return ok("heartbeats", `${found}; listen longer to know more: --seconds 25`);
  }
  return ok("heartbeats", found);
}

function framingOf({ isUtf8, events, comments, unknownFields, ids, retries, endsOpen }: Framing): Finding[] {
  const found = `${events} events, ${comments} comments`;
  return [
    isUtf8 ? ok("text", "UTF-8") : fail("text", "not UTF-8", "Event streams are UTF-8: encode other bytes, in base64."),
    unknownFields.length === 0
      ? ok("fields", found)
      : warn(
          "fields",
          `${found}; unknown: ${unknownFields.join(", ")}`,
          "Clients ignore these lines: is a line of data lost to a line break?",
        ),
    endsOpen && events === 0
      ? fail("blocks", "no block was ended", "End each event with a blank line: clients give out nothing before it.")
      : ok("blocks", endsOpen ? "the last one is not ended yet" : "each is ended by a blank line"),
    idsOf(ids, events),
    retryOf(retries),
  ];
}

function idsOf(ids: readonly string[], events: number): Finding {
  if (ids.some((id) => id.includes("\0"))) {
    return fail("ids", "an id holds a NUL", "Clients ignore such an id: they come back behind an older one.");
  }
  if (ids.length > 0) return ok("ids", `the last is ${ids.at(-1)}`);
  if (events === 0) return ok("ids", "no event came, so nothing can be said");
  return warn("ids", "none", "Without id: a client that comes back misses what came meanwhile, and nobody is told.");
}

function retryOf(retries: readonly string[]): Finding {
  const [last] = retries.slice(-1);
  if (last === undefined) {
    return warn(
      "retry",
      "none",
      "Say retry: with a time of 1 to 3 s that differs from client to client: otherwise all come back at once, after 3 s.",
    );
  }
  if (!/^\d+$/.test(last)) return fail("retry", last, "It is milliseconds in digits alone; anything else is ignored.");
  if (Number(last) >= 500) return ok("retry", `${last} ms`);
  return fail(
    "retry",
    `${last} ms`,
    "Clients come back so fast that a server that is down never comes up: say at least 1000.",
  );
}

/** What a client that asked for compression got: whether each flush can be inflated as it comes. */
export function compressionOf(plain: Observation, seen: Observation, inflated: readonly Read[] | undefined): Finding {
  const encoding = seen.headers["content-encoding"];
  if (encoding === undefined) return ok("compression", "none, also where the client asks for it");
  if (inflated === undefined) return fail("compression", encoding, "Browsers know gzip, deflate and br.");
  const [first] = inflated;
  const expected = (plain.reads[0]?.ms ?? 0) - plain.headersMs + FIRST_BYTE_MS;
  if (first !== undefined && first.ms - seen.headersMs <= expected)
    return ok("compression", `${encoding}, flushed with each write`);
  return fail(
    "compression",
    `${encoding}, and nothing can be inflated as it comes`,
    "Flush the compressor behind each event, or do not compress event streams.",
  );
}

/** What a client that comes back behind the last id got. */
export function resumptionOf(id: string, seen: Observation): Finding {
  const found = `${seen.status} with Last-Event-ID: ${id}`;
  if (seen.status === 200) return ok("resumption", found);
  return fail(
    "resumption",
    found,
    "A client that comes back with its last id must get 200: browsers give up otherwise.",
  );
}
