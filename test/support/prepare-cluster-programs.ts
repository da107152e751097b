import { delimiter, join, resolve } from "node:path";
import { buildServices } from "../../scripts/build/build-services.ts";
import { haproxy, natsServer, redisServer } from "../../scripts/provision/programs.ts";
import { provision } from "../../scripts/provision/provision.ts";

/** Builds the services, brings the programs that a cluster needs, and has this process find them, and start what is compiled already. */
export async function prepareClusterPrograms(say: (line: string) => void): Promise<void> {
  const home = resolve(".sluice");
  await buildServices();
  await provision([natsServer, redisServer, haproxy], { home, path: process.env["PATH"] ?? "", say });
  process.env["PATH"] = `${join(home, "bin")}${delimiter}${process.env["PATH"]}`;
  process.env["NODE_COMPILE_CACHE"] ??= join(home, "compiled");
}
