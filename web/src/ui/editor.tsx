// CodeMirror, loaded when first shown. It lives in a shadow root: there its styles are constructed sheets, which a
// Content-Security-Policy without inline styles allows.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { sql } from "@codemirror/lang-sql";
import { yaml } from "@codemirror/lang-yaml";
import { defaultHighlightStyle, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";

export interface EditorProps {
  language: "sql" | "yaml"; value: string; label: string; readOnly?: boolean; onChange?: (text: string) => void; onRun?: () => void; height?: string;
}

// Colours of the default style are for a light ground; these are for a dark one.
const dark = HighlightStyle.define(defaultHighlightStyle.specs.map((spec) => ({ ...spec, color: { "#708": "#d7a0ff", "#219": "#8ebaff", "#164": "#7fd6a4", "#a11": "#ffab91", "#e40": "#ffb86c", "#00f": "#8ebaff", "#30a": "#c3a6ff", "#085": "#6fd1c4", "#167": "#7cc7e8", "#256": "#8fc7d8", "#00c": "#a3c2ff", "#940": "#e0b070", "#f00": "#ff8b8b", "#404740": "#9da9b6" }[String(spec["color"])] ?? spec["color"] })));

function look(isDark: boolean, height: string): Extension {
  return [
    EditorView.theme({
      "&": { color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "12.5px", height },
      ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", overflow: "auto" },
      ".cm-gutters": { backgroundColor: "var(--sunk)", color: "var(--muted)", border: "0" },
      ".cm-content": { caretColor: "var(--text)" }, "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
      ".cm-cursor": { borderLeftColor: "var(--text)" },
    }, { dark: isDark }),
    syntaxHighlighting(isDark ? dark : defaultHighlightStyle),
  ];
}

export default function Editor({ language, value, label, readOnly = false, onChange, onRun, height = "auto" }: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef({ onChange, onRun });
  latest.current = { onChange, onRun };
  const scheme = useComputedColorScheme("light");

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const root = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    const editor = new EditorView({
      root, parent: root as unknown as Element,
      state: EditorState.create({
        doc: view.current?.state.doc.toString() ?? value,
        extensions: [
          keymap.of([{ key: "Mod-Enter", run: () => { latest.current.onRun?.(); return true; } }]),
          lineNumbers(), history(), keymap.of([...defaultKeymap, ...historyKeymap, ...(readOnly || language === "sql" ? [] : [indentWithTab])]),
          language === "sql" ? sql() : yaml(), look(scheme === "dark", height), EditorView.lineWrapping,
          EditorState.readOnly.of(readOnly), EditorView.contentAttributes.of({ "aria-label": label, "aria-readonly": String(readOnly) }),
          EditorView.updateListener.of((update) => { if (update.docChanged) latest.current.onChange?.(update.state.doc.toString()); }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
    // `value` is taken up below, without a new editor.
  }, [language, readOnly, label, scheme, height]);

  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value) editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);
  return <div ref={host} className="editor" />;
}
