// Any value can be clicked: include it, exclude it, only this, copy it, look for it in the events.
import { createContext, useCallback, useContext, useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent, type MouseEvent, type ReactNode } from "react";
import { createPortal } from "react-dom";
import { useNavigate } from "react-router-dom";
import { searchTerm } from "../lib/search_text";
import { useScope } from "../lib/url_state";
import { copyText } from "./toast";

export interface ValueAction { label: string; run: () => void }
interface Open { x: number; y: number; field: string; value: string; actions: ValueAction[]; from: HTMLElement }
type Opener = (event: MouseEvent<HTMLElement>, field: string, value: string, actions: ValueAction[]) => void;
const MenuContext = createContext<Opener>(() => undefined);

export function ValueMenuProvider({ children }: { children: ReactNode }) {
  const [open, setOpen] = useState<Open | null>(null);
  const opener = useCallback<Opener>((event, field, value, actions) => {
    event.stopPropagation();
    const box = event.currentTarget.getBoundingClientRect();
    setOpen({ x: box.left, y: box.bottom + 2, field, value, actions, from: event.currentTarget });
  }, []);
  return (
    <MenuContext.Provider value={opener}>
      {children}
      {open && createPortal(<ValueMenu open={open} close={() => { open.from.focus(); setOpen(null); }} />, document.body)}
    </MenuContext.Provider>
  );
}

function ValueMenu({ open, close }: { open: Open; close: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  const navigate = useNavigate();
  const scope = useScope();
  const items: ValueAction[] = [
    ...open.actions,
    { label: "Search events with this", run: () => {
      const params = new URLSearchParams(scope.query);
      params.set("q", searchTerm(open.field, open.value));
      navigate(`/search?${params}`);
    } },
    { label: "Copy", run: () => { void copyText(open.value); } },
  ];

  useLayoutEffect(() => {
    const menu = box.current;
    if (!menu) return;
    menu.style.left = `${Math.max(4, Math.min(open.x, window.innerWidth - menu.offsetWidth - 8))}px`;
    menu.style.top = `${open.y + menu.offsetHeight > window.innerHeight ? Math.max(4, open.y - menu.offsetHeight - 26) : open.y}px`;
    menu.querySelector<HTMLElement>("[role=menuitem]")?.focus();
  }, [open]);
  useEffect(() => {
    const outside = (event: PointerEvent) => { if (!box.current?.contains(event.target as Node)) close(); };
    window.addEventListener("pointerdown", outside);
    return () => window.removeEventListener("pointerdown", outside);
  }, [close]);

  const onKeyDown = (event: KeyboardEvent) => {
    const all = [...(box.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    if (event.key === "ArrowDown") all[(at + 1) % all.length]?.focus();
    else if (event.key === "ArrowUp") all[(at + all.length - 1) % all.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={box} className="value-menu" data-value-menu onKeyDown={onKeyDown}>
      <div className="value-menu-head" title={open.value}>{open.field} <span className="mono">{open.value}</span></div>
      <div role="menu" aria-label={`${open.field} ${open.value}`}>
        {items.map((item) => (
          <button key={item.label} role="menuitem" className="value-menu-item" onClick={() => { close(); item.run(); }}>{item.label}</button>
        ))}
      </div>
    </div>
  );
}

// `inTable`: reached through the row, not by the Tab key, or a table would have hundreds of stops.
export function Value({ field, value, actions, inTable, children }: { field: string; value: string; actions?: ValueAction[]; inTable?: boolean; children?: ReactNode }) {
  const open = useContext(MenuContext);
  if (!value) return null;
  return (
    <button className="val" tabIndex={inTable ? -1 : 0} aria-haspopup="menu" title={value} onClick={(event) => open(event, field, value, actions ?? [])}>
      {children ?? value}
    </button>
  );
}
