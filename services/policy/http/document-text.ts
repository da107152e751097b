import { z } from "zod";

/** The text of a policy document: YAML, or JSON. */
export const documentTextSchema = z
  .string()
  .describe("A policy document, as YAML or as JSON: infra/policies/policy.schema.json says its form.");

/** A small document. */
export const DOCUMENT_EXAMPLE = `tenant: acme
roles:
  viewer: { allow: ["order:read"] }
bindings:
  - { role: viewer, subjects: ["ann"] }
events:
  "order.*": order:read
`;
