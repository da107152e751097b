import { join, resolve } from "node:path";
import type { ProvisionOptions } from "./provision.ts";
import { installPythonPackages } from "./python-packages.ts";

const REQUIREMENTS = "test/soak/schemathesis/requirements.txt";

/**
 * Gets Schemathesis, which makes requests up from a document of OpenAPI, into a virtual environment in `<home>/schemathesis`.
 * @throws {ScriptError} where there is no Python, or the package cannot be had.
 */
export function provisionSchemathesis(options: ProvisionOptions): Promise<void> {
  return installPythonPackages(join(resolve(options.home), "schemathesis"), REQUIREMENTS, "Schemathesis", options);
}
