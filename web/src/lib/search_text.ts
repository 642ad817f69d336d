// Builds and changes the text of the search bar: terms with a field, quoted where they must be.

// Findings speak of fields as the events do.
function quoted(value: string): string {
  return /^[A-Za-z0-9_.@$/\\-]+$/.test(value) && !/^(AND|OR|NOT|TO)$/.test(value) ? value : `"${value.replace(/(["\\])/g, "\\$1")}"`;
}

export function searchTerm(field: string, value: string): string {
  const name = field.replace(/^attr\./, "");
  return `${/^[A-Za-z_][\w.\-]*$/.test(name) ? name : `"${name}"`}:${quoted(value)}`;
}

function withoutTerm(query: string, term: string): string {
  const at = query.indexOf(term);
  if (at < 0) return query;
  const before = query.slice(0, at).replace(/(\s*\b(AND|OR)\b)?\s*(\bNOT\b)?\s*$/, "");
  const after = query.slice(at + term.length).replace(/^\s*\b(AND|OR)\b\s*/, " ");
  return `${before} ${after.trim()}`.trim();
}

export function includeTerm(query: string, field: string, value: string): string {
  const term = searchTerm(field, value);
  const rest = withoutTerm(query, term);
  return rest ? `${needsBrackets(rest) ? `(${rest})` : rest} AND ${term}` : term;
}

export function excludeTerm(query: string, field: string, value: string): string {
  const term = searchTerm(field, value);
  const rest = withoutTerm(query, term);
  return rest ? `${needsBrackets(rest) ? `(${rest})` : rest} AND NOT ${term}` : `NOT ${term}`;
}

const needsBrackets = (query: string) => /\bOR\b/.test(query) && !/^\(.*\)$/.test(query);
