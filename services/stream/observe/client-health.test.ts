import { expect, test } from "vitest";
import { NETWORKS } from "#shared/protocol/client-report.ts";
import { CLIENT_HEALTH_ROWS, edgeAnswerSchema, FIRST_EVENT_MS } from "#shared/contract/edge-questions.ts";
import { TRANSPORTS } from "#shared/protocol/transports.ts";
import { ClientHealth } from "./client-health.ts";
import { CLIENT_FAMILIES, type ClientReport } from "./client-reports.ts";

const MINUTE_MS = 60_000;
const REPORT: ClientReport = { transport: "sse", family: "firefox", reconnects: 2, stalls: 1 };

let now = 0;
const health = (): ClientHealth => ((now = 0), new ClientHealth(() => now));

test("reports are counted by what tells clients apart, and first events by how long they took", () => {
  const counted = health();
  counted.note({ ...REPORT, network: "3g", region: "eu", firstEventMs: 50 });
  counted.note({ ...REPORT, network: "3g", region: "eu", firstEventMs: 51 });
  counted.note({ ...REPORT, network: "3g", region: "eu", firstEventMs: 3_600_000 });
  counted.note({ ...REPORT, transport: "poll", fallback: { from: "sse", reason: "buffered" } });
  const { rows } = counted.read();
  expect(rows).toMatchObject([
    { transport: "sse", family: "firefox", network: "3g", region: "eu", reports: 3, reconnects: 6, stalls: 3 },
    { transport: "poll", network: "unknown", region: "", reports: 1, fallbacks: { buffered: 1 } },
  ]);
  expect([rows[0]?.firstEvents[0], rows[0]?.firstEvents[1], rows[0]?.firstEvents[FIRST_EVENT_MS.length]]).toEqual([
    1, 1, 1,
  ]);
});

test("what is older than an hour is not told any more, and what is younger than half an hour is", () => {
  const counted = health();
  counted.note(REPORT);
  now = 59 * MINUTE_MS;
  counted.note({ ...REPORT, transport: "poll" });
  expect(counted.read()).toMatchObject({ seconds: 59 * 60, rows: [{ transport: "sse" }, { transport: "poll" }] });
  now = 89 * MINUTE_MS;
  expect(counted.read().rows).toMatchObject([{ transport: "poll" }]);
  now += 60 * MINUTE_MS;
  expect(counted.read().rows).toEqual([]);
});

test("regions that strangers make up do not make more rows than an answer takes", () => {
  const counted = health();
  let noted = 0;
  for (const window of [1, 2]) {
    for (let name = 0; name < CLIENT_HEALTH_ROWS; name += 1) {
      for (const transport of TRANSPORTS) {
        const family = CLIENT_FAMILIES[name % CLIENT_FAMILIES.length] ?? "other";
        const network = NETWORKS[Math.floor(name / 4) % NETWORKS.length];
        counted.note({ ...REPORT, transport, family, network, region: `${window}-${name}` });
        noted += 1;
      }
    }
    if (window === 1) now = 31 * MINUTE_MS;
  }
  const clients = counted.read();
  expect(edgeAnswerSchema.safeParse({ from: "w", clients }).error).toBeUndefined();
  expect(clients.rows.reduce((sum, { reports }) => sum + reports, 0)).toBe(noted);
});
