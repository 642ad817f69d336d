// Mantine's modal with a heading of our own: its <header> would count as a second banner of the page.
import { Modal } from "@mantine/core";
import type { ReactNode } from "react";

interface Props { opened: boolean; onClose: () => void; title: string; closeOnClickOutside?: boolean; size?: "md" | "xl"; children: ReactNode }

export function Dialog({ opened, onClose, title, closeOnClickOutside = true, size = "md", children }: Props) {
  return (
    <Modal.Root size={size} opened={opened} onClose={onClose} centered lockScroll={false} closeOnClickOutside={closeOnClickOutside} transitionProps={{ duration: 80 }}>
      <Modal.Overlay />
      <Modal.Content aria-label={title}>
        <div className="dialog-head"><Modal.Title className="dialog-title">{title}</Modal.Title><Modal.CloseButton aria-label="Close" /></div>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
