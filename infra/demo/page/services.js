/** A call that failed, in words for the person at the page; `status` is 0 when nobody answered, `code` is the stable one. */
export class ServiceError extends Error {
  constructor(message, status, code) {
    super(message);
    this.name = "ServiceError";
    this.status = status;
    this.code = code;
  }
}

/** A service that has not answered by then will not. */
const DEADLINE_MS = 8_000;

/** Where a service is: on the host the page came from, at its own port. Cookies are shared over ports. */
export function serviceAt(port) {
  return `${location.protocol}//${location.hostname}:${port}`;
}

/**
 * Calls a JSON API with the page's cookies and answers its JSON, undefined where it has none. Nobody is waited for longer than 8 s.
 * Throws ServiceError with the detail of the problem document (RFC 9457).
 */
export async function callService(url, { method = "GET", body, token, signal } = {}) {
  const headers = {};
  if (body !== undefined) headers["content-type"] = "application/json";
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const signals = AbortSignal.any(signal === undefined ? [deadline] : [deadline, signal]);
  const request = { method, headers, credentials: "include", body: body && JSON.stringify(body), signal: signals };
  const response = await fetch(url, request).catch((error) => {
    if (error.name === "AbortError") throw error;
    const within = error.name === "TimeoutError" ? ` within ${DEADLINE_MS / 1_000} s` : "";
    throw new ServiceError(`nobody answers at ${new URL(url).host}${within}`, 0);
  });
  if (!response.ok) throw await refusalOf(response);
  const text = await response.text();
  return text === "" ? undefined : JSON.parse(text);
}

/** The refusal in a response, as its problem document tells it. */
export async function refusalOf(response) {
  const problem = await response.json().catch(() => ({}));
  return new ServiceError(problem.detail ?? `the service answered ${response.status}`, response.status, problem.code);
}
