import { choose, type Fault, seconds } from "../fault.ts";
import { processesOf } from "../world.ts";

/** `kill -9` of one worker of an edge: the edge itself starts another. */
export const killWorker: Fault = {
  name: "kill -9 of an edge's worker",
  weight: 1,
  hits: "edge",
  recoversWithinMs: 15_000,
  async begin({ world, random }) {
    const edge = choose(random, processesOf(world, "edge"));
    const lastsMs = seconds(random, 1, 4);
    const [primary, ...workers] = await edge.pids();
    // An edge of one process has none: it is hit as a whole, and started again below.
    const pid = workers.length === 0 ? primary : choose(random, workers);
    if (pid !== undefined && pid !== primary) process.kill(pid, "SIGKILL");
    else await edge.end("SIGKILL");
    return {
      target: edge.name,
      lastsMs,
      end: async () => {
        if (pid === primary) await edge.start();
      },
    };
  },
};
