// A time as people write it, in the zone that the console shows; undefined where it is none.
export function readTime(text: string): string | undefined {
  const trimmed = text.trim().replace(" ", "T");
  const utc = localStorage.getItem("tocsin.zone") !== "local";
  const full = trimmed.includes("T") ? trimmed : `${trimmed}T00:00`;
  const date = new Date(utc && !/Z$|[+-]\d\d:?\d\d$/.test(full) ? `${full}Z` : full);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
