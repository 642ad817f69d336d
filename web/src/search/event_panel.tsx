import { ActionIcon } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import type { EventRecord } from "../api/types";
import { formatTime } from "../lib/format";
import { Code, json } from "../ui/code";
import { EventFields } from "../ui/event_fields";
import { Icon } from "../ui/icons";
import { Empty, Loaded } from "../ui/states";
import { TabList } from "../ui/tab_list";
import { copyText } from "../ui/toast";
import type { ValueAction } from "../ui/value_menu";

const tabs = { fields: "Fields", raw: "Raw", ocsf: "OCSF JSON" } as const;

export function EventPanel({ id, close, actionsOf }: { id: string; close: () => void; actionsOf: (field: string, value: string) => ValueAction[] }) {
  const [tab, setTab] = useState<keyof typeof tabs>("fields");
  const query = useQuery({ queryKey: ["event", id], queryFn: ({ signal }) => api.get<EventRecord>(`/events/${encodeURIComponent(id)}`, undefined, signal), staleTime: Infinity });
  return (
    <aside className="panel" aria-label="Event">
      <div className="panel-head">
        <div className="row"><span className="panel-title">Event</span><span className="muted">{query.data ? formatTime(query.data.time, true) : id}</span><div className="grow" />
          <ActionIcon variant="subtle" color="gray" className="icon-button" aria-label="Copy link" onClick={() => { void copyText(window.location.href, "Link copied"); }}><Icon name="copy" /></ActionIcon>
          <ActionIcon variant="subtle" color="gray" className="icon-button" aria-label="Close panel" onClick={close}><Icon name="close" /></ActionIcon></div>
        <TabList label="Parts of the event" tabs={tabs} value={tab} onChange={setTab} />
      </div>
      <div className="panel-body" tabIndex={0} role="tabpanel" aria-label={tabs[tab]}>
        <Loaded query={query} what="The event">
          {(event) => tab === "fields" ? <EventFields event={event} actionsOf={actionsOf} />
            : tab === "raw" ? (event.raw ? <Code text={event.raw} label="Raw event" /> : <Empty title="No raw record">It was not stored with this event.</Empty>)
            : event.ocsf && Object.keys(event.ocsf).length > 0 ? <Code text={json(event.ocsf)} label="OCSF JSON" /> : <Empty title="No OCSF form">The record could not be decoded again.</Empty>}
        </Loaded>
      </div>
    </aside>
  );
}
