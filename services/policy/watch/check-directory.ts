import { readdir } from "node:fs/promises";

/** Why the folder of policy documents cannot be read, in words for the operator; undefined where it can, or none is set. */
export async function checkDirectory(directory: string | undefined): Promise<string | undefined> {
  if (directory === undefined) return undefined;
  try {
    await readdir(directory);
    return undefined;
  } catch (error) {
    return `POLICY_DOCUMENTS_DIR cannot be read (${(error as Error).message}): tenants keep the documents they have`;
  }
}
