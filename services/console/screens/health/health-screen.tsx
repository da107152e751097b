import { useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import { useQuery } from "../../http/use-query.ts";
import { Badge } from "../../parts/badge.tsx";
import { Field } from "../../parts/field.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Link } from "../../parts/link.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Page, Section } from "../../parts/page.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import "./health.css";

/** `GET /v1/health`: how the process of policy is that answered. */
interface Health {
  readonly version: string;
  readonly reasons: readonly { readonly code: string; readonly detail: string }[];
  readonly settings: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** What is read of the workers of all edges. */
interface Nodes {
  readonly nodes: readonly { readonly id: string }[];
  readonly partial: boolean;
}

interface Setting {
  readonly name: string;
  readonly value: string;
  readonly source: string;
}

const REFRESH_MS = 10_000;

const COLUMNS: readonly Column<Setting>[] = [
  { title: "Setting", track: "minmax(12rem, 2fr)", cell: ({ name }) => <code>{name}</code> },
  { title: "Value", track: "minmax(8rem, 3fr)", cell: ({ value }) => <code>{value}</code> },
  {
    title: "From",
    track: "7rem",
    rank: 2,
    cell: ({ source }) => <Badge tone={source === "environment" ? "good" : "quiet"}>{source}</Badge>,
  },
];

/** Whether the services can do their work, and what policy was set to. */
export function HealthScreen() {
  const { api, settings } = useConsole();
  const health = useQuery("health", (signal) => api.get<Health>("/v1/health", { signal }), { everyMs: REFRESH_MS });
  const nodes = useQuery("nodes", (signal) => api.get<Nodes>("/v1/nodes", { signal }), { everyMs: REFRESH_MS });
  const auth = useQuery("auth", (signal) => askAuth(settings.authUrl, signal), { everyMs: REFRESH_MS });
  return (
    <Page title="Health" lead="Whether the services can do what requests need, and what policy was set to.">
      <ul class="health">
        <li>
          <h2>policy</h2>
          <Loaded query={health} what="how policy is">
            {({ version, reasons }) => (
              <>
                <State isGood={reasons.length === 0} words={reasons.length === 0 ? "ready" : "not ready"} />
                {reasons.map(({ code, detail }) => (
                  <p key={code}>
                    <code>{code}</code> {detail}
                  </p>
                ))}
                <p class="quiet">version {version}</p>
              </>
            )}
          </Loaded>
        </li>
        <li>
          <h2>auth</h2>
          <Loaded query={auth} what="how auth is">
            {(words) => (
              <>
                <State isGood={words === undefined} words={words === undefined ? "answers" : "does not answer"} />
                <p class="quiet">{words ?? "It publishes its keys."}</p>
              </>
            )}
          </Loaded>
        </li>
        <li>
          <h2>edges</h2>
          <Loaded query={nodes} what="how the edges are">
            {({ nodes: workers, partial }) => (
              <>
                <State isGood={workers.length > 0 && !partial} words={edgesIn(workers.length, partial)} />
                <p>
                  <Link to="nodes">Each worker</Link>
                </p>
              </>
            )}
          </Loaded>
        </li>
      </ul>
      <Section title="Settings of policy">
        <Loaded query={health} what="the settings">
          {(value) => <Settings settings={value.settings} />}
        </Loaded>
      </Section>
    </Page>
  );
}

function State({ isGood, words }: { readonly isGood: boolean; readonly words: string }) {
  return (
    <p>
      <Badge tone={isGood ? "good" : "bad"}>{words}</Badge>
    </p>
  );
}

function edgesIn(count: number, isPartial: boolean): string {
  if (count === 0) return "no worker answers";
  return `${count} ${count === 1 ? "worker answers" : "workers answer"}${isPartial ? ", and some do not" : ""}`;
}

function Settings({ settings }: Pick<Health, "settings">) {
  const [wanted, setWanted] = useState("");
  const all = Object.entries(settings).flatMap(([source, values]) =>
    Object.entries(values).map(([name, value]): Setting => ({ name, value, source })),
  );
  const rows = all.filter(({ name }) => name.includes(wanted.toUpperCase()));
  return (
    <>
      <div class="fields health-filter">
        <Field label="Settings with" type="search" value={wanted} onInput={setWanted} placeholder="NATS" isMono />
      </div>
      <Table
        label="Settings of policy"
        columns={COLUMNS}
        rows={rows.toSorted((one, other) => one.name.localeCompare(other.name))}
        keyOf={({ name }) => name}
        empty={<EmptyState title="No setting has this in its name" />}
      />
    </>
  );
}

/** Why auth does not answer this page; undefined where it does. */
async function askAuth(authUrl: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  if (authUrl === undefined) return "AUTH_ISSUER is no address, so this page cannot ask auth.";
  try {
    const response = await fetch(new URL("/.well-known/jwks.json", authUrl), { signal, credentials: "omit" });
    return response.ok ? undefined : `It answered ${response.status}.`;
  } catch (error) {
    if (signal.aborted) throw error;
    return "It is away, or this page's origin is not in its AUTH_ALLOWED_ORIGINS.";
  }
}
