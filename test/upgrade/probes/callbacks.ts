import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { subscriberAt } from "#test/support/subscriptions.ts";
import { waitFor } from "#test/support/wait.ts";
import { isSigned, startReceiver } from "#test/support/webhook-receiver.ts";
import type { SubscriptionsDeps } from "./subscriptions.ts";
import { bothOf, type Probe } from "../probe.ts";

const NAME = "posted";
const SECRET = `whsec_${Buffer.from("a secret of thirty-two bytes, so").toString("base64")}`;

/** A file with the secret that callbacks are signed with, and the settings of processes that post them. */
export async function writeWebhookSettings(): Promise<{ readonly env: NodeJS.ProcessEnv } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-upgrade-"));
  const file = join(folder, "secrets.yaml");
  await writeFile(file, `demo:\n  hook: ${SECRET}\n`);
  return {
    env: { STREAM_WEBHOOK_SECRETS_FILE: file, STREAM_WEBHOOK_HOSTS: "127.0.0.1" },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** A callback gets every event, first comings in order, whichever process posts it; what it took is not posted again. */
export async function createCallbacksProbe({ cluster, demo }: SubscriptionsDeps): Promise<Probe & AsyncDisposable> {
  const receiver = await startReceiver();
  const { access_token: bob } = await cluster.login("alice");
  const [edge] = bothOf(cluster, "stream");
  const deliver = { url: receiver.url, secretRef: "hook" };
  const wish = { topics: ["issue_comment.posted.>"], deliver };
  const { status, body } = await subscriberAt(edge, bob).call("PUT", `/${NAME}`, wish);
  if (status !== 201) throw new Error(`the callback was not made: ${status} ${JSON.stringify(body)}`);
  let published = 0;
  const isEmpty = async (url: string): Promise<boolean> =>
    (await subscriberAt(url, bob).call("GET", `/${NAME}`)).body["open"] === 0;
  return {
    name: "callbacks",
    async look() {
      for (const url of bothOf(cluster, "stream")) {
        await demo.publish("events.demo.issue_comment.posted.k", JSON.stringify((published += 1)));
        await waitFor(`event ${published}`, () => came().includes(published), 30_000);
        await waitFor("it is acknowledged", () => isEmpty(url));
      }
      // A process that ends may have posted what it could note no more: that comes again, and nothing before it.
      const first = [...new Set(came())];
      const inOrder = Array.from({ length: published }, (_, index) => index + 1);
      if (first.join() !== inOrder.join()) throw new Error(`first comings are ${first.join()}`);
      if (!receiver.messages.every((message) => isSigned(message, SECRET))) throw new Error("a message is not signed");
    },
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };

  function came(): unknown[] {
    return receiver.messages.flatMap(({ events }) => events.map((event) => event.data));
  }
}
