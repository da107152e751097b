import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { ClientRun } from "./client-run.ts";
import { formatClientPage } from "./client-table.ts";
import { CLIENTS } from "./clients.ts";
import { runMatrix } from "./run-matrix.ts";

const PAGE = fileURLToPath(new URL("../../../docs/reference/clients.md", import.meta.url));

const present = CLIENTS.filter((client) => client.missing() === undefined);

let runs: readonly ClientRun[];
beforeAll(async () => {
  runs = await runMatrix(present);
}, 240_000);

describe("clients that people use", () => {
  test.for(CLIENTS)(
    "$name shows every event at once and no empty message, and comes back from everything without loss",
    (client, { skip }) => {
      const missing = client.missing();
      if (missing !== undefined) skip(missing);
      const run = runs.find((each) => each.client === client);
      expect(Object.fromEntries(run?.faults ?? [["atOnce", "it was not run"]])).toEqual({});
    },
  );

  test("are listed in docs/reference/clients.md as the run saw them", async () => {
    const page = await readFile(PAGE, "utf8").catch(() => "");
    await expect(formatClientPage(CLIENTS, runs, page)).toMatchFileSnapshot(PAGE);
  });
});
