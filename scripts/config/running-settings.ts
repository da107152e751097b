import { z } from "zod";
import { parseJson } from "#shared/json/parse-json.ts";
import { ScriptError } from "../shared/run-script.ts";
import { opsUrlOf, type ServiceName } from "../shared/service-calls.ts";
import { type DescribedSetting, describeSettings } from "./describe-settings.ts";

const TIMEOUT_MS = 5_000;

const runningSchema = z.object({
  service: z.string(),
  settings: z.record(z.string(), z.record(z.string(), z.string())),
});

/**
 * The settings of the process that answers at a service's operations port. Names that this release does not know are among them.
 * @throws {ScriptError} where none answers, or another service does.
 */
export async function readRunningSettings(service: ServiceName, env: NodeJS.ProcessEnv): Promise<DescribedSetting[]> {
  const url = `${opsUrlOf(service, env)}/debug/settings`;
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "error" }).catch(
    () => undefined,
  );
  const variable = `${service.toUpperCase()}_OPS_URL`;
  if (response === undefined)
    throw new ScriptError(`${service} does not answer at ${url}; ${variable} says where it is`);
  const { data } = runningSchema.safeParse(parseJson(await response.text()));
  if (data?.service !== service)
    throw new ScriptError(`what answers at ${url} is not ${service}, or another release of it`);
  const running = Object.entries(data.settings).flatMap(([source, values]) =>
    Object.entries(values).map(([name, value]) => [name, { value, source }] as const),
  );
  const found = new Map(running);
  const known = describeSettings(service, {}).map((setting) => {
    const now = found.get(setting.name) ?? { value: undefined, source: "none" };
    found.delete(setting.name);
    return { ...setting, ...now };
  });
  const meaning = "a setting of another release";
  const unknown = [...found].map(([name, now]) => ({
    service,
    name,
    ...now,
    default: undefined,
    meaning,
    see: undefined,
  }));
  return [...known, ...unknown];
}
