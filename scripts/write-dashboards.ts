import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { DASHBOARDS } from "./observe/dashboards.ts";
import { toGrafanaJson } from "./observe/grafana-json.ts";

// `npm run gen`: writes Grafana's dashboards anew.
for (const dashboard of DASHBOARDS) {
  const file = new URL(`../infra/observe/grafana/dashboards/${dashboard.uid}.json`, import.meta.url);
  await writeFile(fileURLToPath(file), toGrafanaJson(dashboard));
}
