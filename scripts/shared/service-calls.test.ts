import { expect, test } from "vitest";
import { fetchFrom, refused, type ServiceName } from "./service-calls.ts";

test.each<[ServiceName, number, string, string]>([
  ["publish", 403, "forbidden", "sluice policy explain <person> --tenant <name> --publish <topic>"],
  ["stream", 403, "no_topic_granted", "sluice policy explain <person> --tenant <name> --topic <topic>"],
  ["policy", 404, "tenant_unknown", "sluice tenant create"],
  ["auth", 401, "bad_credentials", "--tenant, --user and --password-file"],
])("a refusal of %s with %d %s says what to do", (service, status, code, hint) => {
  const { message } = refused(service, status, { detail: "no", code });
  expect(message).toContain(`${service} refuses (${status} ${code}): no; `);
  expect(message).toContain(hint);
});

test("a refusal that says all by itself stays as it is", () => {
  expect(refused("policy", 403, { detail: "no", code: "forbidden" }).message).toBe(
    "policy refuses (403 forbidden): no",
  );
});

test("who finds nobody on this machine is told how the demo is started, and nobody else is", async () => {
  const call = { method: "GET", path: "/" } as const;
  await expect(fetchFrom("auth", "http://127.0.0.1:9", call)).rejects.toThrow(
    "; npm start starts the demo; AUTH_URL says where it is",
  );
  await expect(fetchFrom("auth", "http://nowhere.invalid:9", call)).rejects.not.toThrow("npm start");
});
