// A row of numbers as a small line. What it says in words is in its label.
export function Sparkline({ values, label, width = 120, height = 22, bad = false }: { values: number[]; label: string; width?: number; height?: number; bad?: boolean }) {
  const max = Math.max(1, ...values);
  const step = values.length > 1 ? width / (values.length - 1) : width;
  const points = values.map((value, i) => `${(i * step).toFixed(1)},${(height - 2 - (value / max) * (height - 4)).toFixed(1)}`).join(" ");
  return (
    <svg width={width} height={height} role="img" aria-label={label} className={bad ? "spark spark-bad" : "spark"}>
      <polygon className="spark-area" points={`0,${height} ${points} ${width},${height}`} />
      <polyline className="spark-line" points={points} />
    </svg>
  );
}
