import { expect, test } from "vitest";
import { imageBuild, requireOwnVersion } from "./image-build.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;

const PARTS = {
  dockerfile: "Dockerfile",
  name: "registry.example.com/sluice",
  version: "1.2.3",
  revision: "c0ffee",
  base: "node:24-bookworm-slim",
  digest: DIGEST,
  source: "https://git.example.com/sluice",
  platforms: "linux/amd64,linux/arm64",
  push: true,
};

test("an image stands on a base that its digest names, and its labels say what it is of", () => {
  const text = imageBuild(PARTS).join(" ");
  expect(text).toContain("--tag registry.example.com/sluice:1.2.3 ");
  expect(text).toContain(`--build-arg NODE_IMAGE=node:24-bookworm-slim@${DIGEST} `);
  expect(text).toContain(
    "--build-arg VERSION=1.2.3 --build-arg REVISION=c0ffee --build-arg SOURCE=https://git.example.com/sluice ",
  );
  expect(text).toContain(`--build-arg BASE_NAME=node:24-bookworm-slim --build-arg BASE_DIGEST=${DIGEST} `);
  expect(text.endsWith("--platform linux/amd64,linux/arm64 --push .")).toBe(true);
});

test("an image that is not pushed is for this machine alone", () => {
  expect(imageBuild({ ...PARTS, push: false }).slice(-2)).toEqual(["--load", "."]);
});

test.each(["", "sha256:abc", `${DIGEST}0`, "<no value>"])("nothing is built where the registry says %j", (digest) => {
  expect(() => imageBuild({ ...PARTS, digest })).toThrow("says no digest of node:24-bookworm-slim");
});

test("no image is pushed in the place of a release's, but that of the release", () => {
  expect(() => requireOwnVersion(PARTS, "another")).toThrow("v1.2.3 was released, and this is another commit");
  expect(() => requireOwnVersion(PARTS, PARTS.revision)).not.toThrow();
  expect(() => requireOwnVersion(PARTS, undefined)).not.toThrow();
});
