import type { Step, Tell } from "../../failover/tell.ts";
import type { Terminal } from "../../shared/command.ts";

const TEXT: Readonly<Record<Step["step"], (step: Step) => string>> = {
  fenced: ({ region, stream }) => `fenced ${stream} in region ${region}`,
  level: ({ region }) => `every mirror in region ${region} has all of it`,
  link_closed: ({ region }) => `the link is closed in region ${region}`,
  promoted: ({ region, stream }) => `promoted ${stream} in region ${region}`,
  exported: ({ stream, entries }) => `exported ${entries} entries of ${stream}`,
  deleted: ({ region, stream }) => `deleted ${stream} in region ${region}`,
};

/** Writes each step as it is done to stderr. */
export function tellSteps({ warn }: Pick<Terminal, "warn">): Tell {
  return (step) => warn(TEXT[step.step](step));
}

/** Who does it, for the audit trail: what --by says, else the user of this machine. */
export function personOf(by: string | undefined, env: NodeJS.ProcessEnv): string {
  return by ?? env["USER"] ?? "unknown";
}

/** The help of --by. */
export const BY = "who does it, for the audit trail (default: the user of this machine)";

/** What every command of a home needs. */
export const WHERE = `SLUICE_REGIONS says where the regions are, each with the operator's user of the home there: eu=nats://operator:…@eu-1:4222,eu-2:4222 us=nats://operator-eu:…@us-1:4222.`;
