import { useConsole, useTenant } from "../../context/console-context.ts";
import { useLive } from "../../context/use-live.ts";
import { tenantPath } from "../../http/api-client.ts";
import { useQuery } from "../../http/use-query.ts";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Select } from "../../parts/field.tsx";
import { formatBytes, formatCount } from "../../parts/format.ts";
import { Loaded } from "../../parts/loaded.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { PersonForm } from "../../parts/person-form.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { type Connection, type ConnectionList, deviceOf, lagOf } from "./connection.ts";
import { ConnectionPanel } from "./connection-panel.tsx";
import { StateOf } from "./state-of.tsx";

const REFRESH_MS = 5_000;

/** As many are asked for at once; whoever looks for one of more filters by person. */
const MAX_LISTED = 500;

const COLUMNS: readonly Column<Connection>[] = [
  { title: "Person", track: "minmax(6rem, 1fr)", cell: ({ subject }) => subject },
  { title: "State", track: "minmax(6rem, 1fr)", cell: (connection) => <StateOf connection={connection} /> },
  { title: "Behind by", track: "5rem", rank: 3, isFigure: true, cell: (connection) => lagWords(connection) },
  { title: "Device", track: "minmax(8rem, 1fr)", rank: 2, cell: ({ userAgent }) => deviceOf(userAgent) },
  { title: "Road", track: "5.5rem", rank: 3, cell: ({ transport }) => transport ?? "callback" },
  { title: "Events", track: "4.5rem", rank: 3, isFigure: true, cell: ({ events }) => events.toLocaleString() },
  { title: "Sent", track: "5rem", rank: 2, isFigure: true, cell: ({ bytes }) => formatBytes(bytes) },
  { title: "Since", track: "minmax(5.5rem, 8rem)", cell: ({ openedAt }) => <Moment at={openedAt} /> },
];

/** Who is connected: the open streams of a tenant at all edges. */
export function ConnectionsScreen() {
  const { api, router } = useConsole();
  const tenant = useTenant() ?? "";
  const subject = router.parameter("subject");
  const openId = router.parameter("connection");
  const road = router.parameter("road") ?? "";
  const list = useQuery(
    `connections ${tenant} ${subject ?? ""}`,
    (signal) =>
      api.get<ConnectionList>(tenantPath(tenant, "connections"), {
        parameters: { subject, limit: String(MAX_LISTED) },
        signal,
      }),
    { everyMs: REFRESH_MS },
  );
  useLive("connections", list.reload);
  return (
    <Page title="Connections" lead="Who is connected: the open streams of this tenant at all edges.">
      <PersonForm key={subject} label="Filter" action="Filter" subject={subject ?? ""} isFilter />
      <Loaded query={list} what="the connections">
        {({ connections: all, next, partial }) => {
          const connections = all.filter(({ transport }) => road === "" || transport === road);
          return (
            <>
              <RoadFilter roads={roadsOf(all)} road={road} />
              <p class="quiet" role="status">
                {countWords(connections, next !== undefined)}
                {partial ? " An edge did not answer: what it holds is missing." : ""}
              </p>
              <Table
                label="Connections"
                columns={COLUMNS}
                rows={connections}
                keyOf={({ id }) => id}
                onOpen={({ id }) => router.set({ connection: id })}
                openKey={openId}
                toneOf={({ state }) => (state === "behind" ? "warn" : undefined)}
                empty={<NobodyConnected tenant={tenant} subject={subject} />}
              />
              {openId === undefined ? null : (
                <ConnectionPanel
                  id={openId}
                  listed={all.find(({ id }) => id === openId)}
                  onClose={() => router.set({ connection: "" })}
                  onClosed={list.reload}
                />
              )}
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

/** The roads of these streams, each once. */
function roadsOf(connections: readonly Connection[]): readonly string[] {
  return [...new Set(connections.flatMap(({ transport }) => transport ?? []))].toSorted();
}

/** Shown where there is a choice, and where one was made. */
function RoadFilter({ roads, road }: { readonly roads: readonly string[]; readonly road: string }) {
  const { router } = useConsole();
  if (roads.length < 2 && road === "") return null;
  const options = [...new Set([...roads, ...(road === "" ? [] : [road])])];
  return (
    <Select
      label="Road"
      value={road}
      options={[{ value: "", text: "every road" }, ...options.map((each) => ({ value: each, text: each }))]}
      onChange={(next) => router.set({ road: next })}
    />
  );
}

function lagWords(connection: Connection): string {
  const lag = connection.state === "live" ? 0 : lagOf(connection);
  return lag === undefined ? "?" : lag.toLocaleString();
}

function countWords(connections: readonly Connection[], hasMore: boolean): string {
  const people = new Set(connections.map(({ subject }) => subject)).size;
  const behind = connections.filter(({ state }) => state === "behind").length;
  const streams = `${hasMore ? "The first " : ""}${formatCount(connections.length, "stream")} of ${formatCount(people, "person", "people")}`;
  return `${streams}, ${behind === 0 ? "none behind" : `${behind} behind`}.`;
}

function NobodyConnected({ tenant, subject }: { readonly tenant: string; readonly subject: string | undefined }) {
  if (subject !== undefined) return <EmptyState title={`${subject} is not connected`} />;
  return (
    <EmptyState title="Nobody is connected" commands={[`npx sluice tail --tenant ${tenant} 'issues.>'`]}>
      Open the first stream; it appears here within five seconds.
    </EmptyState>
  );
}
