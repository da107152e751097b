import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHART, madeFiles } from "./chart/chart-files.ts";

// `npm run gen`: writes what the chart has of the project's other files.
for (const [name, text] of Object.entries(await madeFiles())) await writeFile(join(CHART, name), text);
