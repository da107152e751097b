import { fail, type Finding, ok, warn } from "../shared/finding.ts";

/** The oldest release of nats-server that has what the services use. */
const OLDEST = [2, 12, 0];

/** The first that leaves nothing out of a mirror when a link is cut. */
const OLDEST_OF_REGIONS = [2, 15, 3];

/** What a release of nats-server means for a bus; `domain` is its region, undefined of one that is in none. */
export function natsVersionFinding(version: string, domain: string | undefined): Finding {
  const found = `nats-server ${version}`;
  if (isBefore(version, OLDEST)) return fail("bus", found, `Sluice needs ${OLDEST.slice(0, 2).join(".")} or newer.`);
  if (domain === undefined || !isBefore(version, OLDEST_OF_REGIONS)) return ok("bus", found);
  const advice = `Before ${OLDEST_OF_REGIONS.join(".")} a mirror may lack events after a cut, and is made anew: upgrade the servers of both regions.`;
  return warn("bus", found, advice);
}

function isBefore(version: string, oldest: readonly number[]): boolean {
  const parts = version.split(/[.-]/).map(Number);
  const place = oldest.findIndex((part, index) => part !== parts[index]);
  return place >= 0 && (parts[place] ?? 0) < (oldest[place] ?? 0);
}
