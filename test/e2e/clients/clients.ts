import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import packageJson from "../../../package.json" with { type: "json" };
import { startChromium, startFetchEventSource, startFirefoxClient, startWebKitClient } from "./browser-pages.ts";
import { type Client, PROVISIONED } from "./client.ts";
import { startProgram } from "./start-program.ts";

const PINNED: Readonly<Record<string, string>> = packageJson.devDependencies;

const GZIP = "HTTP/1.1, chunked, gzip";
const BY_ITSELF = "by itself";
const LOOP = "a loop of yours";
const SYSTEM = "the system's";

const COOKIE_NOTE = "A page cannot set headers: log in first, and the cookie `auth_token` goes along.";

const WAITING_NOTE =
  "While it waits for its next connection it does not keep the process alive: a program that does nothing else ends.";

/** Every client of the matrix, as docs/reference/clients.md lists them. */
export const CLIENTS: readonly Client[] = [
  {
    name: "Chromium",
    version: SYSTEM,
    transport: GZIP,
    comesBack: BY_ITSELF,
    notes: [`${COOKIE_NOTE} \`onmessage\` gets events only; add a listener for each control event you want.`],
    missing: () => missingOnPath("chromium"),
    start: startChromium,
  },
  {
    name: "Firefox",
    version: SYSTEM,
    transport: GZIP,
    comesBack: BY_ITSELF,
    notes: ["As for Chromium."],
    missing: () => missingProgram("bin/firefox"),
    start: startFirefoxClient,
  },
  {
    name: "WebKitGTK",
    version: SYSTEM,
    transport: GZIP,
    comesBack: BY_ITSELF,
    notes: ["As for Chromium. It stands for Safari, whose engine it shares, where no Safari runs."],
    missing: () => missingProgram("bin/webkit"),
    start: startWebKitClient,
  },
  {
    name: "@microsoft/fetch-event-source in Chromium",
    version: PINNED["@microsoft/fetch-event-source"] ?? "",
    transport: GZIP,
    comesBack: "by itself after an error; after an orderly end only where `onclose` throws",
    notes: [
      "Throw from `onclose`, or the first `bye` or `busy` is the end.",
      "`onmessage` gets every event: look at `event` before you parse `data`, which is empty for `cursor`.",
      "Set `openWhenHidden: true`, or a page in the background has no stream.",
    ],
    missing: () => missingOnPath("chromium"),
    start: startFetchEventSource,
  },
  {
    name: "eventsource",
    version: PINNED["eventsource"] ?? "",
    transport: GZIP,
    comesBack: BY_ITSELF,
    notes: ["Credentials: pass a `fetch` that adds `Authorization`.", WAITING_NOTE],
    missing: () => undefined,
    start: (target, report) => startProgram(process.execPath, [nodeProgram("eventsource")], target, report),
  },
  {
    name: "undici EventSource",
    version: PINNED["undici"] ?? "",
    transport: GZIP,
    comesBack: BY_ITSELF,
    notes: ["Credentials: pass a `dispatcher` that adds `Authorization`.", WAITING_NOTE],
    missing: () => undefined,
    start: (target, report) => startProgram(process.execPath, [nodeProgram("undici")], target, report),
  },
  {
    name: "eventsource-client",
    version: PINNED["eventsource-client"] ?? "",
    transport: GZIP,
    comesBack: BY_ITSELF,
    notes: ["`onMessage` gets every event: look at `event` before you parse `data`, which is empty for `cursor`."],
    missing: () => undefined,
    start: (target, report) => startProgram(process.execPath, [nodeProgram("eventsource-client")], target, report),
  },
  python("httpx-sse", ["httpx-sse", "httpx"], "httpx_sse_client.py", [
    "Set `timeout=httpx.Timeout(5, read=30)`: by default httpx gives up after 5 s of silence, and the stream is silent for up to 15 s.",
    "Catch `httpx.TransportError`, wait for the last `retry`, and send the last `id` as `Last-Event-ID`.",
  ]),
  python("requests with sseclient-py", ["requests", "sseclient-py"], "requests_client.py", [
    "Call `requests.get(url, stream=True, timeout=(5, 30))` and give the response to `sseclient.SSEClient`.",
    "Catch `ConnectionError`, `Timeout` and `ChunkedEncodingError`, wait for the last `retry`, and send the last `id` as `Last-Event-ID`.",
  ]),
  go("Go net/http", "Go's own", "net-http", LOOP, [
    "`http.Client.Timeout` counts the body, too: leave it at 0 and use a context.",
    "Come back from every end: `io.EOF` and `io.ErrUnexpectedEOF` do not tell a `bye` from a cut, since a compressed stream has no checksum at its end.",
  ]),
  go(
    "r3labs/sse",
    pinnedIn("go/go.mod", "github.com/r3labs/sse/v2 "),
    "r3labs",
    "by itself after an error; after an orderly end a loop of yours",
    [
      "Set `ClientMaxBufferSize`: events beyond 64 KB end the connection.",
      "`SubscribeRaw` returns nil after an orderly end, such as `busy`: call it again.",
      "Set a `ReconnectStrategy` without `MaxElapsedTime`: the default gives up for good 15 minutes after the first connection.",
      "It ignores `retry`.",
    ],
  ),
  go("tmaxmax/go-sse", pinnedIn("go/go.mod", "github.com/tmaxmax/go-sse "), "tmaxmax", BY_ITSELF, [
    "Call `connection.Buffer(nil, 2<<20)`: events beyond 64 KB end the connection.",
    "`SubscribeToAll` gets every event: look at `Type` before you parse `Data`, which is empty for `cursor`.",
  ]),
  curl("curl", "HTTP/1.1, chunked", [], ["Use `--no-buffer`. Exit code 18 says that the connection was cut."]),
  curl("curl --compressed", GZIP, ["--compressed"], ["As for curl."]),
  curl(
    "curl -0",
    "HTTP/1.0, until the connection ends",
    ["--http1.0"],
    ["HTTP/1.0 cannot tell a cut connection from an end: come back from both."],
  ),
];

