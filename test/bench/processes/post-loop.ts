import { Agent, request } from "node:http";

// A process of its own that posts bodies one after the other over one connection, as fast as they are answered. Sends how long that took,
// and its CPU, both in milliseconds.

/** What to post, and how often. */
interface Order {
  readonly port: number;
  readonly body: string;
  readonly times: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function post({ port, body }: Order): Promise<void> {
  const headers = { "content-type": "application/cloudevents-batch+json", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, method: "POST", agent, headers }, (response) => {
      response.resume().once("end", resolve);
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

process.on("message", (order: Order) => void run(order));

async function run(order: Order): Promise<void> {
  const [begin, before] = [performance.now(), process.cpuUsage()];
  for (let time = 0; time < order.times; time += 1) await post(order);
  const { user, system } = process.cpuUsage(before);
  process.send?.({ ms: performance.now() - begin, cpuMs: (user + system) / 1_000 });
}
