import type { ReactNode } from "react";
import { SchemeSwitch } from "./shell";

export function Gate({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="gate">
      <div className="gate-card">
        <div className="row"><div className="gate-brand"><img src="/icon.svg" alt="" width={30} height={30} />Tocsin</div><div className="grow" /><SchemeSwitch /></div>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
