// The shapes of docs/api.md, and nothing else. One place to change when the contract does.

export type Level = "informational" | "low" | "medium" | "high" | "critical";
export const levels: readonly Level[] = ["critical", "high", "medium", "low", "informational"];

// Of OCSF's severity_id: 1 to 5.
export function levelOf(severityId: number): Level { return levels[Math.max(0, Math.min(4, 5 - severityId))] ?? "informational"; }

export interface Page<T> { items: T[]; next_cursor: string | null }

export interface User {
  name: string; display_name: string; role: string; tenants: string[]; rights: string[]; totp: boolean;
}
export interface UserRecord extends User { enabled: boolean; last_login_at: string | null; created_at: string }
export interface Me { user: User; csrf: string; version: string; tenants: string[]; session: boolean }
export interface SetupState { needed: boolean; version: string }
export interface LoginAnswer { csrf: string; user: User }
export interface TotpSecret { secret: string; uri: string }
export interface SessionRecord {
  id: string; created_at: string; seen_at: string; address: string; agent: string; current: boolean;
}
export interface ApiToken {
  id: string; user: string; name: string; scopes: string[]; created_at: string; expires_at: string | null;
  used_at: string | null; token?: string;
}
export interface AuditEntry {
  sequence: number; time: string; actor: string; action: string; object: string; address: string; detail: unknown; hash: string;
}
export interface AuditCheck { checked: number; first_broken: number | null; reason: string; head: string }

export interface Finding {
  id: string; time: string; received_at: string; detected_at: string; tenant: string; site: string; source: string;
  rule_id: string; rule_title: string; level: Level; severity_id: number; host: string; user: string; tactics: string[];
  techniques: string[]; event_count: number; reason: string;
}
export interface FindingPage extends Page<Finding> { total: number }
export interface FindingGroup {
  key: { rule_id?: string; source?: string; host?: string; user?: string };
  rule_title: string; level: Level; severity_id: number; count: number; first: string; last: string; hosts: string[];
  host_count: number; users: string[]; techniques: string[];
}
export interface FindingGroups { items: FindingGroup[]; total_groups: number; total: number }
export interface FacetValue { value: string; count: number; label?: string }
export interface Facets { facets: Record<string, FacetValue[]> }
export interface Histogram {
  from: string; to: string; step_seconds: number; series: { name: string; values: number[] }[]; total?: number;
}
export interface Predicate {
  selection: string; field: string; event_field?: string; op: string; pattern: string; value: string; position: number;
  length: number;
}
// Of a rule: selections, absent, predicates, condition. Of a correlation: type, group, value, event_count, reason, events.
export interface Why {
  matches?: Predicate[]; predicates?: Predicate[]; selections?: string[]; absent?: string[]; condition?: string;
  type?: string; group?: Record<string, string>; value?: number; event_count?: number; reason?: string;
  events?: { rule_uid?: string; rule_name?: string; time: number | string; file?: string; record?: number }[];
}
export interface EventRecord {
  id: string; time?: string; received_at?: string; raw?: string; attributes?: Record<string, string | string[]>;
  ocsf?: Record<string, unknown>; [column: string]: unknown;
}
// `incident`: "INC-17", where it is in one.
export interface FindingDetail extends Finding {
  incident?: string | null;
  why: Why; ocsf: Record<string, unknown>; events: EventRecord[]; rule?: Partial<RuleStatus> & { description?: string };
}
export interface Related { same_event: Finding[]; same_host: Finding[]; same_user: Finding[]; same_rule: Finding[] }

export interface Rates { events_per_s: number; bytes_per_s: number; findings_per_min: number; lag_ms: number }

export interface SearchCost { rows_read: number; bytes_read: number; elapsed_ms: number }
export interface SearchQuestion { query?: string; sql?: string; from: string; to: string; tenant?: string[] }
export interface SearchPage extends Page<EventRecord>, SearchCost {}
export interface SqlAnswer { columns: { name: string; type: string }[]; rows: unknown[][]; truncated: boolean; elapsed_ms: number }
export interface TopField { values: { value: string; count: number }[]; distinct: number; empty: number }
export interface TopAnswer extends SearchCost { fields: Record<string, TopField>; total: number }
export interface FieldStats extends SearchCost {
  count: number; empty: number; distinct: number; min: unknown; max: unknown; mean?: number | null;
}
export interface FieldInfo { name: string; type: string; column: boolean; count: number }
export interface SearchCheck { ok: boolean; message?: string; position?: number; length?: number; hint?: string }
export interface ColumnInfo { name: string; type: string; aliases: string[]; help: string }
export interface SavedSearch {
  id: string; name: string; owner: string; shared: boolean; query: Record<string, unknown>; changed_at: string;
}

