import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findOnPath } from "../../scripts/provision/find-on-path.ts";
import { startChild } from "./child.ts";
import { freePort } from "./ports.ts";
import { nginxMain } from "./nginx-main.ts";
import { takesConnections } from "./takes-connections.ts";
import { waitFor } from "./wait.ts";

/** The reverse proxies of `infra/proxy` that tests can start. */
export type ProxyName = "nginx" | "caddy" | "haproxy" | "apache2" | "envoy";

/** The services behind a proxy, and its certificate. */
export interface ProxyOptions {
  /** The ports of the services on this machine. */
  readonly edge: number;
  readonly auth: number;
  readonly policy: number;
  /** The files of the certificate for app.example.com and its key. */
  readonly certificate: string;
  readonly key: string;
  /** How long an edge may be silent before the proxy gives up, in seconds; by default as its file says. */
  readonly silenceSeconds?: number;
}

/** A proxy that takes connections. */
export interface RunningProxy extends AsyncDisposable {
  readonly name: ProxyName;
  readonly port: number;
}

/** Whether the proxy is on this machine. */
export function isProxyHere(name: ProxyName): boolean {
  return programOf(name) !== undefined;
}

/**
 * Starts a proxy with its file of `infra/proxy`. Only the marked places are replaced: the addresses, the port and the
 * certificate.
 * @throws when the file lacks such a place or has it twice, and when the proxy ends at once.
 */
export async function startProxy(name: ProxyName, options: ProxyOptions): Promise<RunningProxy> {
  const folder = await mkdtemp(join(tmpdir(), `sluice-${name}-`));
  // A proxy that root starts reads some files as another user.
  await chmod(folder, 0o755);
  const places: Places = { ...options, folder, port: await freePort() };
  const { file, changes, silence, besides, args, env, endsBy } = RECIPES[name];
  const replaced = { ...changes(places), ...silenceIn(silence, options) };
  await writeFile(join(folder, file), render(await readFile(inInfra(file), "utf8"), replaced));
  for (const [path, text] of Object.entries((await besides?.(places)) ?? {})) await writeFile(join(folder, path), text);
  const child = startChild(programOf(name) ?? name, args(places), { HOME: folder, ...(await env?.()) });
  const dispose = async (): Promise<void> => {
    await child.end(endsBy);
    await rm(folder, { recursive: true });
  };
  await waitFor(`${name} takes connections`, () => takesConnections(child, places.port)).catch(async (error: Error) => {
    await dispose();
    throw new Error(`${error.message}\n${child.output()}`);
  });
  return { name, port: places.port, [Symbol.asyncDispose]: dispose };
}

interface Places extends ProxyOptions {
  readonly folder: string;
  readonly port: number;
}

interface Recipe {
  /** The file of `infra/proxy`. */
  readonly file: string;
  /** The replacement of each place in the test. */
  readonly changes: (places: Places) => Readonly<Record<string, string>>;
  /** The text of the file before the seconds of silence that an edge may keep. */
  readonly silence: string;
  /** Other files of its folder, by name. */
  readonly besides?: (places: Places) => Promise<Readonly<Record<string, string>>>;
  readonly args: (places: Places) => readonly string[];
  readonly env?: () => Promise<NodeJS.ProcessEnv>;
  /** What ends it with all its processes, at once. */
  readonly endsBy: NodeJS.Signals;
}

const CERTIFICATE = "/etc/sluice/tls/cert.pem";
const KEY = "/etc/sluice/tls/key.pem";

