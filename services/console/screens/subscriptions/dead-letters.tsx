import { useState } from "preact/hooks";
import type { DeadLetterView } from "#shared/contract/subscription-view.ts";
import { useConsole } from "../../context/console-context.ts";
import { Button } from "../../parts/button.tsx";
import { Identifier } from "../../parts/command.tsx";
import { ConfirmDialog, Dialog } from "../../parts/dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Form } from "../../parts/form.tsx";
import { Link } from "../../parts/link.tsx";
import { Moment } from "../../parts/moment.tsx";
import { type Column, Table } from "../../parts/table.tsx";

const REASONS: Readonly<Record<DeadLetterView["reason"], string>> = {
  not_acknowledged: "not acknowledged",
  refused: "refused",
  denied: "may not see it",
};

const GONE = "not in the log any more";

const COLUMNS: readonly Column<DeadLetterView>[] = [
  { title: "Topic", track: "minmax(8rem, 2fr)", cell: ({ topic }) => <code>{topic ?? GONE}</code> },
  { title: "Why", track: "minmax(7rem, 1fr)", cell: ({ reason }) => REASONS[reason] },
  { title: "Delivered", track: "5.5rem", rank: 2, isFigure: true, cell: ({ deliveries }) => `${deliveries}×` },
];

interface DeadLettersProps {
  readonly subject: string;
  readonly letters: readonly DeadLetterView[];
  readonly hasMore: boolean;
  /** The subscription's path. */
  readonly path: string;
  readonly onChanged: () => void;
}

/** Events that are delivered no more, each of which can be delivered once more or dropped. */
export function DeadLetters({ subject, letters, hasMore, path, onChanged }: DeadLettersProps) {
  const [open, setOpen] = useState<DeadLetterView>();
  return (
    <>
      <Table
        label="Dead letters"
        columns={COLUMNS}
        rows={letters}
        keyOf={({ id }) => id}
        onOpen={setOpen}
        openKey={open?.id}
        empty={
          <EmptyState title="There is none">What is not acknowledged after its last delivery comes here.</EmptyState>
        }
      />
      {hasMore ? <p class="hint">These are the first {letters.length}: the others come as these go.</p> : null}
      {letters.length === 0 ? null : <AllOfThem path={path} onChanged={onChanged} />}
      {open === undefined ? null : (
        <Letter
          subject={subject}
          letter={open}
          path={path}
          onClose={() => setOpen(undefined)}
          onChanged={() => {
            setOpen(undefined);
            onChanged();
          }}
        />
      )}
    </>
  );
}

interface LetterProps {
  readonly subject: string;
  readonly letter: DeadLetterView;
  readonly path: string;
  readonly onClose: () => void;
  readonly onChanged: () => void;
}

function Letter({ subject, letter, path, onClose, onChanged }: LetterProps) {
  const { id, topic, at, deliveries, reason } = letter;
  const send = useDead(path, onChanged);
  return (
    <Dialog title="Dead letter" onClose={onClose}>
      <Facts
        facts={{
          Id: <Identifier id={id} what="the event's id" />,
          Topic: topic === null ? GONE : <code>{topic}</code>,
          Stored: at === null ? undefined : <Moment at={at} />,
          Delivered: `${deliveries} times`,
          Why: REASONS[reason],
        }}
      />
      <p>
        <Link to="why" parameters={{ subject, event: id }}>
          Why {subject} got it or did not
        </Link>
      </p>
      <Form
        action="Deliver it once more"
        onSubmit={() => send("redeliver", { ids: [id] }, "It is delivered once more.")}
        beside={<Drop onDrop={() => send("drop", { ids: [id] }, "It is dropped.")} />}
      >
        {null}
      </Form>
    </Dialog>
  );
}

function Drop({ onDrop }: { readonly onDrop: () => Promise<void> }) {
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <Button kind="danger" onClick={() => setAsking(true)}>
        Drop it
      </Button>
      {isAsking ? (
        <ConfirmDialog
          title="Drop the dead letter?"
          action="Drop it for good"
          kind="danger"
          onConfirm={onDrop}
          onClose={() => setAsking(false)}
        >
          <p>This subscription never delivers the event again. The event itself stays in the log.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function AllOfThem({ path, onChanged }: { readonly path: string; readonly onChanged: () => void }) {
  const send = useDead(path, onChanged);
  const [asking, setAsking] = useState<"redeliver" | "drop">();
  return (
    <p class="actions">
      <Button onClick={() => setAsking("redeliver")}>Deliver all once more</Button>
      <Button kind="danger" onClick={() => setAsking("drop")}>
        Drop all
      </Button>
      {asking === undefined ? null : (
        <ConfirmDialog
          title={asking === "drop" ? "Drop all dead letters?" : "Deliver all dead letters once more?"}
          action={asking === "drop" ? "Drop all for good" : "Deliver them"}
          kind={asking === "drop" ? "danger" : "primary"}
          onConfirm={() =>
            send(asking, { all: true }, asking === "drop" ? "All are dropped." : "All are delivered once more.")
          }
          onClose={() => setAsking(undefined)}
        >
          <p>
            {asking === "drop"
              ? "This subscription never delivers them again. The events themselves stay in the log."
              : "As many come at once as the window has room for, and the others after them."}
          </p>
        </ConfirmDialog>
      )}
    </p>
  );
}

/** Has dead letters delivered once more or dropped; settles when that is stored. */
function useDead(path: string, onChanged: () => void) {
  const { api, announce } = useConsole();
  return async (what: "redeliver" | "drop", body: object, done: string): Promise<void> => {
    await api.send(`${path}/dead/${what}`, { method: "POST", body });
    announce(done);
    onChanged();
  };
}
