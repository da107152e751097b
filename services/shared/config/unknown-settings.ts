import { KNOWN_SETTINGS } from "./known-settings.ts";

const OURS = /^(AUTH|POLICY|STREAM|PUBLISH|GRPC|SLUICE|REDIS|NATS)_/;

/** The passwords in infra/nats/nats.conf, one for each of its users. */
const BUS_PASSWORD = /^NATS_\w+_PASSWORD$/;

/** Secrets that the issuers' file names, one for each issuer. */
const ISSUER_SECRET = /^AUTH_ISSUER_SECRET_\w+$/;

/** Variables that gRPC's own library reads. */
const OF_GRPC = /^GRPC_(DEFAULT_SSL_ROOTS_FILE_PATH|EXPERIMENTAL_\w+|NODE_\w+|SSL_CIPHER_SUITES|TRACE|VERBOSITY)$/;

/** What Kubernetes sets for each service of a namespace, whatever it is called, besides `<SERVICE>_PORT`. */
const SERVICE_LINK = /_(SERVICE_(HOST|PORT(_.+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

/** A variable that looks like a setting of ours and is none. */
export interface UnknownSetting {
  readonly name: string;
  /** The setting that it is most like; undefined where it is like none. */
  readonly nearest: string | undefined;
}

/**
 * The variables with our prefixes that are neither among `own`, which are a service's settings, nor known elsewhere. What
 * Kubernetes sets by itself is left out.
 */
export function findUnknownSettings(env: NodeJS.ProcessEnv, own: readonly string[]): UnknownSetting[] {
  const known = [...new Set([...own, ...KNOWN_SETTINGS])];
  const isUnknown = (name: string, value = ""): boolean =>
    OURS.test(name) &&
    !BUS_PASSWORD.test(name) &&
    !ISSUER_SECRET.test(name) &&
    !OF_GRPC.test(name) &&
    !known.includes(name) &&
    !isServiceLink(name, value);
  return Object.entries(env)
    .filter(([name, value]) => isUnknown(name, value))
    .map(([name]) => ({ name, nearest: nearestTo(name, known) }));
}

/** Whether Kubernetes set a variable, for a service of that name (`enableServiceLinks`). */
export function isServiceLink(name: string, value: string): boolean {
  return SERVICE_LINK.test(name) || (name.endsWith("_PORT") && /^(tcp|udp|sctp):\/\//.test(value));
}

function nearestTo(name: string, settings: readonly string[]): string | undefined {
  const distances = settings.map((known) => ({ known, distance: editDistance(name, known) }));
  const [nearest] = distances.toSorted((one, other) => one.distance - other.distance);
  return nearest !== undefined && nearest.distance <= name.length / 3 ? nearest.known : undefined;
}

/** How many characters must be put in, left out or replaced to make one text the other (Levenshtein). */
export function editDistance(one: string, other: string): number {
  let row = [...Array(other.length + 1).keys()];
  for (const [index, character] of one.split("").entries()) {
    const next = [index + 1];
    for (const [column, against] of other.split("").entries()) {
      const [above = 0, before = 0, diagonal = 0] = [row[column + 1], next[column], row[column]];
      next.push(Math.min(above + 1, before + 1, diagonal + (character === against ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
