import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ensureClient } from "../../scripts/client/build-client.ts";

const run = promisify(execFile);

/** An empty project into which our client was installed from its package, as strangers install it. */
export interface InstalledClient extends AsyncDisposable {
  readonly folder: string;
  /** The package as it would be published. */
  readonly tarball: string;
  /** A file of the installed package. */
  file(name: string): string;
}

/** Packs the client, and installs it and what it depends on without a network. */
export async function installClient(): Promise<InstalledClient> {
  await ensureClient(() => {});
  const folder = await mkdtemp(join(tmpdir(), "sluice-client-"));
  const [source, parser] = ["services/client", "node_modules/eventsource-parser"].map(pathOf);
  const args = ["pack", source ?? "", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await run("npm", args, { cwd: folder });
  const [packed] = Object.values(JSON.parse(stdout) as Record<string, { readonly filename: string }>);
  const tarball = join(folder, packed?.filename ?? "");
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }));
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball, parser ?? ""], { cwd: folder });
  return {
    folder,
    tarball,
    file: (name) => join(folder, "node_modules/@sluice/client", name),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}
