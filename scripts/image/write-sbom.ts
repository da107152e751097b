import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { projectPath } from "../shared/project-folder.ts";
import { requireCommand } from "../shared/run-command.ts";
import { type Bom, keepShipped } from "./keep-shipped.ts";

/** What is bundled for browsers: its packages are none of `dependencies`, as no service imports them. */
const BUNDLED = ["services/console/**/*.{ts,tsx}", "services/client/*.ts"];

/** The bill of materials of the image beside its base, as a CycloneDX document: the same for the same lock file. */
export async function writeSbom(): Promise<string> {
  const json = await requireCommand("npm", ["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application"], {
    cwd: projectPath(),
  });
  const shipped = [...Object.keys(manifest.dependencies), ...(await bundledPackages())];
  return `${JSON.stringify(keepShipped(JSON.parse(json) as Bom, manifest, shipped), null, 2)}\n`;
}

async function bundledPackages(): Promise<Set<string>> {
  const packages = new Set<string>();
  for await (const path of glob(BUNDLED, { cwd: projectPath() })) {
    if (/\.test\.tsx?$|\.config\.ts$/.test(path)) continue;
    const text = await readFile(join(projectPath(), path), "utf8");
    for (const [, name = ""] of text.matchAll(/(?:from|import) "((?:@[^/"]+\/)?[^./#"@:][^/":]*)[^":]*";/g))
      packages.add(name);
  }
  return packages;
}
