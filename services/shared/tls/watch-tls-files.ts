import { watchFile } from "#shared/files/watch-file.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { isSameMaterial, readTlsMaterial, type TlsFiles, type TlsMaterial } from "./tls-material.ts";

/**
 * Reads the files again when they change, and calls `onChange` when they differ from `material`. Files that do not belong
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
  return watchFile({
    paths: Object.values(files).map(({ path }) => path),
    read: () => readTlsMaterial(files, name),
    onRead(fresh) {
      if (isSameMaterial(fresh, material)) return;
      onChange(fresh);
      material = fresh;
      log.info(`the certificate for ${of} was replaced`);
    },
    onFault: (fault) => log.warn({ fault }, `the certificate for ${of} cannot be replaced`),
  });
}
