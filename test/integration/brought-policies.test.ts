import { readdir, readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { sluice } from "#test/support/run-sluice.ts";

const FOLDER = new URL("../fixtures/policies/", import.meta.url);
const GUIDE = new URL("../../docs/guides/policies.md", import.meta.url);

const names = (await readdir(FOLDER)).toSorted();

it("policies of other systems are here", () => {
  expect(names).toEqual(["argocd.yaml", "casbin.yaml", "cerbos.yaml", "keycloak.yaml", "kubernetes.yaml"]);
});

it.each(names)("%s holds what its cases say, has no errors, and stands in the guide as it is", async (name) => {
  const path = new URL(name, FOLDER);
  const tested = await sluice(["policy", "test", path.pathname]);
  expect(tested.out.join("\n")).toMatch(/: (\d\d) of \1 cases hold$/);
  expect(tested.code).toBe(0);
  expect((await sluice(["policy", "lint", path.pathname])).code).toBe(0);
  const [document = ""] = (await readFile(path, "utf8")).split("tests:\n");
  expect(await readFile(GUIDE, "utf8")).toContain(`\`\`\`yaml\n${document.trimEnd()}\n\`\`\``);
});
