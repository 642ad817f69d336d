// A level is told by colour, by shape and by word, so that it is seen without colours and heard without eyes.
import type { Level } from "../api/types";

const shapes: Record<Level, string> = {
  critical: "M5 1h6l4 4v6l-4 4H5l-4-4V5z",
  high: "M8 1.500 15.500 14.500H.500z",
  medium: "M8 .800 15.200 8 8 15.200.800 8z",
  low: "M2.500 2.500h11v11h-11z",
  informational: "M8 1.500a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13zm0 2.200a4.300 4.300 0 1 0 0 8.600 4.300 4.300 0 0 0 0-8.600z",
};

export const levelNames: Record<Level, string> = {
  critical: "Critical", high: "High", medium: "Medium", low: "Low", informational: "Info",
};

export function SeverityShape({ level, size = 11 }: { level: Level; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" fill="currentColor" fillRule="evenodd" aria-hidden focusable="false">
      <path d={shapes[level] ?? shapes.informational} />
    </svg>
  );
}

export function Severity({ level }: { level: Level }) {
  return <span className={`sev sev-${level}`}><SeverityShape level={level} />{levelNames[level] ?? level}</span>;
}
