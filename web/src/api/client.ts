// Calls of the API: JSON in, JSON out, problems as exceptions. Keeps the CSRF token; nothing else is remembered here.

let csrf = "";
let onSignedOut: () => void = () => undefined;

export function setCsrf(token: string): void { csrf = token; }
export function setSignedOutHandler(handler: () => void): void { onSignedOut = handler; }

// RFC 9457. `position`, `hint`: of searches; `right`: which right was missing; `outcome`: of a login.
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly field: string | undefined;
  readonly position: number | undefined;
  readonly hint: string | undefined;
  readonly right: string | undefined;
  readonly outcome: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, body: Record<string, unknown>, retryAfter?: string | null) {
    const text = (key: string) => (typeof body[key] === "string" ? (body[key] as string) : undefined);
    const title = text("title") ?? `The server answered ${status}`;
    super(text("detail") ?? title);
    this.status = status;
    this.title = title;
    this.detail = text("detail") ?? "";
    this.field = text("field");
    this.hint = text("hint");
    this.right = text("right");
    this.outcome = text("outcome");
    this.position = typeof body["position"] === "number" ? (body["position"] as number) : undefined;
    this.retryAfterSeconds = retryAfter ? Number(retryAfter) || undefined : undefined;
  }
}

export type Query = Record<string, string | number | boolean | undefined | null>;

export function withQuery(path: string, query?: Query): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") params.set(key, String(value));
  }
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}

// `type`: the body is a text or a file of that type, not JSON.
async function send(method: string, path: string, body: unknown, signal?: AbortSignal, type?: string): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = type ?? "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method, headers, credentials: "same-origin", signal: signal ?? null,
      body: body === undefined ? null : type ? (body as string | Blob) : JSON.stringify(body),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, { title: "No answer from the server", detail: "The server cannot be reached. It is tried again when you reload." });
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.status === 401 && path !== "/login" && path !== "/me") onSignedOut();
  throw new Problem(response.status, problem, response.headers.get("Retry-After"));
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const response = await send(method, path, body, signal);
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export const api = {
  get: <T>(path: string, query?: Query, signal?: AbortSignal) => call<T>("GET", withQuery(path, query), undefined, signal),
  post: <T>(path: string, body: unknown = {}, signal?: AbortSignal) => call<T>("POST", path, body, signal),
  put: <T>(path: string, body: unknown) => call<T>("PUT", path, body),
  patch: <T>(path: string, body: unknown) => call<T>("PATCH", path, body),
  delete: <T>(path: string, body?: unknown) => call<T>("DELETE", path, body),
  upload: async <T>(path: string, text: string | Blob, type: string): Promise<T> => (await (await send("POST", path, text, undefined, type)).json()) as T,
  file: async (path: string, query?: Query) => (await send("GET", withQuery(path, query), undefined)).blob(),
  blob: async (path: string, body: unknown, signal?: AbortSignal) => (await send("POST", path, body, signal)).blob(),
};

// A search that the server stops working on as soon as nobody waits for it any more.
export async function runSearch<T>(path: string, body: Record<string, unknown>, signal: AbortSignal): Promise<T> {
  const id = crypto.randomUUID();
  const stop = () => { void api.delete(`/search/${id}`).catch(() => undefined); };
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await api.post<T>(path, { ...body, search_id: id }, signal);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
