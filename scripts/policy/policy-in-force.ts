import { z } from "zod";
import type { PolicySource } from "../../services/policy/decide/policy-diff.ts";
import { parseDocument } from "../../services/policy/document/parse-document.ts";
import { ScriptError } from "../shared/run-script.ts";
import type { PolicyServer } from "./policy-server.ts";

const policySchema = z.object({
  version: z.int(),
  document: z.string(),
  bindings: z.record(z.string(), z.array(z.string())),
});

/** A tenant's policy as a server has it in force. */
export interface PolicyInForce extends PolicySource {
  readonly version: number;
  readonly text: string;
}

/**
 * Reads the policy in force of a tenant.
 * @throws {ScriptError} where the server refuses, or this release cannot read what it has.
 */
export async function readPolicyInForce(server: PolicyServer, tenant: string): Promise<PolicyInForce> {
  const request = { method: "GET", path: `/v1/tenants/${encodeURIComponent(tenant)}/policy` } as const;
  const { version, document: text, bindings } = await server.call(request, policySchema);
  const { document } = parseDocument(text, tenant);
  if (document === undefined) throw new ScriptError(`this release cannot read version ${version} at ${server.url}`);
  return { version, text, document, httpBindings: new Map(Object.entries(bindings)) };
}
