import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { z } from "zod";
import { encodeAttribute } from "#shared/contract/attribute-value.ts";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { isTopic } from "#shared/protocol/topics.ts";
import { connectProducer } from "../shared/connect-producer.ts";
import { dataOf } from "../events/print-event.ts";
import { collect, createCommand, readOptions, splitPair, type Terminal } from "../shared/command.ts";
import { natsUrlOfProducer } from "../shared/nats-url.ts";
import { openPerson, personOptionsSchema, withPersonOptions } from "../shared/person.ts";
import { publishCall } from "../shared/publish-call.ts";
import { UsageError } from "../shared/run-script.ts";
import { askService, urlOfService } from "../shared/service-calls.ts";

const optionsSchema = personOptionsSchema.extend({
  nats: z.boolean().default(false),
  seedFile: z.string().optional(),
  id: z.string().min(1).optional(),
  attribute: z.array(z.string().regex(/^[a-z0-9]+=/, "takes <name>=<value>, the name of a-z 0-9")).optional(),
});
type PublishOptions = z.infer<typeof optionsSchema>;

const answerSchema = z.object({ ids: z.array(z.string()), duplicates: z.array(z.string()) });

/** `sluice publish`: publishes one event. */
export function publishCommand(terminal: Terminal): Command {
  const command = createCommand("publish", {
    summary: "publish an event, over HTTP or to the bus",
    description: `Publishes one event and ends once it is stored. It logs in and asks the publisher, which asks policy whether that person may. Data that is no JSON is published as text in JSON.

With --nats the event goes to the bus, as its bytes stand: NATS_URL says where that is, with the user of the tenant's producers; without a user it is the demo's.`,
    examples: [
      `npx sluice publish issues.opened.Hello-World '{"title":"by hand"}'`,
      `npx sluice publish issues.opened.Hello-World - --nats --tenant demo < event.json`,
    ],
  })
    .argument("<topic>", "the event's topic: its type and its key, such as order.created.42")
    .argument("[data]", "its data; - takes them from stdin", "{}")
    .option("--nats", "publish to the bus as a producer of the tenant")
    .option("--seed-file <file>", "with --nats: the seed that bus add printed, in place of a user in the URL")
    .option("--id <id>", "its id: what has been stored under it is not stored again")
    .option("--attribute <name=value>", "what the event says of itself; repeatable", collect);
  return withPersonOptions(command).action(async (topic: string, data: string, given: unknown) => {
    const options = readOptions(optionsSchema, given);
    if (!isTopic(topic)) throw new UsageError(`${topic} is no topic, such as order.created.42`);
    const payload = data === "-" ? await text(terminal.stdin) : data;
    await (options.nats ? publishToBus : publishOverHttp)(topic, payload, options, terminal);
  });
}

async function publishOverHttp(topic: string, payload: string, options: PublishOptions, terminal: Terminal) {
  const { env, print } = terminal;
  const { id, attribute = [], nats: _nats, seedFile: _seed, ...asked } = options;
  await using person = await openPerson(asked, env);
  const attributes = attribute.length === 0 ? undefined : Object.fromEntries(pairsOf(attribute));
  const call = publishCall(topic, { id, attributes, data: dataOf(payload) }, person.token);
  const { ids, duplicates } = await askService("publish", urlOfService("publish", env), call, answerSchema);
  const isRepeated = duplicates.length > 0;
  print({ topic, id: ids[0], isRepeated }, `${isRepeated ? "it was stored before" : "stored"}: ${ids[0]}`);
}

async function publishToBus(topic: string, payload: string, options: PublishOptions, { env, print }: Terminal) {
  const tenant = nameSchema.safeParse(options.tenant ?? env["SLUICE_TENANT"]);
  if (!tenant.success) throw new UsageError("--nats needs the tenant: --tenant");
  const { id, attribute = [] } = options;
  const headers = Object.fromEntries(pairsOf(attribute).map(([name, value]) => [`ce-${name}`, encodeAttribute(value)]));
  await using producer = await connectProducer(natsUrlOfProducer(tenant.data, env), tenant.data, options.seedFile);
  const { seq, duplicate } = await producer.publish({ topic, payload, id, headers });
  const outcome = duplicate ? "it was stored before, as entry" : "stored as entry";
  print({ topic, seq, isRepeated: duplicate }, `${outcome} ${seq}`);
}

function pairsOf(attributes: readonly string[]): [name: string, value: string][] {
  return attributes.map((each) => splitPair(each, "--attribute takes <name>=<value>"));
}
