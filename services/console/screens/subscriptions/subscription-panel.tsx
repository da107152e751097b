import type { SubscriptionDetails, SubscriptionView, WebhookView } from "#shared/contract/subscription-view.ts";
import { useConsole, useTenant } from "../../context/console-context.ts";
import { tenantPath } from "../../http/api-client.ts";
import { useQuery } from "../../http/use-query.ts";
import { Badge } from "../../parts/badge.tsx";
import { Identifier } from "../../parts/command.tsx";
import { DeleteButton } from "../../parts/delete-button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Link } from "../../parts/link.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Section } from "../../parts/page.tsx";
import { Switch } from "../../parts/switch.tsx";
import { DeadLetters } from "./dead-letters.tsx";
import { OpenEvents } from "./open-events.tsx";
import { StateOf } from "./state-of.tsx";

const REFRESH_MS = 5_000;

interface PanelProps {
  readonly subject: string;
  readonly name: string;
  readonly onClose: () => void;
  /** It was changed: the list is another one. */
  readonly onChanged: () => void;
}

/** One subscription: what it is and owes, and what can be done about it. */
export function SubscriptionPanel({ subject, name, onClose, onChanged }: PanelProps) {
  const { api } = useConsole();
  const tenant = useTenant() ?? "";
  const path = tenantPath(tenant, "subscriptions", subject, name);
  const details = useQuery(path, (signal) => api.get<SubscriptionDetails>(path, { signal }), { everyMs: REFRESH_MS });
  const changed = (): void => {
    details.reload();
    onChanged();
  };
  return (
    <Dialog title={name} isPanel onClose={onClose}>
      <Loaded query={details} what="the subscription">
        {({ subscription, open, dead, next }) => (
          <>
            <SubscriptionFacts subscription={subscription} />
            {subscription.state === "unreadable" ? (
              <p class="note warn">
                A newer release wrote its record, or it is damaged: it is left as it is. Only the call that deletes all
                of a person&apos;s subscriptions takes it away.
              </p>
            ) : (
              <>
                <Section title="Delivery">
                  <Delivering subscription={subscription} path={path} onChanged={changed} />
                </Section>
                <Section title={`Dead letters: ${subscription.dead.toLocaleString()}`}>
                  <DeadLetters
                    subject={subject}
                    letters={dead}
                    hasMore={next !== undefined}
                    path={path}
                    onChanged={changed}
                  />
                </Section>
                <Section title={`Open: ${subscription.open.toLocaleString()}`}>
                  <OpenEvents events={open} />
                </Section>
                <Section title="Delete the subscription">
                  <DeleteButton
                    name={name}
                    path={path}
                    done={`${name} of ${subject} is deleted.`}
                    onDeleted={() => {
                      onClose();
                      onChanged();
                    }}
                  >
                    Its stream ends, and what {subject} has not acknowledged is not delivered any more. The events stay
                    in the log.
                  </DeleteButton>
                </Section>
              </>
            )}
          </>
        )}
      </Loaded>
    </Dialog>
  );
}

function SubscriptionFacts({ subscription }: { readonly subscription: SubscriptionView }) {
  const { subject, topics, pending, open, window, redelivered, maxDeliver, floor, holder, webhook } = subscription;
  const person = (
    <Link to="people" parameters={{ subject }}>
      {subject}
    </Link>
  );
  if (subscription.state === "unreadable")
    return <Facts facts={{ State: <StateOf subscription={subscription} />, Person: person }} />;
  return (
    <Facts
      facts={{
        State: <StateOf subscription={subscription} />,
        Person: person,
        Topics: topics.map((topic) => <code key={topic}>{topic} </code>),
        Pending:
          pending === null ? "the log has begun anew" : `${pending.toLocaleString()} entries of the log to look at`,
        Open: `${open} of ${window} that it may have, ${redelivered} of them delivered again`,
        "Dead after": maxDeliver === 1 ? "the first delivery" : `${maxDeliver} deliveries`,
        Floor: <Identifier id={floor} what="the id up to which all is settled" />,
        "Held by": holder === null ? <span class="quiet">nobody</span> : <HolderOf holder={holder} webhook={webhook} />,
        Made: <Moment at={subscription.createdAt} />,
        "Last held": holder === null ? <Moment at={subscription.seenAt} /> : undefined,
        ...webhookFacts(webhook),
      }}
    />
  );
}

function HolderOf({
  holder,
  webhook,
}: {
  readonly holder: NonNullable<SubscriptionView["holder"]>;
  readonly webhook: WebhookView | null;
}) {
  const { connectionId } = holder;
  return (
    <>
      <Link to="connections" parameters={{ connection: connectionId }}>
        {webhook === null ? "a stream" : "the process that posts webhooks"}
      </Link>{" "}
      <span class="quiet">
        at the worker <code>{connectionId.split("-", 1)[0]}</code>
      </span>
    </>
  );
}

function webhookFacts(webhook: WebhookView | null) {
  if (webhook === null) return {};
  const { host, failure, breaker } = webhook;
  return {
    "Posted to": <code>{host}</code>,
    "Last failure":
      failure === null ? (
        <span class="quiet">none since it was last taken</span>
      ) : (
        <>
          <Moment at={failure.at} /> {failure.reason}
        </>
      ),
    Host:
      breaker === null ? (
        <Badge tone="good">takes messages</Badge>
      ) : (
        <Badge tone={breaker.resting ? "bad" : "warn"}>
          {breaker.resting ? "left alone, tried now and then" : `did not take the last ${breaker.failures}`}
        </Badge>
      ),
  };
}

interface ActionProps {
  readonly path: string;
  readonly onChanged: () => void;
}

function Delivering({
  subscription: { state, pausedUntil, subject, name },
  path,
  onChanged,
}: ActionProps & { readonly subscription: SubscriptionView }) {
  const { api, announce } = useConsole();
  const change = async (isOn: boolean): Promise<void> => {
    await api.send(`${path}/${isOn ? "resume" : "pause"}`, { method: "POST" });
    announce(`${name} of ${subject} is ${isOn ? "delivered again" : "paused"}.`);
    onChanged();
  };
  return (
    <>
      <Switch label="Deliver" isOn={state !== "paused"} onChange={change} />
      <p class="hint">
        {pausedUntil === null ? (
          "Paused, it keeps its events and delivers none until it is resumed."
        ) : (
          <>
            It goes on by itself at <Moment at={pausedUntil} />.
          </>
        )}
      </p>
    </>
  );
}
