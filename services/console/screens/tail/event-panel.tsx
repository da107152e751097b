import { useState } from "preact/hooks";
import { useConsole, useTenant } from "../../context/console-context.ts";
import { tenantPath } from "../../http/api-client.ts";
import { useQuery } from "../../http/use-query.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Identifier } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Facts } from "../../parts/facts.tsx";
import { formatBytes, visibleText } from "../../parts/format.ts";
import { Link } from "../../parts/link.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Section } from "../../parts/page.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { isWarning, reachAdvice, reachWords } from "./reach-words.ts";
import type { TailRow } from "./tail-rows.ts";

interface EventPanelProps {
  readonly row: TailRow;
  readonly onClose: () => void;
}

/** One event: how far it came, who sees it, and on request what it holds. */
export function EventPanel({ row, onClose }: EventPanelProps) {
  const { id, at, topic, bytes, reach } = row;
  const advice = reachAdvice(reach);
  return (
    <Dialog title="Event" isPanel onClose={onClose}>
      <Facts
        facts={{
          Id: <Identifier id={id} what="the event's id" />,
          Stored: <Moment at={at} />,
          Topic: <code>{topic}</code>,
          Size: formatBytes(bytes),
          Reached: <span class={isWarning(reach) ? "unreached" : undefined}>{reachWords(reach)}</span>,
          Denied:
            reach && reach.denied > 0 ? `to ${reach.denied.toLocaleString()} streams that asked for it` : undefined,
          Behind:
            reach && reach.behind > 0 ? `${reach.behind.toLocaleString()} streams find it in their turn` : undefined,
        }}
      />
      {advice === undefined ? null : <p class={`note ${isWarning(reach) ? "warn" : "quiet"}`}>{advice}</p>}
      <Section title="Who sees it">
        <Audience id={id} />
      </Section>
      <Section title="What it holds">
        <Payload id={id} />
      </Section>
    </Dialog>
  );
}

/** A person who is connected, as policy decides on this event now. */
interface Member {
  readonly subject: string;
  readonly connections: number;
  readonly matching: number;
  readonly allowed: boolean | null;
}

interface AudienceAnswer {
  readonly people: readonly Member[];
  readonly hasMore: boolean;
  readonly partial: boolean;
}

function Audience({ id }: { readonly id: string }) {
  const { api } = useConsole();
  const tenant = useTenant() ?? "";
  const audience = useQuery(`audience ${tenant} ${id}`, (signal) =>
    api.get<AudienceAnswer>(tenantPath(tenant, "events", id, "audience"), { signal }),
  );
  return (
    <Loaded query={audience} what="who sees it">
      {({ people, hasMore, partial }) => (
        <>
          <Table
            label="Who sees it"
            columns={COLUMNS}
            rows={people.map((member) => ({ ...member, id }))}
            keyOf={({ subject }) => subject}
            empty={<p class="quiet">Nobody is connected now.</p>}
          />
          {hasMore || partial ? (
            <p class="hint">
              {hasMore ? "More people are connected. " : ""}
              {partial ? "An edge did not say whom it holds." : ""}
            </p>
          ) : null}
        </>
      )}
    </Loaded>
  );
}

/** A person, and the event that they see or do not. */
interface MemberOfEvent extends Member {
  readonly id: string;
}

const COLUMNS: readonly Column<MemberOfEvent>[] = [
  { title: "Person", track: "minmax(6rem, 1fr)", cell: ({ subject }) => subject },
  { title: "Sees it", track: "9rem", cell: (member) => <Seen member={member} /> },
  {
    title: "Why",
    track: "3rem",
    cell: ({ subject, id }) => (
      <Link to="why" parameters={{ subject, event: id }}>
        Why
      </Link>
    ),
  },
];

function Seen({ member: { allowed, matching } }: { readonly member: Member }) {
  if (allowed === null) return <Badge tone="quiet">not known here</Badge>;
  if (!allowed) return <Badge tone="warn">denied</Badge>;
  return matching === 0 ? <Badge tone="quiet">did not ask for it</Badge> : <Badge tone="good">sees it</Badge>;
}

interface EventAnswer {
  readonly attributes: Readonly<Record<string, string>> | null;
  readonly payload: string | null;
}

/** A payload may hold what the administrator should not read: it is asked for, and the look is noted. */
function Payload({ id }: { readonly id: string }) {
  const { api } = useConsole();
  const tenant = useTenant() ?? "";
  const [isAsked, setAsked] = useState(false);
  const event = useQuery(isAsked ? `event ${tenant} ${id}` : undefined, (signal) =>
    api.get<EventAnswer>(tenantPath(tenant, "events", id), { signal }),
  );
  if (!isAsked) {
    return (
      <p class="actions">
        <Button onClick={() => setAsked(true)}>Show the payload</Button>
        <span class="hint">Needs event:inspect; who looked is in the audit trail.</span>
      </p>
    );
  }
  return (
    <Loaded query={event} what="the payload">
      {({ attributes, payload }) => (
        <>
          {attributes === null || Object.keys(attributes).length === 0 ? null : <Facts facts={attributes} />}
          {payload === null ? (
            <p class="note warn">The payload is not UTF-8: nobody is shown it.</p>
          ) : (
            <pre class="payload" tabIndex={0} aria-label="Payload">
              {visibleText(readable(payload))}
            </pre>
          )}
        </>
      )}
    </Loaded>
  );
}

/** JSON with its lines; anything else as it stands. */
function readable(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), undefined, 2);
  } catch {
    return payload;
  }
}
