import { Badge } from "../../parts/badge.tsx";
import { Identifier } from "../../parts/command.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Link } from "../../parts/link.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Section } from "../../parts/page.tsx";
import { Chain } from "./chain.tsx";
import { Decisions } from "./decisions.tsx";
import { type ExplainedEvent, type Explanation, verdictOf } from "./explanation.ts";
import { Mend } from "./mend.tsx";

interface AnswerProps {
  readonly explanation: Explanation;
  /** A change was made: the answer may be another one. */
  readonly onMended: () => void;
}

/** The answer: the first no, large; what would mend it; the chain; the decisions. */
export function Answer({ explanation, onMended }: AnswerProps) {
  const { tone, answer, text, about } = verdictOf(explanation);
  const { subject, holds, event, suggestion } = explanation;
  return (
    <>
      <section class={`verdict ${tone}`} aria-label="The answer">
        <p class="verdict-about">
          <Badge tone={tone}>{answer}</Badge> {about}
        </p>
        <h2 class="verdict-text">{text}</h2>
        {suggestion === undefined || suggestion === null ? null : <Mend suggestion={suggestion} onMended={onMended} />}
      </section>
      <Section title={`From the event to ${subject}`}>
        <Chain links={explanation.chain} firstNo={explanation.firstNo} />
      </Section>
      <div class="why-facts">
        <Section title="The event">
          <EventFacts event={event} subject={subject} />
        </Section>
        <Section title={subject}>
          <Facts
            facts={{
              Roles: namesOf(rolesOf(explanation)),
              Groups: namesOf(holds.groups),
              "Groups by":
                { auth: "auth, now", nobody: "nobody: auth knows no such person" }[holds.from] ?? `the ${holds.from}`,
            }}
          />
        </Section>
      </div>
      <Decisions explanation={explanation} />
    </>
  );
}

/** All roles by which it is decided now, and how the person comes by each. */
function rolesOf({ now, holds }: Explanation): readonly string[] {
  return now?.roles.map(({ role, via }) => `${role} (${via.join(", ")})`) ?? holds.roles;
}

function namesOf(names: readonly string[]) {
  return names.length === 0 ? <span class="quiet">none</span> : names.join(", ");
}

function EventFacts({ event, subject }: { readonly event: ExplainedEvent; readonly subject: string }) {
  const { state, because, id, sequence, topic, type, storedAt, attributes = {}, nearest = [] } = event;
  const facts = {
    State: <Badge tone={state === "kept" ? "good" : "warn"}>{state.replaceAll("_", " ")}</Badge>,
    Why: because,
    Id: id === undefined ? undefined : <Identifier id={id} what="the event's id" />,
    Place: sequence,
    Topic: topic === undefined ? undefined : <code>{topic}</code>,
    Type: type === undefined ? undefined : <code>{type}</code>,
    Stored: storedAt === undefined ? undefined : <Moment at={storedAt} />,
    Attributes: Object.keys(attributes).length === 0 ? undefined : <code>{JSON.stringify(attributes)}</code>,
  };
  return (
    <>
      <Facts facts={facts} />
      {nearest.length === 0 ? null : (
        <>
          <h3>Of this topic, near that time</h3>
          <ul class="nearest">
            {nearest.map((each) => (
              <li key={each.id}>
                <Link to="why" parameters={{ subject, event: each.id }}>
                  <Moment at={each.storedAt} /> <code>{each.id}</code>
                </Link>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
