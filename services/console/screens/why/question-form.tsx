import { useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import { usePeople } from "../../context/use-people.ts";
import { Field, Select } from "../../parts/field.tsx";
import { Form } from "../../parts/form.tsx";

/** How an event can be named. */
type Way = "event" | "sequence" | "topic";

const WAYS: readonly { readonly value: Way; readonly text: string }[] = [
  { value: "event", text: "its id" },
  { value: "sequence", text: "its place in the log" },
  { value: "topic", text: "its topic and time" },
];

/** Asks for a person and an event. What is asked stands in the address, so that an answer can be sent to a colleague. */
export function QuestionForm() {
  const { router } = useConsole();
  const people = usePeople();
  const asked = WAYS.map(({ value }) => value).find((way) => router.parameter(way) !== undefined) ?? "event";
  const [subject, setSubject] = useState(router.parameter("subject") ?? "");
  const [way, setWay] = useState<Way>(asked);
  const [name, setName] = useState(router.parameter(asked) ?? "");
  const [at, setAt] = useState(localTime(router.parameter("at")));
  const isWhole = subject !== "" && name.trim() !== "" && (way !== "topic" || at !== "");
  const ask = async (): Promise<void> => {
    const nothing = { event: undefined, sequence: undefined, topic: undefined, at: undefined };
    const time = way === "topic" ? new Date(at).toISOString() : undefined;
    router.set({ ...nothing, subject: subject.trim(), [way]: name.trim(), at: time });
  };
  return (
    <Form action="Ask why" label="The question" isLine isDisabled={!isWhole} onSubmit={ask}>
      <div class="fields">
        <Field label="Person" value={subject} onInput={setSubject} isRequired suggestions={people} />
        <Select
          label="The event by"
          value={way}
          options={WAYS}
          onChange={(value) => {
            setWay(value as Way);
            setName("");
          }}
        />
        <Field
          label={{ event: "Event id", sequence: "Place in the log", topic: "Topic" }[way]}
          value={name}
          onInput={setName}
          type={way === "sequence" ? "number" : "text"}
          placeholder={{ event: "k3v9x2mq.1041.1hx2b9c", sequence: "1041", topic: "issues.opened.Hello-World" }[way]}
          isRequired
          isMono
        />
        {way === "topic" ? (
          <Field label="Stored about" type="datetime-local" value={at} onInput={setAt} isRequired />
        ) : null}
      </div>
    </Form>
  );
}

/** A time as a field for it takes it: in the reader's zone, without naming that. */
function localTime(text: string | undefined): string {
  const time = text === undefined ? Date.now() : Date.parse(text);
  if (Number.isNaN(time)) return "";
  return new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
