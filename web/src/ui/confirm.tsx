import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { Dialog } from "./dialog";

export function Confirm({ opened, title, action, children, close, run, busy }: { opened: boolean; title: string; action: string; children: ReactNode; close: () => void; run: () => void; busy?: boolean }) {
  return (
    <Dialog opened={opened} onClose={close} title={title}>
      <div className="stack">{children}
        <div className="row"><div className="grow" /><Button variant="default" onClick={close} data-autofocus>Keep</Button><Button color="red" onClick={run} loading={busy ?? false}>{action}</Button></div></div>
    </Dialog>
  );
}
