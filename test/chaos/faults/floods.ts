import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { choose, type Fault, seconds } from "../fault.ts";
import { startCrowd } from "./storm.ts";

/** An address of this machine that no client has: what is limited by address hits the flood alone. */
const STRANGER = "127.0.0.66";

/** So many connections, of which each has sent half a request. */
const CONNECTIONS = 600;

/** A stranger who holds connections with half-sent requests. */
export const connectionFlood: Fault = {
  name: "flood of half-sent requests",
  weight: 1,
  hits: "edge",
  recoversWithinMs: 15_000,
  async begin({ world, random }) {
    const { name, url } = choose(random, world.doors);
    const { hostname, port } = new URL(url);
    const lastsMs = seconds(random, 5, 15);
    const sockets = new Set<Socket>();
    const crowd = startCrowd(200, CONNECTIONS, async () => {
      if (sockets.size >= CONNECTIONS) return;
      const socket = connect({ host: hostname, port: Number(port), localAddress: STRANGER });
      sockets.add(socket);
      socket.on("error", () => {}).once("close", () => sockets.delete(socket));
      await once(socket, "connect");
      socket.write("GET /v1/stream HTTP/1.1\r\nHost: edge\r\nX-Half: ");
    });
    return {
      target: `${name}, up to ${CONNECTIONS} at once`,
      lastsMs,
      async end() {
        await crowd.stop();
        for (const socket of sockets) socket.destroy();
      },
    };
  },
};

/** A stranger who asks for streams with forged tokens. */
export const tokenFlood: Fault = {
  name: "flood of forged tokens",
  weight: 1,
  hits: "edge",
  recoversWithinMs: 15_000,
  async begin({ world, random }) {
    const { name, url } = choose(random, world.doors);
    const lastsMs = seconds(random, 5, 15);
    const header = Buffer.from('{"alg":"ES256","typ":"at+jwt","kid":"forged"}').toString("base64url");
    const crowd = startCrowd(150, 50, async (n) => {
      const claims = Buffer.from(`{"sub":"alice","tenant_id":"demo","exp":${4e9 + n}}`).toString("base64url");
      const authorization = `Bearer ${header}.${claims}.${"A".repeat(86)}`;
      const asked = request(`${url}/v1/stream?topic=issues.>`, {
        headers: { authorization },
        localAddress: STRANGER,
        agent: false,
        signal: AbortSignal.timeout(5_000),
      }).end();
      const [response] = await once(asked, "response");
      response.destroy();
    });
    return { target: `${name}, 150 a second`, lastsMs, end: async () => void (await crowd.stop()) };
  },
};
