import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { z } from "zod";
import { isTopic } from "#shared/protocol/topics.ts";
import { adviceFor } from "../health/advice.ts";
import { lookAtParts, type PartHealth } from "../health/service-health.ts";
import { DEMO_TOPIC, walkFlow } from "../health/walk-flow.ts";
import { createCommand, readOptions, type Terminal } from "../shared/command.ts";
import { personOptionsSchema, withPersonOptions } from "../shared/person.ts";

/** What a service says of itself may be a second old. */
const READINESS_AGE_MS = 1_100;

const SECONDS_FAULT = "takes a number of seconds from 1 to 60";

const optionsSchema = personOptionsSchema.extend({
  flow: z.boolean().default(false),
  topic: z.string().refine(isTopic, "takes a topic, such as ping.event.probe").default(DEMO_TOPIC),
  seconds: z.coerce.number(SECONDS_FAULT).min(1, SECONDS_FAULT).max(60, SECONDS_FAULT).default(10),
});
type HealthOptions = z.infer<typeof optionsSchema>;

/** `sluice health`: says whether the services work, and with `--flow` whether an event comes through. */
export function healthCommand(terminal: Terminal): Command {
  const command = createCommand("health", {
    summary: "say whether the services work, and whether an event comes through",
    description: `Asks the bus and the four services whether they can work. With --flow it goes an event's whole way instead: logs in, opens a stream, publishes an event over HTTP and waits for it on the stream. It says how long each step took; at the first that fails it stops, asks all parts how they are, and says what to look at.

A standby (–), whose home is written in another region, is no fault. Ends with 1 where something does not work. The event that --flow publishes is a real one: everybody who may see its topic and listens gets it.

AUTH_URL, POLICY_URL, PUBLISH_URL and STREAM_URL say where the services are, AUTH_OPS_URL and so on where their operations ports are, NATS_URL where the bus is. Without them the demo that npm start runs is asked.`,
    examples: [
      "npx sluice health",
      "npx sluice health --flow",
      "npx sluice health --flow --topic ping.event.probe --json",
    ],
  })
    .option("--flow", "let an event go the whole way")
    .option("--topic <topic>", "the topic of the event; the person may publish and see it", DEMO_TOPIC)
    .option("--seconds <n>", "how long a step may take (default: 10)");
  return withPersonOptions(command).action(async (given: unknown) => {
    const options = readOptions(optionsSchema, given);
    if (options.flow) await checkFlow(options, terminal);
    else printParts(await lookAtParts(terminal.env), terminal);
  });
}

function printParts(parts: readonly PartHealth[], { print, endWith }: Terminal): void {
  for (const health of parts) {
    const { part, at, fault, standby } = health;
    const mark = fault === undefined ? (standby === undefined ? "✓" : "–") : "✗";
    const said = fault ?? (standby === undefined ? "" : `standby: ${standby}`);
    print(health, `${mark} ${part.padEnd(8)} ${at}  ${said}`.trimEnd());
  }
  if (parts.some(({ fault }) => fault !== undefined)) endWith(1);
}

async function checkFlow({ topic, seconds, ...person }: HealthOptions, terminal: Terminal): Promise<void> {
  const { env, print, endWith } = terminal;
  for await (const step of walkFlow({ topic, person, stepMs: seconds * 1_000 }, env)) {
    const mark = step.failedAt === undefined ? "✓" : "✗";
    print(step, `${mark} ${step.step.padEnd(20)} ${`${step.ms} ms`.padStart(8)}  ${step.found}`);
    if (step.failedAt === undefined) continue;
    let parts = await lookAtParts(env);
    if (parts.every(({ fault }) => fault === undefined)) {
      await delay(READINESS_AGE_MS);
      parts = await lookAtParts(env);
    }
    const advice = adviceFor(step.failedAt, parts);
    print({ firstBroken: step.step, ...advice }, `\n${advice.lookAt}`);
    return endWith(1);
  }
}
