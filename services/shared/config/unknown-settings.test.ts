import { describe, expect, test } from "vitest";
import { editDistance, findUnknownSettings } from "./unknown-settings.ts";

describe("a variable with one of our prefixes", () => {
  test.each([
    ["AUTH_ISUER", "AUTH_ISSUER"],
    ["STREAM_MAX_CONECTIONS", "STREAM_MAX_CONNECTIONS"],
    ["NATS_URI", "NATS_URL"],
    ["SLUICE_DEMOS", "SLUICE_DEMO"],
    ["GRPC_TLS_CERTFILE", "GRPC_TLS_CERT_FILE"],
    ["STREAM_THIS_IS_LIKE_NOTHING_AT_ALL", undefined],
  ])("that is misspelt as %s is unknown, and most like %s", (name, nearest) => {
    expect(findUnknownSettings({ [name]: "x" }, [])).toEqual([{ name, nearest }]);
  });

  test("is known where this service or another reads it", () => {
    expect(
      findUnknownSettings(
        { AUTH_ISSUER_SECRET_OKTA: "w", AUTH_USERS_FILE: "x", STREAM_NEW: "y", NATS_AUTH_PASSWORD: "z" },
        ["STREAM_NEW"],
      ),
    ).toEqual([]);
  });

  test("is no typing error where gRPC's own library reads it", () => {
    expect(findUnknownSettings({ GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: "/x", GRPC_NODE_TRACE: "all" }, [])).toEqual([]);
  });

  test("is no typing error where Kubernetes sets it for a service", () => {
    const links = {
      AUTH_SERVICE_HOST: "10.0.0.1",
      AUTH_SERVICE_PORT: "8081",
      AUTH_SERVICE_PORT_GRPC: "7001",
      AUTH_PORT: "tcp://10.0.0.1:8081",
      AUTH_PORT_8081_TCP: "tcp://10.0.0.1:8081",
      AUTH_PORT_8081_TCP_PROTO: "tcp",
      AUTH_PORT_8081_TCP_PORT: "8081",
      AUTH_PORT_8081_TCP_ADDR: "10.0.0.1",
      REDIS_MASTER_SERVICE_HOST: "10.0.0.2",
    };
    expect(findUnknownSettings(links, [])).toEqual([]);
  });
});

test("a variable of anybody else is nobody's business", () => {
  expect(findUnknownSettings({ PATH: "/bin", MY_AUTH_ISUER: "x", AUTHORIZATION: "y" }, [])).toEqual([]);
});

test.each([
  ["", "", 0],
  ["", "abc", 3],
  ["kitten", "sitting", 3],
  ["flaw", "lawn", 2],
  ["NATS_URL", "NATS_URL", 0],
])("from %j to %j it is %d changes", (one, other, distance) => {
  expect(editDistance(one, other)).toBe(distance);
  expect(editDistance(other, one)).toBe(distance);
});
