import { expect, test } from "vitest";
import { grpcAddressSchema } from "./grpc-address.ts";

test.each(["127.0.0.1:7001", "auth:7001", "auth.sluice.svc.cluster.local:65535", "[::1]:7002", "[fe80::1%eth0]:1"])(
  "%s is an address of gRPC",
  (text) => expect(grpcAddressSchema.parse(text)).toBe(text),
);

test.each([
  "http://auth:7001",
  "dns:///auth:7001",
  "auth",
  "auth:",
  ":7001",
  "auth:0",
  "auth:65536",
  "auth:7001/",
  "::1:7002",
  "[auth]:7001",
  "[::1]",
  "u:p@auth:7001",
  "auth :7001",
  "auth:0x1B59",
])("%s is none", (text) => expect(() => grpcAddressSchema.parse(text)).toThrow(/must be host:port/));

test("several addresses are a target of their own, and each of them must be one", () => {
  expect(grpcAddressSchema.parse("auth-a:7001,[::1]:7002")).toBe("servers:auth-a:7001,[::1]:7002");
  expect(() => grpcAddressSchema.parse("auth-a:7001,auth-b")).toThrow(/must be host:port/);
  expect(() => grpcAddressSchema.parse("auth-a:7001,")).toThrow(/must be host:port/);
});
