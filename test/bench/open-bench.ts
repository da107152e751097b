import { cpus } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { buildServices } from "../../scripts/build/build-services.ts";
import { natsServer, redisServer } from "../../scripts/provision/programs.ts";
import { provision } from "../../scripts/provision/provision.ts";
import { say } from "../../scripts/shared/run-script.ts";
import { startIssuer } from "#test/support/start-issuer.ts";
import { startStack } from "#test/support/start-stack.ts";
import { preparePrograms } from "./programs.ts";
import type { Bench } from "./scenario.ts";

/** Builds the services, and puts the servers that they need on PATH. */
export async function provisionBench(): Promise<void> {
  const home = resolve(".sluice");
  await buildServices();
  await provision([natsServer, redisServer], { home, path: process.env["PATH"] ?? "", say });
  process.env["PATH"] = `${join(home, "bin")}${delimiter}${process.env["PATH"]}`;
}

/** This machine, in a few words. */
export function machineName(): string {
  return `${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.version}`;
}

/** Starts the servers of a run, and says what it runs on. */
export async function openBench(): Promise<Bench & AsyncDisposable> {
  await using starting = new AsyncDisposableStack();
  const programs = starting.use(await preparePrograms());
  say(`${machineName()}; the load, in ${programs.language}, comes from the same machine`);
  if (programs.language === "Node")
    say("there is no C compiler (cc): the load and the bare loop are in Node, and cost more");
  const issuer = starting.use(await startIssuer());
  const stack = starting.use(await startStack());
  const open = starting.move();
  return {
    stack,
    issuer,
    programs,
    startEdge: (env = {}) => stack.startEdge({ AUTH_JWKS_URL: issuer.jwksUri, ...env }),
    say,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
