import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import { isName } from "#shared/protocol/names.ts";

/** Which tenant logs in at a host: hosts by name, and `*.<domain>` for every host one label below a domain. */
export interface TenantHosts {
  readonly exact: ReadonlyMap<string, string>;
  /** By domain; undefined where the tenant is called what stands for the star. */
  readonly below: ReadonlyMap<string, string | undefined>;
}

const ENTRY = /^(?<star>\*\.)?(?<host>[a-z0-9-]+(?:\.[a-z0-9-]+)*)=(?<tenant>\*|[A-Za-z0-9_-]{1,64})$/;

/** Entries `<host>=<tenant>`, comma-separated in the environment; `*.example.com=*` takes the tenant from the host's first label. */
export const tenantHostsSchema = z
  .string()
  .default("")
  .transform((text, context): TenantHosts => {
    const exact = new Map<string, string>();
    const below = new Map<string, string | undefined>();
    for (const entry of text.split(",").map((each) => each.trim())) {
      if (entry === "") continue;
      const { star, host = "", tenant = "" } = ENTRY.exec(lowerHost(entry))?.groups ?? {};
      const isKnown = star === undefined ? exact.has(host) : below.has(host);
      if (host === "" || (tenant === "*" && star === undefined) || isKnown) context.addIssue(faultOf(entry, isKnown));
      else if (star === undefined) exact.set(host, tenant);
      else below.set(host, tenant === "*" ? undefined : tenant);
    }
    return { exact, below };
  });

/**
 * The tenant of a login: the host's, where one is configured for it, or the one that it names.
 * @throws {AppError} `forbidden` where it names another than its host's; `malformed_request` where nothing says a tenant.
 */
export function tenantOfLogin(hosts: TenantHosts, host: string, named: string | undefined): string {
  const tenant = tenantAt(hosts, host);
  if (tenant === undefined && named === undefined) {
    throw new AppError("malformed_request", '"tenant" is missing, and no tenant is configured for this host');
  }
  if (tenant !== undefined && named !== undefined && tenant !== named) {
    throw new AppError(
      "forbidden",
      'this host is another tenant\'s; leave out "tenant", or log in at the host of yours',
    );
  }
  return tenant ?? named ?? "";
}

function tenantAt({ exact, below }: TenantHosts, host: string): string | undefined {
  const name = host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
  const known = exact.get(name);
  if (known !== undefined) return known;
  const [label = "", domain = ""] = name.split(/\.(.*)/s);
  if (!below.has(domain)) return undefined;
  const tenant = below.get(domain) ?? label;
  return isName(tenant) ? tenant : undefined;
}

/** Hosts have no case, tenants do. */
function lowerHost(entry: string): string {
  const [host = "", tenant = ""] = entry.split(/=(.*)/s);
  return `${host.toLowerCase()}=${tenant}`;
}

function faultOf(entry: string, isTwice: boolean): { readonly code: "custom"; readonly message: string } {
  const form = "must be <host>=<tenant>, such as shop.example.com=acme or *.example.com=*, separated by commas";
  return { code: "custom", message: isTwice ? `${entry}: this host stands there twice` : `${entry}: ${form}` };
}
