import { expect, test } from "vitest";
import { readFile } from "node:fs/promises";
import { limitLines } from "#shared/log/limit-lines.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { createJsonApi } from "../json-api.ts";
