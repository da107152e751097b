import { connect, type Socket } from "node:net";

/** Very many open event streams over bare sockets, which only count events. */
export interface EventSockets extends Disposable {
  /** How many events with a text that begins so have come so far, over all of them. */
  received(): number;
  /** How many streams have ended by themselves. */
  closed(): number;
}

/** A few at a time: thousands of handshakes at once would measure the backlog. */
const AT_ONCE = 64;

/** Opens a stream for each token, and answers once all are ready; counts events whose text begins with `prefix`. */
export async function openEventSockets(url: URL, tokens: readonly string[], prefix: string): Promise<EventSockets> {
  const needle = Buffer.from(`\ndata: ${prefix}`);
  const sockets: Socket[] = [];
  let [received, closed] = [0, 0];
  const open = (token: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(url.port), url.hostname, () => {
        const head = [`GET ${url.pathname}${url.search} HTTP/1.1`, "Host: edge", `Authorization: Bearer ${token}`];
        socket.write(`${head.join("\r\n")}\r\n\r\n`);
      });
      let torn = Buffer.alloc(0);
      let isReady = false;
      socket.on("data", (chunk: Buffer) => {
        const bytes = torn.length === 0 ? chunk : Buffer.concat([torn, chunk]);
        for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + 1)) received += 1;
        // A frame may be torn anywhere; what could be the beginning of the next one is kept, and what was counted is not.
        torn = Buffer.from(bytes.subarray(Math.max(bytes.lastIndexOf("\n"), bytes.length - needle.length + 1)));
        if (isReady) return;
        isReady = bytes.includes("event: ready");
        if (isReady) resolve();
        else if (!bytes.includes("HTTP/1.1 200")) reject(new Error(`the stream was refused: ${bytes.toString()}`));
      });
      socket.on("error", reject).on("close", () => (closed += 1));
      sockets.push(socket);
    });
  for (let from = 0; from < tokens.length; from += AT_ONCE) {
    await Promise.all(tokens.slice(from, from + AT_ONCE).map(open));
  }
  return {
    received: () => received,
    closed: () => closed,
    [Symbol.dispose]: () => sockets.forEach((socket) => socket.destroy()),
  };
}
