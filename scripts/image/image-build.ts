import { ScriptError } from "../shared/run-script.ts";

/** What an image is built of, and what for. */
export interface ImageParts {
  readonly dockerfile: string;
  readonly name: string;
  readonly version: string;
  /** The commit. */
  readonly revision: string;
  /** The base as the Dockerfile names it, and its digest at the registry. */
  readonly base: string;
  readonly digest: string;
  /** Where the sources are, as a URL; may be empty. */
  readonly source: string;
  /** Comma-separated, for an image that is pushed. */
  readonly platforms: string;
  readonly push: boolean;
}

/**
 * The arguments of `docker` that build an image on a base that only its digest names.
 * @throws {ScriptError} where the digest is none.
 */
export function imageBuild(parts: ImageParts): readonly string[] {
  const { base, digest } = parts;
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new ScriptError(`the registry says no digest of ${base}: ${digest}`);
  const values = {
    NODE_IMAGE: `${base.replace(/@.*$/, "")}@${digest}`,
    VERSION: parts.version,
    REVISION: parts.revision,
    SOURCE: parts.source,
    BASE_NAME: base,
    BASE_DIGEST: digest,
  };
  const forWhom = parts.push ? ["--platform", parts.platforms, "--push"] : ["--load"];
  return [
    "buildx",
    "build",
    "--file",
    parts.dockerfile,
    "--tag",
    `${parts.name}:${parts.version}`,
    ...Object.entries(values).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
    ...forWhom,
    ".",
  ];
}

/**
 * Requires that an image which is pushed takes no other one's place: a version that was released is that of its tag's commit, and whoever
 * deploys it by its version gets what was released.
 * @throws {ScriptError} where the version was released as another commit than `revision`.
 */
export function requireOwnVersion(
  { version, revision }: Pick<ImageParts, "version" | "revision">,
  released: string | undefined,
): void {
  if (released === undefined || released === revision) return;
  throw new ScriptError(
    `v${version} was released, and this is another commit: build the image of the tag (git checkout v${version}), or make a release (npm run release)`,
  );
}
