import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { z } from "zod";
import { isTopicPattern } from "#shared/protocol/topics.ts";
import { hostFindings } from "../doctor/host.ts";
import { kernelFindings } from "../doctor/kernel.ts";
import { sharePortFindings } from "../doctor/share-port.ts";
import { busFindings, clockFinding, redisFindings } from "../doctor/stores.ts";
import { lookAtParts } from "../health/service-health.ts";
import { DEMO_TOPIC } from "../health/walk-flow.ts";
import { createCommand, readOptions, type Terminal } from "../shared/command.ts";
import { fail, type Finding, ok, printFinding } from "../shared/finding.ts";
import { openPerson, personOptionsSchema, type PersonOptions, withPersonOptions } from "../shared/person.ts";
import { opsUrlOf, type ServiceName, SERVICES, urlOfService } from "../shared/service-calls.ts";
import { checkStream } from "../stream-check/check-stream.ts";

/** Enough to see whether bytes come as they are sent. */
const LISTEN_MS = 1_500;

const optionsSchema = personOptionsSchema.extend({
  url: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }).optional(),
  topic: z.string().refine(isTopicPattern, "takes a topic pattern, such as 'order.>'").default(DEMO_TOPIC),
});

/** `sluice doctor`: looks for what makes an installation sick. */
export function doctorCommand(terminal: Terminal): Command {
  const command = createCommand("doctor", {
    summary: "look at kernel, descriptors, bus, Redis, proxies and clocks",
    description: `Looks for what makes an installation sick, and says what to do: the kernel's settings and the descriptors of this machine, which should be an edge's, what each of them means for event streams, and whether its kernel deals connections out evenly to workers; memory as Redis needs it, where it runs here; the bus and its store; how Redis keeps what it is given; whether the services can work; clocks that differ; and whether something between here and the edge collects the bytes of event streams.

NATS_URL says where NATS is, with the user of policy, and REDIS_URL where Redis is, with the user backup; without them the demo that npm start runs is looked at. Ends with 1 where something is wrong (✗).`,
    examples: ["npx sluice doctor", "npx sluice doctor --url https://app.example.com --topic 'order.>' --user alice"],
  })
    .option("--url <url>", "where clients reach the edge, through all proxies; else STREAM_URL")
    .option("--topic <pattern>", "topics that the person who logs in may see", DEMO_TOPIC);
  return withPersonOptions(command).action(async (given: unknown) => {
    const { url, topic, ...person } = readOptions(optionsSchema, given);
    const { env } = terminal;
    const tell = (findings: readonly Finding[]): void => {
      for (const finding of findings) printFinding(finding, terminal);
    };
    tell(await kernelFindings(readText));
    tell(await sharePortFindings());
    tell(await hostFindings(readText));
    tell(await busFindings(env));
    tell(await redisFindings(env));
    tell(await serviceFindings(env));
    tell(await streamFindings(url ?? urlOfService("stream", env), topic, person, env));
  });
}

/** Undefined where there is no such file. */
function readText(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

async function serviceFindings(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const parts = await lookAtParts(env);
  const ready = parts.map(({ part, at, fault, standby }) =>
    fault === undefined
      ? ok(part, standby === undefined ? `ready (${at})` : `standby (${at}): ${standby}`)
      : fail(part, fault, "docs/reference/errors.md says what each reason means."),
  );
  const clocks = await Promise.all(SERVICES.map((service) => clockOf(service, env)));
  return [...ready, ...clocks.flat()];
}

/** By the `Date` of an answer, which says no more than the second. */
async function clockOf(service: ServiceName, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  try {
    const response = await fetch(`${opsUrlOf(service, env)}/healthz`, { signal: AbortSignal.timeout(3_000) });
    const theirs = Date.parse(response.headers.get("date") ?? "");
    return Number.isNaN(theirs) ? [] : [clockFinding(service, theirs + 500 - Date.now())];
  } catch {
    // That it does not answer stands above.
    return [];
  }
}

/** What keeps a stream from coming as it is sent; all else about it says `stream check`. */
async function streamFindings(
  base: string,
  topic: string,
  asked: PersonOptions,
  env: NodeJS.ProcessEnv,
): Promise<Finding[]> {
  try {
    await using person = await openPerson(asked, env);
    const url = `${base.replace(/\/+$/, "")}/v1/stream?${new URLSearchParams({ topic }).toString()}`;
    const findings: Finding[] = [];
    const headers = { authorization: `Bearer ${person.token}` };
    for await (const finding of checkStream({ url, headers, listenMs: LISTEN_MS })) findings.push(finding);
    const wrong = findings.filter(({ level }) => level !== "ok");
    return wrong.length > 0 ? wrong : [ok("proxies", `event streams come from ${base} as they are sent`)];
  } catch (error) {
    return [fail("proxies", (error as Error).message, "No stream could be looked at.")];
  }
}
