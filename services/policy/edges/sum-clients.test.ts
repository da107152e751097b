import { expect, test } from "vitest";
import { type ClientHealthRow, FIRST_EVENT_MS } from "#shared/contract/edge-questions.ts";
import type { Edges } from "./edges.ts";
import { sumClients } from "./sum-clients.ts";

const COUNTS = Array.from({ length: FIRST_EVENT_MS.length + 1 }, () => 0);
const ROW: ClientHealthRow = {
  transport: "sse",
  family: "chrome",
  network: "4g",
  region: "",
  reports: 1,
  reconnects: 0,
  stalls: 0,
  firstEvents: COUNTS,
  fallbacks: {},
};

/** Workers of which each has counted these. */
function edgesWith(...workers: readonly (readonly Partial<ClientHealthRow>[])[]): Edges {
  const answers = workers.map((rows, place) => ({
    from: `w${place}`,
    clients: { seconds: 60 * place, rows: rows.map((row) => ({ ...ROW, ...row })) },
  }));
  return { ask: async () => ({ answers, partial: false }) as never };
}

test("what two workers counted of one kind of client is one row, and the most reported kind is the first", async () => {
  const poll = { transport: "poll", fallbacks: { buffered: 2 } };
  const summed = await sumClients(
    edgesWith([{ reports: 2, stalls: 1 }, poll], [{ ...poll, reports: 4, fallbacks: { buffered: 1, status: 1 } }]),
  );
  expect(summed).toMatchObject({
    seconds: 60,
    rows: [
      { transport: "poll", reports: 5, fallbacks: { buffered: 3, status: 1 } },
      { transport: "sse", reports: 2, stalls: 1, firstEventP50Ms: null },
    ],
  });
});

test("a quantile is the end of the span that the event lies in, and 30 s for all that is longer", async () => {
  const counts = (...some: readonly (readonly [place: number, count: number])[]) =>
    COUNTS.map((_, place) => some.find(([at]) => at === place)?.[1] ?? 0);
  const quantiles = async (firstEvents: number[]) => {
    const [row] = (await sumClients(edgesWith([{ firstEvents }]))).rows;
    return [row?.firstEventP50Ms, row?.firstEventP95Ms];
  };
  expect(await quantiles(counts([0, 95], [3, 5]))).toEqual([50, 50]);
  expect(await quantiles(counts([0, 94], [3, 6]))).toEqual([50, 200]);
  expect(await quantiles(counts([FIRST_EVENT_MS.length, 1]))).toEqual([30_000, 30_000]);
});