export type SourceState = "ok" | "waiting" | "silent" | "problem" | "off";
export interface SourceStatus {
  id: string; name: string; kind: string; tenant: string; site: string; format: string; enabled: boolean;
  origin: "config" | "api" | "built-in"; where: string; state: SourceState; problem: string; records: number; bytes: number;
  events: number; bad_records: number; refused: Record<string, number>; records_per_s: number; bytes_per_s: number;
  lag_ms: number | null; last_received_at: string | null; expected: { per_hour: number | null; learned_hours: number } | null;
  silent_since: string | null; rules: number; rates: number[]; token?: string;
}
export interface DeadLetter {
  sequence: number; offset: number; received_at: string; source: string; peer: string; cause: string; detail: string;
  sample: string;
}

export type RuleMode = "on" | "draft" | "off";
export interface RuleStatus {
  id: string; title: string; kind: "rule" | "correlation"; level: Level; status: string; mode: RuleMode; path: string;
  origin: "content" | "user" | "package"; logsource: { product?: string; category?: string; service?: string };
  tactics: string[]; techniques: string[]; tags: string[]; hits: number; hits_24h: number; last_hit_at: string | null;
  cost_ns: number | null; cost_samples: number; blind: string; changed_by: string; changed_at: string | null;
}
export interface RulePage extends Page<RuleStatus> {
  total: number; counts: { on: number; draft: number; off: number; blind: number; refused: number };
}
export interface RuleDetail extends RuleStatus {
  text: string; description: string; author: string; references: string[]; falsepositives: string[]; date: string; rates: number[];
}
export interface RefusedRule {
  path: string; line: number; column: number; message: string; hint: string; code: string; title: string;
}
export interface RuleTest {
  matches: number; events_read: number; complete: boolean; items: { event: EventRecord; why: Why | null }[];
  problems: string[]; elapsed_ms: number;
}
export interface Technique {
  id: string; name: string; subtechniques?: Technique[]; rules: number; on: number; hits_24h: number; hits_30d: number; rules_with_data: number;
}
export interface Attack { version: string; tactics: { id: string; shortname: string; name: string; techniques: Technique[] }[] }

export interface HealthPart { name: string; ok: boolean; problem: string; facts: Record<string, unknown> }
export interface Loss { what: string; count: number }
export interface Health { ok: boolean; parts: HealthPart[]; losses: Loss[] }
export interface Overview {
  events_per_s: number; events_24h: number; bytes_24h: number; findings: { by_level_24h: Partial<Record<Level, number>> };
  sources: { total: number; silent: number; problem: number }; rules: { on: number; blind: number; refused: number };
  health: HealthPart[]; top_rules: TopItem[]; top_hosts: TopItem[]; events: Histogram; findings_over_time: Histogram;
}
// `label`: the title, where `value` is the id of a rule. `severity_id`: of the worst finding.
export interface TopItem { value: string; label?: string; severity_id: number; count: number }
export interface Setting {
  key: string; value: string; origin: "default" | "file" | "ledger"; help: string; editable: boolean;
}
export interface Certificate {
  name: string; subject: string; issuer: string; not_before: string; not_after: string; sha256: string; names: string[];
  self_signed: boolean;
}

