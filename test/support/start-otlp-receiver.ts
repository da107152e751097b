import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { decodeSpans, type ReceivedSpan } from "./decode-spans.ts";
import { listenHere } from "./listen-here.ts";

/** A receiver of OTLP over HTTP. */
export interface OtlpReceiver extends AsyncDisposable {
  /** What `OTEL_EXPORTER_OTLP_ENDPOINT` says. */
  readonly url: string;
  /** What came so far, those of the wrong kind left out. */
  readonly spans: readonly ReceivedSpan[];
  /** The headers of the last request. */
  readonly headers: Readonly<Record<string, unknown>>;
  /** How many requests came. */
  readonly requests: number;
  /** How it answers from now on: well, or as `answer` does. */
  answers(answer?: (response: ServerResponse) => void): void;
}

/** Starts a receiver. It keeps spans that it answers well alone. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  let headers: Record<string, unknown> = {};
  let requests = 0;
  let answer: ((response: ServerResponse) => void) | undefined;
  const receive = async (request: IncomingMessage, response: ServerResponse, isOtlp: boolean): Promise<void> => {
    const body = await buffer(request);
    if (answer !== undefined) return answer(response);
    if (!isOtlp) return void response.writeHead(400).end();
    spans.push(...decodeSpans(body));
    // An ExportTraceServiceResponse without a partial success has no fields.
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  };
  const server = createServer((request, response) => {
    requests += 1;
    ({ headers } = request);
    const isOtlp =
      request.method === "POST" &&
      request.url === "/v1/traces" &&
      request.headers["content-type"] === "application/x-protobuf";
    void receive(request, response, isOtlp);
  });
  const listening = await listenHere(server);
  return {
    url: `http://127.0.0.1:${listening.port}`,
    spans,
    get headers() {
      return headers;
    },
    get requests() {
      return requests;
    },
    answers: (next) => void (answer = next),
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  };
}
