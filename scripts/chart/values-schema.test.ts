import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { CHART, VALUES } from "./chart-files.ts";
import { valuesSchema } from "./values-schema.ts";

const isValid = new Ajv({ strict: false, validateFormats: false }).compile(valuesSchema());

test.each([join(CHART, "values.yaml"), ...(await readdir(VALUES)).map((name) => join(VALUES, name))])(
  "%s is a file of values",
  async (file) => {
    const valid = isValid(parse(await readFile(file, "utf8")) ?? {});
    expect(isValid.errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  },
);

test.each([
  { case: "a setting, as a number or as a text", values: { settings: { STREAM_DRAIN_MS: 600_000 } }, valid: true },
  { case: "a setting out of range", values: { settings: { STREAM_DRAIN_MS: 600_001 } }, valid: false },
  { case: "a setting that there is none of", values: { settings: { STREAM_DRAIN_M: 1 } }, valid: false },
  { case: "a setting of another service", values: { auth: { settings: { STREAM_DRAIN_MS: 1 } } }, valid: false },
  { case: "a secret", values: { settings: { POLICY_OPERATOR_TOKEN: "x" } }, valid: false },
  { case: "a password in a URL", values: { stream: { settings: { NATS_URL: "nats://a:b@c:4222" } } }, valid: false },
  { case: "a version", values: { image: { tag: "1.2.3" } }, valid: true },
  { case: "the latest image", values: { image: { tag: "latest" } }, valid: false },
  { case: "a digest that is none", values: { image: { digest: "sha256:abc" } }, valid: false },
  {
    case: "a limit to the memory",
    values: { auth: { resources: { requests: {}, limits: { memory: "1Gi" } } } },
    valid: true,
  },
  { case: "routes to a gateway", values: { httpRoute: { enabled: true, parentRefs: [{ name: "a" }] } }, valid: true },
  { case: "routes to no gateway", values: { httpRoute: { enabled: true, parentRefs: [] } }, valid: false },
  { case: "no routes to no gateway", values: { httpRoute: { enabled: false, parentRefs: [] } }, valid: true },
  { case: "all addresses of a pod", values: { bindAddress: "::" }, valid: true },
  { case: "loopback, where nobody reaches a pod", values: { bindAddress: "127.0.0.1" }, valid: false },
  { case: "no limit to the memory", values: { auth: { resources: { requests: {}, limits: {} } } }, valid: false },
])("values with $case: $valid", ({ values, valid }) => {
  expect(isValid(values)).toBe(valid);
});
