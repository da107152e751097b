import { useConsole, useTenant } from "../../context/console-context.ts";
import { tenantPath } from "../../http/api-client.ts";
import { useQuery } from "../../http/use-query.ts";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Page } from "../../parts/page.tsx";
import { Answer } from "./answer.tsx";
import type { Explanation } from "./explanation.ts";
import { QuestionForm } from "./question-form.tsx";
import "./why.css";

const ASKED = ["event", "sequence", "topic", "at"] as const;

/** Why a person got an event, or did not: the chain from one to the other, and what would mend it. */
export function WhyScreen() {
  const { api, router } = useConsole();
  const tenant = useTenant() ?? "";
  const subject = router.parameter("subject");
  const asked = Object.fromEntries(ASKED.map((name) => [name, router.parameter(name)]));
  const isAsked = subject !== undefined && ASKED.some((name) => asked[name] !== undefined);
  const key = isAsked ? JSON.stringify([tenant, subject, asked]) : undefined;
  const explanation = useQuery(key, (signal) =>
    api.get<Explanation>(tenantPath(tenant, "explain"), { parameters: { subject, ...asked }, signal }),
  );
  return (
    <Page title="Why" lead="Why a person got an event, or did not: link by link, when it was published and now.">
      <QuestionForm key={key} />
      {isAsked ? (
        <Loaded query={explanation} what="why">
          {(value) => <Answer explanation={value} onMended={explanation.reload} />}
        </Loaded>
      ) : (
        <EmptyState title="Ask about a person and an event">
          An event is known by the id that the stream gives it, by its place in the tenant&#8217;s log, or by its topic
          and about when it was published.
        </EmptyState>
      )}
    </Page>
  );
}
