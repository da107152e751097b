import type { SubscriptionDetails } from "#shared/contract/subscription-view.ts";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Moment } from "../../parts/moment.tsx";
import { type Column, Table } from "../../parts/table.tsx";

type OpenEvent = SubscriptionDetails["open"][number];

const COLUMNS: readonly Column<OpenEvent>[] = [
  {
    title: "Topic",
    track: "minmax(8rem, 2fr)",
    cell: ({ topic }) => <code>{topic ?? "not in the log any more"}</code>,
  },
  { title: "Delivery", track: "5rem", isFigure: true, cell: ({ deliveries }) => deliveries },
  { title: "Due by", track: "minmax(5.5rem, 8rem)", cell: ({ dueAt }) => <Moment at={dueAt} /> },
];

/** The first events that were delivered and not acknowledged. */
export function OpenEvents({ events }: { readonly events: readonly OpenEvent[] }) {
  return (
    <Table
      label="Open events"
      columns={COLUMNS}
      rows={events}
      keyOf={({ id }) => id}
      empty={<EmptyState title="None waits for an acknowledgement" />}
    />
  );
}
