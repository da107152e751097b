import { useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import { useQuery } from "../../http/use-query.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { formatBytes } from "../../parts/format.ts";
import { Loaded } from "../../parts/loaded.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { NewTenant } from "./new-tenant.tsx";
import { TenantPanel } from "./tenant-panel.tsx";
import type { Tenant } from "./tenant.ts";
import "./tenants.css";

const REFRESH_MS = 10_000;

const COLUMNS: readonly Column<Tenant>[] = [
  { title: "Tenant", track: "minmax(7rem, 1fr)", cell: ({ tenant }) => tenant },
  { title: "State", track: "7rem", cell: (tenant) => <TenantState tenant={tenant} /> },
  { title: "Log", track: "minmax(8rem, 1fr)", cell: (tenant) => <LogMeter tenant={tenant} /> },
  {
    title: "Messages",
    track: "6rem",
    rank: 2,
    isFigure: true,
    cell: ({ usage }) => usage?.messages.toLocaleString() ?? "",
  },
  { title: "Tier", track: "6rem", rank: 3, cell: ({ limits }) => limits.tier ?? "default" },
  {
    title: "Last event",
    track: "8rem",
    rank: 2,
    cell: ({ usage }) => (usage?.lastAt === undefined ? "" : <Moment at={usage.lastAt} />),
  },
];

/** All tenants: what state they are in, and what their logs hold. */
export function TenantsScreen() {
  const { api, router } = useConsole();
  const [isMaking, setMaking] = useState(false);
  const list = useQuery(
    "tenants",
    (signal) => api.get<{ readonly tenants: readonly Tenant[] }>("/v1/tenants", { signal }),
    { everyMs: REFRESH_MS },
  );
  const openName = router.parameter("open");
  return (
    <Page
      title="Tenants"
      lead="Who shares this installation: each tenant has a log, people and a policy of its own."
      actions={
        <Button kind="primary" onClick={() => setMaking(true)}>
          New tenant
        </Button>
      }
    >
      <Loaded query={list} what="the tenants">
        {({ tenants }) => {
          const open = tenants.find(({ tenant }) => tenant === openName);
          return (
            <>
              <Table
                label="Tenants"
                columns={COLUMNS}
                rows={tenants}
                keyOf={({ tenant }) => tenant}
                onOpen={({ tenant }) => router.set({ open: tenant })}
                openKey={openName}
                toneOf={({ state }) => (state === "active" ? undefined : "warn")}
                empty={<EmptyState title="There is no tenant yet">Make the first one.</EmptyState>}
              />
              {open === undefined ? null : (
                <TenantPanel tenant={open} onClose={() => router.set({ open: "" })} onChanged={list.reload} />
              )}
            </>
          );
        }}
      </Loaded>
      {isMaking ? (
        <Dialog title="New tenant" isPanel onClose={() => setMaking(false)}>
          <NewTenant onMade={list.reload} />
        </Dialog>
      ) : null}
    </Page>
  );
}

function TenantState({ tenant: { state } }: { readonly tenant: Tenant }) {
  return <Badge tone={state === "active" ? "good" : state === "suspended" ? "warn" : "bad"}>{state}</Badge>;
}

/** What the log holds of what it may. */
function LogMeter({ tenant: { tenant, usage } }: { readonly tenant: Tenant }) {
  if (usage === undefined) return <span class="quiet">no log</span>;
  return (
    <span class="log-meter">
      <meter min={0} max={usage.maxBytes} value={usage.bytes} aria-label={`Log of ${tenant}`} />
      {formatBytes(usage.bytes)}
    </span>
  );
}
