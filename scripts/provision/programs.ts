/** A program that Sluice or its tests run, and where it can be had. */
export interface Program {
  /** Its name in `.sluice/bin`. */
  readonly name: string;
  /** The names it may have on PATH. */
  readonly commands: readonly string[];
  /** The argument that makes it tell its version; `--version` where there is none. */
  readonly versionArgument?: string;
  /** The oldest version that will do. */
  readonly atLeast: readonly [major: number, minor: number];
  /** The sets of Debian packages that hold it; the first set that the archive has is taken. */
  readonly packages: readonly (readonly string[])[];
  /** The Debian suite that has it where the system's own suite is too old. The package must run without its dependencies. */
  readonly newerSuite?: string;
  /** Where the packages put it: the first of these files that is there. */
  readonly files: readonly string[];
  /** Its Homebrew formula. */
  readonly formula?: string;
}

/** JetStream as the services need it begins with 2.12; before that a recreated stream clamps start sequences in silence. */
export const natsServer: Program = {
  name: "nats-server",
  commands: ["nats-server"],
  atLeast: [2, 12],
  packages: [["nats-server"]],
  newerSuite: "sid",
  files: ["usr/sbin/nats-server", "usr/bin/nats-server"],
  formula: "nats-server",
};

/** Redis or Valkey, whichever is there. The program proper is in the package of tools, the server's own is a link to it. */
export const redisServer: Program = {
  name: "redis-server",
  commands: ["redis-server", "valkey-server"],
  atLeast: [7, 0],
  packages: [
    ["redis-server", "redis-tools"],
    ["valkey-server", "valkey-tools"],
  ],
  files: ["usr/bin/redis-server", "usr/bin/valkey-server"],
  formula: "redis",
};

/** The browser of the tests, with one font so that pages have text to measure. */
export const chromium: Program = {
  name: "chromium",
  commands: ["chromium"],
  atLeast: [120, 0],
  packages: [["chromium", "fonts-dejavu-core"]],
  files: ["usr/lib/chromium/chromium"],
};

const nginx: Program = {
  name: "nginx",
  commands: ["nginx"],
  versionArgument: "-v",
  atLeast: [1, 22],
  packages: [["nginx"]],
  files: ["usr/sbin/nginx"],
  formula: "nginx",
};

/** Debian 12 has 2.6, which knows no `handle_errors 502`; the newer one is static. */
const caddy: Program = {
  name: "caddy",
  commands: ["caddy"],
  atLeast: [2, 8],
  packages: [["caddy"]],
  newerSuite: "sid",
  files: ["usr/bin/caddy"],
  formula: "caddy",
};

const haproxy: Program = {
  name: "haproxy",
  commands: ["haproxy"],
  versionArgument: "-v",
  atLeast: [2, 6],
  packages: [["haproxy"]],
  files: ["usr/sbin/haproxy"],
  formula: "haproxy",
};

/** Its modules lie in `usr/lib/apache2/modules` of the same folder. */
const apache: Program = {
  name: "apache2",
  commands: ["apache2"],
  versionArgument: "-v",
  atLeast: [2, 4],
  packages: [["apache2-bin"]],
  files: ["usr/sbin/apache2"],
};

/** The reverse proxies that `infra/proxy` has files for and Debian has packages of. */
export const proxies: readonly Program[] = [nginx, caddy, haproxy, apache];
