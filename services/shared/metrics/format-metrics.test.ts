import { Counter, Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { formatMetrics } from "./format-metrics.ts";

const PROMETHEUS =
  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

const registry = new Registry();
new Counter({ name: "sluice_things_total", help: "Things", registers: [registry] }).inc(3);
new Counter({ name: "sluice_parts", help: "Parts", registers: [registry] }).inc(2);

describe("metrics", () => {
  test.each([undefined, "*/*", PROMETHEUS, "application/json"])("are OpenMetrics for Accept: %s", async (accept) => {
    const { contentType, body } = await formatMetrics(registry, accept);
    expect(contentType).toContain("application/openmetrics-text");
    expect(body).toBe(
      "# HELP sluice_things Things\n# TYPE sluice_things counter\nsluice_things_total 3\n# HELP sluice_parts Parts\n# TYPE sluice_parts counter\nsluice_parts_total 2\n# EOF\n",
    );
  });

  test.each(["text/plain", "text/plain;version=0.0.4, application/openmetrics-text;q=0.5"])(
    "are the older format for Accept: %s, also after a scrape in the other",
    async (accept) => {
      const { contentType, body } = await formatMetrics(registry, accept);
      expect(contentType).toContain("text/plain; version=0.0.4");
      expect(body).toBe(
        "# HELP sluice_things_total Things\n# TYPE sluice_things_total counter\nsluice_things_total 3\n\n# HELP sluice_parts_total Parts\n# TYPE sluice_parts_total counter\nsluice_parts_total 2\n",
      );
    },
  );
});
