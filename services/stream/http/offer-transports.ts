import type { ServerResponse } from "node:http";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { identityOf } from "../access/registration.ts";
import type { Hub } from "../connections/hub.ts";
import { askerOf, type TransportAsker, type Transports } from "../transports/transports.ts";
import { TRANSPORTS_HEADER } from "./stream-headers.ts";

/** The edge, as far as clients are told which transports are on. */
export interface OfferingEdge {
  readonly hub: Pick<Hub, "tenant">;
  readonly transports: Transports;
}

/** A caller as the edge knows it, for questions about transports; undefined where nobody is known, or nothing of the tenant. */
export function knownAsker(
  { hub }: Pick<OfferingEdge, "hub">,
  claims: VerifiedClaims | undefined,
  client: string | undefined,
): TransportAsker | undefined {
  const tenant = claims && hub.tenant(claims.tenant_id);
  return claims && tenant && askerOf(identityOf(claims), client, tenant.decisions);
}

/** Sets the header of an answer that says which transports are on for its caller. */
export function offerTransports(edge: OfferingEdge, response: ServerResponse, asker: TransportAsker | undefined): void {
  response.setHeader(TRANSPORTS_HEADER, edge.transports.offeredTo(asker).join(", "));
}