const RECIPES: Readonly<Record<ProxyName, Recipe>> = {
  nginx: {
    file: "nginx.conf",
    changes: (places) => ({
      ...addresses(places),
      ...certificate(places),
      "listen 443 ": `listen 127.0.0.1:${places.port} `,
    }),
    silence: "proxy_read_timeout ",
    besides: async ({ folder }) => ({ "main.conf": mainOfNginx(folder) }),
    args: ({ folder }) => ["-e", "stderr", "-p", folder, "-c", join(folder, "main.conf")],
    endsBy: "SIGTERM",
  },
  caddy: {
    file: "Caddyfile",
    changes: (places) => ({
      ...addresses(places),
      ...certificate(places),
      "app.example.com:443": `app.example.com:${places.port}`,
    }),
    silence: "response_header_timeout ",
    args: ({ folder }) => ["run", "--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"],
    env: async () => ({ CADDY_ADMIN: `127.0.0.1:${await freePort()}` }),
    endsBy: "SIGKILL",
  },
  haproxy: {
    file: "haproxy.cfg",
    changes: (places) => ({
      ...addresses(places),
      "SLUICE_LISTEN :443": `SLUICE_LISTEN 127.0.0.1:${places.port}`,
      "/etc/sluice/tls/cert-and-key.pem": join(places.folder, "cert-and-key.pem"),
      "/etc/haproxy/haproxy-busy.http": inInfra("haproxy-busy.http"),
    }),
    silence: "timeout server ",
    besides: async (places) => ({
      "cert-and-key.pem": (await readFile(places.certificate, "utf8")) + (await readFile(places.key, "utf8")),
    }),
    args: ({ folder }) => ["-db", "-f", join(folder, "haproxy.cfg")],
    endsBy: "SIGKILL",
  },
  apache2: {
    file: "apache.conf",
    changes: (places) => ({
      ...addresses(places),
      ...certificate(places),
      "SLUICE_PORT 443": `SLUICE_PORT ${places.port}`,
      "SLUICE_BUSY /etc/apache2/sites-available/apache-busy.asis": `SLUICE_BUSY ${join(places.folder, "apache-busy.asis")}`,
    }),
    silence: "ProxyTimeout ",
    besides: async (places) => ({
      "apache-busy.asis": await readFile(inInfra("apache-busy.asis"), "utf8"),
      "main.conf": await mainOfApache(places),
    }),
    args: ({ folder }) => ["-d", folder, "-f", join(folder, "main.conf"), "-DFOREGROUND"],
    endsBy: "SIGTERM",
  },
  envoy: {
    file: "envoy.yaml",
    changes: ({ edge, auth, policy, port, ...places }) => ({
      ...certificate(places),
      "port_value: 8080": `port_value: ${edge}`,
      "port_value: 8081": `port_value: ${auth}`,
      "port_value: 8082": `port_value: ${policy}`,
      "address: 0.0.0.0, port_value: 443": `address: 127.0.0.1, port_value: ${port}`,
    }),
    silence: "stream_idle_timeout: ",
    args: ({ folder }) => [
      "-c",
      join(folder, "envoy.yaml"),
      "--disable-hot-restart",
      "--concurrency",
      "1",
      "-l",
      "error",
    ],
    endsBy: "SIGKILL",
  },
};

function addresses({ edge, auth, policy }: Places): Record<string, string> {
  const at = (port: number): string => `127.0.0.1:${port}`;
  return { "127.0.0.1:8080": at(edge), "127.0.0.1:8081": at(auth), "127.0.0.1:8082": at(policy) };
}

function certificate(at: Pick<Places, "certificate" | "key">): Record<string, string> {
  return { [CERTIFICATE]: at.certificate, [KEY]: at.key };
}

function silenceIn(place: string, { silenceSeconds }: ProxyOptions): Record<string, string> {
  return silenceSeconds === undefined ? {} : { [`${place}60`]: `${place}${silenceSeconds}` };
}

/** Users should have to change each place once, as the file's first lines promise. */
function render(text: string, changes: Readonly<Record<string, string>>): string {
  const places = Object.entries(changes);
  for (const [place] of places) {
    if (text.split(place).length !== 2) throw new Error(`"${place}" must stand once in the file`);
  }
  return places.reduce((changed, [place, value]) => changed.replace(place, () => value), text);
}

/** What Debian's own nginx.conf has around the file, with its gzip at its worst. */
function mainOfNginx(folder: string): string {
  return nginxMain(folder, `gzip on;\n  gzip_types text/event-stream;\n  include ${folder}/nginx.conf;`);
}

const APACHE_MODULES = [
  "mpm_event",
  "authz_core",
  "alias",
  "asis",
  "deflate",
  "env",
  "filter",
  "headers",
  "http2",
  "proxy",
  "proxy_http",
  "socache_shmcb",
  "ssl",
];

async function mainOfApache({ folder, port }: Places): Promise<string> {
  const modules = await modulesOfApache();
  const load = APACHE_MODULES.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`);
  return `${load.join("\n")}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${folder}/apache.pid
DefaultRuntimeDir ${folder}
ErrorLog ${folder}/error.log
User nobody
AddOutputFilterByType DEFLATE text/event-stream
Include ${folder}/apache.conf
`;
}

/** Beside the program where its packages were unpacked, else where Debian installs them. */
async function modulesOfApache(): Promise<string> {
  const bin = dirname(await realpath(programOf("apache2") ?? ""));
  const unpacked = join(bin, "../packages/apache2/usr/lib/apache2/modules");
  return existsSync(unpacked) ? unpacked : "/usr/lib/apache2/modules";
}

function programOf(name: ProxyName): string | undefined {
  return findOnPath(name, process.env["PATH"] ?? "");
}

function inInfra(file: string): string {
  return fileURLToPath(new URL(`../../infra/proxy/${file}`, import.meta.url));
}
