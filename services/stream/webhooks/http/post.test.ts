import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type LookupFunction } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { openPoster } from "./post.ts";

const NEVER = new AbortController().signal;
const SENT = { headers: { "webhook-id": "msg_1" }, body: Buffer.from("[]"), mayLeave: () => true };

const opened: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

describe("a message to a listed host", () => {
  test("is delivered with its headers and its body, over a connection that is kept", async () => {
    const heard: Array<{ request: IncomingMessage; body: string; port: number | undefined }> = [];
    const url = await serve(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      heard.push({ request, body: Buffer.concat(chunks).toString(), port: request.socket.remotePort });
      response.writeHead(200, { "content-length": 2 }).end("ok");
    });
    const poster = posterFor([url]);
    for (let n = 0; n < 2; n += 1) {
      expect(await poster.post({ url, ...SENT }, NEVER)).toEqual({ is: "delivered" });
    }
    expect(heard.map(({ body, request }) => [request.method, request.headers["webhook-id"], body])).toEqual([
      ["POST", "msg_1", "[]"],
      ["POST", "msg_1", "[]"],
    ]);
    expect(heard[0]?.port).toBe(heard[1]?.port);
  });

  test.each([
    [204, {}, { is: "delivered" }],
    [410, {}, { is: "gone" }],
    [500, {}, { is: "failed", reason: "the receiver answers 500", isAway: true }],
    [
      429,
      { "retry-after": "7" },
      { is: "failed", reason: "the receiver answers 429", isAway: true, retryAfterMs: 7_000 },
    ],
    [
      503,
      { "retry-after": "999999" },
      { is: "failed", reason: "the receiver answers 503", isAway: true, retryAfterMs: 3_600_000 },
    ],
    [
      503,
      { "retry-after": "Fri, 31 Dec 1999 23:59:59 GMT" },
      { is: "failed", reason: "the receiver answers 503", isAway: true },
    ],
  ])("is answered with %i %j", async (status, headers, outcome) => {
    const url = await serve((_, response) => void response.writeHead(status, headers).end());
    expect(await posterFor([url]).post({ url, ...SENT }, NEVER)).toEqual(outcome);
  });

  test("follows no redirect, wherever it leads", async () => {
    let asked = 0;
    const inward = await serve((_, response) => void ((asked += 1), response.end()));
    const url = await serve((_, response) => void response.writeHead(307, { location: inward }).end());
    const outcome = await posterFor([url, inward]).post({ url, ...SENT }, NEVER);
    expect(outcome).toEqual({
      is: "failed",
      reason: "the receiver answers with a redirect (307), which is not followed",
      isAway: false,
    });
    expect(asked).toBe(0);
  });

  test("is withheld where it may not leave any more, whether its connection is new or was kept", async () => {
    let asked = 0;
    const url = await serve((_, response) => void ((asked += 1), response.writeHead(204).end()));
    const poster = posterFor([url]);
    expect(await poster.post({ url, ...SENT, mayLeave: () => false }, NEVER)).toEqual({ is: "withheld" });
    expect(await poster.post({ url, ...SENT }, NEVER)).toEqual({ is: "delivered" });
    expect(await poster.post({ url, ...SENT, mayLeave: () => false }, NEVER)).toEqual({ is: "withheld" });
    expect(asked).toBe(1);
  });

  test("is sent over another connection where the receiver closes one that was kept", async () => {
    let requests = 0;
    const url = await serve((request, response) => {
      requests += 1;
      if (requests === 2) request.socket.resetAndDestroy();
      else response.writeHead(204).end();
    });
    const poster = posterFor([url]);
    expect(await poster.post({ url, ...SENT }, NEVER)).toEqual({ is: "delivered" });
    expect(await poster.post({ url, ...SENT }, NEVER)).toEqual({ is: "delivered" });
    expect(requests).toBe(3);
  });

  test("reads nothing of an answer without an end", async () => {
    const { promise: left, resolve } = Promise.withResolvers<number>();
    const url = await serve((_, response) => {
      let sent = 0;
      const chunk = Buffer.alloc(65_536);
      const more = () => {
        while (!response.destroyed && response.write(chunk)) sent += 1;
      };
      response.on("drain", more).once("close", () => resolve(sent));
      more();
    });
    expect(await posterFor([url]).post({ url, ...SENT }, NEVER)).toEqual({ is: "delivered" });
    expect(await left).toBeLessThan(1_000);
  });

  test("is given up where its receiver would go on in another protocol", async () => {
    const tcp = createTcpServer((socket) => {
      socket
        .on("error", () => {})
        .once("data", () => {
          socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        });
    }).listen(0, "127.0.0.1");
    opened.push(() => tcp.close());
    await once(tcp, "listening");
    const url = `http://127.0.0.1:${(tcp.address() as AddressInfo).port}/`;
    const reason = "the receiver cannot be reached (it answers with another protocol)";
    expect(await posterFor([url]).post({ url, ...SENT }, NEVER)).toEqual({ is: "failed", reason, isAway: true });
  });

  test("is given up when its receiver takes it and says nothing, breaks off, or is not there", async () => {
    const silent = await serve(() => {});
    const reason = "the receiver does not answer within 0.2 s";
    expect(await posterFor([silent], 200).post({ url: silent, ...SENT }, NEVER)).toEqual({
      is: "failed",
      reason,
      isAway: true,
    });

    const tcp = createTcpServer((socket) => void socket.destroy()).listen(0, "127.0.0.1");
    await once(tcp, "listening");
    const broken = `http://127.0.0.1:${(tcp.address() as AddressInfo).port}/`;
    const breaks = await posterFor([broken]).post({ url: broken, ...SENT }, NEVER);
    expect(breaks).toEqual({ is: "failed", reason: "the receiver breaks the connection off", isAway: true });

    tcp.close();
    await once(tcp, "close");
    const gone = await posterFor([broken]).post({ url: broken, ...SENT }, NEVER);
    expect(gone).toEqual({ is: "failed", reason: "the connection is refused", isAway: true });
  });
});

