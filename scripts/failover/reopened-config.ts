import { z } from "zod";
import { BEFORE_FENCE_METADATA, FENCED_AT_METADATA, FENCED_METADATA, TERM_METADATA } from "#shared/contract/home.ts";
import { settingsBeforeFence } from "#shared/nats/settings-before-fence.ts";

const metadataSchema = z.record(z.string(), z.string()).default({});

/** The settings by which a fenced stream that is restored takes events again, in the next term; those of any other stream as they are. */
export function reopenedConfig<Config extends Readonly<Record<string, unknown>>>(config: Config): Config {
  const metadata = metadataSchema.parse(config["metadata"]);
  if (metadata[FENCED_METADATA] === undefined) return config;
  const { [FENCED_METADATA]: term, [FENCED_AT_METADATA]: _, [BEFORE_FENCE_METADATA]: __, ...kept } = metadata;
  return {
    ...config,
    sealed: false,
    ...settingsBeforeFence({ metadata }),
    metadata: { ...kept, [TERM_METADATA]: String(Number(term) + 1) },
  };
}