export const incidentStates = ["new", "acknowledged", "investigating", "contained", "eradicated", "recovered", "closed"] as const;
export type IncidentState = (typeof incidentStates)[number];
export type Verdict = "" | "true_positive" | "benign" | "false_positive" | "duplicate";
export type Priority = "p1" | "p2" | "p3" | "p4";
export interface Incident {
  id: string; number: number; tenant: string; site: string; title: string; summary: string; state: IncidentState; verdict: Verdict;
  severity_id: number; score: number; priority: Priority; owner: string; tags: string[]; tactics: string[]; techniques: string[];
  finding_count: number; host_count: number; user_count: number; rule_count: number; main_host: string; main_user: string;
  tlp: string; pap: string; opened_by: string; merged_into: string | null; version: number; first_event: string | null;
  last_event: string | null; created_at: string; changed_at: string; acknowledged_at: string | null; contained_at: string | null;
  recovered_at: string | null; closed_at: string | null; sla_due?: string | null; sla_breached?: boolean;
}
export interface IncidentPage extends Page<Incident> { total: number }
export interface ScorePart { name: string; points: number; why: string }
export interface EntityRef { kind: string; key: string; label: string }
export interface IncidentEntity extends EntityRef { role: string; first: string; last: string; findings: number; criticality?: number | null }
export interface IncidentLink { id: string; kind: string; reason: string; by: string; at: string }
export interface Measured { detect_s: number | null; acknowledge_s: number | null; contain_s: number | null; recover_s: number | null }
export interface IncidentDetail extends Incident {
  score_parts: ScorePart[]; entities: IncidentEntity[]; watchers: string[]; links: IncidentLink[]; cause: string;
  stages: { tactic: string; first: string; last: string; findings: number }[]; measures: Measured;
}
export interface JoinReason { kind: string; text: string; entity: EntityRef | null; finding: string; gap_ms: number; weight: number }
export interface IncidentFinding {
  id: string; time: string; detected_at: string; rule_id: string; rule_title: string; severity_id: number; host: string; user: string;
  source: string; tactics: string[]; reasons: JoinReason[]; added_by: string; folded: number;
}
export interface IncidentFindingPage extends Page<IncidentFinding> { total: number }
export interface IncidentHistory { sequence?: number; at: string; actor: string; action: string; text: string; detail: unknown; revertable?: boolean }
export interface IncidentComment { id: number; at: string; author: string; text: string }
export interface IncidentTask {
  id: number; title: string; phase: string; assignee: string; done: boolean; due: string | null; done_at: string | null; done_by: string; position: number;
}
export type Lane = "host" | "user" | "network" | "response" | "work";
export interface TimelineItem {
  time: string; lane: Lane; kind: "finding" | "note" | "state"; title: string; severity_id?: number; host?: string; user?: string;
  finding?: string; rule_id?: string; note?: string | number; actor?: string;
}
export interface Timeline { items: TimelineItem[]; flags: { name: string; time: string }[]; measures: Measured; complete?: boolean }
export interface GraphNode extends EntityRef { id: string | number; findings: number; criticality?: number | null; hub?: boolean }
export interface EntityGraph { nodes: GraphNode[]; edges: { from: string | number; to: string | number; kind: string; count: number }[]; grouped: number }
export interface ProcessNode {
  id: string; parent: string | null; name: string; pid: number; cmd_line: string; user: string; hashes: string | string[] | Record<string, string>;
  time: string | null; findings: { id: string; title: string; severity_id: number }[];
}
export interface ProcessTrees { hosts: { host: string; processes: ProcessNode[] }[]; complete: boolean }
export interface SimilarIncident { incident: Incident; likeness: number; why: string }

export interface Asset {
  id: number | string; tenant: string; site: string; kind: string; key: string; label: string; aliases: string[]; addresses: string[]; criticality: number;
  owner: string; zone: string; exposure: string; os: string; tags: string[]; declared: boolean; first_seen: string | null; last_seen: string | null;
  changed_at: string | null; changed_by: string;
}
export interface AssetPage extends Page<Asset> { total: number }
export interface EntityDetail {
  entity: EntityRef; asset: Asset | null; risk: number; first: string | null; last: string | null;
  findings_by_day: { day: string; count: number }[]; incidents: Incident[]; rules: { value: string; label?: string; count: number }[];
  peers: (EntityRef & { shared: number })[]; findings: Finding[]; complete?: boolean;
}
export interface MeasureFigures { count: number; mean_s: number | null; p50_s: number | null; p90_s: number | null; p95_s: number | null; p99_s: number | null }
export interface RuleVerdicts {
  rule_id: string; title: string; true_positive: number; benign: number; false_positive: number;
  precision: { mean: number; low: number; high: number; decided: number };
}
export interface Measures {
  incidents: number; closed: number; detect: MeasureFigures; acknowledge: MeasureFigures; contain: MeasureFigures; recover: MeasureFigures;
  verdicts: Partial<Record<Exclude<Verdict, "">, number>>; rules: RuleVerdicts[];
  backlog: { open: number; oldest_s: number | null; by_priority: Partial<Record<Priority, number>> };
  per_owner: { owner: string; open: number; closed: number }[]; sla?: Partial<Record<SlaName, { met: number; breached: number }>>;
  rests_on: { incidents: number; silent_sources: number | string[]; losses: Loss[]; complete?: boolean };
}

