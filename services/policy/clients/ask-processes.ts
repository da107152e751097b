import { z } from "zod";
import { toAppError } from "#shared/errors/app-error.ts";
import type { FetchJson } from "#shared/tokens/http/fetch-json.ts";
import type { OpsTarget } from "./ops-urls.ts";

const statusSchema = z.object({
  service: z.string(),
  version: z.string(),
  reasons: z.array(z.object({ code: z.string(), detail: z.string() })),
  settings: z.record(z.string(), z.record(z.string(), z.string())),
});

/** What a process says at its operations port, under the name that policy knows it by; or why it says nothing. */
export type ProcessStatus = { readonly name: string } & (z.infer<typeof statusSchema> | { readonly fault: string });

/** Asks each of these processes what it was set to, and why it takes no new work. */
export function createProcessQuestions(
  targets: readonly OpsTarget[],
  fetchJson: FetchJson,
): () => Promise<ProcessStatus[]> {
  const ask = async ({ name, url }: OpsTarget): Promise<ProcessStatus> => {
    try {
      const parsed = statusSchema.safeParse(await fetchJson({ url: `${url}/debug/settings` }));
      return parsed.success ? { name, ...parsed.data } : { name, fault: "what answers there is no service of ours" };
    } catch (error) {
      return { name, fault: toAppError(error).message };
    }
  };
  return () => Promise.all(targets.map(ask));
}
