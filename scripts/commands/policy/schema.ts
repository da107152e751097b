import { documentJsonSchema } from "../../services/policy/document/json-schema.ts";
import type { PolicyCommand } from "./policy-command.ts";

/** Prints the JSON Schema of a document. */
export const schemaCommand: PolicyCommand = {
  summary: "print the JSON Schema of a document",
  usage: `usage: npm run --silent policy -- schema

Prints the JSON Schema (2020-12) of a policy document, as it stands in infra/policies/policy.schema.json.`,
  async run(_, { say }) {
    say(JSON.stringify(documentJsonSchema(), null, 2));
    return 0;
  },
};