describe("a message to a host that is not listed", () => {
  const private_ = {
    is: "failed",
    reason: "the host has no public address, and is not listed in STREAM_WEBHOOK_HOSTS",
    isAway: false,
  };

  test("is answered alike where its name is not known: nobody finds out by it which names a network has", async () => {
    const lookup: LookupFunction = (_hostname, _options, callback) =>
      callback(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }), "");
    using poster = openPoster({ listed: new Set(), timeoutMs: 5_000, lookup });
    const answer = await poster.post({ url: "https://hooks.example.com/", ...SENT }, NEVER);
    expect(answer).toEqual({ ...private_, isAway: true });
  });

  test("is not sent where its name stands for private addresses, whatever it stood for before", async () => {
    let connected = 0;
    const tcp = createTcpServer(() => void (connected += 1)).listen(0, "127.0.0.1");
    opened.push(() => tcp.close());
    await once(tcp, "listening");
    const { port } = tcp.address() as AddressInfo;
    const url = `https://hooks.example.com:${port}/`;
    const looked: string[] = [];
    const lookup: LookupFunction = (hostname, _, callback) => {
      looked.push(hostname);
      callback(null, [
        { address: "127.0.0.1", family: 4 },
        { address: "::ffff:127.0.0.1", family: 6 },
      ]);
    };
    const poster = openPoster({ listed: new Set(), timeoutMs: 5_000, lookup });
    opened.push(() => poster[Symbol.dispose]());
    expect(await poster.post({ url, ...SENT }, NEVER)).toEqual(private_);
    expect(looked).toEqual(["hooks.example.com"]);
    expect(connected).toBe(0);
  });

  test.each(["http://example.com/", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/"])(
    "is not sent to %s",
    async (url) => {
      const poster = openPoster({ listed: new Set(), timeoutMs: 5_000 });
      opened.push(() => poster[Symbol.dispose]());
      expect(await poster.post({ url, ...SENT }, NEVER)).toEqual(private_);
    },
  );
});

function posterFor(urls: readonly string[], timeoutMs = 5_000) {
  const poster = openPoster({ listed: new Set(urls.map((url) => new URL(url).host)), timeoutMs });
  opened.push(() => poster[Symbol.dispose]());
  return poster;
}

async function serve(answer: (...given: Parameters<RequestListener>) => unknown): Promise<string> {
  const server = createServer((request, response) => void answer(request, response)).listen(0, "127.0.0.1");
  opened.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}
