import { useConsole } from "../../context/console-context.ts";
import { useQuery } from "../../http/use-query.ts";
import { Badge } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Page } from "../../parts/page.tsx";
import { type ProcessSettings, type SettingsBySource, SettingsSection } from "./settings-section.tsx";
import "./health.css";

interface Reason {
  readonly code: string;
  readonly detail: string;
}

/** What a process says of itself. */
interface Status {
  readonly version: string;
  readonly reasons: readonly Reason[];
  readonly settings: SettingsBySource;
}

/** A process that policy asked, by its name there; or why it said nothing. */
type OtherStatus = { readonly name: string } & (Status | { readonly fault: string });

/** `GET /v1/health`: how the process of policy is that answered, and the others that it was told of. */
interface Health extends Status {
  readonly others: readonly OtherStatus[];
}

/** What is read of the workers of all edges. */
interface Nodes {
  readonly nodes: readonly { readonly id: string }[];
  readonly partial: boolean;
}

const REFRESH_MS = 10_000;

const NO_OTHERS = "The other services are shown here when POLICY_OPS_URLS names their operations ports to policy.";

/** Whether the services can do their work, and what each was set to. */
export function HealthScreen() {
  const { api, settings } = useConsole();
  const health = useQuery("health", (signal) => api.get<Health>("/v1/health", { signal }), { everyMs: REFRESH_MS });
  const nodes = useQuery("nodes", (signal) => api.get<Nodes>("/v1/nodes", { signal }), { everyMs: REFRESH_MS });
  const auth = useQuery("auth", (signal) => askAuth(settings.authUrl, signal), { everyMs: REFRESH_MS });
  const others = health.state === "ready" ? health.value.others : [];
  return (
    <Page title="Health" lead="Whether the services can do what requests need, and what each was set to.">
      <ul class="health">
        <li>
          <h2>policy</h2>
          <Loaded query={health} what="how policy is">
            {(status) => <Answered {...status} />}
          </Loaded>
        </li>
        <li>
          <h2>auth, from here</h2>
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
        {others.map((status) => (
          <Other key={status.name} status={status} />
        ))}
      </ul>
      <Loaded query={health} what="the settings">
        {(value) => (
          <>
            <SettingsSection processes={processesOf(value)} />
            {value.others.length === 0 ? <p class="quiet">{NO_OTHERS}</p> : null}
          </>
        )}
      </Loaded>
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

function Answered({ version, reasons }: Status) {
  return (
    <>
      <State isGood={reasons.length === 0} words={reasons.length === 0 ? "ready" : "not ready"} />
      {reasons.map(({ code, detail }) => (
        <p key={code}>
          <code>{code}</code> {detail}
        </p>
      ))}
      <p class="quiet">version {version}</p>
    </>
  );
}

function Other({ status }: { readonly status: OtherStatus }) {
  return (
    <li>
      <h2>{status.name}</h2>
      {"fault" in status ? (
        <>
          <State isGood={false} words="does not answer" />
          <p class="quiet">{status.fault}</p>
        </>
      ) : (
        <Answered {...status} />
      )}
    </li>
  );
}

/** The processes whose settings are known, policy first. */
function processesOf({ settings, others }: Health): ProcessSettings[] {
  return [{ name: "policy", settings }, ...others.filter((each) => "settings" in each)];
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
