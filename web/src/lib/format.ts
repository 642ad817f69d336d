// Numbers and times as people read them. Times are shown in UTC or in the zone of the browser, as the user chose.
import { useSyncExternalStore } from "react";

export type Zone = "utc" | "local";
const zoneKey = "tocsin.zone";
const listeners = new Set<() => void>();
let zone: Zone = localStorage.getItem(zoneKey) === "local" ? "local" : "utc";

export function setZone(next: Zone): void {
  zone = next;
  localStorage.setItem(zoneKey, next);
  listeners.forEach((listener) => listener());
}
export function useZone(): Zone {
  return useSyncExternalStore((listener) => { listeners.add(listener); return () => listeners.delete(listener); }, () => zone);
}

const two = (n: number) => String(n).padStart(2, "0");

function parts(date: Date) {
  return zone === "utc"
    ? { y: date.getUTCFullYear(), mo: date.getUTCMonth() + 1, d: date.getUTCDate(), h: date.getUTCHours(), mi: date.getUTCMinutes(), s: date.getUTCSeconds(), ms: date.getUTCMilliseconds() }
    : { y: date.getFullYear(), mo: date.getMonth() + 1, d: date.getDate(), h: date.getHours(), mi: date.getMinutes(), s: date.getSeconds(), ms: date.getMilliseconds() };
}

// "2026-11-24 10:00:00", with milliseconds where asked for.
export function formatTime(value: string | number | null | undefined, milliseconds = false): string {
  if (value === null || value === undefined || value === "") return "";
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return String(value);
  const p = parts(date);
  const text = `${p.y}-${two(p.mo)}-${two(p.d)} ${two(p.h)}:${two(p.mi)}:${two(p.s)}`;
  return milliseconds ? `${text}.${String(p.ms).padStart(3, "0")}` : text;
}

// "11-24 10:00:00", for tables; with the year where it is another than now.
export function formatShortTime(value: string | null | undefined): string {
  const text = formatTime(value);
  return text.startsWith(`${new Date().getUTCFullYear()}-`) ? text.slice(5) : text;
}

export function formatClock(value: number, withDay: boolean): string {
  const p = parts(new Date(value));
  return withDay ? `${two(p.mo)}-${two(p.d)} ${two(p.h)}:${two(p.mi)}` : `${two(p.h)}:${two(p.mi)}`;
}

export function formatAgo(value: string | null | undefined, now = Date.now()): string {
  if (!value) return "never";
  const seconds = Math.round((now - new Date(value).getTime()) / 1000);
  if (Number.isNaN(seconds)) return value;
  if (seconds < 0) return "in the future";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

const integer = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
export function formatCount(value: number | null | undefined): string { return value === null || value === undefined ? "-" : integer.format(value); }

export function formatShort(value: number): string {
  if (value < 1_000) return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
  if (value < 1_000_000) return `${(value / 1_000).toFixed(value < 10_000 ? 1 : 0)} k`;
  if (value < 1_000_000_000) return `${(value / 1_000_000).toFixed(value < 10_000_000 ? 1 : 0)} M`;
  return `${(value / 1_000_000_000).toFixed(1)} G`;
}

export function formatBytes(value: number): string {
  for (const [unit, size] of [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]] as const) {
    if (value >= size) return `${(value / size).toFixed(value < 10 * size ? 1 : 0)} ${unit}`;
  }
  return `${Math.round(value)} B`;
}

export function formatNanoseconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return "-";
  if (value < 1_000) return `${Math.round(value)} ns`;
  return value < 1_000_000 ? `${(value / 1_000).toFixed(1)} µs` : `${(value / 1_000_000).toFixed(1)} ms`;
}

export function formatMilliseconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return "-";
  if (value < 1_000) return `${Math.round(value)} ms`;
  return value < 120_000 ? `${(value / 1_000).toFixed(1)} s` : `${Math.round(value / 60_000)} min`;
}
