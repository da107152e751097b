import { openAll, startClients } from "../peers/clients.ts";
import type { Figure } from "../scenario.ts";
import { type Cpu, cpuDuring } from "./cpu-during.ts";
import type { Load } from "./load.ts";

const HANDSHAKES = 2_000;
const AT_A_TIME = 64;
/** Just-in-time compilation and first allocations are not what is measured. */
const WARM_UP = 1_000;

/** What it costs to open a stream and to close it once it is in force, with tokens that are new and with the same again. */
export const handshakesLoad: Load = {
  name: "handshakes",
  about: "what it costs to open a stream and to close it once it is in force",
  async run(entrant, programs) {
    await using contender = await entrant.start();
    await using clients = await startClients(programs, contender, { requests: WARM_UP + HANDSHAKES, topics: 1 });
    await openAll(clients, 1);
    await clients.visit(WARM_UP, 0, AT_A_TIME);
    const begin = performance.now();
    const visit = async (): Promise<void> => {
      const { refused } = await clients.visit(HANDSHAKES, WARM_UP, AT_A_TIME);
      if (refused > 0) throw new Error(`${refused} of ${HANDSHAKES} handshakes were refused by ${entrant.name}`);
    };
    const first = await cpuDuring(contender, visit);
    const seconds = (performance.now() - begin) / 1_000;
    const again = await cpuDuring(contender, visit);
    return [
      ...rows("new token", first),
      ...rows("known token", again),
      { name: "handshakes a second, new token", value: HANDSHAKES / seconds, unit: "/s" },
    ];
  },
};

function rows(name: string, { streams, all }: Cpu): Figure[] {
  return [
    { name: `${name}, CPU`, value: (streams * 1_000) / HANDSHAKES, unit: "µs" },
    { name: `${name}, CPU with all services`, value: (all * 1_000) / HANDSHAKES, unit: "µs" },
  ];
}
