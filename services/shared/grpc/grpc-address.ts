import { isIPv6 } from "node:net";
import { z } from "zod";

/** What a target of several addresses begins with: `servers:auth-a:7001,auth-b:7001`. */
export const SERVERS_SCHEME = "servers";

/** Where a gRPC server is, `host:port`, or several of them with commas between. Answers the target for a client. */
export const grpcAddressSchema = z
  .string()
  .refine((text) => text.split(",").every(isGrpcAddress), {
    error:
      "must be host:port, without a scheme (as in auth:7001), or several with commas; an IPv6 address stands in brackets ([::1]:7001)",
  })
  .transform((text) => (text.includes(",") ? `${SERVERS_SCHEME}:${text}` : text));

function isGrpcAddress(text: string): boolean {
  const [, ip, name, port] = /^(?:\[([^\]]*)\]|([A-Za-z0-9._-]+)):([1-9]\d{0,4})$/.exec(text) ?? [];
  return Number(port) <= 65_535 && (ip === undefined ? name !== undefined : isIPv6(ip));
}
