import { useState } from "preact/hooks";
import { useConsole, useTenant } from "../../context/console-context.ts";
import { tenantPath } from "../../http/api-client.ts";
import { useQuery } from "../../http/use-query.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Identifier } from "../../parts/command.tsx";
import { ConfirmDialog, Dialog } from "../../parts/dialog.tsx";
import { Facts } from "../../parts/facts.tsx";
import { formatBytes, formatSpan } from "../../parts/format.ts";
import { Link } from "../../parts/link.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Section } from "../../parts/page.tsx";
import { type Connection, deviceOf, lagOf } from "./connection.ts";
import { StateOf } from "./state-of.tsx";

interface PanelProps {
  readonly id: string;
  /** The stream as the list has it; undefined where it is not in it, or has ended. */
  readonly listed: Connection | undefined;
  readonly onClose: () => void;
  /** It was ended: the list is another one. */
  readonly onClosed: () => void;
}

/** An entry of the connection log. */
interface LogEntry {
  readonly event: "opened" | "changed" | "ended";
  readonly at: string;
  readonly reason?: string;
  readonly topics?: Connection["topics"];
  readonly events?: number;
  readonly bytes?: number;
  readonly subject: string;
}

type Found = { readonly connection: Connection } | { readonly entries: readonly LogEntry[] };

/** One stream: what it is, and what can be done about it; of one that has ended, what the log keeps. */
export function ConnectionPanel({ id, listed, onClose, onClosed }: PanelProps) {
  const { api } = useConsole();
  const tenant = useTenant() ?? "";
  const found = useQuery(listed === undefined ? `connection ${tenant} ${id}` : undefined, (signal) =>
    api.get<Found>(tenantPath(tenant, "connections", id), { signal }),
  );
  return (
    <Dialog title="Connection" isPanel onClose={onClose}>
      {listed === undefined ? (
        <Loaded query={found} what="the connection">
          {(value) =>
            "connection" in value ? (
              <Open connection={value.connection} onClosed={onClosed} />
            ) : (
              <Ended entries={value.entries} />
            )
          }
        </Loaded>
      ) : (
        <Open connection={listed} onClosed={onClosed} />
      )}
    </Dialog>
  );
}

function Open({ connection, onClosed }: { readonly connection: Connection; readonly onClosed: () => void }) {
  const { id, subject, sid, client, subscription, address, userAgent, requestId } = connection;
  const { events, bytes, openedAt, quietForSeconds } = connection;
  const lag = lagOf(connection);
  return (
    <>
      <Facts
        facts={{
          State: <StateOf connection={connection} />,
          Person: subject,
          Since: <Moment at={openedAt} />,
          "Behind by": lag === undefined ? undefined : `${lag.toLocaleString()} entries`,
          Sent: `${events.toLocaleString()} events, ${formatBytes(bytes)}`,
          "Quiet for": formatSpan(quietForSeconds),
          Road: connection.transport ?? undefined,
          Device: deviceOf(userAgent),
          "User agent": userAgent === null ? undefined : <code>{userAgent}</code>,
          Address: <code>{address}</code>,
          Client: client === null ? undefined : <code>{client}</code>,
          Subscription: subscription ?? undefined,
          Session: <Identifier id={sid} what="the session's id" />,
          Connection: <Identifier id={id} what="the connection's id" />,
          Request: <Identifier id={requestId} what="the request's id" />,
        }}
      />
      <Section title="Topics">
        <Topics topics={connection.topics} />
      </Section>
      <Actions connection={connection} onClosed={onClosed} />
    </>
  );
}

function Topics({ topics }: { readonly topics: Connection["topics"] }) {
  return (
    <ul>
      {topics.map(({ topic, granted }) => (
        <li key={topic}>
          <code>{topic}</code>{" "}
          {granted ? <Badge tone="good">granted</Badge> : <Badge tone="warn">nothing of it is granted</Badge>}
        </li>
      ))}
    </ul>
  );
}

function Actions({ connection, onClosed }: { readonly connection: Connection; readonly onClosed: () => void }) {
  const { api, announce } = useConsole();
  const tenant = useTenant() ?? "";
  const { id, subject, topics } = connection;
  const [isAsking, setAsking] = useState(false);
  const close = async (): Promise<void> => {
    await api.send(tenantPath(tenant, "connections", id), { method: "DELETE" });
    announce(`The stream of ${subject} is closed.`);
    onClosed();
  };
  return (
    <div class="actions">
      <Button kind="danger" onClick={() => setAsking(true)}>
        Close the stream
      </Button>
      <Link to="tail" parameters={{ topic: topics.map(({ topic }) => topic).join(",") }}>
        Its topics in the live tail
      </Link>
      <Link to="people" parameters={{ subject }}>
        Sessions of {subject}
      </Link>
      {isAsking ? (
        <ConfirmDialog
          title="Close the stream?"
          action="Close it"
          kind="danger"
          onConfirm={close}
          onClose={() => setAsking(false)}
        >
          <p>
            {subject} is told good-bye and may come back at once, behind the last event. To keep {subject} out, end the
            session instead.
          </p>
        </ConfirmDialog>
      ) : null}
    </div>
  );
}

function Ended({ entries }: { readonly entries: readonly LogEntry[] }) {
  return (
    <>
      <p>
        <Badge tone="quiet">ended</Badge> This is what the connection log keeps of it, for a day.
      </p>
      <ol class="entries">
        {entries.map((entry) => (
          <li key={`${entry.at} ${entry.event}`}>
            <Moment at={entry.at} /> {entryWords(entry)}
          </li>
        ))}
      </ol>
    </>
  );
}

function entryWords({ event, subject, reason, topics = [], events = 0, bytes = 0 }: LogEntry): string {
  const names = topics.map(({ topic }) => topic).join(", ");
  if (event === "opened") return `${subject} opened it for ${names}`;
  if (event === "changed") return `its topics became ${names}`;
  return `it ended: ${reason ?? "no reason"}, after ${events.toLocaleString()} events and ${formatBytes(bytes)}`;
}
