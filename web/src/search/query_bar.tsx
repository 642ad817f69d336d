// The search bar: where the text is wrong is shown below it while it is typed, with what may be meant.
import { Button } from "@mantine/core";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useKeys } from "../lib/keys";
import { Icon } from "../ui/icons";
import { useCheck, type Question } from "./use_search";

interface Props { query: string; question: Question; busy: boolean; ask: (text: string) => void; cancel: () => void; children?: ReactNode }

export function QueryBar({ query, question, busy, ask, cancel, children }: Props) {
  const [text, setText] = useState(query);
  const [scroll, setScroll] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setText(query), [query]);
  useKeys({ "/": () => input.current?.focus() });
  const check = useCheck(text, question);
  // Positions count bytes; a caret needs characters.
  const position = check.ok ? 0 : charactersIn(text, check.position ?? 0);
  const length = check.ok ? 0 : Math.max(1, check.length ?? 1);
  return (
    <div>
      <form className="query" role="search" onSubmit={(event) => { event.preventDefault(); ask(text.trim()); }}>
        <div className="query-box">
          <input ref={input} className="query-input" value={text} spellCheck={false} autoCapitalize="off" autoComplete="off" aria-label="Search events" placeholder="host:web01 AND process_cmd_line:*mimikatz* AND NOT user:svc_*     empty: all events"
                 aria-invalid={!check.ok} aria-describedby={check.ok ? undefined : "query-problem"} onChange={(event) => setText(event.currentTarget.value)} onScroll={(event) => setScroll(event.currentTarget.scrollLeft)} />
          {!check.ok && (
            <div id="query-problem" role="alert">
              <div className="query-error" aria-hidden><span style={{ marginLeft: -scroll }}>{" ".repeat(position)}{"^".repeat(length)}</span></div>
              <div className="bad">At character {position + 1}: {check.message}{check.hint && !check.message?.includes(check.hint) ? <span className="muted"> {check.hint}</span> : null}</div>
            </div>
          )}
        </div>
        {/* Two keys: one element that became a submit button during the click would submit. */}
        {busy
          ? <Button key="cancel" variant="default" onClick={cancel} leftSection={<Icon name="stop" size={12} />} h={34}>Cancel</Button>
          : <Button key="ask" type="submit" leftSection={<Icon name="play" size={12} />} h={34}>Search</Button>}
        {children}
      </form>
    </div>
  );
}

function charactersIn(text: string, bytes: number): number {
  return new TextDecoder().decode(new TextEncoder().encode(text).slice(0, bytes)).length;
}