function python(name: string, packages: readonly string[], file: string, notes: readonly string[]): Client {
  const versions = packages.map((each) => `${each} ${pinnedIn("python/requirements.txt", `${each}==`)}`);
  const program = fileURLToPath(new URL(`python/${file}`, import.meta.url));
  const interpreter = fileURLToPath(new URL("clients/python/bin/python", PROVISIONED));
  return {
    name,
    version: versions.join(", "),
    transport: GZIP,
    comesBack: LOOP,
    notes,
    missing: () => missingProgram("clients/python/requirements.txt"),
    start: (target, report) => startProgram(interpreter, [program], target, report),
  };
}

function go(name: string, version: string, program: string, comesBack: string, notes: readonly string[]): Client {
  const file = `clients/go/${program}`;
  return {
    name,
    version,
    transport: GZIP,
    comesBack,
    notes,
    missing: () => missingProgram(file),
    start: (target, report) => startProgram(fileURLToPath(new URL(file, PROVISIONED)), [], target, report),
  };
}

function curl(name: string, transport: string, args: readonly string[], notes: readonly string[]): Client {
  return {
    name,
    version: SYSTEM,
    transport,
    comesBack: LOOP,
    notes,
    missing: () => missingOnPath("curl"),
    start: (target, report) => startProgram(process.execPath, [nodeProgram("curl"), ...args], target, report),
  };
}

/** The version that stands behind a package's name in the file that pins it. */
function pinnedIn(file: string, before: string): string {
  const lines = readFileSync(new URL(file, import.meta.url), "utf8").split("\n");
  const line = lines.find((each) => each.trimStart().startsWith(before));
  return line?.trimStart().slice(before.length) ?? "";
}

function nodeProgram(name: string): string {
  return fileURLToPath(new URL(`node/${name}.ts`, import.meta.url));
}

function missingProgram(file: string): string | undefined {
  return existsSync(new URL(file, PROVISIONED))
    ? undefined
    : `.sluice/${file} is missing; npm test brings it where it can`;
}

function missingOnPath(command: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.some((folder) => existsSync(join(folder, command))) ? undefined : `${command} is not on PATH`;
}
