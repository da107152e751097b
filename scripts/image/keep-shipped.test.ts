import { expect, test } from "vitest";
import { keepShipped } from "./keep-shipped.ts";

const component = (name: string): { "bom-ref": string; name: string } => ({ "bom-ref": `${name}@1.0.0`, name });

const BOM = {
  bomFormat: "CycloneDX",
  serialNumber: "urn:uuid:00000000-0000-4000-8000-000000000000",
  metadata: { timestamp: "2026-01-01T00:00:00Z", component: { ...component("a-folder"), version: "1.0.0" } },
  components: ["served", "inner", "shown", "tool", "tool-inner"].map(component),
  dependencies: [
    { ref: "product@1.0.0", dependsOn: ["served@1.0.0", "shown@1.0.0", "tool@1.0.0"] },
    { ref: "served@1.0.0", dependsOn: ["inner@1.0.0"] },
    { ref: "inner@1.0.0", dependsOn: ["served@1.0.0"] },
    { ref: "shown@1.0.0", dependsOn: [] },
    { ref: "tool@1.0.0", dependsOn: ["tool-inner@1.0.0"] },
    { ref: "tool-inner@1.0.0", dependsOn: [] },
  ],
};

test("a bill of materials has what is shipped and what that needs, no tools, and nothing of the moment", () => {
  const product = { name: "product", version: "1.0.0" };
  expect(keepShipped(BOM, product, ["served", "shown", "absent"])).toEqual({
    bomFormat: "CycloneDX",
    metadata: {
      component: { "bom-ref": "product@1.0.0", type: "application", name: "product", version: "1.0.0" },
    },
    components: ["served", "inner", "shown"].map(component),
    dependencies: [
      { ref: "product@1.0.0", dependsOn: ["served@1.0.0", "shown@1.0.0"] },
      { ref: "served@1.0.0", dependsOn: ["inner@1.0.0"] },
      { ref: "inner@1.0.0", dependsOn: ["served@1.0.0"] },
      { ref: "shown@1.0.0", dependsOn: [] },
    ],
  });
});
