import { useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import { callAuth } from "../../http/call-service.ts";
import { useQuery } from "../../http/use-query.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { ConfirmDialog } from "../../parts/dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Moment } from "../../parts/moment.tsx";
import { type Column, Table } from "../../parts/table.tsx";

/** A session as auth tells of it. */
interface SessionRow {
  readonly session_id: string;
  readonly client_id: string;
  readonly device: string | null;
  readonly created_at: string;
  readonly last_seen_at: string;
  readonly ends_at: string;
  readonly current: boolean;
}

/** A session in the list. */
interface ListedSession extends SessionRow {
  readonly onEnd: (row: SessionRow) => void;
}

const REFRESH_MS = 10_000;

const COLUMNS: readonly Column<ListedSession>[] = [
  { title: "Device", track: "minmax(8rem, 1fr)", cell: ({ device, client_id: client }) => device ?? client },
  { title: "Since", track: "minmax(6rem, 9rem)", cell: ({ created_at: at }) => <Moment at={at} /> },
  { title: "Last seen", track: "minmax(6rem, 9rem)", rank: 2, cell: ({ last_seen_at: at }) => <Moment at={at} /> },
  { title: "Ends", track: "minmax(6rem, 9rem)", rank: 3, cell: ({ ends_at: at }) => <Moment at={at} /> },
  {
    title: "End it",
    track: "7rem",
    cell: (row) =>
      row.current ? (
        <Badge tone="quiet">this one</Badge>
      ) : (
        <Button
          kind="danger"
          label={`End the session on ${row.device ?? row.client_id}`}
          onClick={() => row.onEnd(row)}
        >
          End
        </Button>
      ),
  },
];

interface SessionListProps {
  readonly authUrl: string;
  readonly subject: string;
}

/** The sessions of a person, each of which can be ended. */
export function SessionList({ authUrl, subject }: SessionListProps) {
  const { session, announce } = useConsole();
  const [ending, setEnding] = useState<SessionRow>();
  const list = useQuery(
    `sessions ${subject}`,
    (signal) => {
      const path = `/v1/auth/sessions?${new URLSearchParams({ subject })}`;
      return callAuth<{ readonly sessions: readonly SessionRow[] }>(authUrl, session, { method: "GET", path }, signal);
    },
    { everyMs: REFRESH_MS },
  );
  const end = async ({ session_id: id }: SessionRow): Promise<void> => {
    await callAuth(authUrl, session, { method: "DELETE", path: `/v1/auth/sessions/${encodeURIComponent(id)}` });
    announce(`The session of ${subject} has ended, and its streams with it.`);
    list.reload();
  };
  return (
    <Loaded query={list} what="the sessions">
      {({ sessions }) => (
        <>
          <Table
            label="Sessions"
            columns={COLUMNS}
            rows={sessions.map((row) => ({ ...row, onEnd: setEnding }))}
            keyOf={({ session_id: id }) => id}
            empty={<EmptyState title={`${subject} has no session`}>A login begins one.</EmptyState>}
          />
          {ending === undefined ? null : (
            <ConfirmDialog
              title="End the session?"
              action="End it"
              kind="danger"
              onConfirm={() => end(ending)}
              onClose={() => setEnding(undefined)}
            >
              <p>
                {subject} is logged out on {ending.device ?? ending.client_id}: streams of the session are cut, and its
                tokens are refused.
              </p>
            </ConfirmDialog>
          )}
        </>
      )}
    </Loaded>
  );
}
