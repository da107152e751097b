import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Counter, type Registry } from "prom-client";
import { BootError } from "#shared/config/read-config.ts";
import { watchFile } from "#shared/files/watch-file.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { isName } from "#shared/protocol/names.ts";
import type { SchemaPool } from "./schema-pool.ts";
import { readSchemaFile, type TenantSchemas } from "./schema-file.ts";

const FILE = /^(.+)\.(?:yaml|yml|json)$/;

const NONE: TenantSchemas = [];

/** What following the files takes. */
export interface FollowSchemasDeps {
  readonly pool: SchemaPool;
  readonly registry: Registry;
  readonly log: Logger;
  /** How often the folder is looked at; a second where it is left out. */
  readonly everyMs?: number;
}

/** The schemas of all tenants. Disposing it stops following their files. */
export interface FollowedSchemas extends Disposable {
  /** The tenant's schemas; none where it has no file. */
  readonly find: (tenant: string) => TenantSchemas;
}

/** The counter of a publisher, whose homes may have a folder each. */
function rejectedIn(registry: Registry): Counter {
  const name = "sluice_publish_schemas_rejected_total";
  const help = "Changes of schemas that were not put in force; the last good ones are";
  const known = registry.getSingleMetric(name);
  return known instanceof Counter ? known : new Counter({ name, help, registers: [registry] });
}

/**
 * Reads the files `<tenant>.yaml`, `.yml` or `.json` of a folder, and follows them: a change is in force within 3 s, and a broken file leaves
 * the tenant's last good schemas in force. Without a folder no tenant has schemas.
 * @throws {BootError} when a file cannot be used at first: its tenant's events would go unchecked.
 */
export async function followSchemas(folder: string | undefined, deps: FollowSchemasDeps): Promise<FollowedSchemas> {
  if (folder === undefined) return { find: () => NONE, [Symbol.dispose]: () => undefined };
  const rejected = rejectedIn(deps.registry);
  let { schemas, paths, faults } = await readFolder(folder, new Map(), deps.pool).catch((error: unknown) => {
    throw new BootError(`PUBLISH_SCHEMAS_DIR: ${(error as Error).message}`);
  });
  if (faults.length > 0) throw new BootError(`PUBLISH_SCHEMAS_DIR: ${faults.join("; ")}`);
  tellTenants(schemas, folder, deps.log);
  const watch = watchFile({
    ...(deps.everyMs !== undefined && { everyMs: deps.everyMs }),
    get paths() {
      return paths;
    },
    read: () => readFolder(folder, schemas, deps.pool),
    onRead(read) {
      const before = [...schemas.keys()].join();
      ({ schemas, paths, faults } = read);
      if ([...schemas.keys()].join() !== before) tellTenants(schemas, folder, deps.log);
      for (const fault of faults) {
        rejected.inc();
        deps.log.error({ fault }, "schemas cannot be used; the last good ones are in force");
      }
    },
    onFault(fault) {
      rejected.inc();
      deps.log.error({ fault }, "the folder of schemas cannot be read; the last good ones are in force");
    },
  });
  return { find: (tenant) => schemas.get(tenant) ?? NONE, [Symbol.dispose]: () => watch[Symbol.dispose]() };
}

/** Events of a tenant whose file is not where it should be go unchecked: that must not pass without a line. */
function tellTenants(schemas: ReadFolder["schemas"], folder: string, log: Logger): void {
  const tenants = [...schemas.keys()];
  if (tenants.length > 0)
    log.info({ file: folder, tenants }, "the data of these tenants' events is checked by schemas");
  else log.warn({ file: folder }, "the folder of schemas holds none: no event's data is checked");
}

interface ReadFolder {
  readonly schemas: ReadonlyMap<string, TenantSchemas>;
  readonly paths: readonly string[];
  readonly faults: readonly string[];
}

async function readFolder(
  folder: string,
  known: ReadonlyMap<string, TenantSchemas>,
  pool: SchemaPool,
): Promise<ReadFolder> {
  const names = (await readdir(folder)).filter((name) => FILE.test(name)).toSorted();
  const schemas = new Map<string, TenantSchemas>();
  const faults: string[] = [];
  for (const name of names) {
    const tenant = FILE.exec(name)?.[1] ?? "";
    try {
      if (!isName(tenant)) throw new Error("its name is not a tenant's");
      if (schemas.has(tenant)) throw new Error(`${tenant} has another file: put its schemas into one`);
      schemas.set(tenant, await readSchemaFile(tenant, await readFile(join(folder, name), "utf8"), pool));
    } catch (error) {
      faults.push(`${name}: ${(error as Error).message}`);
      const last = known.get(tenant);
      if (last !== undefined) schemas.set(tenant, last);
    }
  }
  return { schemas, paths: [folder, ...names.map((name) => join(folder, name))], faults };
}
