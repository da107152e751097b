import { useEffect, useRef, useState } from "preact/hooks";
import type { CodeEditor } from "./code-editor.ts";
import type { Review } from "./policy.ts";

interface EditorProps {
  readonly text: string;
  /** Another one has the editor take the text. What it gave itself is older than what it has by now. */
  readonly revision: number;
  readonly onEdit: (text: string) => void;
  /** What is wrong with the text, as far as that is known. */
  readonly review: Review | undefined;
  /** A place that is to be shown. */
  readonly place: { readonly line: number; readonly column: number } | undefined;
}

/** The editor of the document. Until its chunk is there, and where that does not come, it is a plain field. */
export function Editor({ text, revision, onEdit, review, place }: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef({ text, onEdit });
  useEffect(() => {
    latest.current = { text, onEdit };
  });
  const [editor, setEditor] = useState<CodeEditor>();
  useEffect(() => {
    let opened: CodeEditor | undefined;
    let isWanted = true;
    const open = async (): Promise<void> => {
      const { openCodeEditor } = await import("./code-editor.ts");
      if (!isWanted || host.current === null) return;
      const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: "open" });
      opened = openCodeEditor(root, latest.current.text, (next) => latest.current.onEdit(next));
      setEditor(opened);
    };
    open().catch(() => undefined);
    return () => {
      isWanted = false;
      opened?.destroy();
    };
  }, []);
  useEffect(() => editor?.setText(latest.current.text), [editor, revision]);
  useEffect(() => {
    editor?.mark([...(review?.faults ?? []), ...(review?.failed ?? [])], "error");
    editor?.mark(review?.warnings ?? [], "warning");
  }, [editor, review]);
  useEffect(() => {
    if (place !== undefined) editor?.show(place.line, place.column);
  }, [editor, place]);
  return (
    <div class="editor">
      {editor === undefined ? (
        <textarea
          aria-label="Policy document"
          class="mono"
          spellcheck={false}
          value={text}
          onInput={(event) => onEdit(event.currentTarget.value)}
        />
      ) : null}
      <div class="editor-host" ref={host} hidden={editor === undefined} />
    </div>
  );
}
