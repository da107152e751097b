import { builtProgram } from "../../scripts/build/build-services.ts";
import type { ServiceName } from "../../scripts/shared/service-calls.ts";
import { NODE_OPTIONS } from "../../scripts/start/server-commands.ts";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./ports.ts";
import { waitFor } from "./wait.ts";

/** The ports in a service's `ready` line. */
export interface ServicePorts {
  readonly http: number;
  readonly grpc: number;
  readonly ops: number;
}

/** A service as its own process, started by Node itself. */
export interface RunningService extends AsyncDisposable {
  readonly ports: ServicePorts;
  readonly child: Child;
}

/** Has the shell lower the limit of descriptors, and become the program. */
const LIMITED = 'ulimit -n "$0" && exec "$@"';
/** Tests change one tenant's policy as fast as they can; those of the limit set it themselves. */
const SETTINGS: Readonly<Record<string, NodeJS.ProcessEnv>> = { policy: { POLICY_CHANGES_BURST: "100000" } };

/**
 * Starts the built service on free ports and waits for its `ready` line; `env` overrides. It may open as many
 * descriptors as `descriptors` says, where that is given. With `orStandby` a standby has started too; of its ports only that of
 * operations is open. `program` is the file that it begins with; the one that is built here by default.
 * @throws when the process ends first; the message holds what it printed.
 */
export async function startService(
  name: ServiceName,
  env: NodeJS.ProcessEnv,
  {
    descriptors,
    orStandby = false,
    program = builtProgram(name),
  }: { readonly descriptors?: number; readonly orStandby?: boolean; readonly program?: string } = {},
): Promise<RunningService> {
  const prefix = name.toUpperCase();
  // Tests start an edge again where one died: the kernel could have given a port of its own range to a client meanwhile.
  const http = name === "stream" && env["STREAM_HTTP_PORT"] === undefined ? await freePort() : 0;
  const ports = { [`${prefix}_HTTP_PORT`]: String(http), [`${prefix}_GRPC_PORT`]: "0", [`${prefix}_OPS_PORT`]: "0" };
  const started = [process.execPath, ...(NODE_OPTIONS[name] ?? []), program] as const;
  const [command, ...args] =
    descriptors === undefined ? started : (["sh", "-c", LIMITED, String(descriptors), ...started] as const);
  const child = startChild(command, args, { ...ports, ...SETTINGS[name], ...env });
  const ready = await waitFor(`${name} becomes ready`, () => {
    if (child.process.exitCode !== null) throw new Error(`${name} ended:\n${child.output()}`);
    return readyLine(child.output(), orStandby ? ["ready", "standby"] : ["ready"]);
    // On two cores that others use, three processes of an edge with workers may take long to load.
  }).catch(async (error: Error) => {
    await child.end("SIGKILL");
    throw new Error(`${error.message}\n${child.output()}`);
  });
  return {
    ports: ready,
    child,
    [Symbol.asyncDispose]: async () => void (await child.end("SIGKILL")),
  };
}

function readyLine(output: string, messages: readonly string[]): ServicePorts | undefined {
  const isReady = (text: string): boolean => messages.some((message) => text.includes(`"msg":"${message}"`));
  const line = output.split("\n").find(isReady);
  return line === undefined ? undefined : (JSON.parse(line) as ServicePorts);
}
