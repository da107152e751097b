import { errors, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { createPublishMetrics } from "../metrics.ts";
import { serveForwarded } from "./serve-forwarded.ts";

test("an answer that is ready only when the bus takes nothing any more disturbs nobody: the publisher ends as it should", async () => {
  const asked = Promise.withResolvers<(error: null, message: Msg) => void>();
  const nats: Pick<NatsConnection, "subscribe"> = {
    subscribe(_subject, { callback } = {}) {
      asked.resolve(callback as (error: null, message: Msg) => void);
      return { unsubscribe: () => undefined } as ReturnType<NatsConnection["subscribe"]>;
    },
  };
  const published = Promise.withResolvers<{ ids: string[]; duplicates: string[] }>();
  const serving = serveForwarded({
    nats,
    publish: () => published.promise,
    metrics: createPublishMetrics(new Registry()),
    log: limitLines(createLogger("test", "silent")),
  });
  const ask = await asked.promise;
  let answers = 0;
  const respond = (): boolean => {
    answers += 1;
    throw new errors.DrainingConnectionError();
  };
  ask(null, { data: new Uint8Array(), respond } as unknown as Msg);
  published.resolve({ ids: ["a"], duplicates: [] });
  await expect(serving[Symbol.asyncDispose]()).resolves.toBeUndefined();
  expect(answers).toBe(1);
});
