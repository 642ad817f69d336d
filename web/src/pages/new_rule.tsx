import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { Link, useNavigate } from "react-router-dom";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { RuleDetail, RuleStatus } from "../api/types";
import { useChange } from "../lib/invalidate";
import { useUrlState } from "../lib/url_state";
import { TestRule } from "../rules/rule_test";
import { Icon } from "../ui/icons";
import { Loading, Notice } from "../ui/states";

const Editor = lazy(() => import("../ui/editor"));

const template = () => `title: What it finds
id: ${crypto.randomUUID()}
status: experimental
description: Why this matters to an analyst.
logsource:
    product: windows
    category: process_creation
detection:
    selection:
        Image|endswith: '\\example.exe'
        CommandLine|contains: '--flag'
    condition: selection
level: medium
`;

export default function NewRule() {
  const { may } = useSession();
  const { get } = useUrlState();
  const navigate = useNavigate();
  const copy = get("copy");
  const [text, setText] = useState(template);
  const [name, setName] = useState("");
  const { busy, change } = useChange(["rules", "attack", "overview"]);
  const original = useQuery({ queryKey: ["rules", "one", copy], enabled: copy !== "", queryFn: () => api.get<RuleDetail>(`/rules/${encodeURIComponent(copy)}`) });
  useEffect(() => { if (original.data) setText(original.data.text.replace(/^id: .*$/m, `id: ${crypto.randomUUID()}`)); }, [original.data]);
  if (!may("rules.write")) return <div className="page"><h1>New rule</h1><Notice kind="info">Writing rules needs the right "rules.write", which your role does not have.</Notice></div>;
  const save = async () => {
    let made: RuleStatus | undefined;
    if (await change("Saving", "The rule is loaded", async () => { made = await api.post<RuleStatus>("/rules", { text, name }); })) navigate(made?.id ? `/rules/${encodeURIComponent(made.id)}` : "/rules");
  };
  return (
    <div className="page">
      <div className="page-head"><Link to="/rules" aria-label="Back to the rules"><Icon name="back" /></Link><h1>New rule</h1><div className="grow" />
        <form className="row" onSubmit={(event) => { event.preventDefault(); void save(); }}>
          <TextInput size="xs" aria-label="Name of the file" placeholder="name_of_the_file" value={name} onChange={(event) => setName(event.currentTarget.value)} pattern="[a-z0-9_\-]+" />
          <Button size="xs" type="submit" loading={busy} disabled={!name}>Save</Button>
        </form></div>
      <div className="cards">
        <section className="card span-7" aria-label="Text"><Suspense fallback={<Loading what="the editor" />}><Editor language="yaml" label="Text of the rule" value={text} onChange={setText} height="560px" /></Suspense></section>
        <section className="card span-5 stack" aria-label="Test"><h2>Test against stored events</h2><p className="muted">Shows what the text at the left would have found. Nothing is saved.</p><TestRule rule={{ text }} /></section>
      </div>
    </div>
  );
}
