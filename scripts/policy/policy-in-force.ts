import { z } from "zod";
import { compileSnapshot, type WholeSnapshot } from "../../services/policy/decide/snapshot.ts";
import { SubjectRoles } from "../../services/policy/decide/subject-roles.ts";
import { parseDocument } from "../../services/policy/document/parse-document.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { ScriptError } from "../shared/run-script.ts";
import type { PolicyServer } from "./policy-server.ts";

const headSchema = z.object({ version: z.int(), at: z.iso.datetime(), document: z.string() });
const boundSchema = z.object({ subject: z.string(), roles: z.array(z.string()) });

/**
 * Reads the policy in force of a tenant.
 * @throws {ScriptError} where the server refuses, or this release cannot read what it has.
 */
export async function readPolicyInForce(server: PolicyServer, tenant: string): Promise<WholeSnapshot> {
  const path = `/v1/tenants/${encodeURIComponent(tenant)}/export`;
  const [first = "", ...lines] = (await server.read({ method: "GET", path })).trimEnd().split("\n");
  const head = headSchema.safeParse(parseJson(first));
  const bound = z.array(boundSchema).safeParse(lines.map(parseJson));
  if (!head.success || !bound.success) {
    throw new ScriptError(`what answers at ${server.url} is not policy, or another release of it`);
  }
  const { version: number, at, document: text } = head.data;
  const { document } = parseDocument(text, tenant);
  if (document === undefined) throw new ScriptError(`this release cannot read version ${number} at ${server.url}`);
  const bindings = SubjectRoles.from(bound.data.map(({ subject, roles }) => [subject, roles]));
  return compileSnapshot({ number, build: "" }, document, bindings, Date.parse(at));
}
