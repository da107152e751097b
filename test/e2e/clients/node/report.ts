import { CONTROL_EVENTS, type Report } from "../client.ts";

/** Prints a report as a line. */
export function report(line: Report): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Reports every message that an EventSource dispatches. */
export function reportMessages(source: EventTarget): void {
  for (const event of ["message", ...CONTROL_EVENTS]) {
    source.addEventListener(event, (dispatched) => {
      const { lastEventId: id, data } = dispatched as Event & { lastEventId: string; data: string };
      report({ event, id, data });
    });
  }
}

/** What the matrix wants a client to follow. */
export function readTarget(): { readonly url: string; readonly authorization: string } {
  const { STREAM_URL: url = "", STREAM_TOKEN: token = "" } = process.env;
  return { url, authorization: `Bearer ${token}` };
}

/** Keeps the process alive: some clients wait for their next connection on a timer that does not. */
export function stayAlive(): void {
  setInterval(() => {}, 60_000);
}
