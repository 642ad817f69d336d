import { Button } from "@mantine/core";
import type { Finding } from "../api/types";
import { formatTime } from "../lib/format";
import { Severity } from "../ui/severity";

export function RelatedList({ items, open, label }: { items: Finding[]; open: (id: string) => void; label?: string }) {
  return (
    <table className="table">{label && <caption className="visually-hidden">{label}</caption>}<tbody>
      {items.map((item) => (
        <tr key={item.id}>
          <td style={{ whiteSpace: "nowrap" }}>{formatTime(item.time)}</td><td><Severity level={item.level} /></td>
          <td><Button variant="transparent" size="compact-xs" className="link-button" onClick={() => open(item.id)}>{item.rule_title}</Button><div className="muted">{[item.host, item.user].filter(Boolean).join(" · ")}</div></td>
        </tr>
      ))}
    </tbody></table>
  );
}
