import type { Command } from "commander";
import { documentJsonSchema } from "../../../services/policy/document/json-schema.ts";
import { createCommand, type Terminal } from "../../shared/command.ts";

/** `sluice policy schema`: prints the JSON Schema of a document. */
export function schemaCommand({ print }: Terminal): Command {
  return createCommand("schema", {
    summary: "print the JSON Schema of a document",
    description:
      "Prints the JSON Schema (2020-12) of a policy document. infra/policies/policy.schema.json holds the same.",
    examples: ["npx sluice policy schema > policy.schema.json"],
  }).action(() => {
    const schema = documentJsonSchema();
    print(schema, JSON.stringify(schema, null, 2));
  });
}
