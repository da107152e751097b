/** A request that a client has made. */
export interface AskedRequest {
  readonly method: string;
  /** `/v1/stream`. */
  readonly path: string;
  readonly parameters: URLSearchParams;
  readonly headers: Headers;
  /** The JSON of its body; undefined where it has none. */
  readonly body: unknown;
}

/** Reads what `fetch` was called with; a path alone is of any edge. */
export async function readRequest(target: string | URL | Request, init: RequestInit = {}): Promise<AskedRequest> {
  const { method, url, headers, ...request } =
    target instanceof Request ? target : { method: "GET", url: String(target), headers: {} };
  const { pathname: path, searchParams: parameters } = new URL(url, "https://edge.test");
  const text = init.body ?? ("text" in request ? await request.text() : "");
  return {
    method: init.method ?? method,
    path,
    parameters,
    headers: new Headers(init.headers ?? headers),
    body: typeof text === "string" && text !== "" ? JSON.parse(text) : undefined,
  };
}
