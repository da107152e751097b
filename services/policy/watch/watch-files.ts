import type { Logger } from "#shared/log/create-logger.ts";
import type { PolicyMetrics } from "../metrics.ts";
import type { TenantDeps } from "../tenants/tenant-deps.ts";
import { applyFile } from "./apply-file.ts";
import type { FileOrigins } from "./file-origins.ts";
import { type DocumentWatch, NO_FILES, watchDocuments } from "./watch-documents.ts";

const WATCH_EVERY_MS = 300;

/** Puts the document files of a directory in force, and watches them; without a directory there is no file. */
export async function watchFiles(
  directory: string | undefined,
  deps: TenantDeps,
  origins: FileOrigins,
  { documentsRejected, documentsMissing }: PolicyMetrics,
  log: Logger,
): Promise<DocumentWatch> {
  if (directory === undefined) return NO_FILES;
  return watchDocuments({
    directory,
    everyMs: WATCH_EVERY_MS,
    clock: deps.clock,
    log,
    origins,
    apply: (file, occasion) => applyFile(deps, file, occasion),
    onRejected: () => documentsRejected.inc(),
    onMissing: (count) => documentsMissing.set(count),
  });
}
