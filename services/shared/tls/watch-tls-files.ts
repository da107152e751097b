import type { Logger } from "#shared/log/create-logger.ts";
import { isSameMaterial, readTlsMaterial, type TlsFiles, type TlsMaterial } from "./tls-material.ts";

/** How often the files are looked at: they are small, and a look costs less than missing one replaced by a link. */
const LOOK_EVERY_MS = 1_000;

/**
 * Reads the files again and again, and tells when what stands in them has changed from `material`. Files that do not belong
 * together, as they may while one is replaced after the other, change nothing: what was good before stays in use, and the
 * fault is logged once.
 */
export function watchTlsFiles(watched: {
  readonly files: TlsFiles;
  readonly name?: string;
  readonly material: TlsMaterial;
  readonly onChange: (material: TlsMaterial) => void;
  /** What the certificate is for, in the log. */
  readonly of: string;
  readonly log: Logger;
}): Disposable {
  const { files, name, onChange, of, log } = watched;
  let { material } = watched;
  let fault = "";
  const look = async (): Promise<void> => {
    try {
      const fresh = await readTlsMaterial(files, name);
      fault = "";
      if (isSameMaterial(fresh, material)) return;
      onChange(fresh);
      material = fresh;
      log.info(`the certificate for ${of} was replaced`);
    } catch (error) {
      const { message } = error as Error;
      if (message !== fault) log.warn({ fault: message }, `the certificate for ${of} cannot be replaced`);
      fault = message;
    }
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
