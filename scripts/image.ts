import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import manifest from "../package.json" with { type: "json" };
import { imageBuild, requireOwnVersion } from "./image/image-build.ts";
import { projectPath } from "./shared/project-folder.ts";
import { requireCommand, runCommand } from "./shared/run-command.ts";
import { runScript, say, ScriptError } from "./shared/run-script.ts";

const DOCKERFILE = projectPath("infra", "docker", "Dockerfile");

const OPTIONS = {
  name: { type: "string", default: "sluice" },
  platforms: { type: "string", default: "linux/amd64,linux/arm64" },
  base: { type: "string" },
  source: { type: "string", default: "" },
  push: { type: "boolean", default: false },
} as const;

// `npm run image -- --name registry.example.com/sluice --push`: builds the image of what is committed, on the base as the registry has it
// now, which its digest names. Without --push it is for this machine alone.
await runScript(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  if ((await requireCommand("git", ["status", "--porcelain"], { cwd: projectPath() })) !== "") {
    throw new ScriptError("something is not committed: the image would not be that of its revision");
  }
  const revision = (await requireCommand("git", ["rev-parse", "HEAD"], { cwd: projectPath() })).trim();
  const { version } = manifest;
  if (values.push) requireOwnVersion({ version, revision }, await commitOf(`v${version}`));
  // Another one is the same at a mirror.
  const base = values.base ?? /^ARG NODE_IMAGE=(\S+)$/m.exec(await readFile(DOCKERFILE, "utf8"))?.[1] ?? "";
  const inspect = ["buildx", "imagetools", "inspect", base, "--format", "{{json .Manifest}}"];
  const { digest } = JSON.parse(await requireCommand("docker", inspect)) as { readonly digest: string };
  say(`${base} is ${digest}; building ${values.name}:${version} …`);
  const build = imageBuild({ ...values, dockerfile: DOCKERFILE, version, revision, base, digest });
  await requireCommand("docker", build, { cwd: projectPath() });
  say(values.push ? "built and pushed" : "built for this machine");
  return 0;
});

/** The commit that a tag names; undefined where there is no such tag. */
async function commitOf(tag: string): Promise<string | undefined> {
  const names = ["rev-parse", "--verify", "--quiet", `refs/tags/${tag}^{commit}`];
  const { code, stdout } = await runCommand("git", names, { cwd: projectPath() });
  return code === 0 ? stdout.trim() : undefined;
}
