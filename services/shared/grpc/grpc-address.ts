import { isIPv6 } from "node:net";
import { z } from "zod";

/** Where a gRPC server is: `host:port`. */
export const grpcAddressSchema = z.string().refine(isGrpcAddress, {
  error: "must be host:port, without a scheme (as in auth:7001); an IPv6 address stands in brackets ([::1]:7001)",
});

function isGrpcAddress(text: string): boolean {
  const [, ip, name, port] = /^(?:\[([^\]]*)\]|([A-Za-z0-9._-]+)):([1-9]\d{0,4})$/.exec(text) ?? [];
  return Number(port) <= 65_535 && (ip === undefined ? name !== undefined : isIPv6(ip));
}
