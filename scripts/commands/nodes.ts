import type { Command } from "commander";
import { z } from "zod";
import { type EdgeNode, nodeSchema } from "#shared/contract/edge-questions.ts";
import { openPolicyServer, serverOptionsSchema, withServerOptions } from "../policy/policy-server.ts";
import { createCommand, readOptions, type Terminal } from "../shared/command.ts";
import { printTable } from "../shared/table.ts";

const MIB = 1024 * 1024;

// A newer release may tell more.
const nodesSchema = z.object({
  nodes: z.array(z.looseObject({ ...nodeSchema.shape, id: z.string() })),
  partial: z.boolean(),
});

const HEAD = ["id", "host", "pid", "version", "up", "streams", "feeds", "loop p99", "heap", "memory", "cpu", "state"];

/** `sluice nodes`: how the workers of all edges are. */
export function nodesCommand({ env, print, warn, endWith }: Terminal): Command {
  const command = createCommand("nodes", {
    summary: "say how the workers of all edges are",
    description: `Says how each worker of each edge is: how many streams it holds and may hold, how many logs it follows, how late its loop is, its memory, its share of a core, and whether it drains or is overloaded. It is the operator's. Where one does not answer in time it says so, and ends with 1.`,
    examples: ["npx sluice nodes"],
  });
  return withServerOptions(command).action(async (given: unknown) => {
    const server = await openPolicyServer(readOptions(serverOptionsSchema, given), env);
    const { nodes, partial } = await server.call({ method: "GET", path: "/v1/nodes" }, nodesSchema);
    printTable(HEAD, nodes, rowOf, print);
    if (!partial) return;
    warn("a worker did not answer");
    endWith(1);
  });
}

function rowOf(node: EdgeNode & { readonly id: string }): string[] {
  const { id, host, pid, version, upForSeconds, streams, maxStreams, feeds, loopDelayP99Ms, heapBytes, rssBytes } =
    node;
  const state = node.isDraining ? "draining" : (node.overloadStep ?? "well");
  const sizes = [heapBytes, rssBytes].map((bytes) => `${Math.round(bytes / MIB)} MiB`);
  const held = `${streams}/${maxStreams}`;
  const [up, loop] = [`${Math.round(upForSeconds)} s`, `${Math.round(loopDelayP99Ms)} ms`];
  const cpu = `${Math.round(node.cpuShare * 100)} %`;
  return [id, host, String(pid), version, up, held, String(feeds), loop, ...sizes, cpu, state];
}