// Service levels and notifications (docs/notifications.md).
export type SlaName = "acknowledge" | "contain" | "close";
export interface SlaClock { name: SlaName; target_s: number; due: string; done_at: string | null; state: "running" | "met" | "breached"; calendar: string }
export type ChannelKind = "email" | "webhook" | "slack" | "teams";
export const notifyEvents = ["opened", "raised", "assigned", "mentioned", "sla", "escalated", "closed"] as const;
export interface QuietHours { from: string; to: string; timezone: string; days: string[]; except_priority?: string }
export interface Channel {
  id: number; name: string; kind: ChannelKind; enabled: boolean; tenant: string; target: string | string[]; has_secret: boolean; events: string[];
  min_priority: Priority; quiet: QuietHours | null; escalate_after_s: number | null; created_by: string; created_at: string; changed_at: string;
}
export interface Delivery {
  id: number; channel: number; channel_name: string; event: string; incident: string | null; state: "pending" | "sent" | "dead"; attempts: number;
  next_at: string | null; problem: string; created_at: string; sent_at: string | null;
}

// Suppressions and triage rules (docs/tuning.md).
export type SuppressionOp = "equals" | "contains" | "startswith" | "endswith" | "cidr" | "re";
export interface SuppressionField { field: string; op: SuppressionOp; value: string }
export interface Suppression {
  id: number; tenant: string; title: string; rule_id: string; rule_title: string; fields: SuppressionField[]; yaml: string; reason: string; author: string;
  created_at: string; expires_at: string; enabled: boolean; state: "active" | "expired" | "off"; ended_at?: string | null; ended_by?: string;
  silenced?: number; last_silenced_at?: string | null;
}
export interface SuppressionDraft {
  tenant?: string; rule_id: string; rule_title: string; title: string; fields: (SuppressionField & { chosen: boolean; why: string })[]; yaml: string; expires_at: string;
}
export interface SuppressionPreview {
  looked_at: number; passed_over?: number; silenced: { total: number; true_positive: number; benign: number; false_positive: number; undecided: number };
  findings: { id: string; time: string; host: string; user: string; verdict: string; incident: string | null }[]; complete: boolean; silences_anything?: boolean;
}
export interface TriageRule {
  id: string; title: string; description: string; enabled: boolean; when: string; outcomes: string[]; file: string; hits: number; last_hit: string | null; problem: string;
}
export interface TriageDryRun { looked_at: number; matches: { incident: string; title: string; outcomes: string[] }[]; complete: boolean }

// Evidence, reviews, what can be seen at all.
export interface Evidence { id: number; name: string; size: number; sha256: string; media_type: string; note: string; added_by: string; at: string }
export interface Custody { at: string; actor: string; action: string; sha256: string; text: string }
export interface ReviewedIncident extends Pick<Incident, "id" | "number" | "tenant" | "title" | "severity_id" | "finding_count" | "host_count" | "user_count" | "rule_count"> {
  summary?: string; site?: string; main_host?: string; main_user?: string; first_event?: string | null; last_event?: string | null; tactics?: string[];
  entities?: (EntityRef & { role: string; findings: number })[]; findings?: IncidentFinding[]; history?: { at: string; actor?: string; action: string; text: string }[];
}
export interface Review { id: number; incident: ReviewedIncident }
export interface ReviewPair { incident: string; first: Verdict; second: Verdict; first_by: string; second_by: string; why?: string; agreed?: boolean }
export interface ReviewMeasure {
  closed: number; sampled: number; reviewed: number; agreed: number; agreement: { mean: number; low: number; high: number } | null; kappa?: number | null;
  share_percent?: number; pairs: ReviewPair[]; complete?: boolean;
}
export interface SelfTest { every_s: number; items: { source: string; kind: string; at: string | null; detect_s: number | null; state: "ok" | "missed" | "running"; problem: string }[] }
export interface CoveredRule {
  rule_id: string; title: string; level: Level; state: RuleMode; has_data: boolean; proven: "hit" | "test" | ""; last_hit: string | null; silent_days: number | null; techniques: string[];
}
export interface Coverage { items: CoveredRule[]; summary: { on: number; with_data: number; proven: number; silent: number }; days?: number }
