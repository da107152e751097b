/** A program that Sluice or its tests run, and where it can be had. */
export interface Program {
  /** Its name in `.sluice/bin`. */
  readonly name: string;
  /** The names it may have on PATH. */
  readonly commands: readonly string[];
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
  /** The arguments that make it tell its version, where `--version` does not. */
  readonly versionArguments?: readonly string[];
  /**
   * Its packages hold several programs that find each other by their places under /usr. It is always unpacked, and its name
   * runs the command in the arguments with the packages' /usr over the system's: `webkit WebKitWebDriver --port=4444`.
   */
  readonly overlaysUsr?: true;
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

/** The first of the proxies; one that holds event streams back stands before clients in tests. */
export const nginx: Program = {
  name: "nginx",
  commands: ["nginx"],
  versionArguments: ["-v"],
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

/** The proxy in front of a cluster, too. */
export const haproxy: Program = {
  name: "haproxy",
  commands: ["haproxy"],
  versionArguments: ["-v"],
  atLeast: [2, 6],
  packages: [["haproxy"]],
  files: ["usr/sbin/haproxy"],
  formula: "haproxy",
};

/** Its modules lie in `usr/lib/apache2/modules` of the same folder. */
const apache: Program = {
  name: "apache2",
  commands: ["apache2"],
  versionArguments: ["-v"],
  atLeast: [2, 4],
  packages: [["apache2-bin"]],
  files: ["usr/sbin/apache2"],
};

/** The reverse proxies that `infra/proxy` has files for and Debian has packages of. */
export const proxies: readonly Program[] = [nginx, caddy, haproxy, apache];

/** The second browser of the client matrix. */
export const firefox: Program = {
  name: "firefox",
  commands: ["firefox", "firefox-esr"],
  atLeast: [128, 0],
  packages: [["firefox-esr", "fonts-dejavu-core"]],
  files: ["usr/lib/firefox-esr/firefox-esr"],
};

/** The third: WebKitGTK's driver and small browser, and a display for them. The driver tells no version; its change log does. */
export const webkit: Program = {
  name: "webkit",
  commands: ["webkit2gtk-driver"],
  atLeast: [2, 40],
  packages: [["webkit2gtk-driver", "xvfb", "fonts-dejavu-core"]],
  files: [],
  versionArguments: [
    "sh",
    "-c",
    "WebKitWebDriver --help >&2 && command -v Xvfb >&2 && zcat /usr/share/doc/webkit2gtk-driver/changelog.Debian.gz | head -n 1",
  ],
  overlaysUsr: true,
};

/** Tests alerts and names of metrics. It comes with Prometheus, in newer suites in a package of its own. */
export const promtool: Program = {
  name: "promtool",
  commands: ["promtool"],
  atLeast: [2, 40],
  packages: [["promtool"], ["prometheus"]],
  files: ["usr/bin/promtool"],
};
