import { expect, test } from "vitest";
import { BootError } from "#shared/config/read-config.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { checkTenants } from "./check-tenants.ts";
import type { TenantDeps } from "./tenant-deps.ts";

test("a store that does not answer just now is asked again by the start; what is wrong for good ends it", async () => {
  const away = new AppError("unavailable", "the store does not answer");
  await expect(checkWith(away)).rejects.toBe(away);
  await expect(checkWith(new AppError("internal", "the log is another's"))).rejects.toThrow(BootError);
});

function checkWith(error: AppError): Promise<void> {
  const deps = {
    store: {
      tenants: async () => {
        throw error;
      },
    },
  } as unknown as TenantDeps;
  return checkTenants(deps, createLogger("test", "silent"));
}
