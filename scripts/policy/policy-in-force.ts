import { z } from "zod";
import { compileSnapshot, type Snapshot } from "../../services/policy/decide/snapshot.ts";
import { parseDocument } from "../../services/policy/document/parse-document.ts";
import { ScriptError } from "../shared/run-script.ts";
import type { PolicyServer } from "./policy-server.ts";

const policySchema = z.object({
  version: z.int(),
  build: z.string(),
  at: z.iso.datetime(),
  document: z.string(),
  bindings: z.record(z.string(), z.array(z.string())),
});

/**
 * Reads the policy in force of a tenant.
 * @throws {ScriptError} where the server refuses, or this release cannot read what it has.
 */
export async function readPolicyInForce(server: PolicyServer, tenant: string): Promise<Snapshot> {
  const request = { method: "GET", path: `/v1/tenants/${encodeURIComponent(tenant)}/policy` } as const;
  const { version: number, build, at, document: text, bindings } = await server.call(request, policySchema);
  const { document } = parseDocument(text, tenant);
  if (document === undefined) throw new ScriptError(`this release cannot read version ${number} at ${server.url}`);
  return compileSnapshot({ number, build }, document, new Map(Object.entries(bindings)), Date.parse(at));
}
