import type { ClientHealthView, ClientHealthViewRow } from "#shared/contract/client-health-view.ts";
import { useConsole } from "../../context/console-context.ts";
import { useQuery } from "../../http/use-query.ts";
import { EmptyState } from "../../parts/empty-state.tsx";
import { formatSpan } from "../../parts/format.ts";
import { Loaded } from "../../parts/loaded.tsx";
import { Page } from "../../parts/page.tsx";
import { type Column, Table } from "../../parts/table.tsx";

const REFRESH_MS = 10_000;

/** Clients of which more than one in ten reports a silence are not well. */
const MANY_STALLS = 0.1;

const COLUMNS: readonly Column<ClientHealthViewRow>[] = [
  { title: "Road", track: "minmax(5rem, 1fr)", cell: ({ transport }) => transport },
  { title: "Browser", track: "minmax(5rem, 1fr)", cell: ({ family }) => family },
  { title: "Network", track: "minmax(4.5rem, 1fr)", rank: 2, cell: ({ network }) => network },
  {
    title: "Region",
    track: "minmax(5rem, 1fr)",
    rank: 2,
    cell: ({ region }) => region || <span class="quiet">–</span>,
  },
  { title: "Reports", track: "5rem", isFigure: true, cell: ({ reports }) => reports.toLocaleString() },
  { title: "Reconnects", track: "6.5rem", rank: 2, isFigure: true, cell: (row) => each(row.reconnects, row) },
  { title: "Silences", track: "5.5rem", isFigure: true, cell: (row) => each(row.stalls, row) },
  { title: "First p50", track: "5.5rem", rank: 2, isFigure: true, cell: (row) => timeWords(row.firstEventP50Ms) },
  { title: "First p95", track: "5.5rem", rank: 3, isFigure: true, cell: (row) => timeWords(row.firstEventP95Ms) },
  { title: "Left a road for", track: "minmax(8rem, 2fr)", rank: 3, cell: ({ fallbacks }) => fallbackWords(fallbacks) },
];

/** What clients report of their streams, by what tells them apart. */
export function ClientsScreen() {
  const { api } = useConsole();
  const health = useQuery("clients", (signal) => api.get<ClientHealthView>("/v1/clients", { signal }), {
    everyMs: REFRESH_MS,
  });
  return (
    <Page
      title="Client health"
      lead="What clients report of their streams, of all tenants. Figures are for each report; times are to the first event."
    >
      <Loaded query={health} what="the reports">
        {({ rows, seconds, partial }) => (
          <>
            <p class="quiet" role="status">
              {countWords(rows, seconds)}
              {partial ? " A worker did not answer: what it has counted is missing." : ""}
            </p>
            <Table
              label="Client health"
              columns={COLUMNS}
              rows={rows}
              keyOf={({ transport, family, network, region }) => `${transport} ${family} ${network} ${region}`}
              toneOf={({ stalls, reports }) => (stalls / reports > MANY_STALLS ? "warn" : undefined)}
              empty={<NoReports />}
            />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function countWords(rows: readonly ClientHealthViewRow[], seconds: number): string {
  const reports = rows.reduce((sum, row) => sum + row.reports, 0);
  return `${reports.toLocaleString()} reports of the last ${formatSpan(seconds)}.`;
}

function each(count: number, { reports }: ClientHealthViewRow): string {
  return (count / reports).toFixed(2);
}

/** The last span has no end. */
function timeWords(ms: number | null): string {
  if (ms === null) return "–";
  if (ms >= 30_000) return "> 10 s";
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function fallbackWords(fallbacks: ClientHealthViewRow["fallbacks"]): string {
  const counted = Object.entries(fallbacks).toSorted(([, one], [, other]) => other - one);
  return counted.map(([reason, count]) => `${reason.replaceAll("_", " ")} ${count}×`).join(", ");
}

function NoReports() {
  return (
    <EmptyState title="No client has reported">
      @sluice/client does so by itself where reports are on; any other client by POST /v1/reports. Edges keep an hour of
      it.
    </EmptyState>
  );
}
