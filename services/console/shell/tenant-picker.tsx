import { useEffect, useRef } from "preact/hooks";
import { useConsole, useTenant } from "../context/console-context.ts";
import { useQuery } from "../http/use-query.ts";
import { Field, Select } from "../parts/field.tsx";

/** What the picker needs of the list of tenants. */
interface TenantList {
  readonly tenants: readonly { readonly tenant: string; readonly state: string }[];
}

/** A list that is longer than this is typed into, not scrolled. */
const MAX_CHOICES = 40;

/** Chooses the tenant that the screens show. A person has one alone. */
export function TenantPicker() {
  const { session, api, router } = useConsole();
  const tenant = useTenant();
  const isOperator = session.who.value?.kind === "operator";
  const list = useQuery(isOperator ? "tenants" : undefined, (signal) => api.get<TenantList>("/v1/tenants", { signal }));
  const { screen } = router.place.value;
  const listedOn = useRef(screen);
  useEffect(() => {
    // A tenant that was made on one screen is chosen on the next.
    if (listedOn.current !== screen) list.reload();
    listedOn.current = screen;
  }, [screen]);
  const tenants = list.state === "ready" ? list.value.tenants : [];
  const only = tenants.length > 0 && tenant === undefined ? tenants[0]?.tenant : undefined;
  useEffect(() => {
    if (only !== undefined) router.set({ tenant: only });
  }, [only]);
  if (!isOperator) {
    return (
      <p class="tenant-own">
        <span class="quiet">Tenant</span> <strong>{tenant}</strong>
      </p>
    );
  }
  const choose = (next: string): void => router.go(router.place.value.screen, { tenant: next });
  if (tenants.length > MAX_CHOICES) {
    const names = tenants.map((each) => each.tenant);
    return (
      <Field
        label="Tenant"
        value={tenant ?? ""}
        isMono
        suggestions={names}
        onInput={(typed) => (names.includes(typed) ? choose(typed) : undefined)}
      />
    );
  }
  const isListed = tenants.some((each) => each.tenant === tenant);
  const options = tenants.map((each) => ({ value: each.tenant, text: labelOf(each) }));
  const unlisted = tenant === undefined || isListed ? [] : [{ value: tenant, text: tenant }];
  return <Select label="Tenant" value={tenant ?? ""} options={[...unlisted, ...options]} onChange={choose} />;
}

function labelOf({ tenant, state }: TenantList["tenants"][number]): string {
  return state === "active" ? tenant : `${tenant} (${state})`;
}
