import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { completePolicy } from "./complete-policy.ts";
import type { Fault } from "./policy.ts";

/** An editor in the page. */
export interface CodeEditor {
  /** Replaces the text where it is another one. */
  setText(text: string): void;
  /** Marks what is wrong, each at its place. */
  mark(faults: readonly Fault[], severity: "error" | "warning"): void;
  /** Moves to a place, both from 1. */
  show(line: number, column: number): void;
  destroy(): void;
}

const colors = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: "var(--accent)" },
  { tag: [tags.string, tags.content], color: "var(--ink)" },
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--quiet)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", backgroundColor: "var(--raised)", color: "var(--ink)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--ground)", color: "var(--quiet)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--wash) 60%, transparent)" },
  "&.cm-focused .cm-selectionBackground, ::selection": { backgroundColor: "var(--wash)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--ink)", border: "1px solid var(--edge)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-diagnostic": { fontFamily: "system-ui, sans-serif" },
});

/**
 * Puts an editor of policy documents into a shadow root: there its styles are sheets of its own, which a policy that takes no
 * inline styles lets through. Tab leaves it, as it leaves any field.
 */
export function openCodeEditor(root: ShadowRoot, text: string, onEdit: (text: string) => void): CodeEditor {
  const marked = new Map<string, readonly Fault[]>();
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        lintGutter(),
        history(),
        highlightActiveLine(),
        // A rule must not read as another one by what turns the direction of writing.
        highlightSpecialChars({ addSpecialChars: /[\u202a-\u202c\u2068]/gu }),
        yaml(),
        syntaxHighlighting(colors),
        autocompletion({ override: [completePolicy] }),
        keymap.of([...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
        EditorView.contentAttributes.of({ "aria-label": "Policy document", spellcheck: "false", tabindex: "0" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onEdit(update.state.doc.toString());
        }),
        look,
      ],
    }),
  });
  return {
    setText(next) {
      const current = view.state.doc.toString();
      if (next !== current) view.dispatch({ changes: { from: 0, to: current.length, insert: next } });
    },
    mark(faults, severity) {
      marked.set(severity, faults);
      const diagnostics = [...marked].flatMap(([kind, list]) =>
        list.map((fault) => diagnosticOf(view.state, fault, kind as Diagnostic["severity"])),
      );
      view.dispatch(
        setDiagnostics(
          view.state,
          diagnostics.toSorted((one, other) => one.from - other.from),
        ),
      );
    },
    show(line, column) {
      const at = placeOf(view.state, line, column);
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

function diagnosticOf(state: EditorState, fault: Fault, severity: Diagnostic["severity"]): Diagnostic {
  const { line = 1, column = 1, path, message } = fault;
  const from = placeOf(state, line, column);
  const word = /^[^\s,:\]}]+/.exec(state.sliceDoc(from, state.doc.lineAt(from).to))?.[0] ?? "";
  return { from, to: from + word.length, severity, message: path === "" ? message : `${path}: ${message}` };
}

/** The offset of a place; one that the text does not have any more is at its end. */
function placeOf({ doc }: EditorState, line: number, column: number): number {
  if (line > doc.lines) return doc.length;
  const { from, to } = doc.line(Math.max(1, line));
  return Math.min(to, from + Math.max(0, column - 1));
}
