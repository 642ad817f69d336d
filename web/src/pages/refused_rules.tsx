import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";
import { api } from "../api/client";
import type { RefusedRule } from "../api/types";
import { Icon } from "../ui/icons";
import { Empty, Loaded } from "../ui/states";

export default function RefusedRules() {
  const query = useQuery({ queryKey: ["rules", "refused"], queryFn: ({ signal }) => api.get<{ items: RefusedRule[] }>("/rules/refused", undefined, signal) });
  return (
    <div className="page">
      <div className="page-head"><Link to="/rules" aria-label="Back to the rules"><Icon name="back" /></Link><h1>Refused rules</h1><span className="muted">They could not be loaded; the others run.</span></div>
      <Loaded query={query} what="Refused rules">
        {({ items }) => items.length === 0 ? <Empty title="No rule was refused">Every rule file could be loaded.</Empty> : (
          <div className="card table-wrap"><table className="table">
            <thead><tr><th>Rule</th><th>Where</th><th>What is wrong</th><th>Code</th></tr></thead>
            <tbody>{items.map((item, i) => (
              <tr key={i}><td>{item.title || "(no title)"}</td><td className="mono">{item.path}:{item.line}:{item.column}</td><td>{item.message}{item.hint && <div className="muted">{item.hint}</div>}</td><td className="mono">{item.code}</td></tr>
            ))}</tbody>
          </table></div>
        )}
      </Loaded>
    </div>
  );
}
