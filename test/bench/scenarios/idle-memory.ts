import { setTimeout as delay } from "node:timers/promises";
import { residentKiB } from "../account.ts";
import { BOB, streamRequests } from "../load.ts";
import { openReaders } from "../readers.ts";
import type { Bench, Scenario } from "../scenario.ts";

/** As many as one process holds with 20 000 descriptors. */
const CONNECTIONS = 19_000;

/** Long enough for what opening the streams left behind to be collected, as it is in a process at rest. */
const SETTLE_MS = 25_000;

/** What a process holds for streams on which nothing happens, of as many people, with all of their rights. */
export const idleMemory: Scenario = {
  name: "idle-memory",
  about: `resident memory of ${CONNECTIONS} idle authenticated streams on one process`,
  async run({ issuer, programs, startEdge }: Bench) {
    const edge = await startEdge();
    const { pid } = edge.child.process;
    const requests = await streamRequests(issuer, BOB, CONNECTIONS, () => "push.>");
    const before = await residentKiB(pid);
    await using readers = await openReaders(programs, edge.ports.http, requests, CONNECTIONS);
    await delay(SETTLE_MS);
    const open = CONNECTIONS - (await readers.received()).closed;
    const after = await residentKiB(pid);
    return [
      { name: "resident for each stream", value: (after - before) / open, unit: "KiB", goal: { atMost: 12 } },
      { name: "streams open", value: open, unit: "" },
      { name: "resident before", value: before / 1_024, unit: "MiB" },
      { name: "opened", value: CONNECTIONS / (readers.openedInMs / 1_000), unit: "/s" },
    ];
  },
};
