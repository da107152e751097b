import { expect, test } from "vitest";
import { findOnPath } from "../provision/find-on-path.ts";
import { runCommand } from "../shared/run-command.ts";
import { CHART, KUBERNETES } from "./chart-files.ts";

test.runIf(findOnPath("helm", process.env["PATH"] ?? "") !== undefined).each([
  {
    case: "two services have one host, of which one alone would be reached",
    values: ["ingress.enabled=true", "hosts.auth=a.example.com", "hosts.stream=a.example.com"],
    says: /a\.example\.com is the host of two services/,
  },
  {
    case: "an ingress would lead nowhere",
    values: ["ingress.enabled=true", "hosts.auth=", "hosts.stream=", "settings.AUTH_ISSUER=https://a.example.com"],
    says: /hosts names no host of a service that is enabled/,
  },
  { case: "routes have no gateway", values: ["httpRoute.enabled=true"], says: /parentRefs/ },
  { case: "nothing leads in, whatever hosts there are", values: ["hosts.auth=a.b", "hosts.stream=a.b"], says: /^$/ },
])("values are told where $case", async ({ values, says }) => {
  const options = ["--kube-version", KUBERNETES, ...values.flatMap((value) => ["--set", value])];
  const { stderr } = await runCommand("helm", ["template", "sluice", CHART, ...options]);
  expect(stderr).toMatch(says);
});
