import { readFile, writeFile } from "node:fs/promises";
import { withProviders } from "./provider-table.ts";
import { PROVIDERS } from "./providers.ts";

// A part of `npm run gen`: writes the table of providers into docs/guides/login-providers.md.
const path = "docs/guides/login-providers.md";
await writeFile(path, withProviders(await readFile(path, "utf8"), PROVIDERS));
