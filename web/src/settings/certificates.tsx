import { useQuery } from "@tanstack/react-query";
import { api } from "../api/client";
import type { Certificate } from "../api/types";
import { formatTime } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { AllowedButton } from "../ui/allowed";
import { Empty, Loaded, Notice } from "../ui/states";

const kWarnDays = 30;

export default function Certificates() {
  const query = useQuery({ queryKey: ["certificates"], queryFn: ({ signal }) => api.get<{ items: Certificate[] }>("/certificates", undefined, signal) });
  const { busy, change } = useChange(["certificates"]);
  return (
    <section className="card stack" aria-label="Certificates">
      <div className="card-head" style={{ marginBottom: 0 }}><h2>Certificates</h2><AllowedButton right="settings.write" size="xs" variant="default" loading={busy} onClick={() => { void change("Reading the files again", "The files were read again; connections went on", () => api.post("/certificates/reload")); }}>Read the files again</AllowedButton></div>
      <Loaded query={query} what="Certificates">
        {({ items }) => items.length === 0 ? <Empty title="No certificate is in use" /> : <>{items.map((item) => {
          const days = Math.floor((new Date(item.not_after).getTime() - Date.now()) / 86_400_000);
          return (
            <div key={item.name + item.sha256} className="stack" style={{ gap: 6 }}>
              <h3>{item.name}</h3>
              {days < kWarnDays && <Notice kind={days < 0 ? "error" : "warning"}>{days < 0 ? "It has ended: clients refuse it." : `It ends in ${days} days.`}</Notice>}
              {item.self_signed && <Notice kind="info">Self-signed: browsers ask before they trust it. Compare the SHA-256 below, or name a certificate of your authority in tocsin.yaml.</Notice>}
              <dl className="facts"><dt>Subject</dt><dd>{item.subject}</dd><dt>Issuer</dt><dd>{item.issuer}</dd><dt>Names</dt><dd>{item.names.join(", ")}</dd><dt>Valid</dt><dd>{formatTime(item.not_before)} to {formatTime(item.not_after)}</dd><dt>SHA-256</dt><dd className="mono">{item.sha256}</dd></dl>
            </div>
          );
        })}</>}
      </Loaded>
    </section>
  );
}
