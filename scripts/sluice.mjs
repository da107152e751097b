#!/usr/bin/env node
// What `npx sluice` runs, on any Node from 18 on: the bootstrap hands the command over to Node 24.
import { fileURLToPath } from "node:url";

process.argv.splice(2, 0, fileURLToPath(new URL("sluice.ts", import.meta.url)));
await import("./bootstrap.mjs");
