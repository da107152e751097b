import { useConsole, useTenant } from "../../context/console-context.ts";
import { tenantPath } from "../../http/api-client.ts";
import { useQuery } from "../../http/use-query.ts";
import { Badge } from "../../parts/badge.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Link } from "../../parts/link.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Page, Section } from "../../parts/page.tsx";
import { PersonForm } from "../../parts/person-form.tsx";
import { SessionList } from "./session-list.tsx";

/** What a person holds, and the sessions that they have. */
export function PeopleScreen() {
  const { router } = useConsole();
  const subject = router.parameter("subject");
  return (
    <Page
      title="People and sessions"
      lead="What a person holds, where they are connected, and the sessions that they have."
    >
      <PersonForm key={subject} label="Person" action="Show" subject={subject ?? ""} />
      {subject === undefined ? (
        <EmptyState title="Name a person">
          By the name that their tokens carry as sub. Who is connected now is under Connections.
        </EmptyState>
      ) : (
        <>
          <Held subject={subject} />
          <Section title="Sessions">
            <Sessions subject={subject} />
          </Section>
        </>
      )}
    </Page>
  );
}

interface RolesAnswer {
  readonly roles: readonly string[];
  readonly source: "document" | "http";
}

interface Streams {
  readonly connections: readonly { readonly id: string }[];
  readonly next?: string;
  readonly partial: boolean;
}

function Held({ subject }: { readonly subject: string }) {
  const { api } = useConsole();
  const tenant = useTenant() ?? "";
  const key = `${tenant} ${subject}`;
  const roles = useQuery(`roles ${key}`, (signal) =>
    api.get<RolesAnswer>(tenantPath(tenant, "subjects", subject, "roles"), { signal }),
  );
  const streams = useQuery(
    `streams ${key}`,
    (signal) => api.get<Streams>(tenantPath(tenant, "connections"), { parameters: { subject }, signal }),
    { everyMs: 5_000 },
  );
  return (
    <Section title={subject}>
      <Loaded query={roles} what="the roles">
        {({ roles: names, source }) => (
          <Facts
            facts={{
              Roles: names.length === 0 ? <span class="quiet">none by name</span> : names.join(", "),
              "Said by": source === "http" ? "a call over HTTP" : "the policy's document",
              Streams: streams.state === "ready" ? <StreamCount subject={subject} streams={streams.value} /> : "…",
            }}
          />
        )}
      </Loaded>
    </Section>
  );
}

function StreamCount({ subject, streams }: { readonly subject: string; readonly streams: Streams }) {
  const { connections, next, partial } = streams;
  const more = next === undefined ? "" : " and more";
  return (
    <>
      {connections.length === 0 ? (
        <Badge tone="quiet">not connected</Badge>
      ) : (
        <Link to="connections" parameters={{ subject }}>
          {connections.length} open{more}
        </Link>
      )}
      {partial ? <span class="quiet"> · an edge did not answer</span> : null}
    </>
  );
}

/** Auth answers people who hold session:admin; an operator's token is nothing to it. */
function Sessions({ subject }: { readonly subject: string }) {
  const { settings, session } = useConsole();
  const tenant = useTenant() ?? "";
  const who = session.who.value;
  if (settings.authUrl !== undefined && who?.kind === "person") {
    return <SessionList authUrl={settings.authUrl} subject={subject} />;
  }
  return (
    <EmptyState
      title="Sessions are shown to people, not to operators"
      commands={[`npx sluice session list --tenant ${tenant} --subject '${subject.replaceAll("'", String.raw`'\''`)}'`]}
    >
      Auth keeps them, and takes no operator's token for them. Log in as somebody with session:admin in this tenant, or
      ask at a terminal.
    </EmptyState>
  );
}
