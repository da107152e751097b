import { parseServerUrls, type ServerUrls } from "#shared/config/server-urls.ts";
import { ScriptError } from "../shared/run-script.ts";

/** Where the servers of each region are, and the operator's user of the home there. */
export type Regions = ReadonlyMap<string, ServerUrls>;

/** The variable that says it. */
const REGIONS_VARIABLE = "SLUICE_REGIONS";

const FORM = "eu=nats://operator:…@host:4222,host:4222 us=nats://operator-eu:…@host:4222";

/**
 * Reads where the regions of a home are.
 * @throws {ScriptError} saying what is wrong.
 */
export function readRegions(env: NodeJS.ProcessEnv): Regions {
  const words = (env[REGIONS_VARIABLE] ?? "").split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) throw new ScriptError(`${REGIONS_VARIABLE} says where the regions of the home are: ${FORM}`);
  return new Map(
    words.map((word) => {
      const [, region = "", url = ""] = /^([a-z][a-z0-9-]*)=(.+)$/.exec(word) ?? [];
      if (region === "") throw new ScriptError(`${REGIONS_VARIABLE} must be like ${FORM}`);
      try {
        return [region, parseServerUrls(url, { nats: 4_222, tls: 4_222 })];
      } catch (error) {
        throw new ScriptError(`${REGIONS_VARIABLE}: ${region} ${(error as Error).message}`);
      }
    }),
  );
}
