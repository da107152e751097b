import { gzip } from "../../../services/stream/sse/content-coding.ts";
import { readDeliveries, toPublication } from "../../../scripts/demo/to-publication.ts";
import { medianCpuMs } from "../per-cpu-second.ts";
import type { Figure, Scenario } from "../scenario.ts";

const MEMBERS = [1, 100, 10_000];
const ROUNDS = 9;

/** What compressing a flush once for all members of an audience saves and costs. */
export const compression: Scenario = {
  name: "compression",
  about: "real webhook deliveries, one and ten in a flush: bytes and CPU of compressing, for each delivered event",
  async run() {
    const frames = (await readDeliveries()).map((delivery, index) =>
      Buffer.from(`id: 0f2558936dd5.${index}.1iu0zvt\ndata: ${toPublication(delivery).payload}\n\n`),
    );
    return [1, 10].flatMap((size) => measure(frames, size));
  },
};

function measure(frames: readonly Buffer[], size: number): Figure[] {
  const flushes = Array.from({ length: Math.floor(frames.length / size) }, (_, index) =>
    Buffer.concat(frames.slice(index * size, (index + 1) * size)),
  );
  const events = flushes.length * size;
  const bytes = (buffers: readonly Buffer[]): number => buffers.reduce((sum, { length }) => sum + length, 0) / events;
  const encodeAll = (): Buffer[] => flushes.map((flush) => gzip.encode(flush));
  const microseconds = (medianCpuMs(ROUNDS, encodeAll) * 1_000) / events;
  return [
    { name: `${size} in a flush, as they are`, value: bytes(flushes), unit: "bytes" },
    { name: `${size} in a flush, compressed`, value: bytes(encodeAll()), unit: "bytes" },
    ...MEMBERS.map((members) => ({
      name: `${size} in a flush, ${members} members, CPU`,
      value: microseconds / members,
      unit: "µs",
    })),
  ];
}
