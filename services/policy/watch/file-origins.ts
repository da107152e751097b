import type { StoredPolicy } from "../versions/stored-policy.ts";

/** The files that the documents in force come from, by tenant. */
export class FileOrigins {
  readonly #files = new Map<string, string>();

  /** Takes note of the policy of a tenant; undefined where it has none any more. */
  note(tenant: string, policy: Pick<StoredPolicy, "document" | "lifecycle"> | undefined): void {
    if (policy?.document.origin.kind === "file" && policy.lifecycle.state !== "deleted") {
      this.#files.set(tenant, policy.document.origin.name);
    } else {
      this.#files.delete(tenant);
    }
  }

  /** Those that are not among the files which are there. */
  missingFrom(present: ReadonlySet<string>): Array<{ readonly tenant: string; readonly file: string }> {
    return [...this.#files].filter(([, file]) => !present.has(file)).map(([tenant, file]) => ({ tenant, file }));
  }
}
