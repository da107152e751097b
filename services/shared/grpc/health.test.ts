import { once } from "node:events";
import { promisify } from "node:util";
import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { type HealthCheckResponse, HealthCheckResponse_ServingStatus as Status } from "#proto/grpc/health/v1/health.ts";
import { createHealthClient } from "#test/support/health-client.ts";
import { plaintext } from "./grpc-security.ts";
import { startGrpcServer } from "./start-server.ts";

test("a server tells its health to who asks and to who watches, and knows no other service", async () => {
  await using server = await startGrpcServer({ host: "127.0.0.1", port: 0, setting: "PORT" }, []);
  const client = createHealthClient(server.port, plaintext.channelTo("any"));
  try {
    const check = promisify(client.check.bind(client)) as (asked: { service: string }) => Promise<HealthCheckResponse>;
    const list = promisify(client.list.bind(client)) as (asked: object) => Promise<object>;
    const watching = client.watch({ service: "" });
    expect(await once(watching, "data")).toEqual([{ status: Status.NOT_SERVING }]);
    const told = once(watching, "data");
    server.setServing(true);
    expect(await told).toEqual([{ status: Status.SERVING }]);
    expect(await check({ service: "" })).toEqual({ status: Status.SERVING });
    expect(await list({})).toEqual({ statuses: { "": { status: Status.SERVING } } });
    await expect(check({ service: "other" })).rejects.toMatchObject({ code: status.NOT_FOUND });
    const other = client.watch({ service: "other" });
    expect(await once(other, "data")).toEqual([{ status: Status.SERVICE_UNKNOWN }]);
    for (const call of [watching, other]) call.on("error", () => {}).cancel();
  } finally {
    client.close();
  }
});
