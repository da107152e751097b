import { credentials } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { SessionServiceClient } from "#proto/auth/v1/session.ts";
import { freePort } from "#test/support/ports.ts";
import { callUnary } from "./call-unary.ts";

test("a peer that is away is unavailable, in words that do not say where it is: callers from outside get to read them", async () => {
  const port = await freePort();
  const client = new SessionServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
  const asked = callUnary(client.findSubjects.bind(client), { questions: [] }, { timeoutMs: 5_000 });
  const error = await asked.catch((thrown: unknown) => thrown);
  client.close();
  expect(error).toMatchObject({ code: "unavailable", cause: { details: expect.stringContaining(String(port)) } });
  expect(error).not.toMatchObject({ message: expect.stringContaining("127.0.0.1") });
});
