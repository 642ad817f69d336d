// A button for what not everybody may do: for others it is there, off, and says which right is missing.
import { Button, Tooltip, type ButtonProps } from "@mantine/core";
import { useSession } from "../api/session";

interface Props extends ButtonProps { right: string; onClick: () => void; also?: string | undefined; type?: "button" | "submit"; "aria-label"?: string }

export function AllowedButton({ right, onClick, also, ...rest }: Props) {
  const { may } = useSession();
  const reason = !may(right) ? `Needs the right "${right}", which your role does not have` : also;
  if (!reason) return <Button {...rest} onClick={onClick} />;
  return <Tooltip label={reason}><Button {...rest} aria-disabled data-disabled title={reason} onClick={(event) => event.preventDefault()} /></Tooltip>;
}
