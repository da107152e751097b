import type { SubscriptionList, SubscriptionView } from "#shared/contract/subscription-view.ts";
import { useConsole, useTenant } from "../../context/console-context.ts";
import { useLive } from "../../context/use-live.ts";
import { tenantPath } from "../../http/api-client.ts";
import { useQuery } from "../../http/use-query.ts";
import { Button } from "../../parts/button.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { PersonForm } from "../../parts/person-form.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { StateOf } from "./state-of.tsx";
import { SubscriptionPanel } from "./subscription-panel.tsx";

const REFRESH_MS = 5_000;

/** As many are asked for at once. */
const PAGE = 200;

const COLUMNS: readonly Column<SubscriptionView>[] = [
  { title: "Name", track: "minmax(6rem, 1fr)", cell: ({ name }) => name },
  { title: "Person", track: "minmax(5rem, 1fr)", cell: ({ subject }) => subject },
  { title: "State", track: "minmax(7rem, 1fr)", cell: (subscription) => <StateOf subscription={subscription} /> },
  { title: "Pending", track: "5rem", rank: 3, isFigure: true, cell: ({ pending }) => pending?.toLocaleString() ?? "?" },
  { title: "Open", track: "5rem", rank: 2, isFigure: true, cell: ({ open, window }) => `${open} of ${window}` },
  { title: "Again", track: "4.5rem", rank: 3, isFigure: true, cell: ({ redelivered }) => redelivered.toLocaleString() },
  { title: "Dead", track: "4.5rem", rank: 2, isFigure: true, cell: ({ dead }) => dead.toLocaleString() },
  { title: "Goes to", track: "minmax(7rem, 1fr)", rank: 2, cell: ({ webhook }) => webhook?.host ?? "a stream" },
  {
    title: "Last held",
    track: "minmax(5.5rem, 8rem)",
    rank: 3,
    cell: ({ holder, seenAt }) => (holder === null ? <Moment at={seenAt} /> : "now"),
  },
];

/** The durable subscriptions of a tenant's people: what each is owed, and who holds it. */
export function SubscriptionsScreen() {
  const { api, router } = useConsole();
  const tenant = useTenant() ?? "";
  const [subject, after] = [router.parameter("subject"), router.parameter("after")];
  const open = openOf(router.parameter("open"));
  const list = useQuery(
    `subscriptions ${tenant} ${subject ?? ""} ${after ?? ""}`,
    (signal) =>
      api.get<SubscriptionList>(tenantPath(tenant, "subscriptions"), {
        parameters: { subject, after, limit: String(PAGE) },
        signal,
      }),
    { everyMs: REFRESH_MS },
  );
  useLive("subscriptions", list.reload);
  return (
    <Page
      title="Subscriptions"
      lead="Durable subscriptions and webhooks of this tenant's people: what each is owed, and who holds it."
    >
      <PersonForm
        key={subject}
        label="Filter"
        action="Filter"
        subject={subject ?? ""}
        isFilter
        clears={["after", "open"]}
      />
      <Loaded query={list} what="the subscriptions">
        {({ subscriptions, next, partial }) => (
          <>
            <p class="quiet" role="status">
              {countWords(subscriptions, next !== undefined || after !== undefined)}
              {partial ? " An edge did not answer: some may be expired, and the hosts of webhooks are not known." : ""}
            </p>
            <Table
              label="Subscriptions"
              columns={COLUMNS}
              rows={subscriptions}
              keyOf={keyOf}
              onOpen={(subscription) => router.set({ open: keyOf(subscription) })}
              openKey={open && keyOf(open)}
              toneOf={({ dead, webhook }) => (dead > 0 || webhook?.failure ? "warn" : undefined)}
              empty={<NoSubscriptions subject={subject} />}
            />
            <Pages next={next} after={after} />
          </>
        )}
      </Loaded>
      {open === undefined ? null : (
        <SubscriptionPanel
          key={keyOf(open)}
          {...open}
          onClose={() => router.set({ open: "" })}
          onChanged={list.reload}
        />
      )}
    </Page>
  );
}

/** A person's name may have a slash in it; a subscription's may not. */
function keyOf({ subject, name }: Pick<SubscriptionView, "subject" | "name">): string {
  return `${name}/${subject}`;
}

function openOf(key: string | undefined): Pick<SubscriptionView, "subject" | "name"> | undefined {
  const at = key?.indexOf("/") ?? -1;
  return key === undefined || at === -1 ? undefined : { name: key.slice(0, at), subject: key.slice(at + 1) };
}

function Pages({ next, after }: { readonly next: string | undefined; readonly after: string | undefined }) {
  const { router } = useConsole();
  if (next === undefined && after === undefined) return null;
  return (
    <p class="actions">
      {after === undefined ? null : <Button onClick={() => router.set({ after: "" })}>From the beginning</Button>}
      {next === undefined ? null : <Button onClick={() => router.set({ after: next })}>The next {PAGE}</Button>}
    </p>
  );
}

function countWords(subscriptions: readonly SubscriptionView[], isPart: boolean): string {
  const dead = subscriptions.reduce((sum, each) => sum + each.dead, 0);
  const failing = subscriptions.filter(({ webhook }) => webhook?.failure).length;
  return [
    `${subscriptions.length.toLocaleString()} subscriptions${isPart ? " on this page" : ""}`,
    dead === 0 ? "no dead letters" : `${dead.toLocaleString()} dead letters`,
    ...(failing === 0 ? [] : [`${failing} webhooks that do not take their events`]),
  ].join(", ");
}

function NoSubscriptions({ subject }: { readonly subject: string | undefined }) {
  const { settings } = useConsole();
  if (subject !== undefined) return <EmptyState title={`${subject} has no durable subscription`} />;
  const { demo } = settings;
  if (demo === undefined) {
    return (
      <EmptyState title="Nobody has a durable subscription">
        People make their own: PUT /v1/subscriptions/&lt;name&gt; at the edge, with their token.
      </EmptyState>
    );
  }
  const login = JSON.stringify({ tenant: demo.tenant, username: demo.username, password: demo.password });
  const json = "-H 'content-type: application/json'";
  return (
    <EmptyState
      title="Nobody has a durable subscription"
      commands={[
        `TOKEN=$(curl -s ${json} -d '${login}' ${settings.authUrl ?? ""}/v1/auth/login | jq -r .access_token)`,
        `curl -s -X PUT -H "authorization: Bearer $TOKEN" -d '{"topics":["issues.>"]}' ${demo.streamUrl}/v1/subscriptions/builds`,
      ]}
    >
      People make their own. These lines make one for {demo.username}.
    </EmptyState>
  );
}
