import { connect } from "node:net";
import { z } from "zod";
import { parseJson } from "#shared/json/parse-json.ts";
import { connectionOptionsOf, natsUrlOfService } from "../shared/nats-url.ts";
import { opsUrlOf, type ServiceName } from "../shared/service-calls.ts";

/** The parts of an installation, in the order in which each needs those before it. */
export const PARTS = ["bus", "policy", "auth", "publish", "stream"] as const;
export type Part = (typeof PARTS)[number];

/** How a part is: undefined in `fault` where it can work, or has no work in this region, as `standby` says. */
export interface PartHealth {
  readonly part: Part;
  readonly at: string;
  readonly fault?: string;
  readonly standby?: string;
}

const LOOK_MS = 3_000;

const readinessSchema = z.object({ reasons: z.array(z.object({ code: z.string(), detail: z.string() })) });

/** Asks every part whether it can work, all at once. */
export function lookAtParts(env: NodeJS.ProcessEnv): Promise<PartHealth[]> {
  return Promise.all(PARTS.map((part) => (part === "bus" ? lookAtBus(env) : lookAtService(part, env))));
}

/** nats-server greets whoever connects, before it knows who it is. */
async function lookAtBus(env: NodeJS.ProcessEnv): Promise<PartHealth> {
  const { servers } = connectionOptionsOf(natsUrlOfService("policy", env));
  const health = { part: "bus", at: servers.join(",") } as const;
  const faults = (await Promise.all(servers.map(lookAtBroker))).filter((fault) => fault !== undefined);
  return faults.length === 0 ? health : { ...health, fault: `${faults.join("; ")}; NATS_URL says where it is` };
}

async function lookAtBroker(server: string): Promise<string | undefined> {
  const { hostname, port } = new URL(`nats://${server}`);
  const greeting = await new Promise<string>((settle) => {
    const socket = connect(Number(port), hostname.replaceAll(/^\[|\]$/g, ""));
    const end = (said: string): void => {
      socket.destroy();
      settle(said);
    };
    socket.setTimeout(LOOK_MS, () => end(`nothing in ${LOOK_MS} ms`));
    socket.once("data", (bytes) => end(bytes.toString("latin1")));
    socket.once("error", (error) => end(error.message || String((error as NodeJS.ErrnoException).code)));
    socket.once("close", () => end("it closed the connection"));
  });
  return greeting.startsWith("INFO ") ? undefined : `nats-server does not answer: ${greeting.slice(0, 200)}`;
}

async function lookAtService(part: ServiceName, env: NodeJS.ProcessEnv): Promise<PartHealth> {
  const base = opsUrlOf(part, env);
  const health = { part, at: base };
  try {
    const response = await fetch(`${base}/readyz`, { signal: AbortSignal.timeout(LOOK_MS) });
    if (response.ok) return health;
    const answer = readinessSchema.safeParse(parseJson(await response.text()));
    const standby = answer.data?.reasons.find(({ code }) => code === "standby");
    if (standby !== undefined) return { ...health, standby: standby.detail };
    const reasons = answer.data?.reasons.map(({ code, detail }) => `${code}: ${detail}`) ?? [
      `status ${response.status}`,
    ];
    return { ...health, fault: `not ready: ${reasons.join("; ")}` };
  } catch (thrown) {
    const { cause, message } = thrown as Error;
    const why = cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message;
    return {
      ...health,
      fault: `does not answer: ${why}; ${part.toUpperCase()}_OPS_URL says where its operations port is`,
    };
  }
}
