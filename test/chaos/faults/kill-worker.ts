import { readFile } from "node:fs/promises";
import { choose, type Fault, seconds } from "../fault.ts";
import { processesOf } from "../world.ts";

/** `kill -9` of one worker of an edge: the edge itself starts another. */
export const killWorker: Fault = {
  name: "kill -9 of an edge's worker",
  weight: 1,
  hits: "edge",
  recoversWithinMs: 15_000,
  missing: ({ hasWorkers }) => (hasWorkers ? undefined : "edges are one process each"),
  async begin({ world, random }) {
    const edge = choose(random, processesOf(world, "edge"));
    const lastsMs = seconds(random, 1, 4);
    const children = await readFile(`/proc/${edge.pid}/task/${edge.pid}/children`, "utf8");
    const workers = children.split(" ").filter((pid) => Number(pid) > 0);
    process.kill(Number(choose(random, workers)), "SIGKILL");
    return { target: edge.name, lastsMs, end: async () => {} };
  },
};
