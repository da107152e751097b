import { type NatsConnection, RequestError } from "@nats-io/transport-node";
import { z } from "zod";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { AskedCallback, Subscriptions } from "../connections/subscriptions.ts";
import { MAX_URL_CHARACTERS } from "#shared/contract/subscription-record.ts";
import { whileOpen } from "#shared/nats/while-open.ts";

/** Where the processes that post webhooks answer; no worker has that id. */
const SUBJECT = "edge.webhooks";

const ANSWER_MS = 2_000;

const questionSchema = z.strictObject({
  tenant: nameSchema,
  subject: freeNameSchema,
  secretRef: nameSchema,
  url: z.string().max(MAX_URL_CHARACTERS),
} satisfies Record<keyof AskedCallback, z.ZodType>);

const answerSchema = z.object({ fault: z.string().nullable() });

/** Asks the process that posts webhooks over the bus: it alone knows the secrets and the hosts. */
export function createCheckCallback(nats: NatsConnection): Subscriptions["checkCallback"] {
  return async (question) => {
    const reply = await nats
      .request(SUBJECT, JSON.stringify(question), { timeout: ANSWER_MS })
      .catch((cause: unknown) => {
        const isNobodyThere = cause instanceof RequestError && cause.isNoResponders();
        if (isNobodyThere) throw new AppError("unavailable", "no process posts webhooks here", { cause });
        throw new AppError("unavailable", "the process that posts webhooks does not answer", { cause });
      });
    const { data } = answerSchema.safeParse(parseJson(reply.string()));
    if (data === undefined) throw new AppError("unavailable", "the process that posts webhooks answers strangely");
    if (data.fault !== null) throw new AppError("callback_refused", data.fault);
  };
}

/** Answers the edges, until disposed, by what is wrong with a callback; undefined where nothing is. */
export function answerCallbackQuestions(
  nats: NatsConnection,
  faultOf: (asked: AskedCallback) => string | undefined,
): Disposable {
  const subscription = nats.subscribe(SUBJECT, {
    queue: "webhooks",
    callback(error, message) {
      if (error !== null) return;
      const { data } = questionSchema.safeParse(parseJson(message.string()));
      const fault = data === undefined ? "this server does not understand it" : faultOf(data);
      whileOpen(() => message.respond(JSON.stringify({ fault: fault ?? null })));
    },
  });
  return { [Symbol.dispose]: () => subscription.unsubscribe() };
}
