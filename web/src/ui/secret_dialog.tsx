import { Button } from "@mantine/core";
import { Code } from "./code";
import { Dialog } from "./dialog";

// A secret that the server shows only once.
export function SecretDialog({ title, secret, note, close }: { title: string; secret: string | null; note: string; close: () => void }) {
  return (
    <Dialog opened={secret !== null} onClose={close} title={title} closeOnClickOutside={false}>
      <div className="stack"><p>{note} It is shown only now.</p>{secret && <Code text={secret} label={title} />}<Button onClick={close}>I have it</Button></div>
    </Dialog>
  );
}
